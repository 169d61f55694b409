/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a program that has been taken over could still do from within the sandbox. Each test enters
 * it in a process of its own and tries: what must go on working, then what must not.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "../../cli/sandbox.h"

#define NO_SANDBOX 77

static char *directory;

static char *path_of(const char *name)
{
    return g_build_filename(directory, name, NULL);
}

static bool opens(const char *name, int flags)
{
    g_autofree char *path = path_of(name);
    int fd = open(path, flags, 0600);

    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}

static bool is_refused(long result)
{
    return result < 0 && (errno == EPERM || errno == EACCES);
}

/* A failed check ends the child with its line as a message. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            g_printerr("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                     \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/* Runs @attempt behind the sandbox around the file "input". */
static void confine(void (*attempt)(void), bool spools)
{
    pid_t pid = fork();
    int status;

    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        char *inputs[] = {path_of("input"), NULL};

        if (sandbox_enter(inputs, spools)) {
            _exit(NO_SANDBOX);
        }
        attempt();
        _exit(0);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NO_SANDBOX) {
        g_test_skip("the kernel has no Landlock or seccomp, or forbids them");
        return;
    }
    g_assert_cmpint(WEXITSTATUS(status), ==, 0);
}

static void read_files(void)
{
    CHECK(opens("input", O_RDONLY));
    CHECK(open("/usr/lib", O_RDONLY | O_DIRECTORY) >= 0);
#ifndef WHYRST_SANITIZED
    CHECK(!opens("secret", O_RDONLY));
    CHECK(open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES);
    CHECK(open("/usr/bin/env", O_RDONLY) < 0 && errno == EACCES);
    CHECK(open("/proc/1/environ", O_RDONLY) < 0);
    CHECK(open(directory, O_RDONLY | O_DIRECTORY) < 0);
#endif
}

static void write_files(void)
{
    g_autofree char *input = path_of("input");
    g_autofree char *elsewhere = path_of("elsewhere");

    CHECK(!opens("input", O_WRONLY));
    CHECK(!opens("secret", O_WRONLY));
    CHECK(!opens("new", O_WRONLY | O_CREAT));
    CHECK(is_refused(truncate(input, 0)));
    CHECK(is_refused(unlink(input)));
    CHECK(is_refused(rename(input, elsewhere)));
    CHECK(is_refused(link(input, elsewhere)));
    CHECK(is_refused(symlink(input, elsewhere)));
    CHECK(is_refused(mkdir(elsewhere, 0700)));
}

static void use_spool(void)
{
    g_autofree char *name = NULL;
    int fd = g_file_open_tmp("whyrst-XXXXXX", &name, NULL);

    CHECK(fd >= 0 && write(fd, "x", 1) == 1 && unlink(name) == 0);
    CHECK(!opens("new", O_WRONLY | O_CREAT));
}

static void reach_out(void)
{
    char *arguments[] = {(char *)"/bin/true", NULL};
    static uint8_t parameters[120]; /* struct io_uring_params */

    CHECK(is_refused(socket(AF_INET, SOCK_STREAM, 0)));
    CHECK(is_refused(socket(AF_INET6, SOCK_DGRAM, 0)));
    CHECK(is_refused(socket(AF_UNIX, SOCK_STREAM, 0)));
    CHECK(is_refused(socket(AF_PACKET, SOCK_RAW, 0)));
    CHECK(is_refused(syscall(SYS_io_uring_setup, 1, parameters)));
    CHECK(is_refused(execv(arguments[0], arguments)));
    CHECK(is_refused(syscall(SYS_execveat, AT_FDCWD, arguments[0], arguments, NULL, 0)));
    CHECK(is_refused(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL)));
}

/* A child is no way out. */
static void inherit(void)
{
    pid_t child = fork();
    int status = 1;

    CHECK(child >= 0);
    if (child == 0) {
        CHECK(is_refused(socket(AF_INET, SOCK_STREAM, 0)));
        CHECK(!opens("new", O_WRONLY | O_CREAT));
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void test_reads(void)
{
    confine(read_files, false);
}

static void test_writes(void)
{
    confine(write_files, false);
}

static void test_spool(void)
{
    confine(use_spool, true);
}

static void test_reaches_out(void)
{
    confine(reach_out, false);
}

static void test_children(void)
{
    confine(inherit, false);
}

static void make_file(const char *name)
{
    g_autofree char *path = path_of(name);

    g_assert_true(g_file_set_contents(path, "x", 1, NULL));
}

static void remove_file(const char *name)
{
    g_autofree char *path = path_of(name);

    g_unlink(path);
}

int main(int argc, char **argv)
{
    const char *parent = g_getenv("TMPDIR");
    g_autofree char *tmp = NULL;
    int result;

    g_test_init(&argc, &argv, NULL);
    /* The sandbox leaves the temporary directory open to spools: it must not be the parent of all.
     */
    directory = g_build_filename(parent ? parent : "/tmp", "whyrst-sandbox-XXXXXX", NULL);
    g_assert_nonnull(g_mkdtemp(directory));
    tmp = path_of("tmp");
    g_assert_cmpint(g_mkdir(tmp, 0700), ==, 0);
    g_setenv("TMPDIR", tmp, TRUE);
    make_file("input");
    make_file("secret");
    g_test_add_func("/sandbox/spool", test_spool);
    g_test_add_func("/sandbox/reads", test_reads);
    g_test_add_func("/sandbox/writes", test_writes);
    g_test_add_func("/sandbox/reaches-out", test_reaches_out);
    g_test_add_func("/sandbox/children", test_children);
    result = g_test_run();
    remove_file("input");
    remove_file("secret");
    g_rmdir(tmp);
    g_rmdir(directory);
    g_free(directory);
    return result;
}
