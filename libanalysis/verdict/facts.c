/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verdict/facts.h"

#include <glib.h>

#include "bytes/seq.h"
#include "conn/payload.h"

/* The payload of an Ethernet frame without options. */
#define ETHERNET_SEGMENT 1460u

/* Nearer than this to the capture point, a host's program takes more time than the way. */
#define LEAST_TRIP_NS INT64_C(3000000)

/* What the RST's receiver expects next: all it was seen to be sent, in a capture that saw it. */
static uint32_t receiver_next(const struct rst_facts *facts)
{
    uint32_t next = facts->sender.next;

    if (!(facts->sender.flags & ENDPOINT_SEEN)) {
        return facts->receiver.ack;
    }
    if ((facts->receiver.flags & ENDPOINT_ACKED) && seq_after(facts->receiver.ack, next)) {
        next = facts->receiver.ack; /* it has received what the capture has not */
    }
    return next;
}

/* The latest window of @receiver. A SYN without the option means no scaling; a SYN not captured may
 * have had any: then the largest, which calls in-window what may be so. */
static uint32_t window_of(const struct endpoint *receiver, unsigned conn_flags)
{
    unsigned shift = receiver->wscale;

    if (shift == ENDPOINT_NO_WSCALE) {
        shift = conn_flags & CONN_SYN_ACK ? 0 : 14;
    }
    return (uint32_t)receiver->window << shift;
}

static uint32_t receiver_window(const struct rst_facts *facts)
{
    return window_of(&facts->receiver, facts->conn_flags);
}

/* For another segment as large as @sender's largest; network cards may have joined many into one.
 */
static uint32_t room_needed(const struct endpoint *sender)
{
    return MIN(sender->segment_size, ETHERNET_SEGMENT);
}

/* A window of one segment (small devices) is filled by every segment: that tells nothing. */
bool fills_window(const struct endpoint *sender, const struct endpoint *receiver,
                  unsigned conn_flags)
{
    uint32_t window = window_of(receiver, conn_flags);
    uint32_t size = room_needed(sender);

    if (sender->last_payload_frame == 0 || !(receiver->flags & ENDPOINT_ACKED) ||
        size < FULL_SEGMENT || (window >= size && window < 2 * size)) {
        return false;
    }
    return seq_diff(receiver->ack + window, sender->payload_end) < (int32_t)size;
}

bool lacks_plain_segments(const struct rst_facts *facts)
{
    uint32_t flags = facts->sender.flags | facts->receiver.flags;

    return !(flags & (ENDPOINT_LETTER_A | ENDPOINT_LETTER_D));
}

/* RFC 5961 section 3.2, and in SYN-SENT RFC 9293 section 3.10.7.3: there the ACK decides. */
static enum whyrst_sequence_check check_sequence(const struct rst_facts *facts)
{
    const struct whyrst_segment *rst = &facts->segment;
    const struct endpoint *receiver = &facts->receiver;
    uint32_t expected;

    if (!(facts->sender.flags & ENDPOINT_SEEN) && (receiver->flags & ENDPOINT_SYN) &&
        !(receiver->flags & ENDPOINT_ACKED)) {
        if (!(rst->flags & WHYRST_TCP_ACK)) {
            return WHYRST_SEQUENCE_OUT_OF_WINDOW;
        }
        return seq_after(rst->ack, receiver->base_seq) && !seq_after(rst->ack, receiver->next)
                   ? WHYRST_SEQUENCE_EXACT
                   : WHYRST_SEQUENCE_OUT_OF_WINDOW;
    }
    if (!(facts->sender.flags & ENDPOINT_SEEN) && !(receiver->flags & ENDPOINT_ACKED)) {
        return WHYRST_SEQUENCE_UNKNOWN;
    }
    expected = receiver_next(facts);
    if (rst->seq == expected) {
        return WHYRST_SEQUENCE_EXACT;
    }
    /* What the sender had sent beyond the receiver's latest acknowledgement may have been lost
     * after this capture point, and then the acknowledgement is what the receiver expects. */
    if ((receiver->flags & ENDPOINT_ACKED) && rst->seq == receiver->ack) {
        return WHYRST_SEQUENCE_EXACT;
    }
    /* Linux also takes the number of the FIN itself (tcp_reset_check()): a side that closed answers
     * with the ack of a segment that had not seen its FIN. */
    if ((facts->sender.flags & ENDPOINT_FIN) && rst->seq == expected - 1) {
        return WHYRST_SEQUENCE_EXACT;
    }
    if (seq_after(rst->seq, expected) && rst->seq - expected < receiver_window(facts)) {
        return WHYRST_SEQUENCE_IN_WINDOW;
    }
    return WHYRST_SEQUENCE_OUT_OF_WINDOW;
}

