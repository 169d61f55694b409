/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The usual segment, as in Van Jacobson's header prediction (net/ipv4/tcp_input.c,
 * tcp_rcv_established()): an established connection's next payload or acknowledgement, in order,
 * with the usual options. Nearly all segments of a capture are like this, and pass here in a tenth
 * of the time; what happens to the connection is what conn_segment() would have done.
 */
#include "bytes/seq.h"
#include "conn/baseline.h"
#include "conn/payload.h"

#define ACK WHYRST_TCP_ACK
#define PSH WHYRST_TCP_PSH

#define STATE      (CONN_USED | CONN_ESTABLISHED | CONN_CLOSED | CONN_RESET)
#define STATE_OPEN (CONN_USED | CONN_ESTABLISHED)

#define ENDED       (ENDPOINT_FIN | ENDPOINT_RST)
#define SENDER      (ENDPOINT_SEEN | ENDPOINT_ACKED | ENDPOINT_BASE | ENDPOINT_SPOKE)
#define SENDER_PURE (SENDER | ENDPOINT_LETTER_A)
#define SENDER_DATA (SENDER | ENDPOINT_LETTER_D)

/* Whether the segment follows on what its sender and the other side have sent so far, and says
 * something new: what says nothing new may be a keep-alive, a duplicate or a window update. */
static inline bool follows(const struct conn *conn, unsigned side,
                           const struct whyrst_segment *segment)
{
    const struct endpoint *sender = &conn->side[side];
    const struct endpoint *peer = &conn->side[!side];
    uint32_t required = segment->payload_length ? SENDER_DATA : SENDER_PURE;
    int32_t acked = (int32_t)(segment->ack - sender->ack);

    return (segment->flags & ~PSH) == ACK && (conn->flags & STATE) == STATE_OPEN &&
           (sender->flags & (required | ENDED)) == required &&
           (peer->flags & (ENDPOINT_BASE | ENDED)) == ENDPOINT_BASE &&
           segment->seq == sender->next && acked >= 0 && (acked > 0 || segment->payload_length) &&
           segment->window != 0 &&
           (!seq_after(segment->ack, peer->next) || !(peer->flags & ENDPOINT_SEEN));
}

/* Whether anybody waits for such a segment: a verdict that it may revise, payload beyond a hole. */
static inline bool is_awaited(const struct conn *conn, unsigned side)
{
    const struct conn_extra *extra = conn_extra(conn);

    return (extra && extra->newest) || (conn->has_app && conn->more.app->side[!side].pieces);
}

bool conn_usual(struct conn_context *context, struct conn *conn, unsigned side,
                const struct whyrst_segment *segment)
{
    struct endpoint *sender = &conn->side[side];
    struct endpoint *peer = &conn->side[!side];
    struct tcp_options options = TCP_OPTIONS_NONE;

    if (!follows(conn, side, segment) || is_awaited(conn, side) ||
        !tcp_options_usual(segment, &options)) {
        return false;
    }
    if (segment->payload_length && !payload_usual(context, conn, side, segment)) {
        return false;
    }
    conn->packets++;
    if (segment->time_ns > conn->last_ns) {
        conn->last_ns = segment->time_ns;
    }
    conn_remember(context, conn, side, segment, &options);
    endpoint_note(sender, segment, options.timestamps);
    sender->next += segment->payload_length;
    peer->keepalives = 0;
    if (sender->ack != segment->ack) {
        sender->ack = segment->ack;
        peer->retransmits = 0;
    }
    return true;
}
