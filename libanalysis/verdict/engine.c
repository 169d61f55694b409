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
 *
 * Connections stay in the table until there are more than LIMIT_KEEP_CLOSED of them; then a hand
 * walks the table and drops those that ended long ago. At max_connections it drops more: see
 * make_room().
 */
#include "verdict/engine.h"

#include <string.h>

#include <glib.h>

#include "conn/history.h"
#include "conn/payload.h"
#include "flow/table.h"
#include "limits.h"
#include "verdict/learn.h"

/* Segments whose connections are looked up ahead of their turn: the requests to memory overlap, and
 * what they fetch (a few lines of 64 bytes each) still fits into the first-level cache. */
#define BATCH 32u

/* Where a segment belongs: its connection's key and the key's hash, and which side sent it. */
struct place {
    struct flow_key key;
    uint32_t hash;
    unsigned side;
    struct conn_header header;
};

/* Records in the order in which callers get them. */
struct queue {
    struct whyrst_record *head;
    struct whyrst_record **tail;
    size_t count;
};

struct whyrst_engine {
    struct whyrst_options options;
    const struct engine_listener *listener; /* or NULL */
    struct conn_context context;
    struct flow_table *table;
    struct hosts *hosts;
    struct queue pending;        /* verdicts that may be revised, by frame */
    struct queue ready;          /* final records */
    struct whyrst_record *close; /* the latest FIN close record, lent to the caller */
    uint32_t streams;
    uint32_t hand; /* arena position where the next search for something to drop begins */
    int64_t now_ns;
    uint64_t counts[WHYRST_COUNTER_COUNT];
};

static void queue_init(struct queue *queue)
{
    *queue = (struct queue){.tail = &queue->head};
}

static void queue_push(struct queue *queue, struct whyrst_record *record)
{
    record->next = NULL;
    *queue->tail = record;
    queue->tail = &record->next;
    queue->count++;
}

static struct whyrst_record *queue_pop(struct queue *queue)
{
    struct whyrst_record *record = queue->head;

    if (record) {
        queue->head = record->next;
        if (!queue->head) {
            queue->tail = &queue->head;
        }
        queue->count--;
        record->next = NULL;
    }
    return record;
}

static void queue_clear(struct queue *queue)
{
    struct whyrst_record *record;

    while ((record = queue_pop(queue))) {
        whyrst_record_unref(record);
    }
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
    engine->table = flow_table_new(sizeof(struct conn), seed);
    engine->hosts = hosts_new(seed);
    engine->now_ns = INT64_MIN;
    queue_init(&engine->pending);
    queue_init(&engine->ready);
    return engine;
}

void engine_listen(struct whyrst_engine *engine, const struct engine_listener *listener)
{
    engine->listener = listener;
}

/* Those that a RST ended are told of by its verdict. */
static void tell_connection(struct whyrst_engine *engine, struct conn *conn, bool over)
{
    struct observe_state state = {0};

    if (!engine->listener || !(conn->flags & CONN_USED) || (conn->flags & CONN_RESET)) {
        return;
    }
    if (conn->app) {
        payload_observe(&engine->context, conn, &state);
    }
    engine->listener->connection(engine->listener->context, conn, &state, engine->now_ns, over);
}

/* A connection's record, if the caller wants them and it was more than a quote. */
static void report_connection(struct whyrst_engine *engine, struct conn *conn)
{
    struct whyrst_record *record;
    struct observe_state state;

    if (!engine->options.connection_records || !(conn->flags & CONN_USED)) {
        return;
    }
    record = record_new(WHYRST_RECORD_CONNECTION, conn);
    payload_observe(&engine->context, conn, &state);
    record_copy_names(record, &state);
    record->frame = conn->first_frame;
    record->time_ns = conn->first_ns;
    record->packets = conn->packets;
    record->resets = conn->resets;
    record->duration_ns = MAX(conn->last_ns - conn->first_ns, 0);
    record->final = true;
    queue_push(&engine->ready, record);
}

/* The verdict may no longer be revised by its connection. */
static void detach(struct whyrst_record *record)
{
    struct conn_extra *extra;

    if (!record->conn) {
        return;
    }
    extra = record->conn->extra;
    record->facts.later.tally = extra->tally[record->facts.from];
    *(record->older ? &record->older->newer : &extra->oldest) = record->newer;
    *(record->newer ? &record->newer->older : &extra->newest) = record->older;
    record->older = record->newer = NULL;
    record->conn = NULL;
}

