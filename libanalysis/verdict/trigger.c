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

#include <glib.h>

#include "bytes/seq.h"
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

/* Of the handshake. */
static int64_t handshake_trip(const struct conn *conn, unsigned side)
{
    if (side != conn->client) {
        return conn->flags & CONN_IRTT ? conn->times.irtt_ns : -1;
    }
    return conn->flags & CONN_CLIENT_RTT ? conn->times.client_rtt_ns : -1;
}

/* The handshake's, or the shortest from a payload segment of the other side to the sender's
 * acknowledgement of it. A handshake alone may have waited for more than the way: for an address to
 * be resolved, a radio to wake up, a busy machine. A segment that was sent again may have been
 * acknowledged for its first copy (Karn's algorithm, RFC 6298 section 3): it measures nothing. */
int64_t round_trip_to(struct conn_context *context, const struct conn *conn, unsigned side)
{
    const struct ring_entry *answer = NULL; /* the sender's next segment after the one looked at */
    const struct ring_entry *later = NULL;  /* the other side's next payload after it */
    const int64_t handshake_ns = handshake_trip(conn, side);
    int64_t rtt_ns = handshake_ns;
    struct ring_walk walk = ring_walk_back(context->ring, conn->recent);
    const struct ring_entry *entry;

    while (handshake_ns > 0 && (entry = ring_older(&walk))) {
        if (entry->side == side) {
            answer = entry->flags & WHYRST_TCP_RST ? answer : entry;
        } else if (entry->length > 0) {
            uint32_t end = entry->seq + entry->length;

            if (later && seq_after(end, later->seq)) {
                rtt_ns = handshake_ns; /* what came later was sent before */
            }
            if (answer && !seq_after(end, answer->ack)) {
                rtt_ns = MIN(rtt_ns, MAX(answer->time_ns - entry->time_ns, 0));
            }
            later = entry;
        }
    }
    return rtt_ns;
}

/* What a search looks for. */
struct search {
    const struct whyrst_segment *rst;
    unsigned side;
    bool refusal;      /* the RST answers a SYN */
    bool payload_only; /* the sender had closed, or may have: pure ACKs provoke nothing */
    int64_t rtt;       /* to the sender and back, -1 = unknown */
    int64_t spoke_ns;  /* the sender's latest ordinary segment, 0 = none */
    uint32_t acked;    /* the highest of its acks newer than the entry looked at */
    bool acked_known;
    struct ring_entry *latest; /* the latest candidate found */
};

/* The sender has dealt with the segment in an ordinary way: acknowledged its payload, or sent
 * something ordinary well after it must have arrived. */
static bool was_taken(const struct search *search, const struct ring_entry *entry)
{
    uint32_t length = entry->length + !!(entry->flags & WHYRST_TCP_FIN);

    if (length > 0) {
        return search->acked_known && !seq_after(entry->seq + length, search->acked);
    }
    return search->rtt >= 0 && search->spoke_ns != 0 &&
           entry->time_ns + search->rtt + search->rtt / 4 + INT64_C(2000000) < search->spoke_ns;
}

/* A host or device answers at once: what is much older than a round trip provoked nothing. */
static bool is_stale(const struct search *search, const struct ring_entry *entry)
{
    int64_t rtt = search->rtt > 0 ? search->rtt : 0;

    return search->rst->time_ns - entry->time_ns > INT64_C(1000000000) + 4 * rtt;
}

static bool is_candidate(const struct search *search, const struct ring_entry *entry)
{
    if (entry->side == search->side || entry->answered) {
        return false;
    }
    if (search->refusal) {
        return answers_syn(entry, search->rst);
    }
    if (search->payload_only && entry->length == 0 && !(entry->flags & WHYRST_TCP_FIN)) {
        return false;
    }
    return answers_ack(entry, search->rst) && !is_stale(search, entry) && !was_taken(search, entry);
}

