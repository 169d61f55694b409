/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Telling of connections: to the engine's listener, and, as records, to its caller. */
#include <glib.h>

#include "conn/payload.h"
#include "verdict/attach.h"
#include "verdict/engine_state.h"

/* Those that a RST ended are told of by its verdict. */
static void tell_connection(struct whyrst_engine *engine, struct conn *conn, bool over)
{
    struct observe_state state;

    if (!engine->listener || !(conn->flags & CONN_USED) || (conn->flags & CONN_RESET)) {
        return;
    }
    if (conn->has_app || conn_extra(conn)) {
        payload_observe(&engine->context, conn, &state);
    } else {
        state = (struct observe_state){0}; /* it has nothing to say */
    }
    engine->listener->connection(engine->listener->context, conn, &state,
                                 engine->connections.now_ns, over);
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
    record->resets = conn_reset_count(conn);
    record->duration_ns = MAX(conn->last_ns - conn->first_ns, 0);
    record->final = true;
    queue_push(&engine->ready, record);
}

void telling_end(void *user, struct conn *conn)
{
    struct whyrst_engine *engine = user;

    report_connection(engine, conn);
    if (!engine->connections.leaving) { /* whyrst_engine_finish() has told of these */
        tell_connection(engine, conn, true);
    }
    record_detach_all(conn);
    conn_clear(conn);
}

static void tell_half_open(struct whyrst_engine *engine, const struct half_open *entry, bool over)
{
    if (engine->listener) {
        engine->listener->half_open(engine->listener->context, entry, engine->connections.start_ns,
                                    engine->connections.now_ns, over);
    }
}

void telling_end_half_open(void *user, const struct half_open *entry)
{
    struct whyrst_engine *engine = user;

    if (!engine->connections.leaving) {
        tell_half_open(engine, entry, true);
    }
    if (engine->options.connection_records) {
        struct conn conn;

        half_open_unfold(&engine->context, entry, engine->connections.start_ns, &conn);
        report_connection(engine, &conn);
    }
}

/* With records of connections they end here. */
static void tell_open(void *user, struct conn *conn)
{
    struct whyrst_engine *engine = user;

    tell_connection(engine, conn, engine->options.connection_records);
}

static void tell_open_half(void *user, const struct half_open *entry)
{
    struct whyrst_engine *engine = user;

    tell_half_open(engine, entry, engine->options.connection_records);
}

/* Once it has been told of, while its memory is at hand, its payload state can go. */
static void tell_last(void *user, struct conn *conn)
{
    tell_open(user, conn);
    payload_clear(conn);
}

void telling_rest(struct whyrst_engine *engine, bool last)
{
    if (!engine->listener) {
        return;
    }
    engine->listener->finish(engine->listener->context);
    connections_visit(&engine->connections, last ? tell_last : tell_open, tell_open_half, engine);
    engine->listener->told(engine->listener->context);
}
