/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is this RST built like the claimed sender's other segments, and could it have come so soon?
 *
 * What is ordinary must not accuse: identification 0 and window 0 (Linux answers), a TTL from the
 * system's default instead of the socket's, one hop more or less, captures on the sending host.
 */
#include "verdict/facts.h"

#include <stdlib.h>

#include <glib.h>

#include "bytes/seq.h"
#include "limits.h"

/* Below this a round trip is too short to measure a reaction against (host-local captures, LANs).
 */
#define MEASURABLE_RTT_NS INT64_C(5000000)

/* A second capture of a packet comes within this time. */
#define COPY_WITHIN_NS INT64_C(100000000)

int hop_count(uint8_t ttl)
{
    static const uint8_t initial[] = {32, 64, 128, 255};

    for (unsigned i = 0; i < G_N_ELEMENTS(initial); i++) {
        if (ttl <= initial[i]) {
            return initial[i] - ttl;
        }
    }
    return 0;
}

bool came_from_elsewhere(const struct endpoint *sender, uint8_t ttl, int slack)
{
    int hops = hop_count(ttl);
    int low = hop_count(sender->ttl_max);
    int high = hop_count(sender->ttl_min);

    return (sender->flags & ENDPOINT_SPOKE) && low <= high &&
           (hops < low - slack || hops > high + slack);
}

/* Raw sockets and spoofers build SYNs: a sender of whom nothing else was seen has no measure. */
static bool is_unheard_of(const struct endpoint *sender)
{
    return !(sender->flags & ENDPOINT_SPOKE) ||
           ((sender->flags & ENDPOINT_SYN_PLAIN) && !(sender->flags & ENDPOINT_ACKED));
}

static void compare_ttl(const struct host *host, struct rst_facts *facts)
{
    const struct endpoint *sender = &facts->sender;
    uint8_t ttl = facts->segment.ttl;
    uint8_t low = sender->ttl_min;
    uint8_t high = sender->ttl_max;
    int difference;

    if (is_unheard_of(sender)) {
        if (!host || host->ttl_max == 0) {
            return;
        }
        low = host->ttl_min;
        high = host->ttl_max;
        facts->ttl_of_host = true;
    }
    /* Where the TTL has varied (several back ends behind one address, routes), the nearer end. */
    facts->ttl_expected =
        abs(hop_count(low) - hop_count(ttl)) < abs(hop_count(high) - hop_count(ttl)) ? low : high;
    if (ttl == low || ttl == high ||
        (ttl > low && ttl < high && hop_count(low) - hop_count(high) == high - low)) {
        facts->ttl_expected = ttl;
        facts->hops = HOPS_SAME;
        return;
    }
    difference = hop_count(facts->ttl_expected) - hop_count(ttl);
    facts->hops_closer = (int8_t)CLAMP(difference, -100, 100);
    if (difference == 0) {
        facts->hops = HOPS_REBASED;
    } else {
        facts->hops = abs(difference) == 1 ? HOPS_NEAR : HOPS_OTHER;
    }
}

static void compare_id(struct rst_facts *facts)
{
    const struct endpoint *sender = &facts->sender;
    uint16_t step = (uint16_t)(facts->segment.ip_id - sender->ip_id);

    if (facts->segment.ip_version != 4 || sender->ip_id == 0) {
        return;
    }
    if (facts->segment.ip_id != 0 && step > 0 && step <= 16) {
        facts->ip_id = ID_CONTINUES;
    } else if (!(sender->flags & ENDPOINT_ID_STEPS) || (sender->flags & ENDPOINT_ID_JUMPS)) {
        return;
    } else if (facts->segment.ip_id == 0) {
        facts->ip_id = facts->shape == RST_SHAPE_ACTIVE ? ID_ZERO : ID_UNKNOWN;
    } else if (step > 1000 && step < UINT16_MAX - 1000) {
        facts->ip_id = ID_JUMPS;
    }
}

/* What the sender had acknowledged when it last sent payload: what came after is not answered.
 * Where that was longer ago than is remembered, what it had acknowledged at the oldest segment
 * remembered: at least what came after that is not answered. */
