/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine: calls decode's successors in order, none of which calls the next itself.
 *
 * Theory of operation. A segment finds its connection (flow/), updates it (conn/, observe/), and,
 * if it is a RST, becomes a verdict (facts, origin) that waits in a queue in frame order. A verdict
 * is final once hindsight_wait of capture time has passed since its frame; since the wait is the
 * same for all, the queue's head is always the next to become final, and callers get verdicts in
 * frame order while they stream. The queue is bounded: beyond LIMIT_PENDING the head is final
 * early.
 */
#include "verdict/engine.h"

#include <string.h>

#include <glib.h>

#include "conn/history.h"
#include "conn/payload.h"
#include "limits.h"
#include "verdict/attach.h"
#include "verdict/learn.h"
#include "verdict/engine_state.h"

/* Segments whose connections are looked up ahead of their turn: the requests to memory overlap, and
 * what they fetch (a few lines of 64 bytes each) still fits into the first-level cache. */
#define BATCH 32u

struct names *engine_texts(const struct whyrst_engine *engine)
{
    return observe_context_texts(engine->context.observers);
}

void engine_listen(struct whyrst_engine *engine, const struct engine_listener *listener)
{
    engine->listener = listener;
    engine->connections.end_half_open = telling_end_half_open;
}

struct whyrst_engine *whyrst_engine_new(const struct whyrst_options *options)
{
    struct whyrst_engine *engine = g_new0(struct whyrst_engine, 1);
    uint64_t seed = (uint64_t)g_random_int() << 32 | g_random_int();

    if (options) {
        engine->options = *options;
    }
    if (engine->options.idle_threshold_ns <= 0) {
        engine->options.idle_threshold_ns = WHYRST_IDLE_THRESHOLD_NS;
    }
    if (engine->options.hindsight_wait_ns <= 0) {
        engine->options.hindsight_wait_ns = WHYRST_HINDSIGHT_WAIT_NS;
    }
    if (engine->options.max_connections == 0) {
        engine->options.max_connections = LIMIT_CONNECTIONS;
    }
    engine->context.ring = ring_new();
    engine->context.observers = observe_context_new();
    engine->context.idle_threshold_ns = engine->options.idle_threshold_ns;
    engine->connections = (struct connections){.context = &engine->context,
                                               .max = engine->options.max_connections,
                                               .end = telling_end,
                                               .user = engine};
    if (engine->options.connection_records) {
        engine->connections.end_half_open = telling_end_half_open;
    }
    connections_init(&engine->connections, seed);
    engine->hosts = hosts_new(seed);
    queue_init(&engine->pending);
    queue_init(&engine->ready);
    return engine;
}

void whyrst_engine_free(struct whyrst_engine *engine)
{
    if (!engine) {
        return;
    }
    for (struct whyrst_record *record = engine->pending.head; record; record = record->next) {
        record_detach(record); /* somebody may keep it for longer than its connection lives */
    }
    queue_clear(&engine->pending);
    queue_clear(&engine->ready);
    whyrst_record_unref(engine->close);
    connections_clear(&engine->connections);
    hosts_free(engine->hosts);
    observe_context_free(engine->context.observers);
    ring_free(engine->context.ring);
    g_free(engine);
}

static struct whyrst_record *make_record(struct whyrst_engine *engine, struct conn *conn,
                                         unsigned side, const struct whyrst_segment *segment)
{
    struct whyrst_record *record;
    struct rst_facts facts;
    struct observe_state names;
    facts_gather(&engine->context, conn, side, segment, &facts);
    learn_facts(&engine->context, engine->hosts, conn, &facts);
    names = facts.state;
    facts.state.hello = facts.state.hello_retry = NULL;
    facts.state.http_method = NULL;
    facts.state.proxy = NULL;
    conn_reset(&engine->context, conn, side, segment, facts.sequence_check,
               facts.origin == WHYRST_ORIGIN_REFUSED_HANDSHAKE);

    record = record_new(WHYRST_RECORD_RST, conn);
    record->facts = facts;
    record->frame = segment->frame;
    record->time_ns = segment->time_ns;
    record_copy_names(record, &names);
    record_copy_text(record, segment);
    record->conn_state = history_state(conn);
    history_text(conn, record->history);
    return record;
}