static void gather_unacked(struct rst_facts *facts)
{
    const struct endpoint *receiver = &facts->receiver;
    uint32_t acked = facts->sender.ack;

    if (receiver->last_payload_frame == 0) {
        facts->unacked_known = true;
        return;
    }
    if (facts->segment.flags & WHYRST_TCP_ACK) {
        acked = facts->sender.flags & ENDPOINT_ACKED ? seq_max(acked, facts->segment.ack)
                                                     : facts->segment.ack;
    } else if (!(facts->sender.flags & ENDPOINT_ACKED)) {
        return;
    }
    facts->unacked_known = true;
    facts->unacked_bytes =
        seq_after(receiver->payload_end, acked) ? receiver->payload_end - acked : 0;
}

/* From the last payload before the trigger, or before the RST, to it. */
static void gather_idle(struct conn_context *context, const struct conn *conn,
                        struct rst_facts *facts)
{
    const struct trigger *trigger = &facts->trigger;
    int64_t end = trigger->frame ? trigger->time_ns : facts->segment.time_ns;
    const struct conn_extra *extra = conn_extra(conn);
    int64_t last = payload_silent_since(conn);

    if (!(conn->flags & CONN_ESTABLISHED) && !facts->past_handshake) {
        return;
    }
    if (trigger->frame && trigger->length > 0) {
        last = 0;
        for (uint32_t at = conn->recent; at != 0;) {
            const struct ring_entry *entry = ring_get(context->ring, at);

            if (!entry) {
                break;
            }
            at = entry->previous;
            if (entry->frame < trigger->frame && entry->length > 0) {
                last = entry->time_ns;
                break;
            }
        }
        if (last == 0 && extra && extra->quiet.after_frame != 0 &&
            extra->quiet.after_frame <= trigger->frame) {
            last = extra->quiet.before_ns;
        }
        if (last == 0) {
            return;
        }
    }
    facts->idle_known = true;
    facts->silent_ns = MAX(facts->segment.time_ns - payload_silent_since(conn), 0);
    facts->idle_ns = MAX(end - last, 0);
}

/* The claimed sender's latest window of which something can have come before the RST. One that has
 * stalled empties its buffer before it closes. */
static uint32_t heard_window(struct conn_context *context, const struct conn *conn,
                             const struct rst_facts *facts)
{
    struct endpoint sender = facts->sender;
    int64_t trip_ns = MAX(round_trip_to(context, conn, !facts->from), LEAST_TRIP_NS);
    struct ring_walk walk = ring_walk_back(context->ring, conn->recent);
    const struct ring_entry *entry;

    while ((entry = ring_older(&walk)) && !(entry->flags & WHYRST_TCP_SYN)) {
        if (entry->side != facts->from && entry->length > 1) {
            break; /* more than some window probes carry: what was known has been used */
        }
        if (entry->side == facts->from && facts->segment.time_ns - entry->time_ns > trip_ns) {
            sender.window = entry->window;
            break;
        }
    }
    return window_of(&sender, facts->conn_flags);
}

/* By the claimed sender's own word: what is in flight may have been read. */
static bool has_shut_window(struct conn_context *context, const struct conn *conn,
                            const struct rst_facts *facts)
{
    const struct endpoint *sender = &facts->sender;
    uint32_t size = room_needed(&facts->receiver);

    return (sender->flags & ENDPOINT_ACKED) && facts->receiver.last_payload_frame != 0 &&
           size >= FULL_SEGMENT &&
           (window_of(sender, facts->conn_flags) < size ||
            heard_window(context, conn, facts) < size);
}

/* What the receiver had said before the segment that provoked the RST. */
static const struct ring_entry *latest_before_trigger(struct conn_context *context,
                                                      const struct conn *conn,
                                                      const struct rst_facts *facts)
{
    struct ring_walk walk = ring_walk_back(context->ring, conn->recent);
    const struct ring_entry *entry;

    while ((entry = ring_older(&walk))) {
        if (entry->side != facts->from && entry->frame < facts->trigger.frame &&
            (entry->flags & WHYRST_TCP_ACK)) {
            return entry;
        }
    }
    return NULL;
}

/* The sender's payload that begins with the first byte not acknowledged. */
static bool is_first_missing(const struct ring_entry *entry, const struct rst_facts *facts,
                             uint32_t acked)
{
    return entry->side == facts->from && entry->length > 0 && !seq_after(entry->seq, acked) &&
           seq_after(entry->seq + entry->length, acked);
}

/* The segment that provoked the RST may itself acknowledge what had been repeated in vain: too late
 * for one that had given up. So it had where the next repetition was overdue (the timer doubles,
 * RFC 6298 section 5.5; copies made on the way come sooner, hence the longest interval). */
static void gather_repetitions(struct conn_context *context, const struct conn *conn,
                               struct rst_facts *facts)
{
    const struct ring_entry *before = latest_before_trigger(context, conn, facts);
    struct ring_walk walk = ring_walk_back(context->ring, conn->recent);
    const struct ring_entry *entry;
    int64_t last_ns = 0;
    int64_t newer_ns = 0;
    int64_t interval_ns = 0;
    unsigned times = 0;
    bool shut = false;     /* the receiver has said so since the entry looked at */
    bool answered = false; /* ... since a copy newer than that */

