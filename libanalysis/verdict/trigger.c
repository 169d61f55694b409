/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which segment provoked a RST?
 *
 * RFC 9293 section 3.5.2: a host answers a segment that it has no connection for with a RST. If the
 * segment had an ACK, the RST takes its sequence number from it and carries no ACK; if not (a SYN),
 * the RST has sequence number 0 and acknowledges the segment. So the trigger is a segment of the
 * other side with ack == RST's seq, or with seq + length == RST's ack. Where several fit (an ACK
 * long ago and a request now, or a flight of segments), the one that left about a round trip before
 * the RST came is it; a segment that a RST has been matched to already is not taken again.
 */
#include "verdict/facts.h"

#include <stdlib.h>

#include "limits.h"

static bool answers_syn(const struct ring_entry *entry, const struct whyrst_segment *rst)
{
    uint32_t length =
        entry->length + !!(entry->flags & WHYRST_TCP_SYN) + !!(entry->flags & WHYRST_TCP_FIN);

    return !(entry->flags & WHYRST_TCP_ACK) && rst->ack == entry->seq + length;
}

static bool answers_ack(const struct ring_entry *entry, const struct whyrst_segment *rst)
{
    return (entry->flags & WHYRST_TCP_ACK) && !(entry->flags & WHYRST_TCP_RST) &&
           rst->seq == entry->ack;
}

/* The round trip between the capture point and @side, from the handshake; -1 = unknown. */
static int64_t round_trip(const struct conn *conn, unsigned side)
{
    if (side != conn->client) {
        return conn->flags & CONN_IRTT ? conn->irtt_ns : -1;
    }
    return conn->flags & CONN_CLIENT_RTT ? conn->client_rtt_ns : -1;
}

static struct ring_entry *search(struct conn_context *context, const struct conn *conn,
                                 unsigned side, const struct whyrst_segment *rst, bool refusal)
{
    int64_t rtt = round_trip(conn, side);
    struct ring_entry *best = NULL;
    int64_t best_off = INT64_MAX;
    uint64_t at = conn->recent;

    for (unsigned i = 0; i < LIMIT_RING_WALK && at != 0; i++) {
        struct ring_entry *entry = ring_get(context->ring, at, conn->stream);

        if (!entry) {
            break;
        }
        at = entry->previous;
        if (entry->side == side || entry->answered ||
            !(refusal ? answers_syn(entry, rst) : answers_ack(entry, rst))) {
            continue;
        }
        if (rtt < 0) {
            return entry; /* the latest, for want of a measure */
        }
        /* <= : of two captured at the same time, the earlier came first */
        if (llabs(rst->time_ns - entry->time_ns - rtt) <= best_off) {
            best_off = llabs(rst->time_ns - entry->time_ns - rtt);
            best = entry;
        }
    }
    return best;
}

struct trigger trigger_find(struct conn_context *context, struct conn *conn, unsigned side,
                            const struct whyrst_segment *segment, enum rst_shape *shape)
{
    bool has_ack = segment->flags & WHYRST_TCP_ACK;
    struct ring_entry *entry;

    if (has_ack && segment->seq != 0) {
        return (struct trigger){0};
    }
    entry = search(context, conn, side, segment, has_ack);
    if (!entry) {
        return (struct trigger){0};
    }
    *shape = has_ack ? RST_SHAPE_REFUSAL : RST_SHAPE_ANSWER;
    entry->answered = true;
    return (struct trigger){.time_ns = entry->time_ns,
                            .frame = entry->frame,
                            .length = entry->length,
                            .seq = entry->seq,
                            .flags = entry->flags,
                            .tos = entry->tos};
}
