/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * A block buffer over read(2): what the capture formats take their bytes from.
 *
 * The bytes of one record are always contiguous and stay where they are until the next call that
 * may fill; only a record that straddles the buffer's end is moved, once per refill. A fill never
 * waits for more than it was asked for, so a pipe's record is served as soon as it has arrived.
 */
#ifndef CAPTURE_READER_H
#define CAPTURE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes/cursor.h"

/**
 * struct reader - a descriptor and its buffer
 * @fd:     the caller's descriptor
 * @wait:   asked, with @context, before each read(2); false: this is the end. NULL: there is none
 * @buffer: @size bytes, of which [@at, @end) are read and not consumed
 * @base:   offset in the stream of @buffer's first byte
 * @greedy: the last read(2) gave all that was asked for: a larger buffer saves calls
 * @eof:    read(2) has answered 0
 * @error:  errno of a failed read(2), or 0
 */
struct reader {
    int fd;
    bool (*wait)(void *context);
    void *context;
    uint8_t *buffer;
    size_t size;
    size_t at;
    size_t end;
    uint64_t base;
    bool greedy;
    bool eof;
    int error;
};

void reader_init(struct reader *r, int fd, bool (*wait)(void *context), void *context);
void reader_clear(struct reader *r);
bool reader_fill(struct reader *r, size_t n);
bool reader_skip(struct reader *r, uint64_t n);

/** Bytes in the buffer, not yet consumed. */
static inline size_t reader_left(const struct reader *r)
{
    return r->end - r->at;
}

/** Makes @n contiguous bytes available; false at the end of the stream or on an error. */
static inline bool reader_has(struct reader *r, size_t n)
{
    return reader_left(r) >= n || reader_fill(r, n);
}

/** The next @n bytes, which must be available, without consuming them. */
static inline struct cursor reader_peek(const struct reader *r, size_t n)
{
    return cursor_make(r->buffer + r->at, n);
}

/** Consumes @n available bytes; they stay readable until the next fill. */
static inline void reader_consume(struct reader *r, size_t n)
{
    r->at += n;
}

/** Offset in the stream of the next byte. */
static inline uint64_t reader_offset(const struct reader *r)
{
    return r->base + r->at;
}

#endif
