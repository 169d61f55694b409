/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conn/conn.h"

#include <string.h>

#include <glib.h>

#include "bytes/seq.h"
#include "bytes/zeroed.h"
#include "conn/baseline.h"
#include "conn/history.h"
#include "conn/options.h"
#include "conn/payload.h"
#include "limits.h"

#define SYN WHYRST_TCP_SYN
#define ACK WHYRST_TCP_ACK
#define FIN WHYRST_TCP_FIN
#define RST WHYRST_TCP_RST

static uint32_t sequence_length(const struct whyrst_segment *segment)
{
    return segment->payload_length + !!(segment->flags & SYN) + !!(segment->flags & FIN);
}

bool conn_is_reused(const struct conn *conn, unsigned side, const struct whyrst_segment *segment)
{
    const struct endpoint *sender = &conn->side[side];

    /* A new initial sequence number, or the same one after the end: Wireshark starts a new stream,
     * be it a SYN or a SYN-ACK. */
    return (segment->flags & SYN) && (sender->flags & ENDPOINT_BASE) &&
           (segment->seq != sender->base_seq || (conn->flags & (CONN_RST_SEEN | CONN_FIN_SEEN)));
}

bool conn_is_late_answer(const struct conn *conn, unsigned side,
                         const struct whyrst_segment *segment)
{
    return (segment->flags & (SYN | ACK)) == (SYN | ACK) && (conn->flags & CONN_SYN) &&
           !(conn->flags & CONN_SYN_ACK) && side != conn->client &&
           segment->ack == conn->side[conn->client].base_seq + 1;
}

bool conn_is_repeated_answer(const struct conn *conn, unsigned side,
                             const struct whyrst_segment *segment)
{
    return (segment->flags & (SYN | ACK)) == (SYN | ACK) && (conn->flags & CONN_SYN_ACK) &&
           !(conn->flags & CONN_RST_SEEN) && side != conn->client &&
           segment->seq == conn->side[side].base_seq &&
           segment->ack == conn->side[conn->client].base_seq + 1;
}

void conn_note_base(struct conn *conn, unsigned side, const struct whyrst_segment *segment)
{
    struct endpoint *sender = &conn->side[side];
    struct endpoint *peer = &conn->side[!side];

    if (!(sender->flags & ENDPOINT_BASE)) {
        sender->base_seq = segment->seq - !(segment->flags & SYN);
        sender->flags |= ENDPOINT_BASE;
    }
    if ((segment->flags & ACK) && !(peer->flags & ENDPOINT_BASE)) {
        peer->base_seq = segment->ack - 1;
        peer->flags |= ENDPOINT_BASE;
    }
}

struct conn_extra *conn_make_extra(struct conn *conn)
{
    struct conn_extra **extra = conn->has_app ? &conn->more.app->extra : &conn->more.extra;

    if (!*extra) {
        *extra = zeroed_new(struct conn_extra);
    }
    return *extra;
}

void conn_clear(struct conn *conn)
{
    payload_clear(conn);
    if (conn->more.extra) {
        g_free(conn->more.extra->proxy);
    }
    g_free(conn->more.extra);
    conn->more.extra = NULL;
}

/* Without a SYN the client is the side with the higher port, until payload says otherwise. */
static void guess_roles_by_port(struct conn *conn, unsigned side)
{
    if (conn->key.port[side] == conn->key.port[!side]) {
        conn->client = side & 1;
    } else {
        conn->client = conn->key.port[1] > conn->key.port[0];
    }
}

void conn_init(struct conn *conn, const struct flow_key *key, unsigned side, uint32_t stream)
{
    memset(conn, 0, sizeof *conn);
    conn->key = flow_key_entry(key);
    conn->ipv6 = key->version == 6;
    conn->stream = stream;
    conn->side[0].wscale = conn->side[1].wscale = ENDPOINT_NO_WSCALE;
    guess_roles_by_port(conn, side);
}

static void first_segment(struct conn *conn, const struct whyrst_segment *segment)
{
    conn->flags |= CONN_USED;
    conn->first_frame = (uint32_t)segment->frame;
    conn->first_ns = segment->time_ns;
}

#define TOO_LONG CONN_TIME_MAX(CONN_RTT_BITS)

