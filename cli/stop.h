/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * Ending live captures by a signal.
 *
 * SIGINT and SIGTERM end what is read from pipes, and everything known is written, as tcpdump and
 * Zeek do. Ctrl-C, or the end of a service, reaches all of "tcpdump -w - | whyrst -", so what the
 * other end still sends is wanted: there is a moment for it. A second signal ends the program.
 */
#ifndef CLI_STOP_H
#define CLI_STOP_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct stop - a pipe that is read
 * @fd:      the pipe
 * @until:   reading goes on until then, by the monotonic clock in milliseconds; 0: no end is set
 * @stopped: this has ended it, not the other end
 */
struct stop {
    int fd;
    int64_t until;
    bool stopped;
};

/** From now on these signals end pipes. False, with errno, when that cannot be had. */
bool stop_catch(void);
/** Waits for something to read from a struct stop; false when reading is to end. */
bool stop_wait(void *stop);

#endif
