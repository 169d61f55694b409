/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The phase of the connection's life that a RST hit: the first matching line of the table of
 * origins (types.h), from what came before the RST only.
 *
 * TCP's own state decides the lines up to idle-timeout; below, the application dialogue does. Where
 * a protocol is read (HTTP/1.x, TLS records) its framing is exact. Where it is not, the payload's
 * direction, PSH and acknowledgements give the best inference, and origin_sure stays false.
 */
#include "verdict/facts.h"

#include "bytes/seq.h"
#include "conn/payload.h"

/* At least two full segments of @sender are under way: a flow, no message. */
static bool is_in_flight(const struct endpoint *sender, const struct endpoint *receiver)
{
    return (receiver->flags & ENDPOINT_ACKED) && sender->segment_size >= FULL_SEGMENT &&
           seq_diff(sender->payload_end, receiver->ack) >= 2 * (int32_t)sender->segment_size;
}

/* The two sides as the rules see them; whether each has more to send: it has stopped for want of
 * the other's window, say; and whether the latest payload of all is its own, and acknowledges all
 * that the other side's acknowledged bytes hold: those came before. */
struct sides {
    struct endpoint client;
    struct endpoint server;
    bool client_has_more;
    bool server_has_more;
    bool client_spoke_last;
    bool server_spoke_last;
};

/* More than one segment, or its end may be there by chance. */
static bool is_blocked(const struct endpoint *sender, const struct endpoint *receiver,
                       unsigned conn_flags)
{
    return sender->bytes >= 2u * sender->segment_size && fills_window(sender, receiver, conn_flags);
}

/* The side's latest payload filled a segment, as others had since the other side spoke: a message
 * of many segments seldom ends just there. One alone may be as long as others of its kind. */
static bool ends_full(const struct conn_context *context, const struct conn *conn, unsigned side)
{
    const struct endpoint *sender = &conn->side[side];
    struct ring_walk walk = ring_walk_back(context->ring, conn->recent);
    const struct ring_entry *entry;
    unsigned full = 0;

    while (sender->segment_size >= FULL_SEGMENT && full < 2 && (entry = ring_older(&walk))) {
        if (entry->length == 0) {
            continue;
        }
        if (entry->side != side || (full == 0 && entry->length < sender->segment_size)) {
            return false;
        }
        full += entry->length >= sender->segment_size;
    }
    return full == 2;
}

static void find_last_word(const struct conn_context *context, const struct conn *conn,
                           struct sides *sides)
{
    struct ring_walk walk = ring_walk_back(context->ring, conn->recent);
    const struct ring_entry *entry;

    while ((entry = ring_older(&walk))) {
        if (entry->length > 0) {
            bool client = entry->side == conn->client;
            const struct endpoint *speaker = client ? &sides->client : &sides->server;
            bool knows = (speaker->flags & ENDPOINT_ACKED) && !seq_before(entry->ack, speaker->ack);

            sides->client_spoke_last = client && knows;
            sides->server_spoke_last = !client && knows;
            return;
        }
    }
}

static struct sides sides_of(const struct endpoint *client, const struct endpoint *server,
                             unsigned conn_flags)
{
    return (struct sides){.client = *client,
                          .server = *server,
                          .client_has_more = is_blocked(client, server, conn_flags),
                          .server_has_more = is_blocked(server, client, conn_flags)};
}

/* More payload of this side is on its way: its latest segment was full and without PSH (a sender
 * sets PSH where its data ends for now, RFC 9293 section 3.9.1.2), two full ones are in flight, or
 * the other side has no room for more. */
static bool is_flowing(const struct endpoint *sender, const struct endpoint *receiver,
                       bool has_more)
{
    if (sender->last_payload_frame == 0) {
        return false;
    }
    if (!(sender->flags & ENDPOINT_PSH)) {
        return sender->segment_size >= FULL_SEGMENT;
    }
    return has_more || is_in_flight(sender, receiver);
}

static bool client_flows(const struct sides *sides)
{
    return is_flowing(&sides->client, &sides->server, sides->client_has_more);
}

static bool server_flows(const struct sides *sides)
{
    return is_flowing(&sides->server, &sides->client, sides->server_has_more);
}