/* Time since the first segment; a handshake that takes TOO_LONG is not measured. */
static int64_t since_first(const struct conn *conn, int64_t time_ns)
{
    return CLAMP(time_ns - conn->first_ns, -TOO_LONG, TOO_LONG);
}

/* A step of the handshake at @since_ns. */
static void note_handshake(struct conn *conn, int64_t since_ns)
{
    if (!(conn->flags & CONN_PAYLOAD)) {
        conn->times.ttfb_ns = since_ns;
    }
}

static void see_syn(struct conn *conn, unsigned side, const struct whyrst_segment *segment)
{
    int64_t since_ns = since_first(conn, segment->time_ns);

    if (!(conn->flags & CONN_SYN)) {
        conn->flags |= CONN_SYN;
        if (conn->packets == 1) {
            conn->syn_first = 1;
        } else {
            conn_make_extra(conn)->syn_frame = (uint32_t)segment->frame;
        }
        if (!(conn->flags & CONN_ROLES)) {
            conn->client = side & 1;
        }
        conn->flags |= CONN_ROLES;
    }
    if (side == conn->client) {
        conn->times.irtt_ns = conn->flags & CONN_IRTT ? conn->times.irtt_ns : since_ns;
        note_handshake(conn, since_ns);
    }
    conn->side[side].flags |= ENDPOINT_SYN | ENDPOINT_SYN_PLAIN;
}

static void see_syn_ack(struct conn *conn, unsigned side, const struct whyrst_segment *segment)
{
    int64_t since_ns = since_first(conn, segment->time_ns);

    if (!(conn->flags & CONN_ROLES)) {
        conn->client = !side;
        conn->flags |= CONN_ROLES;
    }
    /* In a simultaneous open (RFC 9293 section 3.5) the SYN-ACKs cross: no round trip to measure.
     */
    if ((conn->flags & CONN_SYN) && !(conn->flags & CONN_IRTT) && side != conn->client &&
        since_ns < TOO_LONG) {
        conn->times.irtt_ns = since_ns - conn->times.irtt_ns;
        conn->flags |= CONN_IRTT;
        note_handshake(conn, since_ns);
    }
    if (!(conn->flags & CONN_CLIENT_RTT)) {
        conn->times.client_rtt_ns = since_ns;
    }
    if ((conn->side[!side].flags & ENDPOINT_SYN_ACK) &&
        (conn->side[0].flags & conn->side[1].flags & ENDPOINT_SYN_PLAIN)) {
        conn->flags |= CONN_ESTABLISHED; /* the crossing SYN-ACKs are each other's final ACK */
    }
    conn->flags |= CONN_SYN_ACK;
    conn->side[side].flags |= ENDPOINT_SYN | ENDPOINT_SYN_ACK;
    if (!(conn->side[!side].flags & ENDPOINT_SYN)) {
        conn->side[!side].base_seq = segment->ack - 1;
        conn->side[!side].flags |= ENDPOINT_SYN | ENDPOINT_BASE;
    }
}

/* A segment without SYN: is the handshake over? */
static void see_established(struct conn *conn, unsigned side, const struct whyrst_segment *segment)
{
    bool from_initiator = side == conn->client;

    if (conn->flags & CONN_ESTABLISHED) {
        return;
    }
    if (!(conn->flags & (CONN_SYN | CONN_SYN_ACK))) {
        conn->flags |= CONN_ESTABLISHED; /* the capture starts mid-connection */
        return;
    }
    if (!(segment->flags & ACK)) {
        return;
    }
    if (!(conn->flags & CONN_SYN_ACK)) {
        /* The SYN-ACK escaped the capture. An ACK from the target alone proves nothing: that is
         * how a stale connection of the same ports answers a SYN (RFC 9293 section 3.5.1). */
        if (!from_initiator && segment->payload_length == 0) {
            return;
        }
        if (from_initiator) {
            conn->side[!side].base_seq = segment->ack - 1;
            conn->side[!side].flags |= ENDPOINT_SYN | ENDPOINT_BASE;
        }
    } else if (from_initiator && !(conn->flags & CONN_CLIENT_RTT)) {
        int64_t since_ns = since_first(conn, segment->time_ns);

        note_handshake(conn, since_ns);
        if (since_ns < TOO_LONG) {
            conn->times.client_rtt_ns = since_ns - conn->times.client_rtt_ns;
            conn->flags |= CONN_CLIENT_RTT;
        }
    } else if (!from_initiator && segment->payload_length == 0 &&
               !seq_after(segment->ack, conn->side[!side].base_seq + 1)) {
        return; /* it acknowledges no more than the SYN */
    }
    conn->flags |= CONN_ESTABLISHED;
}

