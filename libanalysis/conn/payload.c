/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conn/payload.h"

#include <glib.h>

#include "bytes/seq.h"
#include "bytes/zeroed.h"
#include "limits.h"

/* What the reassembly's sink needs to know. */
struct feed {
    struct conn *conn;
    unsigned side;
};

static enum observe_side observe_side(const struct conn *conn, unsigned side)
{
    return side == conn->client ? OBSERVE_CLIENT : OBSERVE_SERVER;
}

static void feed_chunk(void *user, const struct observe_chunk *chunk, bool missing)
{
    struct feed *feed = user;
    struct conn *conn = feed->conn;

    if (!missing) {
        conn->side[feed->side].bytes += chunk->length;
    }
    if (conn->more.app->observer) {
        observer_chunk(conn->more.app->observer, observe_side(conn, feed->side), chunk);
    }
}

static void app_free(struct conn *conn)
{
    struct app *app = conn->more.app;

    reassembly_clear(&app->side[0]);
    reassembly_clear(&app->side[1]);
    observer_free(app->observer);
    conn->more.extra = app->extra;
    conn->has_app = 0;
    g_free(app);
}

void payload_clear(struct conn *conn)
{
    if (conn->has_app) {
        app_free(conn);
    }
}

/* Where a side's stream begins: after its SYN, else at the first payload seen. */
static uint32_t stream_begin(const struct endpoint *endpoint, uint32_t seq)
{
    if (endpoint->bytes > 0) {
        return endpoint->payload_end;
    }
    return endpoint->flags & ENDPOINT_SYN ? endpoint->base_seq + 1 : seq;
}

static void app_new(struct conn_context *context, struct conn *conn)
{
    bool from_start = conn->side[0].flags & conn->side[1].flags & ENDPOINT_SYN;
    struct app *app = zeroed_new(struct app);

    app->extra = conn->more.extra;
    if (!(conn->flags & CONN_OPAQUE)) {
        app->observer = observer_new(context->observers, from_start);
    }
    conn->more.app = app;
    conn->has_app = 1;
}

/* What was asked of a proxy outlives the observer. */
static void keep_proxy(struct conn *conn, struct observe_proxy *proxy)
{
    if (proxy) {
        conn_make_extra(conn)->proxy = proxy;
    }
}

/* Nothing left to observe, no hole open: the state can go. */
static void app_release(struct conn *conn)
{
    struct app *app = conn->more.app;

    if (app->observer && observer_is_opaque(app->observer)) {
        keep_proxy(conn, observer_take_proxy(app->observer));
        observer_free(app->observer);
        app->observer = NULL;
        conn->flags |= CONN_OPAQUE;
    }
    if (!app->observer && !app->side[0].pieces && !app->side[1].pieces) {
        app_free(conn);
    }
}

int64_t payload_silent_since(const struct conn *conn)
{
    int64_t last = conn_last_payload(conn);

    if (last != 0 || !(conn->flags & CONN_SYN)) {
        return last != 0 ? last : conn->first_ns;
    }
    return conn->first_ns + conn->times.ttfb_ns;
}

/* Payload that ends a long silence: keep how things stood before. */
static void note_quiet(struct conn_context *context, struct conn *conn, unsigned side,
                       const struct whyrst_segment *segment)
{
    int64_t before = payload_silent_since(conn);
    struct conn_extra *extra;

    if (segment->time_ns - before >= context->idle_threshold_ns &&
        (conn->flags & CONN_ESTABLISHED)) {
        struct observe_state state;

        payload_observe(context, conn, &state);
        extra = conn_make_extra(conn);
        extra->quiet = (struct quiet){.before_ns = before,
                                      .after_ns = segment->time_ns,
                                      .after_frame = (uint32_t)segment->frame,
                                      .after_seq = segment->seq,
                                      .sides = (uint8_t)(1u << side),
                                      .phase = (uint8_t)state.phase};
    } else if ((extra = conn_extra(conn)) && extra->quiet.after_frame) {
        extra->quiet.sides |= (uint8_t)(1u << side);
    }
}

