/* SPDX-License-Identifier: GPL-2.0-or-later */
/* whyrst: says who reset a TCP connection, when, how and why. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <glib.h>

#include "console.h"
#include "options.h"
#include "run.h"

/*
 * Files that are opened must not take the numbers of standard streams that are closed: messages
 * would go into a report. In their places is something that fails as they would.
 */
static void keep_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0) {
            (void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
        }
    }
}

/* At exit: --help and the like, which stdio has buffered, may not have come through. */
static void flush_stdout(void)
{
    if (fflush(stdout) == EOF && errno != EPIPE) {
        console_failure("standard output", g_strerror(errno));
        _exit(EXIT_NOT_ALL_READ);
    }
}

int main(int argc, char **argv)
{
    struct options options;
    enum exit_status status;

    (void)argc;
    keep_standard_streams();
    atexit(flush_stdout);
    /* Only how bytes of the command line are read: numbers and messages are the same everywhere. */
    setlocale(LC_CTYPE, "");
    /* A reader that leaves early and a limit on file sizes are noticed by write(2). */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    if (options_parse(&options, argv, &status)) {
        status = run(&options);
    }
    options_clear(&options);
    return (int)status;
}
