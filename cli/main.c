/* SPDX-License-Identifier: GPL-2.0-or-later */
/* whyrst: says who reset a TCP connection, when, how and why. */
#include <locale.h>
#include <signal.h>

#include "options.h"
#include "run.h"

int main(int argc, char **argv)
{
    struct options options;
    enum exit_status status;

    (void)argc;
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