/* Without SYN and SYN-ACK the first telling payload says who is the client. */
static void guess_roles_by_payload(struct conn *conn, unsigned side,
                                   const struct whyrst_segment *segment)
{
    int role = observe_guess_role(segment->payload, segment->payload_captured);
    unsigned client = role > 0 ? side : !side;

    if (role == 0) {
        return;
    }
    conn->flags |= CONN_ROLES;
    if (conn->client != client) {
        conn->client = client & 1;
        conn->client_began = 0;
        conn->flags &= (uint16_t) ~(CONN_TTFB | CONN_SERVER_FIRST);
        if (conn->has_app && conn->more.app->observer) {
            app_free(conn); /* it was fed the wrong way round */
        }
    }
}

static void note_first_bytes(struct conn *conn, unsigned side, int64_t time_ns)
{
    int64_t since_ns = CLAMP(time_ns - conn->first_ns, -CONN_TIME_MAX(CONN_TTFB_BITS),
                             CONN_TIME_MAX(CONN_TTFB_BITS));

    if (!(conn->flags & CONN_PAYLOAD)) {
        conn->flags |= CONN_PAYLOAD | (side == conn->client ? 0 : CONN_SERVER_FIRST);
    }
    if (side == conn->client && !conn->client_began) {
        conn->times.ttfb_ns = since_ns;
        conn->client_began = 1;
    } else if (side != conn->client && conn->client_began && !(conn->flags & CONN_TTFB)) {
        conn->times.ttfb_ns = since_ns - conn->times.ttfb_ns;
        conn->flags |= CONN_TTFB;
    }
}

/* The common cases of feed_segment(): in order, and nobody need look at it. */
static bool pass_segment(struct conn *conn, unsigned side, const struct whyrst_segment *segment)
{
    struct app *app = conn_app(conn);
    struct reassembly *data;

    if (!app && !(conn->flags & CONN_OPAQUE)) {
        return false;
    }
    if (app) {
        data = &app->side[side];
        if (!app->observer || !data->started || data->pieces || data->next != segment->seq ||
            !observer_pass(app->observer, observe_side(conn, side), segment->payload_length,
                           segment->frame, segment->time_ns)) {
            return false;
        }
        data->next += segment->payload_length;
    }
    conn->side[side].bytes += segment->payload_length;
    return true;
}

static void feed_segment(struct conn_context *context, struct conn *conn, unsigned side,
                         const struct whyrst_segment *segment, uint32_t seq)
{
    struct feed feed = {.conn = conn, .side = side};
    struct observe_chunk chunk = {.data = segment->payload,
                                  .captured = segment->payload_captured,
                                  .length = segment->payload_length,
                                  .frame = segment->frame,
                                  .time_ns = segment->time_ns,
                                  .segment_start = true};
    struct endpoint *sender = &conn->side[side];
    struct reassembly *data;

    if (!conn->has_app && (conn->flags & CONN_OPAQUE) && seq == sender->payload_end) {
        sender->bytes += segment->payload_length; /* nothing to observe, nothing out of order */
        return;
    }
    if (!conn->has_app) {
        app_new(context, conn);
    }
    data = &conn->more.app->side[side];
    reassembly_start(data, stream_begin(sender, seq));
    if (!conn->more.app->observer) {
        chunk.data = NULL; /* only counted: keep no bytes */
        chunk.captured = 0;
    }
    if (!reassembly_add(data, seq, &chunk, feed_chunk, &feed)) {
        context->reassembly_caps++;
    }
    app_release(conn);
}

/* The payload ends where no other has ended so far. */
static void note_end(struct endpoint *sender, const struct whyrst_segment *segment, uint32_t end)
{
    bool psh = segment->flags & WHYRST_TCP_PSH;

    sender->payload_end = end;
    if (psh != !!(sender->flags & ENDPOINT_PSH)) {
        sender->flags ^= ENDPOINT_PSH;
    }
}

