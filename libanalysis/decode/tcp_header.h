/* SPDX-License-Identifier: GPL-2.0-or-later */
/** The TCP header (RFC 9293 section 3.1), for the general decoder and for the plain frame's. */
#ifndef DECODE_TCP_HEADER_H
#define DECODE_TCP_HEADER_H

#include <whyrst/segment.h>

#include "bytes/cursor.h"

#define TCP_MIN 20u

/* Up to the window. What follows (checksum, urgent pointer) is of no interest here, and Wireshark,
 * too, takes a segment this short for one, with a stream number. */
#define TCP_NEEDED 16u

/* Up to the sequence number: what every ICMP error quotes at least (RFC 792). */
#define TCP_BRIEF 8u

/** whyrst_decode_tcp() of at least TCP_NEEDED captured bytes. */
static inline bool fill_tcp(struct whyrst_segment *segment, const uint8_t *data, uint32_t captured,
                            uint32_t length)
{
    /* Of a constant length, so that its checks fold away. */
    struct cursor c = cursor_make(data, TCP_NEEDED);
    uint32_t header, end;

    segment->source_port = cursor_be16(&c);
    segment->destination_port = cursor_be16(&c);
    segment->seq = cursor_be32(&c);
    segment->ack = cursor_be32(&c);
    header = (cursor_u8(&c) >> 4) * 4u;
    segment->flags = cursor_u8(&c);
    segment->window = cursor_be16(&c);
    segment->payload = NULL;
    segment->payload_captured = 0;
    segment->payload_length = length > header ? length - header : 0;
    segment->options = NULL;
    segment->options_length = 0;
    segment->options_cut = false;
    if (header < TCP_MIN) {
        return false;
    }
    end = captured < header ? captured : header;
    segment->options_cut = end < header;
    c = cursor_make(data, captured);
    if (end > TCP_MIN && cursor_skip(&c, TCP_MIN)) {
        segment->options = c.at;
        segment->options_length = (uint8_t)(end - TCP_MIN);
    }
    if (captured > header) {
        c = cursor_make(data, captured);
        (void)cursor_skip(&c, header);
        segment->payload = c.at;
        segment->payload_captured = captured - header < segment->payload_length
                                        ? captured - header
                                        : segment->payload_length;
    }
    return true;
}

#endif
