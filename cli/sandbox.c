/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Landlock decides over files (and TCP, signals and abstract sockets, where the kernel's version of
 * it can), a seccomp filter refuses programs and sockets. The filter lists what is refused, not what
 * is allowed: GLib, libwiretap and the C library may need other calls tomorrow.
 *
 * libwiretap is loaded when a capture needs it, so the directories of libraries stay readable.
 */
#define _GNU_SOURCE /* O_PATH, dlinfo() */
#include "sandbox.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <glib.h>

/* What <linux/landlock.h> of older systems lacks. */
#define FS_TRUNCATE (1u << 14) /* version 3 */
#define FS_ALL_V1   ((1u << 13) - 1)
#define FS_REFER    (1u << 13) /* version 2 */
#define NET_TCP     3u         /* version 4: bind and connect */
#define SCOPED      3u         /* version 6: abstract sockets and signals */

#define READ_FILE LANDLOCK_ACCESS_FS_READ_FILE
#define READ_DIR  LANDLOCK_ACCESS_FS_READ_DIR
#define SPOOL                                                                                      \
    (READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |                     \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | FS_TRUNCATE)

struct ruleset_attr {
    uint64_t fs, net, scoped;
};

static uint64_t handled_fs(int version)
{
    return FS_ALL_V1 | (version >= 2 ? FS_REFER : 0) | (version >= 3 ? FS_TRUNCATE : 0);
}

/* Paths that are not there, or cannot be restricted (pipes), need no rule. */
static void allow(int ruleset, const char *path, uint64_t access, uint64_t handled)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = access & handled};
    struct stat info;

    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0) {
        return;
    }
    if (fstat(rule.parent_fd, &info) == 0 && !S_ISDIR(info.st_mode)) {
        rule.allowed_access &= ~(uint64_t)READ_DIR;
    }
    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    close(rule.parent_fd);
}

/* Where the dynamic linker looks: the system's directories, and those of this program. */
static void allow_libraries(int ruleset, uint64_t handled)
{
    static const char *const places[] = {"/usr/lib", "/usr/lib64",       "/usr/local/lib", "/lib",
                                         "/lib64",   "/etc/ld.so.cache", "/dev/null"};
    void *self = dlopen(NULL, RTLD_LAZY);
    Dl_serinfo size;

    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        allow(ruleset, places[i], READ_FILE | READ_DIR, handled);
    }
    if (self && dlinfo(self, RTLD_DI_SERINFOSIZE, &size) == 0) {
        Dl_serinfo *paths = g_malloc0(size.dls_size);

        dlinfo(self, RTLD_DI_SERINFOSIZE, paths);
        if (dlinfo(self, RTLD_DI_SERINFO, paths) == 0) {
            for (unsigned i = 0; i < paths->dls_cnt; i++) {
                allow(ruleset, paths->dls_serpath[i].dls_name, READ_FILE | READ_DIR, handled);
            }
        }
        g_free(paths);
    }
#ifdef WHYRST_SANITIZED
    allow(ruleset, "/", READ_FILE | READ_DIR, handled); /* its maps, its suppressions, symbols */
#endif
}

static char *restrict_files(char **inputs, bool spools)
{
    int version =
        (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    struct ruleset_attr attr = {.fs = handled_fs(version), .net = NET_TCP, .scoped = SCOPED};
    size_t size = version >= 6   ? sizeof attr
                  : version >= 4 ? offsetof(struct ruleset_attr, scoped)
                                 : offsetof(struct ruleset_attr, net);
    char *message = NULL;
    int ruleset;

    if (version < 1) {
        return g_strdup_printf("Landlock: %s", g_strerror(errno));
    }
    ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
    if (ruleset < 0) {
        return g_strdup_printf("Landlock: %s", g_strerror(errno));
    }
    allow_libraries(ruleset, attr.fs);
    for (char **input = inputs; *input; input++) {
        struct stat info;
        /* A directory cannot be analysed; it must be opened to be told so. */
        bool directory = stat(*input, &info) == 0 && S_ISDIR(info.st_mode);

        allow(ruleset, *input, directory ? READ_DIR : READ_FILE, attr.fs);
    }
    if (spools) {
        allow(ruleset, g_get_tmp_dir(), SPOOL, attr.fs);
    }
    if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0) {
        message = g_strdup_printf("Landlock: %s", g_strerror(errno));
    }
    close(ruleset);
    return message;
}

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#define FOREIGN      0x40000000u /* x32's numbers */
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#define FOREIGN      UINT32_MAX
#endif

static char *restrict_calls(void)
{
#ifdef ARCHITECTURE
#define REFUSE SECCOMP_RET_ERRNO | EPERM
#define REFUSE_CALL(number, to_the_end) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, to_the_end, 0)
    static struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 0, 9),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, FOREIGN, 7, 0),
        REFUSE_CALL(SYS_execve, 6),
        REFUSE_CALL(SYS_execveat, 5),
        REFUSE_CALL(SYS_socket, 4),
        REFUSE_CALL(SYS_io_uring_setup, 3), /* it opens sockets, too */
        REFUSE_CALL(SYS_process_vm_writev, 2),
        REFUSE_CALL(SYS_bpf, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, REFUSE),
    };
    const struct sock_fprog program = {.len = G_N_ELEMENTS(code), .filter = code};

    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) {
        return g_strdup_printf("seccomp: %s", g_strerror(errno));
    }
    return NULL;
#else
    return g_strdup("seccomp: not for this architecture");
#endif
}

char *sandbox_enter(char **inputs, bool spools)
{
    char *files, *calls;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        return g_strdup_printf("no_new_privs: %s", g_strerror(errno));
    }
    files = restrict_files(inputs, spools);
    calls = restrict_calls();
    if (files && calls) {
        char *both = g_strdup_printf("%s; %s", files, calls);

        g_free(files);
        g_free(calls);
        return both;
    }
    return files ? files : calls;
}
