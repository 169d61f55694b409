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

/** An IPv4 address as it lies in memory. */
static inline uint32_t flow_key_ipv4(const uint8_t *address)
{
    uint32_t value;

    memcpy(&value, address, sizeof value);
    return value;
}

/** Both ports as they lie in memory. */
static inline uint32_t flow_key_ports(const uint16_t *ports)
{
    uint32_t value;

    memcpy(&value, ports, sizeof value);
    return value;
}

/**
 * Fills @key from @segment; returns the index (0 or 1) of the segment's source within the key. A
 * connection from an end to itself (the same address and port) has source 0.
 */
static inline unsigned flow_key_make(struct flow_key *key, const struct whyrst_segment *segment)
{
    unsigned from;

    if (segment->ip_version == 4) {
        uint32_t a = flow_key_ipv4(segment->source);
        uint32_t b = flow_key_ipv4(segment->destination);

        from = a != b ? __builtin_bswap32(a) > __builtin_bswap32(b)
                      : segment->source_port > segment->destination_port;
    } else {
        int order = memcmp(segment->source, segment->destination, 16);

        from = order ? order > 0 : segment->source_port > segment->destination_port;
    }
    memcpy(key->address[from], segment->source, 16);
    memcpy(key->address[!from], segment->destination, 16);
    key->port[from] = segment->source_port;
    key->port[!from] = segment->destination_port;
    key->version = segment->ip_version == 4 ? 4 : 6;
    return from;
}

/** struct flow_short_key - the same of an IPv4 connection, without what it has not */
struct flow_short_key {
    uint32_t address[2]; /* as they lie in memory */
    uint16_t port[2];
};

static inline struct flow_short_key flow_key_shorten(const struct flow_key *key)
{
    return (struct flow_short_key){
        .address = {flow_key_ipv4(key->address[0]), flow_key_ipv4(key->address[1])},
        .port = {key->port[0], key->port[1]}};
}

static inline struct flow_key flow_key_lengthen(const struct flow_short_key *key)
{
    struct flow_key full = {.port = {key->port[0], key->port[1]}, .version = 4};

    memcpy(full.address[0], &key->address[0], 4);
    memcpy(full.address[1], &key->address[1], 4);
    return full;
}

static inline bool flow_short_key_equal(const struct flow_short_key *short_key,
                                        const struct flow_key *key)
{
    return flow_key_ports(short_key->port) == flow_key_ports(key->port) &&
           short_key->address[0] == flow_key_ipv4(key->address[0]) &&
           short_key->address[1] == flow_key_ipv4(key->address[1]) && key->version == 4;
}

/** What an entry of the table (flow/table.h) with this key begins with: of IPv6 the ports alone. */
static inline struct flow_short_key flow_key_entry(const struct flow_key *key)
{
    struct flow_short_key entry = {.port = {key->port[0], key->port[1]}};

    if (key->version == 4) {
        entry.address[0] = flow_key_ipv4(key->address[0]);
        entry.address[1] = flow_key_ipv4(key->address[1]);
    }
    return entry;
}

#endif
