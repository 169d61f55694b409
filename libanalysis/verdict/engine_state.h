/* SPDX-License-Identifier: GPL-2.0-or-later */
/** An engine's inside, for engine.c and telling.c. */
#ifndef VERDICT_ENGINE_STATE_H
#define VERDICT_ENGINE_STATE_H

#include "conn/connections.h"
#include "verdict/engine.h"
#include "verdict/queue.h"

struct whyrst_engine {
    struct whyrst_options options;
    const struct engine_listener *listener; /* or NULL */
    struct conn_context context;
    struct connections connections;
    struct hosts *hosts;
    struct queue pending;        /* verdicts that may be revised, by frame */
    struct queue ready;          /* final records */
    struct whyrst_record *close; /* the latest FIN close record, lent to the caller */
    uint64_t counts[WHYRST_COUNTER_COUNT];
};

/* What connections.c calls when a connection, or a half-open one, is over; @user is the engine. */
void telling_end(void *user, struct conn *conn);
void telling_end_half_open(void *user, const struct half_open *entry);
/** Tells of all connections that are still there; they go then, if no segment may follow (@last).
 */
void telling_rest(struct whyrst_engine *engine, bool last);

#endif
