/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE /* pipe2() */
#include "loader.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "database.h"
#include "write_all.h"

#define READ_BLOCK 65536u

/* No record comes near: the longest texts in it have bounds of a few KiB. */
#define LINE_MAX_BYTES (16u * 1024 * 1024)

/* What the process sends back: READY, which begins no message, once the database is open; and what
 * is wrong, if anything. */
#define READY '\n'

/* A line that is no record, after all others. */
#define COMPLETE "complete"

/** struct loader - the process as the analysis sees it */
struct loader {
    pid_t pid;
    int answers;
};

bool loader_is_available(void)
{
    return true;
}

/* Adds the lines that @text holds and removes them from it. */
static char *add_lines(struct database *database, GString *text)
{
    char *line = text->str;
    char *message = NULL;
    char *end;

    while (!message && (end = memchr(line, '\n', text->len - (size_t)(line - text->str)))) {
        *end = '\0';
        message =
            strcmp(line, COMPLETE) == 0 ? database_finish(database) : database_add(database, line);
        line = end + 1;
    }
    g_string_erase(text, 0, line - text->str);
    if (!message && text->len > LINE_MAX_BYTES) {
        message = g_strdup("a record is too long for the database");
    }
    return message;
}

static char *load(struct database *database, int from)
{
    GString *text = g_string_new(NULL);
    char block[READ_BLOCK];
    char *message = NULL;
    ssize_t n;

    do {
        n = read(from, block, sizeof block);
        if (n > 0) {
            g_string_append_len(text, block, n);
            message = add_lines(database, text);
        }
    } while (!message && (n > 0 || (n < 0 && errno == EINTR)));
    g_string_free(text, TRUE);
    return message;
}

/* The process: returns its exit status. */
static int run(const char *path, int from, int answers)
{
    const char ready = READY;
    char *message = NULL;
    struct database *database;

    /* These reach all of a terminal or a service. They are for the analysis: what that still sends
     * is wanted, and without it the pipe ends. */
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    database = database_open(path, &message);
    if (database && write_all(answers, &ready, 1)) {
        message = load(database, from);
    }
    if (message) {
        write_all(answers, message, strlen(message));
    }
    if (database) {
        database_close(database);
    }
    g_free(message);
    return 0;
}

static struct loader *fork_it(const char *path, const int lines[2], const int answers[2])
{
    struct loader *loader;
    pid_t pid = fork();

    if (pid == 0) {
        close(lines[1]);
        close(answers[0]);
        close(STDIN_FILENO); /* may be a capture: it is not read here */
        _exit(run(path, lines[0], answers[1]));
    }
    if (pid < 0) {
        return NULL;
    }
    loader = g_new(struct loader, 1);
    *loader = (struct loader){.pid = pid, .answers = answers[0]};
    return loader;
}

struct loader *loader_start(const char *path, int *fd, char **message)
{
    int lines[2] = {-1, -1}, answers[2] = {-1, -1};
    struct loader *loader = NULL;
    char first = 0;
    char *rest;

    if (pipe2(lines, O_CLOEXEC) == 0 && pipe2(answers, O_CLOEXEC) == 0) {
        loader = fork_it(path, lines, answers);
    }
    if (!loader) {
        *message = g_strdup_printf("cannot start a process: %s", g_strerror(errno));
        return NULL;
    }
    close(lines[0]);
    close(answers[1]);
    if (read(answers[0], &first, 1) == 1 && first == READY) {
        *fd = lines[1];
        return loader;
    }
    close(lines[1]);
    rest = loader_finish(loader);
    *message = first ? g_strdup_printf("%c%s", first, rest ? rest : "") : g_strdup(rest);
    g_free(rest);
    return NULL;
}

void loader_complete(int fd)
{
    /* If it does not get through, the process has a reason, which it will tell. */
    (void)!write_all(fd, COMPLETE "\n", strlen(COMPLETE "\n"));
}

/* Reads to the end what the process says. */
static char *read_answer(int from)
{
    GString *text = g_string_new(NULL);
    char block[512];
    ssize_t n;

    do {
        n = read(from, block, sizeof block);
        if (n > 0) {
            g_string_append_len(text, block, n);
        }
    } while (n > 0 || (n < 0 && errno == EINTR));
    return g_string_free(text, text->len == 0);
}

char *loader_finish(struct loader *loader)
{
    char *message = read_answer(loader->answers);
    int status = 0;

    while (waitpid(loader->pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!message && status != 0) {
        message = g_strdup("the process that writes the database was ended");
    }
    close(loader->answers);
    g_free(loader);
    return message;
}