static void note_syn_options(struct endpoint *sender, const struct whyrst_segment *segment,
                             const struct tcp_options *options)
{
    sender->wscale = options->wscale <= 14 ? options->wscale & 15u : ENDPOINT_NO_WSCALE;
    sender->syns += sender->syns < ENDPOINT_COUNT;
    sender->flags |= options->mss ? 0 : ENDPOINT_SYN_BARE;
    if (segment->ip_id == CONN_IP_ID_ZMAP || segment->ttl > CONN_TTL_ORDINARY) {
        sender->flags |= ENDPOINT_SYN_ODD;
    }
}

/* RFC 9293 section 3.8.4: a keep-alive is one byte before the next, which the peer has already
 * acknowledged; zero-window probes of Linux look the same. */
static bool is_keepalive(const struct endpoint *sender, const struct endpoint *peer,
                         const struct whyrst_segment *segment)
{
    if (segment->payload_length > 1 || (segment->flags & (SYN | FIN)) ||
        !(sender->flags & ENDPOINT_SEEN) || segment->seq != sender->next - 1) {
        return false;
    }
    return segment->payload_length == 0 ||
           ((peer->flags & ENDPOINT_ACKED) && peer->ack == sender->next);
}

/* It acknowledges more than the peer is seen to have sent: the capture has lost that, or, seldom,
 * has it in another order. */
static bool tells_of_loss(const struct endpoint *sender, const struct endpoint *peer,
                          const struct whyrst_segment *segment)
{
    return (peer->flags & ENDPOINT_SEEN) && seq_after(segment->ack, peer->next) &&
           (!(sender->flags & ENDPOINT_ACKED) || seq_after(segment->ack, sender->ack));
}

/* Acknowledgement: what of the peer's was received; true when this completes the close. */
static bool see_ack(struct conn *conn, unsigned side, const struct whyrst_segment *segment)
{
    struct endpoint *sender = &conn->side[side];
    struct endpoint *peer = &conn->side[!side];

    if (!(sender->flags & ENDPOINT_ACKED) || seq_after(segment->ack, sender->ack)) {
        sender->ack = segment->ack;
        sender->flags |= ENDPOINT_ACKED;
        peer->retransmits = 0;
    }
    if ((peer->flags & ENDPOINT_FIN) && !(peer->flags & ENDPOINT_FIN_ACKED) &&
        !seq_before(sender->ack, peer->next)) {
        peer->flags |= ENDPOINT_FIN_ACKED;
        if ((sender->flags & ENDPOINT_FIN_ACKED) && !(conn->flags & CONN_CLOSED)) {
            conn->flags |= CONN_CLOSED;
            return true;
        }
    }
    return false;
}

/* The peer of a reset connection lives on: it acknowledges what the "dead" side sent since, it
 * answers a RST whose number was not exact with a challenge ACK (RFC 5961 section 3.2), or it still
 * speaks long afterwards: the RST never arrived. */
static void see_life_after_reset(struct conn *conn, unsigned side,
                                 const struct whyrst_segment *segment)
{
    const struct conn_extra *extra = conn_extra(conn);
    bool challenge;

    if (!(conn->flags & CONN_RESET) || side == extra->reset_side) {
        return;
    }
    challenge = extra->reset_in_window && segment->payload_length == 0 &&
                !(segment->flags & (SYN | FIN)) && segment->ack == conn->side[!side].next;
    if (challenge || seq_after(conn->side[side].ack, extra->reset_next) ||
        segment->time_ns - extra->resets[extra->reset_side].time_ns > CONN_HELD_UP_NS) {
        conn->flags &= (uint16_t) ~(CONN_RESET | CONN_REFUSED);
    }
}