/* On the walk back in time: what the sender's newer ordinary segments tell of older ones. */
static void note_newer(struct search *search, const struct ring_entry *entry)
{
    if (entry->side != search->side || (entry->flags & WHYRST_TCP_RST)) {
        return;
    }
    if (search->spoke_ns == 0) {
        search->spoke_ns = entry->time_ns;
    }
    if ((entry->flags & WHYRST_TCP_ACK) &&
        (!search->acked_known || seq_after(entry->ack, search->acked))) {
        search->acked = entry->ack;
        search->acked_known = true;
    }
}

/* Of a flight of candidates the RSTs answer one after the other: the oldest that is about as well
 * timed as the best. */
static bool is_better(const struct search *search, int64_t off, int64_t best_off)
{
    int64_t slack = search->rtt / 4 > INT64_C(3000000) ? search->rtt / 4 : INT64_C(3000000);

    return off <= best_off || off - best_off <= slack;
}

/* A RST that came back sooner than the way to the sender takes, or from another place, was built by
 * a device before it, and timing says nothing of which segment that device meant: the latest. */
static bool came_early(const struct search *search, const struct ring_entry *best)
{
    return search->rtt >= INT64_C(5000000) &&
           search->rst->time_ns - best->time_ns < search->rtt / 10 * 7;
}

static struct ring_entry *search_ring(struct conn_context *context, const struct conn *conn,
                                      struct search *search)
{
    struct ring_entry *best = NULL;
    int64_t best_off = INT64_MAX;
    struct ring_walk walk = ring_walk_back(context->ring, conn->recent);
    struct ring_entry *entry;

    search->latest = NULL;
    while ((entry = ring_older(&walk))) {
        int64_t off;

        note_newer(search, entry);
        if (!is_candidate(search, entry)) {
            continue;
        }
        search->latest = search->latest ? search->latest : entry;
        if (search->rtt < 0) {
            return entry; /* for want of a measure */
        }
        off = llabs(search->rst->time_ns - entry->time_ns - search->rtt);
        if (!best || is_better(search, off, best_off)) {
            best_off = best && best_off < off ? best_off : off;
            best = entry;
        }
    }
    if (best && (came_early(search, best) ||
                 came_from_elsewhere(&conn->side[search->side], search->rst->ttl, 0))) {
        return search->latest;
    }
    return best;
}

static struct trigger copy_entry(const struct ring_entry *entry)
{
    return (struct trigger){.time_ns = entry->time_ns,
                            .frame = entry->frame,
                            .length = entry->length,
                            .seq = entry->seq,
                            .window = entry->window,
                            .flags = entry->flags,
                            .tos = entry->tos,
                            .copies = entry->copies};
}

void trigger_find(struct conn_context *context, struct conn *conn, struct rst_facts *facts)
{
    const struct whyrst_segment *segment = &facts->segment;
    bool has_ack = segment->flags & WHYRST_TCP_ACK;
    struct search search = {.rst = segment,
                            .side = facts->from,
                            .refusal = has_ack,
                            .payload_only =
                                (facts->sender.flags & ENDPOINT_FIN) ||
                                fills_window(&facts->sender, &facts->receiver, facts->conn_flags),
                            .rtt = round_trip_to(context, conn, facts->from)};
    struct ring_entry *entry;

    if (facts->past_syn ||
        (has_ack && segment->seq != 0 && (facts->sender.flags & ENDPOINT_SEEN))) {
        return;
    }
    entry = search_ring(context, conn, &search);
    if (!entry && search.payload_only) {
        search.payload_only = search.acked_known = false;
        entry = search_ring(context, conn, &search);
    }
    if (!entry) {
        return;
    }
    facts->shape = has_ack ? RST_SHAPE_REFUSAL : RST_SHAPE_ANSWER;
    facts->trigger = copy_entry(entry);
    facts->latest = copy_entry(search.latest);
    entry->answered = true;
}
