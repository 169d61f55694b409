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
#include <stddef.h>
#include <stdint.h>

#include "limits.h"

/**
 * struct ring_entry - what is remembered of a segment
 * @previous: number of the same connection's entry before this one, 0 = none
 * @stamp:    digest of IP ID and timestamps, which a second capture of the same packet repeats
 */
struct ring_entry {
    int64_t time_ns;
    uint32_t previous;
    uint32_t frame;
    uint32_t seq;
    uint32_t ack;
    uint32_t length;
    uint16_t stamp;
    uint16_t window;
    uint8_t flags;
    uint8_t side;
    uint8_t ttl;
    uint8_t tos;
    bool timestamps;
    bool answered;  /**< a RST has been matched to it as its trigger */
    uint8_t copies; /**< second captures of the same packet seen */
};

_Static_assert(sizeof(struct ring_entry) <= 40, "one is written for each segment");

/** struct ring - the entries, and the number of the next one, of which the low bits are its place
 */
struct ring {
    uint32_t next;
    struct ring_entry entries[LIMIT_RING];
};

struct ring *ring_new(void);
void ring_free(struct ring *ring);

/** The next entry, for the caller to fill, all of it; its number, which is never 0, goes to
 * @number. Numbers begin anew after 2^32: a connection that slept so long may find another's entry.
 */
static inline struct ring_entry *ring_add(struct ring *ring, uint32_t *number)
{
    *number = ring->next;
    ring->next += ring->next == UINT32_MAX ? 2 : 1;
    return &ring->entries[*number % LIMIT_RING];
}

/** Entry @number if it is still there, else NULL. */
static inline struct ring_entry *ring_get(struct ring *ring, uint32_t number)
{
    return number != 0 && ring->next - number - 1 < LIMIT_RING - 1
               ? &ring->entries[number % LIMIT_RING]
               : NULL;
}

/** struct ring_walk - a way back through a connection's entries, LIMIT_RING_WALK at most */
struct ring_walk {
    struct ring *ring;
    uint32_t at;
    unsigned left;
};

/** A walk that begins with entry @latest; 0: there is none. */
static inline struct ring_walk ring_walk_back(struct ring *ring, uint32_t latest)
{
    return (struct ring_walk){.ring = ring, .at = latest, .left = LIMIT_RING_WALK};
}

/** The next entry, older than the one before, NULL at the end. */
static inline struct ring_entry *ring_older(struct ring_walk *walk)
{
    struct ring_entry *entry = walk->left ? ring_get(walk->ring, walk->at) : NULL;

    if (entry) {
        walk->at = entry->previous;
        walk->left--;
    }
    return entry;
}

#endif