static void note_payload(const struct conn *conn, struct endpoint *sender,
                         const struct whyrst_segment *segment)
{
    int64_t since_ns = segment->time_ns - conn->first_ns;

    sender->last_payload =
        CLAMP(since_ns, -CONN_TIME_MAX(CONN_PAYLOAD_BITS), CONN_TIME_MAX(CONN_PAYLOAD_BITS));
    sender->last_payload_frame = (uint32_t)segment->frame;
}

static void note_size(struct endpoint *sender, const struct whyrst_segment *segment)
{
    sender->segment_size =
        (uint16_t)MAX(sender->segment_size, MIN(segment->payload_length, UINT16_MAX));
}

/* Whether note_first_bytes() has nothing left to do for this side. */
static bool first_bytes_are_noted(const struct conn *conn, unsigned side)
{
    return (conn->flags & CONN_TTFB) || (side == conn->client) == conn->client_began;
}

/* Whether nobody has sent payload for the time that counts as idle; @side has sent some before. */
static bool is_quiet(const struct conn_context *context, const struct conn *conn, unsigned side,
                     int64_t time_ns)
{
    return time_ns - endpoint_last_payload(conn, side) >= context->idle_threshold_ns &&
           time_ns - conn_last_payload(conn) >= context->idle_threshold_ns;
}

bool payload_usual(struct conn_context *context, struct conn *conn, unsigned side,
                   const struct whyrst_segment *segment)
{
    struct endpoint *sender = &conn->side[side];
    struct conn_extra *extra = conn_extra(conn);
    const uint16_t required = CONN_ROLES | CONN_PAYLOAD;

    if ((conn->flags & required) != required || sender->last_payload_frame == 0 ||
        segment->seq != sender->payload_end || !first_bytes_are_noted(conn, side) ||
        (segment->payload_captured < segment->payload_length && !(sender->flags & ENDPOINT_CUT)) ||
        is_quiet(context, conn, side, segment->time_ns)) {
        return false;
    }
    if (extra && extra->quiet.after_frame) {
        extra->quiet.sides |= (uint8_t)(1u << side);
    }
    if (!pass_segment(conn, side, segment)) {
        feed_segment(context, conn, side, segment, segment->seq);
    }
    note_end(sender, segment, segment->seq + segment->payload_length);
    note_size(sender, segment);
    note_payload(conn, sender, segment);
    return true;
}

static void acknowledge(struct conn *conn, unsigned side, bool final)
{
    const struct endpoint *sender = &conn->side[side];
    const struct endpoint *receiver = &conn->side[!side];
    struct feed feed = {.conn = conn, .side = side};
    uint32_t ack = receiver->ack;

    if (!(receiver->flags & ENDPOINT_ACKED)) {
        return;
    }
    if ((sender->flags & ENDPOINT_FIN) && seq_after(ack, sender->next - 1)) {
        ack = sender->next - 1; /* the FIN is no payload */
    }
    if (final && (sender->flags & ENDPOINT_SYN) && !seq_after(sender->base_seq + 1, ack)) {
        /* A side of which nothing was captured: what was acknowledged of it is missing. */
        reassembly_start(&conn->more.app->side[side], sender->base_seq + 1);
    }
    reassembly_acked(&conn->more.app->side[side], ack, final, feed_chunk, &feed);
}

/* Payload that acknowledges what was not captured of the other side was sent after that had come.
 */
static void note_unseen_before(struct conn_context *context, struct conn *conn, unsigned side,
                               const struct whyrst_segment *segment)
{
    struct endpoint *sender = &conn->side[side];
    bool observed = conn->has_app || !(conn->flags & CONN_OPAQUE);

    if (observed && (segment->flags & WHYRST_TCP_ACK) &&
        (conn->side[!side].flags & ENDPOINT_SEEN) &&
        seq_after(segment->ack, conn->side[!side].next)) {
        sender->ack =
            sender->flags & ENDPOINT_ACKED ? seq_max(sender->ack, segment->ack) : segment->ack;
        sender->flags |= ENDPOINT_ACKED;
        if (!conn->has_app) {
            app_new(context, conn);
        }
        acknowledge(conn, !side, true);
    }
}