static void attach(struct conn *conn, struct whyrst_record *record)
{
    struct conn_extra *extra = conn_extra(conn);

    record->conn = conn;
    record->older = extra->newest;
    *(extra->newest ? &extra->newest->newer : &extra->oldest) = record;
    extra->newest = record;
}

/* The connection goes; its verdicts stay in the queue as they are. */
static void detach_all(struct conn *conn)
{
    while (conn->extra && conn->extra->oldest) {
        detach(conn->extra->oldest);
    }
}

static void end_connection(struct whyrst_engine *engine, struct conn *conn)
{
    report_connection(engine, conn);
    tell_connection(engine, conn, true);
    detach_all(conn);
    conn_clear(conn);
}

void whyrst_engine_free(struct whyrst_engine *engine)
{
    if (!engine) {
        return;
    }
    for (uint32_t i = 0; i < flow_table_positions(engine->table); i++) {
        struct conn *conn = flow_table_at(engine->table, i);

        if (conn) {
            detach_all(conn);
            conn_clear(conn);
        }
    }
    queue_clear(&engine->pending);
    queue_clear(&engine->ready);
    whyrst_record_unref(engine->close);
    flow_table_free(engine->table);
    hosts_free(engine->hosts);
    observe_context_free(engine->context.observers);
    ring_free(engine->context.ring);
    g_free(engine);
}

static bool is_over(const struct conn *conn)
{
    return conn->flags & (CONN_CLOSED | CONN_RESET);
}

/* Drops a few connections: those that ended LIMIT_CLOSED_SECONDS ago, and at the cap also others,
 * ended ones and unanswered SYNs first, since an established one has most to lose. */
static void make_room(struct whyrst_engine *engine)
{
    size_t count = flow_table_count(engine->table);
    bool full = count >= engine->options.max_connections;
    uint32_t positions = flow_table_positions(engine->table);
    struct conn *victim = NULL;

    if (count < LIMIT_KEEP_CLOSED && !full) {
        return;
    }
    for (unsigned i = 0; i < 8; i++) {
        struct conn *conn = flow_table_at(engine->table, engine->hand++ % positions);

        if (!conn) {
            continue;
        }
        if (is_over(conn) &&
            engine->now_ns - conn->last_ns > LIMIT_CLOSED_SECONDS * INT64_C(1000000000)) {
            end_connection(engine, conn);
            flow_table_remove(engine->table, conn);
        } else if (!victim || is_over(conn) > is_over(victim) ||
                   (conn->flags & CONN_ESTABLISHED) < (victim->flags & CONN_ESTABLISHED)) {
            victim = conn;
        }
    }
    if (victim && flow_table_count(engine->table) >= engine->options.max_connections) {
        engine->counts[WHYRST_COUNT_EVICTED]++;
        end_connection(engine, victim);
        flow_table_remove(engine->table, victim);
    }
}

static struct conn *start_connection(struct whyrst_engine *engine, const struct place *place)
{
    struct conn *conn;

    make_room(engine);
    conn = flow_table_add(engine->table, &place->key, place->hash);
    conn_init(conn, &place->key, place->side, engine->streams++);
    return conn;
}

/* The connection that the segment belongs to, with Wireshark's rules for reused ports. */
static struct conn *find_connection(struct whyrst_engine *engine, const struct place *place,
                                    const struct whyrst_segment *segment)
{
    struct conn *conn = flow_table_find(engine->table, &place->key, place->hash);
    unsigned side = place->side;

    if (!conn) {
        return start_connection(engine, place);
    }
    if (!conn_is_reused(conn, side, segment)) {
        return conn;
    }
    if (conn_is_late_answer(conn, side, segment)) {
        conn->side[side].base_seq = segment->seq;
        conn->flags &= (uint16_t) ~(CONN_RST_SEEN | CONN_FIN_SEEN);
        conn->stream = engine->streams++;
    } else {
        end_connection(engine, conn);
        conn_init(conn, &place->key, side, engine->streams++);
    }
    return conn;
}

static void copy_history(struct whyrst_record *record, const struct conn *conn)
{
    for (unsigned i = 0; i < CONN_HISTORY && conn->history[i]; i++) {
        bool originator = (unsigned)g_ascii_isupper(conn->history[i]) == conn->client;

        record->history[i] =
            originator ? g_ascii_toupper(conn->history[i]) : g_ascii_tolower(conn->history[i]);
    }
}

