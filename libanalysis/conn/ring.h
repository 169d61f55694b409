/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * The latest segments of all connections, in one ring of fixed size.
 *
 * Which segment provoked a RST, whether a segment was captured twice, how the last packets before
 * the end looked: all need the recent past, of any connection, but only for about a round trip. So
 * one ring serves the engine, and a connection keeps just the number of its latest entry, each
 * entry that of the one before it. Old entries are overwritten; whoever walks back stops there.
 */
#ifndef CONN_RING_H
#define CONN_RING_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct ring_entry - what is remembered of a segment
 * @previous: number of the same connection's entry before this one, 0 = none
 * @check:    digest of the header fields that a second capture of the same packet repeats
 */
struct ring_entry {
    int64_t time_ns;
    uint64_t previous;
    uint32_t frame;
    uint32_t seq;
    uint32_t ack;
    uint32_t length;
    uint32_t check;
    uint32_t tsval;
    uint16_t ip_id;
    uint16_t window;
    uint8_t flags;
    uint8_t side;
    uint8_t ttl;
    uint8_t tos;
    bool timestamps;
    bool answered;  /**< a RST has been matched to it as its trigger */
    uint8_t copies; /**< second captures of the same packet seen */
};

struct ring;

struct ring *ring_new(void);
void ring_free(struct ring *ring);
/** Appends @entry and returns its number, which is never 0. */
uint64_t ring_add(struct ring *ring, const struct ring_entry *entry);
/** False when no entry has this check; true mostly means that one has. Saves the walk that looks for
 *  a second capture, since nearly no segment is one. */
bool ring_may_hold(const struct ring *ring, uint32_t check);
/** Asks the processor for the memory that ring_may_hold() will touch. */
void ring_prefetch(const struct ring *ring, uint32_t check);
/** Entry @number if it is still there, else NULL. */
struct ring_entry *ring_get(struct ring *ring, uint64_t number);

#endif