static bool acked_at_last_payload(struct conn_context *context, const struct conn *conn,
                                  unsigned side, uint32_t *ack)
{
    struct ring_walk walk = ring_walk_back(context->ring, conn->recent);
    const struct ring_entry *entry;
    bool known = false;

    while ((entry = ring_older(&walk))) {
        if (entry->side == side && (entry->flags & WHYRST_TCP_ACK)) {
            *ack = entry->ack;
            known = true;
            if (entry->length > 0) {
                break;
            }
        }
    }
    return known;
}

/* When the byte before @ack passed, for the first time. */
static int64_t time_of_acked(struct conn_context *context, const struct conn *conn, unsigned side,
                             uint32_t ack)
{
    int64_t found = -1;
    struct ring_walk walk = ring_walk_back(context->ring, conn->recent);
    const struct ring_entry *entry;

    while ((entry = ring_older(&walk))) {
        if (entry->side == side && entry->length > 0 && entry->seq + entry->length == ack) {
            found = entry->time_ns;
        }
    }
    return found;
}

static void measure_quiet(struct conn_context *context, const struct conn *conn,
                          struct rst_facts *facts)
{
    struct ring_walk walk = ring_walk_back(context->ring, conn->recent);
    const struct ring_entry *entry;

    while ((entry = ring_older(&walk))) {
        if (entry->side == facts->from && !(entry->flags & WHYRST_TCP_RST)) {
            facts->sender_quiet_known = true;
            facts->sender_quiet_ns = MAX(facts->segment.time_ns - entry->time_ns, 0);
            return;
        }
    }
}

static void measure_told(struct conn_context *context, const struct conn *conn,
                         struct rst_facts *facts)
{
    struct ring_walk walk = ring_walk_back(context->ring, conn->recent);
    const struct ring_entry *entry;

    facts->told_ns = -1;
    while ((entry = ring_older(&walk))) {
        if (entry->side != facts->from && entry->length > 0) {
            facts->told_ns = MAX(facts->segment.time_ns - entry->time_ns, 0);
            return;
        }
    }
}

/* Some of the sender's segments came in another order than they had been sent: lower numbers after
 * higher ones. The path overtakes, or has lost something that was sent again. */
static bool has_reordered(struct conn_context *context, const struct conn *conn, unsigned side)
{
    const struct ring_entry *newer = NULL;
    struct ring_walk walk = ring_walk_back(context->ring, conn->recent);
    const struct ring_entry *entry;

    while ((entry = ring_older(&walk))) {
        if (entry->side != side || !(entry->flags & WHYRST_TCP_ACK) ||
            (entry->flags & (WHYRST_TCP_RST | WHYRST_TCP_SYN))) {
            continue;
        }
        if (newer && (seq_after(entry->ack, newer->ack) ||
                      (newer->length > 0 && seq_after(entry->seq, newer->seq)))) {
            return true;
        }
        newer = entry;
    }
    return false;
}

static void measure_reaction(struct conn_context *context, const struct conn *conn,
                             struct rst_facts *facts)
{
    unsigned receiver = !facts->from;
    int64_t cause_ns = -1;

    facts->reaction_ns = -1;
    facts->rtt_ns = round_trip_to(context, conn, facts->from);
    if (facts->trigger.frame) {
        cause_ns = facts->trigger.time_ns;
    } else if (facts->segment.flags & WHYRST_TCP_ACK) {
        cause_ns = time_of_acked(context, conn, receiver, facts->segment.ack);
    }
    if (cause_ns >= 0 && facts->segment.time_ns >= cause_ns) {
        facts->reaction_ns = facts->segment.time_ns - cause_ns;
    }
    if (facts->rtt_ns >= 0 && facts->rtt_ns < MEASURABLE_RTT_NS) {
        facts->rtt_ns = -1;
    }
}

static void count_unanswered(struct conn_context *context, const struct conn *conn,
                             struct rst_facts *facts)
{
    const struct endpoint *receiver = &facts->receiver;
    const struct endpoint *sender = &facts->sender;
    uint32_t covered = sender->ack;
    uint32_t from = receiver->base_seq + 1;

    if (receiver->last_payload_frame == 0) {
        return;
    }
    if (facts->segment.flags & WHYRST_TCP_ACK) {
        covered = seq_max(covered, facts->segment.ack);
    }
    if (seq_after(covered, receiver->payload_end)) {
        covered = receiver->payload_end;
    }
    facts->in_flight_bytes = receiver->payload_end - covered;
    if (sender->last_payload_frame != 0 &&
        !acked_at_last_payload(context, conn, facts->from, &from)) {
        return;
    }
    facts->unanswered_bytes = seq_after(covered, from) ? covered - from : 0;
}