static struct whyrst_record *add_reset(struct whyrst_engine *engine, struct conn *conn,
                                       unsigned side, const struct whyrst_segment *segment)
{
    struct whyrst_record *record = make_record(engine, conn, side, segment);

    engine->counts[WHYRST_COUNT_RESETS]++;
    record_attach(record, conn);
    learn_reset(engine->hosts, conn, record);
    queue_push(&engine->pending, record);
    return record;
}

/* A second capture of a RST: the same verdict under its own frame and time. */
static struct whyrst_record *add_duplicate(struct whyrst_engine *engine, const struct conn *conn,
                                           const struct whyrst_segment *segment, uint32_t of)
{
    const struct conn_extra *extra = conn_extra(conn);
    const struct whyrst_record *original = extra ? extra->newest : NULL;
    struct whyrst_record *record;

    while (original && (uint32_t)original->frame != of) {
        original = original->older;
    }
    if (!original) {
        return NULL;
    }
    record = record_copy(original);
    record->twin = whyrst_record_ref((struct whyrst_record *)original);
    record->burst = original->burst ? g_rc_box_acquire(original->burst) : NULL;
    record->frame = segment->frame;
    record->time_ns = segment->time_ns;
    record->duplicate_of = of;
    learn_copy(&record->twin->facts, segment);
    queue_push(&engine->pending, record);
    return record;
}

/* A FIN of the server, before the connection takes note of it: the first of either side? */
static G_NO_INLINE void tell_silent_close(struct whyrst_engine *engine, struct conn *conn,
                                          unsigned side, const struct whyrst_segment *segment)
{
    uint32_t flags = conn->side[0].flags | conn->side[1].flags;
    int64_t idle_ns;

    if (!engine->listener || side == conn->client || (flags & ENDPOINT_FIN) ||
        (conn->flags & CONN_RESET) || segment->payload_length > 0) {
        return;
    }
    idle_ns = origin_silence_before_fin(&engine->context, conn, side, segment->time_ns);
    if (idle_ns >= engine->context.idle_threshold_ns) {
        engine->listener->silent_close(engine->listener->context, conn, segment, idle_ns);
    }
}

static struct whyrst_record *add_segment(struct whyrst_engine *engine, struct conn *conn,
                                         unsigned side, const struct whyrst_segment *segment)
{
    struct tcp_options options = tcp_options_read(segment);
    struct conn_event event = {0};

    if (segment->flags & WHYRST_TCP_FIN) {
        tell_silent_close(engine, conn, side, segment);
    }
    conn_segment(&engine->context, conn, side, segment, &options, &event);
    learn_segment(engine->hosts, conn, side, segment, &event);
    if (!event.completes_close || (conn->flags & CONN_RESET)) {
        return NULL;
    }
    whyrst_record_unref(engine->close);
    engine->close = record_new(WHYRST_RECORD_CLOSE, conn);
    engine->close->frame = segment->frame;
    engine->close->time_ns = segment->time_ns;
    engine->close->final = true;
    return engine->close;
}

/* Captures lose single packets now and then; when they lose many, what is not there proves little.
 */
static bool is_lossy(const struct whyrst_engine *engine)
{
    const uint64_t share = 200;
    uint64_t unseen = engine->context.unseen;

    return unseen > 1 && unseen * share >= engine->counts[WHYRST_COUNT_SEGMENTS];
}