/* Whether equal header fields prove a second capture by themselves. A stack does not send two IPv4
 * datagrams with one identification within so short a time (RFC 6864), nor repeat data at once, nor
 * later with the timestamps of the first time (RFC 7323 section 5.4); and a packet that comes soon
 * with a lower TTL, and is no answer that its sender may have given twice (timestamps tell), has
 * passed a router since. */
static bool repeats_surely(const struct ring_entry *entry, const struct whyrst_segment *segment)
{
    int64_t after_ns = segment->time_ns - entry->time_ns;

    if (segment->ip_version == 4 && segment->ip_id != 0) {
        return true;
    }
    if (segment->ttl < entry->ttl && (entry->timestamps || sequence_length(segment) > 0)) {
        return true;
    }
    return sequence_length(segment) > 0 && (entry->timestamps || after_ns < 3 * INT64_C(1000000));
}

/* Had an equal segment been seen before, this one would not say anything new. */
static bool says_news(const struct endpoint *sender, const struct whyrst_segment *segment)
{
    if (segment->flags & RST) {
        return false;
    }
    return !(sender->flags & ENDPOINT_SEEN) ||
           seq_after(segment->seq + sequence_length(segment), sender->next) ||
           ((segment->flags & ACK) &&
            (!(sender->flags & ENDPOINT_ACKED) || seq_after(segment->ack, sender->ack)));
}

/* All that a second capture of the packet repeats; a router between the two changes the TTL. */
static bool is_equal(const struct ring_entry *entry, unsigned side,
                     const struct whyrst_segment *segment)
{
    struct tcp_options options;

    if (entry->seq != segment->seq || entry->flags != segment->flags || entry->side != side ||
        entry->ack != segment->ack || entry->length != segment->payload_length ||
        entry->window != segment->window || entry->tos != segment->tos) {
        return false;
    }
    options = tcp_options_read(segment);
    return entry->stamp == conn_stamp(segment, &options);
}

uint32_t conn_find_duplicate(struct conn_context *context, struct conn *conn, unsigned side,
                             const struct whyrst_segment *segment)
{
    const int64_t window_ns = 100 * INT64_C(1000000);
    uint32_t at = conn->recent;

    if (says_news(&conn->side[side], segment)) {
        return 0;
    }
    for (unsigned i = 0; i < LIMIT_RING_WALK / 4 && at != 0; i++) {
        struct ring_entry *entry = ring_get(context->ring, at);

        if (!entry || segment->time_ns - entry->time_ns > window_ns) {
            break;
        }
        if (is_equal(entry, side, segment)) {
            bool sure = repeats_surely(entry, segment);

            if (sure || entry->copies < conn->copies) {
                entry->copies++;
                conn->copies = sure ? MAX(conn->copies, entry->copies) : conn->copies;
                return entry->frame;
            }
        }
        at = entry->previous;
    }
    return 0;
}

void conn_segment(struct conn_context *context, struct conn *conn, unsigned side,
                  const struct whyrst_segment *segment, const struct tcp_options *options,
                  struct conn_event *event)
{
    struct endpoint *sender = &conn->side[side];
    struct endpoint *peer = &conn->side[!side];
    uint32_t end = segment->seq + sequence_length(segment);

    if (!(conn->flags & CONN_USED)) {
        first_segment(conn, segment);
    }
    conn->packets++;
    conn->last_ns = MAX(conn->last_ns, segment->time_ns);
    conn_remember(context, conn, side, segment, options);
    event->keepalive = (conn->flags & CONN_ESTABLISHED) && is_keepalive(sender, peer, segment);