void payload_segment(struct conn_context *context, struct conn *conn, unsigned side,
                     const struct whyrst_segment *segment, struct conn_event *event)
{
    struct endpoint *sender = &conn->side[side];
    const struct endpoint *receiver = &conn->side[!side];
    uint32_t seq = segment->seq + !!(segment->flags & WHYRST_TCP_SYN);
    uint32_t end = seq + segment->payload_length;
    bool first = sender->last_payload_frame == 0;
    bool beyond = first || seq_after(end, sender->payload_end);

    event->new_payload = beyond;
    if (!beyond && conn->has_app && seq_after(end, conn->more.app->side[side].next)) {
        event->new_payload = true; /* fills a hole that the network or the capture made */
    }
    event->retransmission = !event->new_payload;
    note_quiet(context, conn, side, segment);
    note_unseen_before(context, conn, side, segment);
    if (!(conn->flags & CONN_ROLES)) {
        guess_roles_by_payload(conn, side, segment);
    }
    note_first_bytes(conn, side, segment->time_ns);
    if (segment->payload_captured < segment->payload_length) {
        sender->flags |= ENDPOINT_CUT;
    }
    if (first) {
        sender->payload_end = sender->flags & ENDPOINT_SYN ? sender->base_seq + 1 : seq;
    }
    if (event->retransmission) {
        /* Rounds, not segments: each begins with the first byte not acknowledged. */
        if (!(receiver->flags & ENDPOINT_ACKED) ||
            (!seq_after(seq, receiver->ack) && seq_after(end, receiver->ack))) {
            sender->retransmits += sender->retransmits < ENDPOINT_COUNT;
        }
    } else {
        feed_segment(context, conn, side, segment, seq);
        if (beyond) {
            note_end(sender, segment, end);
        }
        note_size(sender, segment);
    }
    note_payload(conn, sender, segment);
}

void payload_acked(struct conn_context *context, struct conn *conn, unsigned side)
{
    (void)context;
    if (conn->has_app && conn->more.app->side[side].pieces) {
        acknowledge(conn, side, false);
        app_release(conn);
    }
}

uint64_t payload_bytes(const struct conn *conn, unsigned side)
{
    uint64_t bytes = conn->side[side].bytes;

    return conn->has_app ? bytes + reassembly_waiting(&conn->more.app->side[side]) : bytes;
}

void payload_observe(struct conn_context *context, struct conn *conn, struct observe_state *state)
{
    const struct conn_extra *extra = conn_extra(conn);

    (void)context;
    *state = (struct observe_state){.server_first = conn->flags & CONN_SERVER_FIRST};
    if (conn->has_app && conn->more.app->observer) {
        acknowledge(conn, 0, true);
        acknowledge(conn, 1, true);
        observer_state(conn->more.app->observer, state);
        return;
    }
    state->proxy = extra ? extra->proxy : NULL;
    state->protocol = conn->flags & CONN_OPAQUE ? OBSERVE_OPAQUE : OBSERVE_NOTHING;
    state->phase = conn->flags & CONN_PAYLOAD ? OBSERVE_PHASE_UNKNOWN : OBSERVE_PHASE_NO_DATA;
    for (unsigned side = 0; side < 2; side++) {
        struct observe_side_state *out = &state->side[observe_side(conn, side)];

        out->app_bytes = payload_bytes(conn, side);
        out->last_app_frame = conn->side[side].last_payload_frame;
        out->last_app_time_ns = out->last_app_frame ? endpoint_last_payload(conn, side) : 0;
    }
}
