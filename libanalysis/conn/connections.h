/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * All connections of one engine: which one a segment belongs to, and which one makes room.
 *
 * Streams are numbered as in Wireshark 4.4. Connections stay until there are more than
 * LIMIT_KEEP_CLOSED of them; then each new one makes a hand walk a few steps around the table and
 * drop what ended, or was tried in vain, long ago. At the most that are allowed it drops one more:
 * a half-open one, or one that has ended, rather than one that lives.
 */
#ifndef CONN_CONNECTIONS_H
#define CONN_CONNECTIONS_H

#include <glib.h>

#include "conn/conn.h"
#include "conn/half_open.h"
#include "flow/table.h"

/**
 * struct place - where a segment belongs: its connection's key and the key's hash, and which side
 * sent it
 * @conn: what has been found ahead of the segment's turn, which may be another's or gone by then
 */
struct place {
    struct flow_key key;
    uint32_t hash;
    unsigned side;
    struct conn *conn;
};

/**
 * struct connections - the table, and what numbering and dropping need
 * @context:     what conn functions share
 * @max:         connections kept at once
 * @end:         told of each connection that goes, before it does
 * @end_half_open: the same for half-open ones; NULL: nobody wants to hear of them
 * @user:        for both
 * @evicted:     how many were dropped before their time because of @max
 * @leaving:     the next ones to end, in their order; NULL unless all do
 * @left:        how many of these are gone
 * @next_leaving: first stream number beyond them; UINT64_MAX: there is none
 * @hand, @short_hand: where the next search for something to drop begins
 * @start_ns, @now_ns: first and latest time seen; INT64_MIN before the first segment
 */
struct connections {
    struct flow_table *table;
    struct conn_context *context;
    uint64_t max;
    void (*end)(void *user, struct conn *conn);
    void (*end_half_open)(void *user, const struct half_open *entry);
    void *user;
    uint64_t evicted;
    GArray *leaving;
    guint left;
    uint64_t next_leaving;
    uint32_t streams;
    uint32_t hand;
    uint32_t short_hand;
    int64_t start_ns;
    int64_t now_ns;
};

/** Makes the table; the caller has set @context, @max, @end, @end_half_open and @user, all else
 *  is zero. */
void connections_init(struct connections *c, uint64_t seed);
/** Frees the table and what its connections point to; @end is not told. */
void connections_clear(struct connections *c);

/** Notes the time of a segment. */
static inline void connections_see_time(struct connections *c, int64_t time_ns)
{
    if (time_ns > c->now_ns) {
        if (c->now_ns == INT64_MIN) {
            c->start_ns = time_ns;
        }
        c->now_ns = time_ns;
    }
}

/** The connection that the segment belongs to, made or begun anew if need be; NULL when the segment
 * is a plain SYN that made a half-open one: nothing else is to be done with it. */
struct conn *connections_find(struct connections *c, const struct place *place,
                              const struct whyrst_segment *segment);
/** The connection of a segment that makes none; NULL when there is none. */
struct conn *connections_known(struct connections *c, const struct place *place);
/** Calls @visit with each connection, @visit_half_open with each half-open one, in no particular
 * order. They must not drop any. */
void connections_visit(struct connections *c, void (*visit)(void *user, struct conn *conn),
                       void (*visit_half_open)(void *user, const struct half_open *entry),
                       void *user);
/** Lets all connections leave: nothing may be looked up or added until connections_end_next(),
 * which ends them one by one in the order of their streams, has returned false. */
void connections_leave(struct connections *c);
bool connections_end_next(struct connections *c);

#endif
