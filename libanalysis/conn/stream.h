/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * One side's payload in sequence order.
 *
 * Segments go in as they were captured: out of order, repeated, overlapping. Chunks come out in
 * order, each byte once. A hole waits for its bytes while it may still be filled; when the other
 * side has acknowledged past it, the bytes were delivered and only the capture lacks them, so they
 * come out as a missing chunk. The first copy of a byte wins, as in most receivers.
 */
#ifndef CONN_STREAM_H
#define CONN_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "observe/observer.h"

struct stream_piece;

/**
 * struct stream - reassembly of one side; zeroed is empty
 * @next:    sequence number of the next byte to come out, valid once @started
 * @pieces:  what lies beyond a hole, by sequence number
 * @bytes, @count: payload bytes kept in @pieces and how many there are
 */
struct stream {
    uint32_t next;
    uint32_t bytes;
    uint32_t count;
    bool started;
    struct stream_piece *pieces;
};

/** Where chunks go; @missing: no packet of the capture carried these bytes. */
typedef void (*stream_sink)(void *user, const struct observe_chunk *chunk, bool missing);

/** Begins the stream at sequence number @seq, unless it has begun. */
void stream_start(struct stream *stream, uint32_t seq);
/**
 * Adds a segment's payload that begins at @seq (@chunk: its bytes, frame and time); whatever is in
 * order now goes to @sink. Returns false when a bound made it give up a hole (counted by the
 * caller): the missing bytes went to @sink as missing.
 */
bool stream_add(struct stream *stream, uint32_t seq, const struct observe_chunk *chunk,
                stream_sink sink, void *user);
/**
 * The other side has acknowledged up to @ack: holes before it will not be filled any more. With
 * @final, bytes beyond the last kept piece count as missing too (the connection is at its end).
 */
void stream_acked(struct stream *stream, uint32_t ack, bool final, stream_sink sink, void *user);
/** Payload bytes kept beyond holes, each counted once. */
uint32_t stream_waiting(const struct stream *stream);
/** Frees what is kept. */
void stream_clear(struct stream *stream);

#endif
