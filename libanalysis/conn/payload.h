/* SPDX-License-Identifier: GPL-2.0-or-later */
/** The payload side of a connection: counting it, putting it in order, feeding the observer. */
#ifndef CONN_PAYLOAD_H
#define CONN_PAYLOAD_H

#include "conn/conn.h"

/** A segment with payload (no keep-alive), before conn.c raises the sender's next. */
void payload_segment(struct conn_context *context, struct conn *conn, unsigned side,
                     const struct whyrst_segment *segment, struct conn_event *event);
/** The next payload in order of a side that has sent some before, if nothing about it need be noted
 *  but its length; else false, and nothing done. */
bool payload_usual(struct conn_context *context, struct conn *conn, unsigned side,
                   const struct whyrst_segment *segment);
/** The other side's acknowledgement of @side's payload may have moved on. */
void payload_acked(struct conn_context *context, struct conn *conn, unsigned side);
/** The dialogue's state now; opaque and payload-less connections included. */
void payload_observe(struct conn_context *context, struct conn *conn, struct observe_state *state);
/** Payload bytes of a side (key order), retransmissions once. */
uint64_t payload_bytes(const struct conn *conn, unsigned side);
/** When the connection could first be silent: its last payload, else its handshake's end. */
int64_t payload_silent_since(const struct conn *conn);
/** Asks the processor for the memory that payload_segment() will touch: first the payload state,
 *  some time later its observer. */
static inline void payload_prefetch(const struct conn *conn)
{
    __builtin_prefetch(conn->more.app);
}

static inline void payload_prefetch_observer(const struct conn *conn)
{
    if (conn->has_app && conn->more.app->observer) {
        observer_prefetch(conn->more.app->observer);
    }
}

/** Frees payload state. */
void payload_clear(struct conn *conn);

#endif
