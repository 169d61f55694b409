/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * One side's payload in sequence order.
 *
 * Segments go in as they were captured: out of order, repeated, overlapping. Chunks come out in
 * order, each byte once. A hole waits for its bytes while it may still be filled; when the other
 * side has acknowledged past it, the bytes were delivered and only the capture lacks them, so they
 * come out as a missing chunk. Bytes handed out are never revised; of overlapping pieces beyond a
 * hole the one that begins first wins.
 */
#ifndef CONN_REASSEMBLY_H
#define CONN_REASSEMBLY_H

#include <stdbool.h>
#include <stdint.h>

#include "observe/observer.h"

struct piece;

/**
 * struct reassembly - reassembly of one side; zeroed is empty
 * @next:    sequence number of the next byte to come out, valid once @started
 * @pieces:  what lies beyond a hole, by sequence number
 * @bytes, @count: payload bytes kept in @pieces and how many there are
 */
struct reassembly {
    uint32_t next;
    uint32_t bytes;
    uint32_t count;
    bool started;
    struct piece *pieces;
};

/** Where chunks go; @missing: no packet of the capture carried these bytes. */
typedef void (*reassembly_sink)(void *user, const struct observe_chunk *chunk, bool missing);

/** Begins at sequence number @seq, unless it has begun. */
void reassembly_start(struct reassembly *data, uint32_t seq);
/**
 * Adds a segment's payload that begins at @seq (@chunk: its bytes, frame and time); whatever is in
 * order now goes to @sink. Returns false when a bound made it give up a hole (counted by the
 * caller): the missing bytes went to @sink as missing.
 */
bool reassembly_add(struct reassembly *data, uint32_t seq, const struct observe_chunk *chunk,
                    reassembly_sink sink, void *user);
/**
 * The other side has acknowledged up to @ack: holes before it will not be filled any more. With
 * @final, bytes beyond the last kept piece count as missing too (the connection is at its end).
 */
void reassembly_acked(struct reassembly *data, uint32_t ack, bool final, reassembly_sink sink,
                      void *user);
/** Payload bytes kept beyond holes, each counted once. */
uint32_t reassembly_waiting(const struct reassembly *data);
/** Frees what is kept. */
void reassembly_clear(struct reassembly *data);

#endif
