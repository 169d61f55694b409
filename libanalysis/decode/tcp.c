/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The TCP header (RFC 9293 section 3.1). */
#include "decode/packet.h"

#define HEADER_MIN 20u

/* Up to the window. What follows (checksum, urgent pointer) is of no interest here, and Wireshark,
 * too, takes a segment this short for one, with a stream number. */
#define HEADER_NEEDED 16u

bool whyrst_decode_tcp(struct whyrst_segment *segment, const uint8_t *data, uint32_t captured,
                       uint32_t length)
{
    uint32_t header, end;
    struct cursor c;

    if (captured < HEADER_NEEDED) {
        return false;
    }
    /* Of a constant length, so that, inlined, its checks fold away. */
    c = cursor_make(data, HEADER_NEEDED);
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
    if (header < HEADER_MIN) {
        return false;
    }
    end = captured < header ? captured : header;
    c = cursor_make(data, captured);
    if (end > HEADER_MIN && cursor_skip(&c, HEADER_MIN)) {
        segment->options = c.at;
        segment->options_length = (uint8_t)(end - HEADER_MIN);
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

/**
 * decode_tcp() - adds the segment that the packet ends in
 *
 * A header whose data offset is below five words is no segment to be believed, but takes a stream
 * number in Wireshark: it is handed on as a quoted one is.
 */
void decode_tcp(struct packet *p)
{
    struct whyrst_segment *segment = &p->segments[p->count];
    size_t captured = packet_left(p);

    if (captured < HEADER_NEEDED) {
        packet_stop(p, p->wire < HEADER_NEEDED ? WHYRST_SKIP_MALFORMED : WHYRST_SKIP_TRUNCATED);
        return;
    }
    segment->quoted =
        !whyrst_decode_tcp(segment, p->c.at, (uint32_t)captured, p->wire) || p->quoted;
    segment->time_ns = p->frame->time_ns;
    segment->frame = p->frame->number;
    p->count++;
}
