/* SPDX-License-Identifier: GPL-2.0-or-later */
/** The canonical key of a connection: both ends in an order that does not depend on direction. */
#ifndef FLOW_KEY_H
#define FLOW_KEY_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <whyrst/segment.h>

/**
 * struct flow_key - two ends, the lower (address, port) first
 * @address: in network order, IPv4 in the first four bytes
 * @version: 4 or 6, since 32.1.13.184 and 2001:db8:: would look alike
 */
struct flow_key {
    uint8_t address[2][16];
    uint16_t port[2];
    uint8_t version;
};

/**
 * Fills @key from @segment; returns the index (0 or 1) of the segment's source within the key. A
 * connection from an end to itself (the same address and port) has source 0.
 */
static inline unsigned flow_key_make(struct flow_key *key, const struct whyrst_segment *segment)
{
    size_t size = segment->ip_version == 4 ? 4 : 16;
    int order = memcmp(segment->source, segment->destination, size);
    unsigned from;

    if (order == 0) {
        order = (int)segment->source_port - (int)segment->destination_port;
    }
    from = order > 0;
    memcpy(key->address[from], segment->source, 16);
    memcpy(key->address[!from], segment->destination, 16);
    key->port[from] = segment->source_port;
    key->port[!from] = segment->destination_port;
    key->version = segment->ip_version;
    return from;
}

static inline bool flow_key_equal(const struct flow_key *a, const struct flow_key *b)
{
    return memcmp(a->address, b->address, sizeof a->address) == 0 && a->port[0] == b->port[0] &&
           a->port[1] == b->port[1] && a->version == b->version;
}

#endif
