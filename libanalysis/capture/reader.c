/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture/reader.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "limits.h"

/** reader_init() - starts at the descriptor's current offset, which counts as 0; @wait may be NULL
 */
void reader_init(struct reader *r, int fd, bool (*wait)(void *context), void *context)
{
    *r = (struct reader){.fd = fd, .wait = wait, .context = context, .size = LIMIT_READ_FIRST};
    r->buffer = g_malloc(r->size);
}

/** reader_clear() - frees the buffer; the descriptor stays open */
void reader_clear(struct reader *r)
{
    g_free(r->buffer);
    r->buffer = NULL;
}

/** Moves what is unread to the front, so that the rest of the buffer can be filled. */
static void compact(struct reader *r)
{
    size_t left = reader_left(r);

    memmove(r->buffer, r->buffer + r->at, left);
    r->base += r->at;
    r->at = 0;
    r->end = left;
}

static void grow(struct reader *r)
{
    r->size *= 2;
    r->buffer = g_realloc(r->buffer, r->size);
}

/** Waits for a descriptor in non-blocking mode. Returns false when that fails. */
static bool wait_readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, -1) >= 0 || errno == EINTR;
}

static bool read_some(struct reader *r)
{
    size_t room = r->size - r->end;
    ssize_t n;

    if (r->wait && !r->wait(r->context)) {
        r->eof = true;
        return false;
    }
    for (;;) {
        n = read(r->fd, r->buffer + r->end, room);
        if (n >= 0) {
            break;
        }
        if (errno == EINTR || ((errno == EAGAIN || errno == EWOULDBLOCK) && wait_readable(r->fd))) {
            continue;
        }
        r->error = errno;
        return false;
    }
    r->eof = n == 0;
    r->greedy = (size_t)n == room;
    r->end += (size_t)n;
    return n > 0;
}

/**
 * reader_fill() - reads until @n bytes are available
 *
 * A length from the wire asks for bytes, it never sizes the buffer: that doubles only when it is
 * full of bytes that have really arrived.
 */
bool reader_fill(struct reader *r, size_t n)
{
    if (r->at && !r->eof && !r->error) {
        compact(r);
        if (r->greedy && r->size < LIMIT_READ_BLOCK) {
            grow(r);
        }
    }
    while (reader_left(r) < n) {
        if (r->eof || r->error) {
            return false;
        }
        if (r->end == r->size) {
            grow(r);
        }
        if (!read_some(r)) {
            return false;
        }
    }
    return true;
}

/** reader_skip() - consumes @n bytes without ever holding them all; false when they do not come */
bool reader_skip(struct reader *r, uint64_t n)
{
    while (n > reader_left(r)) {
        n -= reader_left(r);
        r->at = r->end;
        if (!reader_fill(r, 1)) {
            return false;
        }
    }
    r->at += (size_t)n;
    return true;
}
