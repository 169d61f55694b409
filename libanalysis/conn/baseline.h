/* SPDX-License-Identifier: GPL-2.0-or-later */
/** What each segment leaves behind, whichever way it takes: its sender's habits, and a ring entry.
 */
#ifndef CONN_BASELINE_H
#define CONN_BASELINE_H

#include "conn/conn.h"

/** The IP ID by which the scanner ZMap marks its SYNs. */
#define CONN_IP_ID_ZMAP 54321

/** Above it begin few stacks, but scanners' raw sockets do. */
#define CONN_TTL_ORDINARY 200

/* Notes the IPv4 identification; returns what the IP header says in flags. */
static inline uint32_t endpoint_note_ip_id(struct endpoint *sender,
                                           const struct whyrst_segment *segment)
{
    uint32_t fragment = segment->dont_fragment ? ENDPOINT_DF : ENDPOINT_NOT_DF;
    uint16_t before = sender->ip_id;

    if (segment->ip_version != 4) {
        return segment->flow_label ? ENDPOINT_LABEL : 0;
    }
    if (segment->flags & WHYRST_TCP_SYN) {
        return fragment; /* Linux: SYN-ACKs have identification 0 whatever the flow does */
    }
    if (segment->ip_id == 0) {
        return fragment | ENDPOINT_ID_ZERO;
    }
    sender->ip_id = segment->ip_id;
    if (before == 0) {
        return fragment;
    }
    return fragment |
           ((uint16_t)(segment->ip_id - before) <= 64 ? ENDPOINT_ID_STEPS : ENDPOINT_ID_JUMPS);
}

/** TTL, TOS, window, identification and label of a segment that is no RST. */
static inline void endpoint_note(struct endpoint *sender, const struct whyrst_segment *segment,
                                 bool timestamps)
{
    uint32_t flags = sender->flags;

    if (!(flags & ENDPOINT_SPOKE)) {
        sender->ttl = sender->ttl_min = sender->ttl_max = segment->ttl;
        flags |= ENDPOINT_SPOKE;
    }
    if (segment->ttl < sender->ttl_min) {
        sender->ttl_min = segment->ttl;
    } else if (segment->ttl > sender->ttl_max) {
        sender->ttl_max = segment->ttl;
    }
    sender->tos = segment->tos;
    sender->window = segment->window;
    flags |= endpoint_note_ip_id(sender, segment) | (timestamps ? ENDPOINT_TIMESTAMPS : 0);
    if (flags != sender->flags) { /* seldom */
        sender->flags = flags & ENDPOINT_FLAGS;
    }
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