/* Payload of @sender that @receiver acknowledged but the capture lacks. */
static bool has_unseen(const struct endpoint *sender, const struct endpoint *receiver)
{
    uint32_t end = sender->last_payload_frame ? sender->payload_end : sender->base_seq + 1;

    if (!(receiver->flags & ENDPOINT_ACKED) ||
        !(sender->last_payload_frame || (sender->flags & ENDPOINT_SYN))) {
        return false;
    }
    return seq_diff(receiver->ack, end) > ((sender->flags & ENDPOINT_FIN) ? 1 : 0);
}

/* The phase of a dialogue that cannot be read, from who spoke last. */
static enum observe_phase infer_phase(const struct sides *sides)
{
    const struct endpoint *client = &sides->client;
    const struct endpoint *server = &sides->server;

    if (has_unseen(server, client) && !sides->client_spoke_last) {
        return OBSERVE_PHASE_COMPLETE;
    }
    if (has_unseen(client, server) && !sides->server_spoke_last) {
        return OBSERVE_PHASE_AWAITING;
    }
    if (client->last_payload_frame == 0 && server->last_payload_frame == 0) {
        return OBSERVE_PHASE_UNKNOWN;
    }
    if (client->last_payload_frame > server->last_payload_frame) {
        return client_flows(sides) ? OBSERVE_PHASE_REQUEST : OBSERVE_PHASE_AWAITING;
    }
    if (is_in_flight(client, server)) {
        return OBSERVE_PHASE_REQUEST; /* the server spoke before it had heard the client out */
    }
    return server_flows(sides) ? OBSERVE_PHASE_RESPONSE : OBSERVE_PHASE_COMPLETE;
}

/* What record boundaries leave open, TCP may tell: a side that is still sending is not complete. */
static enum observe_phase refine_phase(enum observe_phase phase, const struct sides *sides)
{
    if (phase == OBSERVE_PHASE_COMPLETE && server_flows(sides)) {
        return OBSERVE_PHASE_RESPONSE;
    }
    if (phase == OBSERVE_PHASE_AWAITING && client_flows(sides)) {
        return OBSERVE_PHASE_REQUEST;
    }
    return phase;
}

/* The RST follows on payload, where none of its sender was captured. (One byte may be a FIN.) */
static bool follows_unseen(const struct rst_facts *facts)
{
    const struct endpoint *sender = &facts->sender;
    uint32_t ahead = facts->segment.seq - sender->next;

    return (facts->segment.flags & WHYRST_TCP_ACK) && (sender->flags & ENDPOINT_SYN) &&
           sender->last_payload_frame == 0 && ahead > 1 && ahead < FACTS_NEAR;
}

static void raise_ack(struct endpoint *endpoint, uint32_t ack)
{
    endpoint->ack = endpoint->flags & ENDPOINT_ACKED ? seq_max(endpoint->ack, ack) : ack;
    endpoint->flags |= ENDPOINT_ACKED;
}

/* What the RST acknowledges its sender had received, too, and what it follows on had been sent. */
static struct sides sides_with_reset(const struct rst_facts *facts)
{
    struct sides sides = facts->from_client
                             ? sides_of(&facts->sender, &facts->receiver, facts->conn_flags)
                             : sides_of(&facts->receiver, &facts->sender, facts->conn_flags);
    struct endpoint *sender = facts->from_client ? &sides.client : &sides.server;

    if ((facts->segment.flags & WHYRST_TCP_ACK) && facts->shape != RST_SHAPE_REFUSAL &&
        (facts->past_syn || (sender->flags & ENDPOINT_SPOKE))) {
        raise_ack(sender, facts->segment.ack);
    }
    if (follows_unseen(facts)) {
        raise_ack(facts->from_client ? &sides.server : &sides.client, facts->segment.seq);
    }
    if (facts->window_shut && facts->receiver.bytes >= 2u * facts->receiver.segment_size) {
        *(facts->from_client ? &sides.server_has_more : &sides.client_has_more) = true;
    }
    return sides;
}

static enum observe_phase dialogue_phase(const struct rst_facts *facts, const struct sides *sides)
{
    const struct endpoint *client = &sides->client;
    const struct endpoint *server = &sides->server;
    bool from_start = facts->conn_flags & (CONN_SYN | CONN_SYN_ACK);