/* A host without the connection answers the final ACK of the handshake as well as the data behind
 * it, with the same number each time. */
static void note_answerable(struct conn_context *context, const struct conn *conn,
                            struct rst_facts *facts)
{
    struct ring_walk walk = ring_walk_back(context->ring, conn->recent);
    const struct ring_entry *entry;

    while ((entry = ring_older(&walk))) {
        if (entry->side != facts->from && entry->ack == facts->segment.seq &&
            (entry->flags & (WHYRST_TCP_ACK | WHYRST_TCP_RST)) == WHYRST_TCP_ACK) {
            *(entry->length > 0 ? &facts->answerable_data : &facts->answerable_ack) = true;
        }
    }
}

/* The sender has acknowledged payload that came after its FIN: it had ended its own direction only,
 * and went on to read. */
static bool has_read_on(struct conn_context *context, const struct conn *conn,
                        const struct rst_facts *facts)
{
    uint32_t acked = facts->sender.ack;
    struct ring_walk walk = ring_walk_back(context->ring, conn->recent);
    const struct ring_entry *entry;

    if (!(facts->sender.flags & ENDPOINT_FIN) || !(facts->sender.flags & ENDPOINT_ACKED) ||
        facts->receiver.last_payload_frame == 0) {
        return false;
    }
    if (seq_after(acked, facts->receiver.payload_end)) {
        acked = facts->receiver.payload_end;
    }
    while ((entry = ring_older(&walk))) {
        if (entry->side == facts->from && (entry->flags & WHYRST_TCP_FIN)) {
            return seq_after(acked, entry->ack);
        }
    }
    return false;
}

/* Two captures in one file, or a mirror of both sides of a device: what the sender says passes
 * twice, and where it has said but one thing, what it was told. Its latest segments may still be
 * between the two points. */
static void note_copies(struct conn_context *context, const struct conn *conn,
                        struct rst_facts *facts)
{
    struct ring_walk walk = ring_walk_back(context->ring, conn->recent);
    const struct ring_entry *entry;
    unsigned once = 0;
    unsigned twice = 0;
    unsigned peer_twice = 0;
    uint8_t least = UINT8_MAX;

    while ((entry = ring_older(&walk))) {
        if ((entry->flags & WHYRST_TCP_RST) ||
            (entry->copies == 0 && facts->segment.time_ns - entry->time_ns < COPY_WITHIN_NS)) {
            continue;
        }
        if (entry->side != facts->from) {
            peer_twice += entry->copies > 0;
        } else if (entry->copies == 0) {
            once++;
        } else {
            twice++;
            least = MIN(least, entry->copies);
        }
    }
    facts->copies = conn->copies;
    facts->passes_once = once > 0 && twice == 0;
    if (once > 0) {
        return;
    }
    facts->passes = twice >= 2 || (twice == 1 && peer_twice >= 2) ? least : 0;
}

void facts_compare(struct conn_context *context, const struct conn *conn, const struct host *host,
                   struct rst_facts *facts)
{
    const struct conn_extra *extra = conn_extra(conn);

    compare_ttl(host, facts);
    facts->labels_known = (facts->sender.flags & ENDPOINT_LABEL) ||
                          (!(facts->sender.flags & ENDPOINT_SPOKE) && host && host->labels);
    compare_id(facts);
    measure_reaction(context, conn, facts);
    measure_quiet(context, conn, facts);
    measure_told(context, conn, facts);
    count_unanswered(context, conn, facts);
    note_copies(context, conn, facts);
    facts->reordered = has_reordered(context, conn, facts->from);
    facts->read_on = has_read_on(context, conn, facts);
    if (is_unheard_of(&facts->sender) && host && host->twice) {
        facts->passes = MAX(facts->passes, 1);
    }
    if (facts->shape == RST_SHAPE_ANSWER) {
        note_answerable(context, conn, facts);
    }
    if (extra) {
        facts->previous = extra->resets[facts->from];
        facts->opposite = extra->resets[!facts->from];
    }
}