static struct whyrst_record *make_record(struct whyrst_engine *engine, struct conn *conn,
                                         unsigned side, const struct whyrst_segment *segment,
                                         const struct conn_header *header)
{
    struct whyrst_record *record;
    struct rst_facts facts;
    struct observe_state names;
    facts_gather(&engine->context, conn, side, segment, &facts);
    learn_facts(&engine->context, engine->hosts, conn, &facts);
    names = facts.state;
    facts.state.hello = facts.state.hello_retry = NULL;
    facts.state.http_method = NULL;
    conn_reset(&engine->context, conn, side, segment, header, facts.sequence_check,
               facts.origin == WHYRST_ORIGIN_REFUSED_HANDSHAKE);

    record = record_new(WHYRST_RECORD_RST, conn);
    record->facts = facts;
    record->frame = segment->frame;
    record->time_ns = segment->time_ns;
    record_copy_names(record, &names);
    record_copy_text(record, segment);
    record->conn_state = history_state(conn);
    copy_history(record, conn);
    return record;
}

static struct whyrst_record *add_reset(struct whyrst_engine *engine, struct conn *conn,
                                       unsigned side, const struct whyrst_segment *segment,
                                       const struct conn_header *header)
{
    struct whyrst_record *record = make_record(engine, conn, side, segment, header);

    engine->counts[WHYRST_COUNT_RESETS]++;
    attach(conn, record);
    learn_reset(engine->hosts, conn, record);
    queue_push(&engine->pending, record);
    return record;
}

/* A second capture of a RST: the same verdict under its own frame and time. */
static struct whyrst_record *add_duplicate(struct whyrst_engine *engine, const struct conn *conn,
                                           const struct whyrst_segment *segment, uint32_t of)
{
    const struct whyrst_record *original = conn->extra ? conn->extra->newest : NULL;
    struct whyrst_record *record;

    while (original && original->frame != of) {
        original = original->older;
    }
    if (!original) {
        return NULL;
    }
    record = g_memdup2(original, sizeof *original);
    record->references = 1;
    record->ja4 = g_strdup(original->ja4);
    record->ja4_r = g_strdup(original->ja4_r);
    record->ja4_retry = g_strdup(original->ja4_retry);
    record->sni = g_strdup(original->sni);
    record->alpn = g_strdup(original->alpn);
    record->http_method = g_strdup(original->http_method);
    record->reset_text = g_strdup(original->reset_text);
    record->twin = whyrst_record_ref((struct whyrst_record *)original);
    record->conn = NULL;
    record->older = record->newer = NULL;
    record->judged = false;
    record->facts.later.across = NULL;
    memset(record->evidence, 0, sizeof record->evidence);
    record->burst = original->burst ? g_rc_box_acquire(original->burst) : NULL;
    record->frame = segment->frame;
    record->time_ns = segment->time_ns;
    record->duplicate_of = of;
    queue_push(&engine->pending, record);
    return record;
}