    if (facts->state.phase == OBSERVE_PHASE_NO_DATA && !(facts->conn_flags & CONN_PAYLOAD) &&
        (!from_start || has_unseen(client, server) || has_unseen(server, client))) {
        return infer_phase(sides); /* not all that was said was captured */
    }
    if (facts->state.phase == OBSERVE_PHASE_NO_DATA && facts->state.tls && !from_start &&
        facts->state.hello_frame == 0) {
        return OBSERVE_PHASE_UNKNOWN; /* a TLS connection that was in use before, or was not */
    }
    if (facts->state.phase == OBSERVE_PHASE_UNKNOWN && facts->state.tls &&
        facts->state.tls_stage < WHYRST_TLS_ESTABLISHED && facts->state.hello_frame == 0) {
        return OBSERVE_PHASE_UNKNOWN; /* the client's part of the handshake was not captured */
    }
    if (facts->state.phase == OBSERVE_PHASE_UNKNOWN) {
        return infer_phase(sides);
    }
    return facts->state.exact ? facts->state.phase : refine_phase(facts->state.phase, sides);
}

static enum whyrst_origin phase_origin(enum observe_phase phase)
{
    switch (phase) {
    case OBSERVE_PHASE_NO_DATA:
        return WHYRST_ORIGIN_BEFORE_DATA;
    case OBSERVE_PHASE_HANDSHAKE:
        return WHYRST_ORIGIN_TLS_PHASE;
    case OBSERVE_PHASE_REQUEST:
        return WHYRST_ORIGIN_MID_REQUEST;
    case OBSERVE_PHASE_AWAITING:
        return WHYRST_ORIGIN_AWAITING_RESPONSE;
    case OBSERVE_PHASE_RESPONSE:
        return WHYRST_ORIGIN_MID_RESPONSE;
    case OBSERVE_PHASE_COMPLETE:
        return WHYRST_ORIGIN_AFTER_RESPONSE;
    case OBSERVE_PHASE_UNKNOWN:
        break;
    }
    return WHYRST_ORIGIN_UNKNOWN;
}

/* Whether, in that phase, one side waits for something the other has to send. */
static bool is_owed(enum observe_phase phase)
{
    return phase == OBSERVE_PHASE_HANDSHAKE || phase == OBSERVE_PHASE_REQUEST ||
           phase == OBSERVE_PHASE_AWAITING || phase == OBSERVE_PHASE_RESPONSE;
}

/*
 * Silence that ended just before the RST, by payload that does not count: the segment that provoked
 * the RST and others of its flight, a request that crossed the RST on its way, or the sender's TLS
 * alert that announces its close. Payload that the RST's sender had acknowledged does count.
 */
static bool silence_before_last_words(const struct rst_facts *facts, const struct conn *conn)
{
    const struct conn_extra *extra = conn_extra(conn);
    const struct quiet *quiet = extra ? &extra->quiet : NULL;
    unsigned receiver_bit = 1u << !facts->from;

    if (!quiet || quiet->after_frame == 0 || is_owed((enum observe_phase)quiet->phase)) {
        return false;
    }
    if (quiet->sides == receiver_bit) {
        if ((facts->sender.flags & ENDPOINT_ACKED) &&
            seq_after(facts->sender.ack, quiet->after_seq)) {
            return false;
        }
        return facts->trigger.frame != 0
                   ? facts->trigger.frame >= quiet->after_frame
                   : facts->shape == RST_SHAPE_ACTIVE && facts->receiver.retransmits == 0 &&
                         !seq_after(facts->segment.ack, quiet->after_seq);
    }
    return quiet->sides == 1u << facts->from && facts->state.alert.frame == quiet->after_frame;
}

int64_t origin_silence_survived(const struct conn *conn)
{
    const struct conn_extra *extra = conn_extra(conn);
    const struct quiet *quiet = extra ? &extra->quiet : NULL;

    return quiet && quiet->after_frame && !is_owed((enum observe_phase)quiet->phase)
               ? quiet->after_ns - quiet->before_ns
               : 0;
}