    while (before && (entry = ring_older(&walk))) {
        if (is_first_missing(entry, facts, before->ack)) {
            last_ns = times == 0 ? entry->time_ns : last_ns;
            interval_ns = times == 0 ? 0 : MAX(interval_ns, newer_ns - entry->time_ns);
            newer_ns = entry->time_ns;
            facts->probed = answered; /* in the end by the first repetition or a later one */
            answered = shut;
            times++;
        } else if (entry->side != facts->from && entry->frame <= facts->trigger.frame) {
            shut |= entry->window == 0 && entry->ack == before->ack;
        }
    }
    facts->gave_up = times > 1 && facts->trigger.time_ns - last_ns > 2 * interval_ns;
    if (facts->gave_up) {
        facts->sender.retransmits = MAX(facts->sender.retransmits, MIN(times - 1, ENDPOINT_COUNT));
    }
}

/* Numbers ahead of what was captured, with all else as the sender's own stack has it: what it had
 * sent last was lost, or is late, before the capture point. */
static bool continues_unseen(const struct rst_facts *facts)
{
    const struct whyrst_segment *rst = &facts->segment;
    const struct endpoint *sender = &facts->sender;
    const struct endpoint *receiver = &facts->receiver;

    return facts->options.timestamps && (sender->flags & ENDPOINT_TIMESTAMPS) &&
           (sender->flags & ENDPOINT_ACKED) && !seq_before(rst->ack, sender->ack) &&
           rst->ttl == sender->ttl && (receiver->flags & ENDPOINT_ACKED) &&
           seq_after(rst->seq, sender->next) &&
           !seq_after(rst->seq, receiver->ack + receiver_window(facts));
}

/* A host that has no socket answers a SYN with number 0 and without options (RFC 9293
 * section 3.10.7.1, tcp_v4_send_reset()), and acknowledges nothing but that SYN. */
static bool is_past_syn(const struct rst_facts *facts)
{
    const struct whyrst_segment *rst = &facts->segment;
    const struct endpoint *receiver = &facts->receiver;
    uint32_t ahead = rst->ack - receiver->next;

    return !facts->from_client && !(facts->sender.flags & ENDPOINT_SEEN) &&
           (facts->conn_flags & CONN_SYN) && (rst->flags & WHYRST_TCP_ACK) && rst->seq != 0 &&
           (ahead == 0 ? facts->options.timestamps : ahead < FACTS_NEAR);
}

static enum rst_shape shape_without_trigger(const struct rst_facts *facts)
{
    const struct whyrst_segment *rst = &facts->segment;

    const struct endpoint *receiver = &facts->receiver;

    if (facts->past_syn && facts->options.timestamps) {
        return RST_SHAPE_ACTIVE;
    }
    if (!(rst->flags & WHYRST_TCP_ACK) || !(facts->sender.flags & ENDPOINT_SEEN)) {
        return RST_SHAPE_OTHER;
    }
    if (rst->seq == facts->sender.next || rst->seq == receiver_next(facts) ||
        continues_unseen(facts)) {
        return RST_SHAPE_ACTIVE;
    }
    /* Linux takes the end of the receiver's window when that has shrunk below what was sent
     * (tcp_acceptable_seq()). */
    return (receiver->flags & ENDPOINT_ACKED) && seq_before(rst->seq, facts->sender.next) &&
                   rst->seq == receiver->ack + receiver_window(facts)
               ? RST_SHAPE_ACTIVE
               : RST_SHAPE_OTHER;
}

void facts_gather(struct conn_context *context, struct conn *conn, unsigned side,
                  const struct whyrst_segment *segment, struct rst_facts *facts)
{
    *facts = (struct rst_facts){.segment = *segment,
                                .options = tcp_options_read(segment),
                                .sender = conn->side[side],
                                .receiver = conn->side[!side],
                                .from = (uint8_t)side,
                                .from_client = side == conn->client,
                                .conn_flags = conn->flags};
    facts->segment.payload = NULL;
    facts->segment.options = NULL;
    facts->past_syn = is_past_syn(facts);
    facts->shape = shape_without_trigger(facts);
    trigger_find(context, conn, facts);
    if (facts->shape == RST_SHAPE_ANSWER) {
        gather_repetitions(context, conn, facts);
    }
    facts->sequence_check = check_sequence(facts);
    payload_observe(context, conn, &facts->state);
    gather_unacked(facts);
    facts->past_handshake = origin_skips_handshake(conn, facts);
    gather_idle(context, conn, facts);
    facts->window_shut = has_shut_window(context, conn, facts);
    origin_decide(context, conn, facts);
}