/* The queue's head can no longer be revised. */
static G_NO_INLINE void finalize_head(struct whyrst_engine *engine)
{
    struct whyrst_record *record = queue_pop(&engine->pending);

    record->facts.later.lossy = is_lossy(engine);
    learn_final(engine->hosts, record);
    record_detach(record);
    record_revise(record);
    record->final = true;
    if (engine->listener) {
        engine->listener->reset(engine->listener->context, record);
    }
    if (engine->pending.head) {
        record_prefetch(engine->pending.head); /* the next one's turn comes soon */
    }
    queue_push(&engine->ready, record);
}

static void finalize_old(struct whyrst_engine *engine)
{
    while (engine->pending.head) {
        bool over = engine->connections.now_ns - engine->pending.head->time_ns >
                    engine->options.hindsight_wait_ns;

        if (!over && engine->pending.count <= LIMIT_PENDING) {
            return;
        }
        engine->counts[WHYRST_COUNT_EARLY] += !over;
        finalize_head(engine);
    }
}

static void find_place(const struct whyrst_engine *engine, const struct whyrst_segment *segment,
                       struct place *place)
{
    place->side = flow_key_make(&place->key, segment);
    place->hash = flow_table_hash(engine->connections.table, &place->key);
    place->conn = NULL;
}

/* Times whose differences are numbers. */
#define FARTHEST_NS (INT64_MAX / 2)

static struct whyrst_record *add_far(struct whyrst_engine *engine, const struct place *place,
                                     const struct whyrst_segment *segment);

/* A segment of @conn that is not the usual one. */
static G_NO_INLINE struct whyrst_record *add_unusual(struct whyrst_engine *engine,
                                                     struct conn *conn, unsigned side,
                                                     const struct whyrst_segment *segment)
{
    uint32_t duplicate_of;

    if (!(conn->flags & CONN_USED)) {
        engine->counts[WHYRST_COUNT_CONNECTIONS]++;
    }
    conn_note_base(conn, side, segment);
    duplicate_of = conn_find_duplicate(&engine->context, conn, side, segment);
    if (duplicate_of) {
        engine->counts[WHYRST_COUNT_DUPLICATES]++;
        learn_duplicate(engine->hosts, conn, side, segment, duplicate_of);
        return segment->flags & WHYRST_TCP_RST ? add_duplicate(engine, conn, segment, duplicate_of)
                                               : NULL;
    }
    engine->counts[WHYRST_COUNT_SEGMENTS]++;
    return segment->flags & WHYRST_TCP_RST ? add_reset(engine, conn, side, segment)
                                           : add_segment(engine, conn, side, segment);
}

/* A connection of which there is only a SYN. */
static void add_half_open(struct whyrst_engine *engine, const struct place *place,
                          const struct whyrst_segment *segment)
{
    engine->counts[WHYRST_COUNT_CONNECTIONS]++;
    engine->counts[WHYRST_COUNT_SEGMENTS]++;
    hosts_note_syn(engine->hosts, &place->key, place->side, segment->seq, (uint32_t)segment->frame);
}

static struct whyrst_record *add_at(struct whyrst_engine *engine, const struct place *place,
                                    const struct whyrst_segment *segment)
{
    struct conn *conn = place->conn;

    if (segment->time_ns > FARTHEST_NS || segment->time_ns < -FARTHEST_NS) {
        return add_far(engine, place, segment);
    }
    if (segment->quoted) {
        conn = segment->brief ? connections_known(&engine->connections, place)
                              : connections_find(&engine->connections, place, segment);
        engine->counts[WHYRST_COUNT_QUOTED]++;
        if (conn && segment->unreachable && (conn->flags & CONN_SYN)) {
            conn_make_extra(conn)->unreachable = segment->unreachable;
        }
        return NULL;
    }
    connections_see_time(&engine->connections, segment->time_ns);
    finalize_old(engine);
    if (conn && conn_is(conn, &place->key) &&
        conn_usual(&engine->context, conn, place->side, segment)) {
        engine->counts[WHYRST_COUNT_SEGMENTS]++;
        return NULL;
    }
    conn = connections_find(&engine->connections, place, segment);
    if (!conn) {
        add_half_open(engine, place, segment);
        return NULL;
    }
    return add_unusual(engine, conn, place->side, segment);
}

