/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * The fixed IP headers (RFC 791, RFC 8200), for the general decoder and for the plain frame's.
 *
 * The functions read from a cursor over a constant number of bytes, which were counted before:
 * inlined, its checks fold away. This is where every packet passes.
 */
#ifndef DECODE_IP_HEADER_H
#define DECODE_IP_HEADER_H

#include <string.h>

#include <whyrst/segment.h>

#include "bytes/cursor.h"

#define IPV4_MIN  20u
#define IPV6_SIZE 40u

#define IPV4_DONT_FRAGMENT  0x4000u
#define IPV4_MORE_FRAGMENTS 0x2000u
#define IPV4_OFFSET         0x1fffu /* in units of 8 bytes */

#define PROTOCOL_TCP 6

/** Fills the IP part of @segment from IPV4_MIN bytes at @data: the header's length, 0 when it lies.
 */
static inline uint32_t fill_ipv4(struct whyrst_segment *segment, const uint8_t *data)
{
    struct cursor c = cursor_make(data, IPV4_MIN);
    uint32_t header = (cursor_u8(&c) & 0x0f) * 4u;

    segment->ip_version = 4;
    segment->tos = cursor_u8(&c);
    (void)cursor_skip(&c, 2);
    segment->ip_id = cursor_be16(&c);
    segment->dont_fragment = (cursor_be16(&c) & IPV4_DONT_FRAGMENT) != 0;
    segment->ttl = cursor_u8(&c);
    (void)cursor_skip(&c, 3);
    segment->flow_label = 0;
    memset(segment->source, 0, sizeof segment->source);
    memset(segment->destination, 0, sizeof segment->destination);
    memcpy(segment->source, cursor_take(&c, 4), 4);
    memcpy(segment->destination, cursor_take(&c, 4), 4);
    return header >= IPV4_MIN ? header : 0;
}

/** The same from IPV6_SIZE bytes. */
static inline uint32_t fill_ipv6(struct whyrst_segment *segment, const uint8_t *data)
{
    struct cursor c = cursor_make(data, IPV6_SIZE);
    uint32_t first = cursor_be32(&c);

    segment->ip_version = 6;
    segment->tos = (uint8_t)(first >> 20);
    segment->flow_label = first & 0xfffff;
    segment->ip_id = 0;
    segment->dont_fragment = false;
    (void)cursor_skip(&c, 3);
    segment->ttl = cursor_u8(&c);
    memcpy(segment->source, cursor_take(&c, 16), 16);
    memcpy(segment->destination, cursor_take(&c, 16), 16);
    return IPV6_SIZE;
}

#endif
