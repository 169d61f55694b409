/* SPDX-License-Identifier: GPL-2.0-or-later */
/** What each segment leaves behind, whichever way it takes: its sender's habits, and a ring entry.
 */
#ifndef CONN_BASELINE_H
#define CONN_BASELINE_H

#include "conn/conn.h"

/** The IP ID by which the scanner ZMap marks its SYNs. */
#define CONN_IP_ID_ZMAP 54321

static inline void endpoint_note_ip_id(struct endpoint *sender,
                                       const struct whyrst_segment *segment)
{
    uint16_t step = (uint16_t)(segment->ip_id - sender->ip_id);

    if (segment->ip_version != 4) {
        return;
    }
    sender->flags |= segment->dont_fragment ? ENDPOINT_DF : ENDPOINT_NOT_DF;
    if (segment->flags & WHYRST_TCP_SYN) {
        return; /* Linux: SYN-ACKs have identification 0 whatever the flow does */
    }
    if (segment->ip_id == 0) {
        sender->flags |= ENDPOINT_ID_ZERO;
    } else {
        if (sender->ip_id != 0) {
            sender->flags |= step <= 64 ? ENDPOINT_ID_STEPS : ENDPOINT_ID_JUMPS;
        }
        sender->ip_id = segment->ip_id;
    }
}

/** TTL, TOS, window, identification and label of a segment that is no RST. */
static inline void endpoint_note(struct endpoint *sender, const struct whyrst_segment *segment,
                                 bool timestamps)
{
    if (!(sender->flags & ENDPOINT_SPOKE)) {
        sender->ttl = sender->ttl_min = sender->ttl_max = segment->ttl;
        sender->flags |= ENDPOINT_SPOKE;
    }
    if (segment->ttl < sender->ttl_min) {
        sender->ttl_min = segment->ttl;
    } else if (segment->ttl > sender->ttl_max) {
        sender->ttl_max = segment->ttl;
    }
    sender->tos = segment->tos;
    sender->window = segment->window;
    endpoint_note_ip_id(sender, segment);
    sender->flags |=
        (timestamps ? ENDPOINT_TIMESTAMPS : 0) | (segment->flow_label ? ENDPOINT_LABEL : 0);
}

/** See struct ring_entry. */
static inline uint16_t conn_stamp(const struct whyrst_segment *segment,
                                  const struct tcp_options *options)
{
    uint64_t h =
        (((uint64_t)options->tsval << 32 | options->tsecr) ^ (uint64_t)segment->ip_id << 24) *
        UINT64_C(0x9e3779b97f4a7c15);

    return (uint16_t)(h >> 48);
}

static inline void conn_remember(struct conn_context *context, struct conn *conn, unsigned side,
                                 const struct whyrst_segment *segment,
                                 const struct tcp_options *options)
{
    uint32_t number;
    struct ring_entry *entry = ring_add(context->ring, &number);

    *entry = (struct ring_entry){.time_ns = segment->time_ns,
                                 .previous = conn->recent,
                                 .frame = (uint32_t)segment->frame,
                                 .seq = segment->seq,
                                 .ack = segment->ack,
                                 .length = segment->payload_length,
                                 .stamp = conn_stamp(segment, options),
                                 .window = segment->window,
                                 .flags = segment->flags,
                                 .side = (uint8_t)side,
                                 .ttl = segment->ttl,
                                 .tos = segment->tos,
                                 .timestamps = options->timestamps};
    conn->recent = number;
}

#endif