/* Payload is sent again and again for want of an acknowledgement: no silence. */
static bool is_retransmitting(const struct endpoint *sender, const struct endpoint *receiver)
{
    return sender->retransmits > 0 && (receiver->flags & ENDPOINT_ACKED) &&
           seq_after(sender->payload_end, receiver->ack);
}

static bool decide_idle(const struct conn_context *context, const struct conn *conn,
                        struct rst_facts *facts, enum observe_phase phase)
{
    if (is_retransmitting(&conn->side[0], &conn->side[1]) ||
        is_retransmitting(&conn->side[1], &conn->side[0])) {
        return false;
    }
    if (facts->idle_known && facts->idle_ns >= context->idle_threshold_ns && !is_owed(phase)) {
        facts->survived_ns = origin_silence_survived(conn);
        return true;
    }
    if (silence_before_last_words(facts, conn)) {
        const struct quiet *quiet = &conn_extra(conn)->quiet;

        facts->idle_ns = quiet->after_ns - quiet->before_ns;
        facts->idle_known = true;
        return true;
    }
    return false;
}

/* The side's last words were an alert, after a silence. */
static const struct quiet *announced_close(const struct conn *conn, unsigned side)
{
    const struct conn_extra *extra = conn_extra(conn);

    return extra && extra->quiet.after_frame != 0 && extra->quiet.sides == 1u << side &&
                   !is_owed((enum observe_phase)extra->quiet.phase)
               ? &extra->quiet
               : NULL;
}

int64_t origin_silence_before_fin(struct conn_context *context, struct conn *conn, unsigned side,
                                  int64_t fin_ns)
{
    const struct quiet *announced = announced_close(conn, side);
    int64_t silent_ns = fin_ns - payload_silent_since(conn);
    struct observe_state state;
    struct sides sides;
    enum observe_phase phase;

    if (!(conn->flags & CONN_ESTABLISHED) || is_retransmitting(&conn->side[0], &conn->side[1]) ||
        is_retransmitting(&conn->side[1], &conn->side[0]) ||
        (silent_ns < context->idle_threshold_ns && !announced)) { /* as nearly all are */
        return -1;
    }
    payload_observe(context, conn, &state);
    if (announced && state.alert.frame == announced->after_frame) {
        return announced->after_ns - announced->before_ns;
    }
    sides = sides_of(&conn->side[conn->client], &conn->side[!conn->client], conn->flags);
    find_last_word(context, conn, &sides);
    phase = state.phase == OBSERVE_PHASE_UNKNOWN ? infer_phase(&sides) : state.phase;
    return is_owed(phase) ? -1 : silent_ns;
}

/* The handshake's last ACK would not have been captured: of the initiator nothing was, or of the
 * whole capture neither ACKs nor payload, but closes, which do not go without. */
static bool hides_last_ack(const struct conn_context *context, const struct conn *conn,
                           const struct rst_facts *facts)
{
    bool unheard = !facts->from_client && !(conn->side[conn->client].flags & ENDPOINT_SEEN);
    bool filtered = context->closes && !context->plain && facts->shape != RST_SHAPE_ANSWER;

    return (conn->flags & CONN_SYN_ACK) && (unheard || filtered);
}

static enum whyrst_origin handshake_origin(const struct conn_context *context,
                                           const struct conn *conn, const struct rst_facts *facts)
{
    bool answered = conn->flags & CONN_SYN_ACK;

    if (hides_last_ack(context, conn, facts)) {
        return WHYRST_ORIGIN_UNKNOWN;
    }
    return (conn->flags & CONN_SYN) && !answered && !facts->from_client
               ? WHYRST_ORIGIN_REFUSED_HANDSHAKE
               : WHYRST_ORIGIN_ABORTED_HANDSHAKE;
}

static bool is_partial(const struct rst_facts *facts, const struct sides *sides)
{
    const struct endpoint *client = &sides->client;
    const struct endpoint *server = &sides->server;
    uint32_t cut = (client->flags | server->flags) & ENDPOINT_CUT;

    if (facts->conn_flags & CONN_SYN_ACK) {
        return !(facts->conn_flags & CONN_SYN) || !(client->flags & ENDPOINT_SPOKE) ||
               (facts->shape == RST_SHAPE_ACTIVE &&
                seq_after(facts->segment.seq, facts->sender.next)) ||
               has_unseen(client, server) || has_unseen(server, client) ||
               facts->state.side[OBSERVE_CLIENT].lost || facts->state.side[OBSERVE_SERVER].lost ||
               (cut && !facts->state.exact);
    }
    /* A RST that acknowledges something: the SYN-ACK came, and was not captured. */
    if (facts->from_client && (facts->segment.flags & WHYRST_TCP_ACK) && facts->segment.ack != 0) {
        return true;
    }
    return (facts->conn_flags & CONN_ESTABLISHED) || !(facts->conn_flags & CONN_SYN);
}