    context->plain |= !(segment->flags & (SYN | FIN));
    context->closes |= (segment->flags & (FIN | ACK)) == (FIN | ACK);
    if (!(segment->flags & SYN)) {
        see_established(conn, side, segment);
    } else if (segment->flags & ACK) {
        see_syn_ack(conn, side, segment);
    } else {
        see_syn(conn, side, segment);
    }
    endpoint_note(sender, segment, options->timestamps);
    if (segment->flags & SYN) {
        note_syn_options(sender, segment, options);
    }
    peer->keepalives = 0;
    if (event->keepalive) {
        sender->keepalives += sender->keepalives < UINT8_MAX;
    } else if (segment->payload_length > 0) {
        payload_segment(context, conn, side, segment, event);
    }
    if (!(sender->flags & ENDPOINT_SEEN) || seq_after(end, sender->next)) {
        sender->next = end;
        sender->flags |= ENDPOINT_SEEN;
    }
    if ((segment->flags & FIN) && segment->payload_length == 0 && end == sender->next &&
        (sender->flags & ENDPOINT_FIN) && !(sender->flags & ENDPOINT_FIN_ACKED)) {
        sender->retransmits += sender->retransmits < ENDPOINT_COUNT; /* the FIN again */
    }
    if ((segment->flags & FIN) && end == sender->next) {
        sender->flags |= ENDPOINT_FIN;
    }
    if ((segment->flags & (FIN | ACK)) == (FIN | ACK)) {
        conn->flags |= CONN_FIN_SEEN;
    }
    if (segment->flags & ACK) {
        context->unseen += tells_of_loss(sender, peer, segment);
        event->completes_close = see_ack(conn, side, segment);
        payload_acked(context, conn, !side);
        see_life_after_reset(conn, side, segment);
    }
    history_add(conn, side, segment, event);
}

static void tally_reset(struct conn_extra *extra, unsigned side,
                        const struct whyrst_segment *segment)
{
    struct reset_tally *tally = &extra->tally[side];
    uint16_t *count = segment->flags & ACK ? &tally->with_ack : &tally->bare;

    if (extra->resets[side].frame) {
        tally->acks_differ |= extra->resets[side].ack != segment->ack;
        tally->zero_ack |= (segment->ack == 0) != (extra->resets[side].ack == 0);
    }
    *count += *count < UINT16_MAX;
}

void conn_reset(struct conn_context *context, struct conn *conn, unsigned side,
                const struct whyrst_segment *segment, enum whyrst_sequence_check check,
                bool refused)
{
    bool valid = check != WHYRST_SEQUENCE_OUT_OF_WINDOW;
    struct tcp_options options = tcp_options_read(segment);
    struct conn_event event = {0};
    struct conn_extra *extra = conn_make_extra(conn);
    struct past_reset *past;

    if (!(conn->flags & CONN_USED)) {
        first_segment(conn, segment);
    }
    conn->packets++;
    extra->reset_count += extra->reset_count < UINT16_MAX;
    conn->last_ns = MAX(conn->last_ns, segment->time_ns);
    conn_remember(context, conn, side, segment, &options);
    history_add(conn, side, segment, &event);
    conn->flags |= CONN_RST_SEEN;
    conn->side[side].flags |= ENDPOINT_RST;
    tally_reset(extra, side, segment);
    past = &extra->resets[side];
    past->time_ns = segment->time_ns;
    past->frame = (uint32_t)segment->frame;
    past->seq = segment->seq;
    past->ack = segment->ack;
    past->ttl = segment->ttl;
    past->count += past->count < UINT16_MAX;
    if (valid && !(conn->flags & CONN_RESET)) {
        bool fin = (conn->side[0].flags | conn->side[1].flags) & ENDPOINT_FIN;

        extra->reset_side = (uint8_t)side;
        extra->reset_in_window = check == WHYRST_SEQUENCE_IN_WINDOW;
        extra->reset_next = (conn->side[side].flags & ENDPOINT_SEEN) &&
                                    !seq_after(segment->seq, conn->side[side].next)
                                ? conn->side[side].next
                                : segment->seq;
        extra->close_before_reset = fin ? WHYRST_CLOSE_FIN : WHYRST_CLOSE_OPEN;
        conn->flags |= CONN_RESET | (refused ? CONN_REFUSED : 0);
    }
}

enum whyrst_close_type conn_close_type(const struct conn *conn)
{
    if (conn->flags & CONN_REFUSED) {
        return WHYRST_CLOSE_REFUSED;
    }
    if (conn->flags & CONN_RESET) {
        return conn_extra(conn)->close_before_reset == WHYRST_CLOSE_FIN ? WHYRST_CLOSE_FIN_THEN_RST
                                                                        : WHYRST_CLOSE_RST;
    }
    return conn->flags & CONN_CLOSED ? WHYRST_CLOSE_FIN : WHYRST_CLOSE_OPEN;
}
