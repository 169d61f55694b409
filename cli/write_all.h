/* SPDX-License-Identifier: GPL-2.0-or-later */
/** write(2) to the end. */
#ifndef WRITE_ALL_H
#define WRITE_ALL_H

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

/**
 * Writes all of @data to @fd, over short writes and signals, also where somebody else who has the
 * descriptor set it to non-blocking mode; false, with errno, when it fails.
 */
static inline bool write_all(int fd, const void *data, size_t length)
{
    const char *at = data;

    while (length) {
        ssize_t n = write(fd, at, length);

        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            struct pollfd writable = {.fd = fd, .events = POLLOUT};

            poll(&writable, 1, -1);
        } else if (n < 0 && errno != EINTR) {
            return false;
        }
        if (n > 0) {
            at += n;
            length -= (size_t)n;
        }
    }
    return true;
}

#endif