/* Those that whyrst_engine_finish() has let go and nobody asked for. */
static void end_rest(struct whyrst_engine *engine)
{
    while (engine->connections.leaving) {
        connections_end_next(&engine->connections);
    }
}

/* Of a damaged capture, or one that is made to confuse: the nearest time will do. */
static G_NO_INLINE struct whyrst_record *add_far(struct whyrst_engine *engine,
                                                 const struct place *place,
                                                 const struct whyrst_segment *segment)
{
    struct whyrst_segment near = *segment;

    near.time_ns = CLAMP(near.time_ns, -FARTHEST_NS, FARTHEST_NS);
    return add_at(engine, place, &near);
}

struct whyrst_record *whyrst_engine_add(struct whyrst_engine *engine,
                                        const struct whyrst_segment *segment)
{
    struct place place;

    end_rest(engine);
    find_place(engine, segment, &place);
    place.conn = flow_table_find(engine->connections.table, &place.key, place.hash);
    return add_at(engine, &place, segment);
}

/* Each loop asks for memory whose address the one before has fetched. */
static void add_batch(struct whyrst_engine *engine, const struct whyrst_segment *segments,
                      size_t count)
{
    struct place places[BATCH];

    end_rest(engine);
    for (size_t i = 0; i < count; i++) {
        find_place(engine, &segments[i], &places[i]);
        flow_table_prefetch_slot(engine->connections.table, places[i].hash);
    }
    for (size_t i = 0; i < count; i++) {
        places[i].conn = flow_table_guess(engine->connections.table, places[i].hash);
        if (places[i].conn) {
            conn_prefetch(places[i].conn);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (places[i].conn) {
            payload_prefetch(places[i].conn);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (places[i].conn) {
            payload_prefetch_observer(places[i].conn);
        }
    }
    for (size_t i = 0; i < count; i++) {
        add_at(engine, &places[i], &segments[i]);
    }
}

void whyrst_engine_add_all(struct whyrst_engine *engine, const struct whyrst_segment *segments,
                           size_t count)
{
    for (size_t at = 0; at < count; at += BATCH) {
        add_batch(engine, segments + at, MIN(count - at, BATCH));
    }
}

struct whyrst_record *whyrst_engine_next(struct whyrst_engine *engine)
{
    /* Of the connections that leave as many have records as are taken: there may be millions. */
    while (!engine->ready.head && engine->connections.leaving) {
        connections_end_next(&engine->connections);
    }
    return queue_pop(&engine->ready);
}

static void finish(struct whyrst_engine *engine, bool last)
{
    end_rest(engine);
    while (engine->pending.head) {
        finalize_head(engine);
    }
    telling_rest(engine, last && !engine->options.connection_records);
    if (engine->options.connection_records) {
        connections_leave(&engine->connections);
    }
}

void whyrst_engine_finish(struct whyrst_engine *engine)
{
    finish(engine, false);
}

void whyrst_engine_end(struct whyrst_engine *engine)
{
    finish(engine, true);
}

uint64_t whyrst_engine_count(const struct whyrst_engine *engine, enum whyrst_counter counter)
{
    if ((unsigned)counter >= WHYRST_COUNTER_COUNT) {
        return 0;
    }
    switch (counter) {
    case WHYRST_COUNT_EVICTED:
        return engine->connections.evicted;
    case WHYRST_COUNT_REASSEMBLY_CAP:
        return engine->context.reassembly_caps;
    case WHYRST_COUNT_ACKED_UNSEEN:
        return engine->context.unseen;
    case WHYRST_COUNT_JA4_CAP:
        return observe_context_refused(engine->context.observers);
    case WHYRST_COUNT_HOSTS_CAP:
        return hosts_forgotten(engine->hosts);
    default:
        return engine->counts[counter];
    }
}