/* A SYN-ACK that nobody acknowledges is sent again, after three seconds at the latest (RFC 6298
 * section 2 and before it RFC 1122 section 4.2.3.1), and again. */
#define SYN_ACK_AGAIN_NS INT64_C(3500000000)

/* The other side's RST cannot have arrived: long afterwards a live socket resets, too. A device on
 * the way, known by its distance, may keep numbers that its host has forgotten. */
static bool has_outlived_reset(const struct conn *conn, const struct rst_facts *facts)
{
    const struct conn_extra *extra = conn_extra(conn);

    return !(conn->flags & CONN_CLOSED) && facts->shape == RST_SHAPE_ACTIVE &&
           facts->from != extra->reset_side &&
           !came_from_elsewhere(&facts->sender, facts->segment.ttl, 1) &&
           facts->segment.time_ns - extra->resets[extra->reset_side].time_ns > CONN_HELD_UP_NS;
}

/* The RST belongs to a connection whose handshake was completed by segments that the capture lacks:
 * it acknowledges or follows on more than the handshake, is a server's own socket's, or comes so
 * late that a SYN-ACK without answer would have been sent again. */
bool origin_skips_handshake(const struct conn *conn, const struct rst_facts *facts)
{
    struct sides sides;
    const struct endpoint *server = &sides.server;

    if (conn->flags & CONN_ESTABLISHED) {
        return false;
    }
    if (!(facts->conn_flags & CONN_SYN_ACK)) {
        return facts->past_syn;
    }
    sides = sides_with_reset(facts);
    if (has_unseen(&sides.client, server) || has_unseen(server, &sides.client) ||
        (!facts->from_client && facts->shape == RST_SHAPE_ACTIVE && facts->options.timestamps)) {
        return true;
    }
    return server->syns == 1 && !(facts->conn_flags & CONN_CLIENT_RTT) &&
           facts->segment.time_ns - conn->first_ns - conn->times.client_rtt_ns > SYN_ACK_AGAIN_NS;
}

void origin_decide(const struct conn_context *context, const struct conn *conn,
                   struct rst_facts *facts)
{
    struct sides sides = sides_with_reset(facts);
    enum observe_phase phase;

    find_last_word(context, conn, &sides);
    facts->partial = facts->past_handshake || is_partial(facts, &sides);
    facts->origin_sure = !facts->partial;
    if (conn->flags & (CONN_CLOSED | CONN_RESET) && !has_outlived_reset(conn, facts)) {
        facts->origin = WHYRST_ORIGIN_AFTER_CLOSE;
        return;
    }
    if ((conn->side[0].flags | conn->side[1].flags) & ENDPOINT_FIN) {
        facts->origin = WHYRST_ORIGIN_AFTER_FIN;
        return;
    }
    if (!(conn->flags & CONN_USED)) {
        facts->origin = WHYRST_ORIGIN_UNKNOWN; /* nothing but the RST was captured */
        facts->origin_sure = false;
        return;
    }
    if (!(conn->flags & CONN_ESTABLISHED) && !facts->past_handshake) {
        facts->origin = handshake_origin(context, conn, facts);
        return;
    }
    phase = dialogue_phase(facts, &sides);
    facts->origin = WHYRST_ORIGIN_IDLE_TIMEOUT;
    if (!decide_idle(context, conn, facts, phase)) {
        sides.client_has_more |= ends_full(context, conn, conn->client);
        sides.server_has_more |= ends_full(context, conn, !conn->client);
        phase = dialogue_phase(facts, &sides);
        facts->origin = phase_origin(phase);
    }
    facts->phase = phase;
    facts->origin_sure = facts->state.exact && phase == facts->state.phase;
}