static struct whyrst_record *add_segment(struct whyrst_engine *engine, struct conn *conn,
                                         unsigned side, const struct whyrst_segment *segment,
                                         const struct conn_header *header)
{
    struct conn_event event = {0};

    conn_segment(&engine->context, conn, side, segment, header, &event);
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

/* The queue's head can no longer be revised. */
static void finalize_head(struct whyrst_engine *engine)
{
    struct whyrst_record *record = queue_pop(&engine->pending);

    learn_final(engine->hosts, record);
    detach(record);
    record->judged = false;
    record->final = true;
    if (engine->listener) {
        engine->listener->reset(engine->listener->context, record);
    }
    queue_push(&engine->ready, record);
}

static void finalize_old(struct whyrst_engine *engine)
{
    while (engine->pending.head &&
           (engine->pending.count > LIMIT_PENDING ||
            engine->now_ns - engine->pending.head->time_ns > engine->options.hindsight_wait_ns)) {
        finalize_head(engine);
    }
}

static void find_place(const struct whyrst_engine *engine, const struct whyrst_segment *segment,
                       struct place *place)
{
    place->side = flow_key_make(&place->key, segment);
    place->hash = flow_table_hash(engine->table, &place->key);
    place->header = conn_read_header(segment);
}

static struct whyrst_record *add_at(struct whyrst_engine *engine, const struct place *place,
                                    const struct whyrst_segment *segment)
{
    struct conn *conn = find_connection(engine, place, segment);
    unsigned side = place->side;
    uint32_t duplicate_of;

    if (segment->quoted) {
        engine->counts[WHYRST_COUNT_QUOTED]++;
        return NULL;
    }
    engine->now_ns = MAX(engine->now_ns, segment->time_ns);
    finalize_old(engine);
    if (!(conn->flags & CONN_USED)) {
        engine->counts[WHYRST_COUNT_CONNECTIONS]++;
    }
    conn_note_base(conn, side, segment);
    duplicate_of = conn_find_duplicate(&engine->context, conn, side, segment, &place->header);
    if (duplicate_of) {
        engine->counts[WHYRST_COUNT_DUPLICATES]++;
        return segment->flags & WHYRST_TCP_RST ? add_duplicate(engine, conn, segment, duplicate_of)
                                               : NULL;
    }
    engine->counts[WHYRST_COUNT_SEGMENTS]++;
    return segment->flags & WHYRST_TCP_RST
               ? add_reset(engine, conn, side, segment, &place->header)
               : add_segment(engine, conn, side, segment, &place->header);
}

struct whyrst_record *whyrst_engine_add(struct whyrst_engine *engine,
                                        const struct whyrst_segment *segment)
{
    struct place place;

    find_place(engine, segment, &place);
    return add_at(engine, &place, segment);
}

/* Each loop asks for memory whose address the one before has fetched. */
static void add_batch(struct whyrst_engine *engine, const struct whyrst_segment *segments,
                      size_t count)
{
    struct place places[BATCH];
    const struct conn *conns[BATCH];

    for (size_t i = 0; i < count; i++) {
        find_place(engine, &segments[i], &places[i]);
        flow_table_prefetch_slot(engine->table, places[i].hash);
        ring_prefetch(engine->context.ring, places[i].header.check);
    }
    for (size_t i = 0; i < count; i++) {
        conns[i] = flow_table_prefetch_entry(engine->table, places[i].hash);
    }
    for (size_t i = 0; i < count; i++) {
        if (conns[i]) {
            payload_prefetch(conns[i]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (conns[i]) {
            payload_prefetch_observer(conns[i]);
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
    return queue_pop(&engine->ready);
}

static int by_stream(gconstpointer a, gconstpointer b)
{
    const struct conn *const *first = a;
    const struct conn *const *second = b;

    return ((*first)->stream > (*second)->stream) - ((*first)->stream < (*second)->stream);
}

/* Ends every connection, so that each is reported, in the order of their streams. */
static void end_all(struct whyrst_engine *engine)
{
    GPtrArray *open = g_ptr_array_new();

    for (uint32_t i = 0; i < flow_table_positions(engine->table); i++) {
        struct conn *conn = flow_table_at(engine->table, i);

        if (conn) {
            g_ptr_array_add(open, conn);
        }
    }
    g_ptr_array_sort(open, by_stream);
    for (guint i = 0; i < open->len; i++) {
        end_connection(engine, g_ptr_array_index(open, i));
        flow_table_remove(engine->table, g_ptr_array_index(open, i));
    }
    g_ptr_array_free(open, TRUE);
}

/* The connections that are still there. */
static void tell_all(struct whyrst_engine *engine)
{
    for (uint32_t i = 0; i < flow_table_positions(engine->table); i++) {
        struct conn *conn = flow_table_at(engine->table, i);

        if (conn) {
            tell_connection(engine, conn, false);
        }
    }
}

void whyrst_engine_finish(struct whyrst_engine *engine)
{
    while (engine->pending.head) {
        finalize_head(engine);
    }
    if (engine->listener) {
        engine->listener->finish(engine->listener->context);
    }
    if (engine->options.connection_records) {
        end_all(engine);
    } else if (engine->listener) {
        tell_all(engine);
    }
}

uint64_t whyrst_engine_count(const struct whyrst_engine *engine, enum whyrst_counter counter)
{
    if ((unsigned)counter >= WHYRST_COUNTER_COUNT) {
        return 0;
    }
    return counter == WHYRST_COUNT_REASSEMBLY_CAP ? engine->context.reassembly_caps
                                                  : engine->counts[counter];
}
