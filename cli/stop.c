/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE /* pipe2() */
#include "stop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <glib.h>

/* After the signal, for what the other end still sends. */
#define GRACE_MS 1000

/* Once a signal came there is something to read from the first, for all threads and for good. */
static int told[2] = {-1, -1};

static void tell(int number)
{
    int error = errno;

    (void)number;
    (void)!write(told[1], "", 1);
    errno = error;
}

bool stop_catch(void)
{
    struct sigaction action = {.sa_handler = tell, .sa_flags = SA_RESTART | (int)SA_RESETHAND};
    struct sigaction hangup;

    if (pipe2(told, O_CLOEXEC) < 0) {
        return false;
    }
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN) { /* nohup */
        sigaction(SIGHUP, &action, NULL);
    }
    return true;
}

static int64_t now_ms(void)
{
    return g_get_monotonic_time() / 1000;
}

bool stop_wait(void *context)
{
    struct stop *stop = context;

    for (;;) {
        struct pollfd fds[] = {{.fd = stop->fd, .events = POLLIN},
                               {.fd = stop->until ? -1 : told[0], .events = POLLIN}};
        int64_t left = stop->until ? stop->until - now_ms() : -1;

        if (stop->until && left <= 0) {
            stop->stopped = true;
            return false;
        }
        if (poll(fds, G_N_ELEMENTS(fds), (int)left) < 0) {
            if (errno != EINTR) {
                return true; /* read(2) will say what is wrong */
            }
        } else if (fds[1].revents) {
            stop->until = now_ms() + GRACE_MS;
        } else if (fds[0].revents) {
            return true;
        }
    }
}
