/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The TCP header (RFC 9293 section 3.1). */
#include "decode/packet.h"
#include "decode/tcp_header.h"

bool whyrst_decode_tcp(struct whyrst_segment *segment, const uint8_t *data, uint32_t captured,
                       uint32_t length)
{
    return captured >= TCP_NEEDED && fill_tcp(segment, data, captured, length);
}

bool whyrst_decode_tcp_brief(struct whyrst_segment *segment, const uint8_t *data, uint32_t captured)
{
    struct cursor c = cursor_make(data, captured);

    if (captured < TCP_BRIEF) {
        return false;
    }
    segment->source_port = cursor_be16(&c);
    segment->destination_port = cursor_be16(&c);
    segment->seq = cursor_be32(&c);
    segment->ack = 0;
    segment->flags = 0;
    segment->window = 0;
    segment->options = segment->payload = NULL;
    segment->options_length = 0;
    segment->options_cut = false;
    segment->payload_length = segment->payload_captured = 0;
    segment->brief = segment->quoted = true;
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

    segment->brief = false;
    if (captured >= TCP_NEEDED) {
        segment->quoted =
            !whyrst_decode_tcp(segment, p->c.at, (uint32_t)captured, p->wire) || p->quoted;
    } else if (!p->quoted || !whyrst_decode_tcp_brief(segment, p->c.at, (uint32_t)captured)) {
        packet_stop(p, p->wire < TCP_NEEDED ? WHYRST_SKIP_MALFORMED : WHYRST_SKIP_TRUNCATED);
        return;
    }
    segment->unreachable = p->quoted ? p->unreachable : WHYRST_REACHABLE;
    segment->time_ns = p->frame->time_ns;
    segment->frame = p->frame->number;
    p->count++;
}
