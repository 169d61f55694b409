/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conn/connections.h"

#include <glib.h>

#include "conn/payload.h"
#include "limits.h"

void connections_init(struct connections *c, uint64_t seed)
{
    c->table = flow_table_new(sizeof(struct conn), sizeof(struct half_open), seed);
    c->now_ns = INT64_MIN;
}

void connections_clear(struct connections *c)
{
    for (uint32_t i = 0; i < flow_table_positions(c->table); i++) {
        struct conn *conn = flow_table_at(c->table, i);

        if (conn) {
            conn_clear(conn);
        }
    }
    flow_table_free(c->table);
    if (c->leaving) {
        g_array_free(c->leaving, TRUE);
    }
}

static bool is_over(const struct conn *conn)
{
    return conn->flags & (CONN_CLOSED | CONN_RESET);
}

static bool is_past(const struct connections *c, int64_t time_ns, int64_t seconds)
{
    return c->now_ns - time_ns > seconds * INT64_C(1000000000);
}

static void drop_half_open(struct connections *c, struct half_open *entry)
{
    if (c->end_half_open) {
        c->end_half_open(c->user, entry);
    }
    flow_table_remove_short(c->table, entry);
}

static void drop_connection(struct connections *c, struct conn *conn)
{
    struct flow_key key = conn_key(conn);

    c->end(c->user, conn);
    flow_table_remove(c->table, &key, conn);
}

/* Drops a few SYNs that nobody answered in time; returns one that could go as well, or NULL. Where
 * some in a row have time left, others most likely have: in a flood that is all there is to see. */
static struct half_open *clear_half_open(struct connections *c)
{
    uint32_t positions = flow_table_short_positions(c->table);
    struct half_open *victim = NULL;

    for (unsigned i = 0, kept = 0; i < 8 && kept < 3 && positions > 0; i++) {
        struct half_open *entry;

        c->short_hand = c->short_hand + 1 < positions ? c->short_hand + 1 : 0;
        entry = flow_table_short_at(c->table, c->short_hand);
        if (!entry) {
            continue;
        }
        if (is_past(c, half_open_time(entry, c->start_ns), LIMIT_SYN_SECONDS)) {
            drop_half_open(c, entry);
        } else {
            victim = entry;
            kept++;
        }
    }
    return victim;
}

/* Drops a few connections that ended long ago; returns one that could go as well, or NULL: an ended
 * one rather than another, and an established one last, since it has most to lose. */
static struct conn *clear_connections(struct connections *c)
{
    uint32_t positions = flow_table_positions(c->table);
    struct conn *victim = NULL;

    for (unsigned i = 0; i < 8 && positions > 0; i++) {
        struct conn *conn = flow_table_at(c->table, c->hand++ % positions);

        if (!conn) {
            continue;
        }
        if (is_over(conn) && is_past(c, conn->last_ns, LIMIT_CLOSED_SECONDS)) {
            drop_connection(c, conn);
        } else if (!victim || is_over(conn) > is_over(victim) ||
                   (conn->flags & CONN_ESTABLISHED) < (victim->flags & CONN_ESTABLISHED)) {
            victim = conn;
        }
    }
    return victim;
}

/* Makes room for one more. */
static void make_room(struct connections *c)
{
    size_t count = flow_table_count(c->table);
    struct half_open *entry;
    struct conn *conn;

    if (count < MIN(LIMIT_KEEP_CLOSED, c->max)) {
        return;
    }
    conn = clear_connections(c);
    entry = clear_half_open(c);
    if (flow_table_count(c->table) < c->max || (!conn && !entry)) {
        return;
    }
    c->evicted++;
    if (entry && !(conn && is_over(conn))) {
        drop_half_open(c, entry);
    } else {
        drop_connection(c, conn);
    }
}

/* A connection that begins with a plain SYN needs little; false when it must have all. */
static bool start_half_open(struct connections *c, const struct place *place,
                            const struct whyrst_segment *segment)
{
    struct half_open entry;
    struct half_open *added;

    if (!half_open_fill(&entry, segment, place->side, c->streams, c->start_ns)) {
        return false;
    }
    make_room(c);
    added = flow_table_add_short(c->table, &place->key, place->hash);
    entry.key = added->key;
    *added = entry;
    c->streams++;
    return true;
}

/* A half-open connection becomes an ordinary one, since something happens to it. */
static struct conn *unfold_half_open(struct connections *c, const struct place *place)
{
    struct half_open *entry = flow_table_find_short(c->table, &place->key, place->hash);
    struct half_open copy;
    struct conn *conn;

    if (!entry) {
        return NULL;
    }
    copy = *entry;
    flow_table_remove_short(c->table, entry);
    conn = flow_table_add(c->table, &place->key, place->hash);
    half_open_unfold(c->context, &copy, c->start_ns, conn);
    return conn;
}

static struct conn *start_connection(struct connections *c, const struct place *place)
{
    struct conn *conn;

    make_room(c);
    conn = flow_table_add(c->table, &place->key, place->hash);
    conn_init(conn, &place->key, place->side, c->streams++);
    return conn;
}

/* The segment's own, where its ends have a connection: Wireshark's rules for reused ports. */
static struct conn *continue_connection(struct connections *c, struct conn *conn,
                                        const struct place *place,
                                        const struct whyrst_segment *segment)
{
    unsigned side = place->side;

    if (!conn_is_reused(conn, side, segment)) {
        return conn;
    }
    if (conn_is_repeated_answer(conn, side, segment)) {
        conn->stream = c->streams++;
    } else if (conn_is_late_answer(conn, side, segment)) {
        conn->side[side].base_seq = segment->seq;
        conn->flags &= (uint16_t) ~(CONN_RST_SEEN | CONN_FIN_SEEN);
        conn->stream = c->streams++;
    } else {
        /* Windows repeats a refused SYN twice: new streams in Wireshark, but one connect(). */
        bool again = (conn->flags & CONN_REFUSED) && side == conn->client &&
                     segment->seq == conn->side[side].base_seq;

        c->end(c->user, conn);
        conn_init(conn, &place->key, side, c->streams++);
        conn->side[side].flags |= again ? ENDPOINT_SYN_AGAIN : 0;
    }
    return conn;
}

struct conn *connections_known(struct connections *c, const struct place *place)
{
    struct conn *conn = flow_table_find(c->table, &place->key, place->hash);

    return conn ? conn : unfold_half_open(c, place);
}

struct conn *connections_find(struct connections *c, const struct place *place,
                              const struct whyrst_segment *segment)
{
    struct conn *conn = connections_known(c, place);

    if (conn) {
        return continue_connection(c, conn, place, segment);
    }
    if (!segment->quoted && start_half_open(c, place, segment)) {
        return NULL;
    }
    return start_connection(c, place);
}

/* The observer of the connection at @position, if there is one. */
static const struct observer *observer_at(const struct connections *c, uint32_t position)
{
    const struct conn *conn =
        position < flow_table_positions(c->table) ? flow_table_at(c->table, position) : NULL;

    return conn && conn->has_app ? conn->more.app->observer : NULL;
}

/* A visit of all connections comes to what nothing has looked at for a long time: one thing leads
 * to the next, and each is asked for some connections ahead. */
static void fetch_ahead(const struct connections *c, uint32_t position)
{
    const uint32_t step = 6;
    const struct conn *conn = position + 4 * step < flow_table_positions(c->table)
                                  ? flow_table_at(c->table, position + 4 * step)
                                  : NULL;
    const struct observer *observer;

    if (conn) {
        payload_prefetch(conn);
    }
    if ((observer = observer_at(c, position + 3 * step))) {
        observer_prefetch(observer);
    }
    if ((observer = observer_at(c, position + 2 * step))) {
        observer_prefetch_readers(observer);
    }
    if ((observer = observer_at(c, position + step))) {
        observer_prefetch_hello(observer);
    }
}

void connections_visit(struct connections *c, void (*visit)(void *user, struct conn *conn),
                       void (*visit_half_open)(void *user, const struct half_open *entry),
                       void *user)
{
    for (uint32_t i = 0; i < flow_table_positions(c->table); i++) {
        struct conn *conn = flow_table_at(c->table, i);

        fetch_ahead(c, i);
        if (conn) {
            visit(user, conn);
        }
    }
    for (uint32_t i = 0; i < flow_table_short_positions(c->table); i++) {
        const struct half_open *entry = flow_table_short_at(c->table, i);

        if (entry) {
            visit_half_open(user, entry);
        }
    }
}

/* A ticket is a connection's stream number, then its position; half-open ones', which have
 * positions of their own, are odd. */
static int by_ticket(gconstpointer a, gconstpointer b)
{
    const uint64_t *first = a;
    const uint64_t *second = b;

    return (*first > *second) - (*first < *second);
}

/* Notes whose turn comes in this round; of the others the first number begins the next round. */
static void draw_ticket(struct connections *c, uint32_t stream, uint32_t position, bool half_open,
                        uint64_t end)
{
    uint64_t ticket = (uint64_t)stream << 32 | position << 1 | half_open;

    if (stream < end) {
        g_array_append_val(c->leaving, ticket);
    } else {
        c->next_leaving = MIN(c->next_leaving, stream);
    }
}

/* A round for each so many numbers: tickets of all would take much beside half-open ones. */
static void draw_tickets(struct connections *c)
{
    uint64_t end = c->next_leaving + LIMIT_LEAVING;

    c->next_leaving = UINT64_MAX;
    c->left = 0;
    g_array_set_size(c->leaving, 0);
    for (uint32_t i = 0; i < flow_table_positions(c->table); i++) {
        const struct conn *conn = flow_table_at(c->table, i);

        if (conn) {
            draw_ticket(c, conn->stream, i, false, end);
        }
    }
    for (uint32_t i = 0; i < flow_table_short_positions(c->table); i++) {
        const struct half_open *entry = flow_table_short_at(c->table, i);

        if (entry) {
            draw_ticket(c, entry->stream, i, true, end);
        }
    }
    g_array_sort(c->leaving, by_ticket);
}

void connections_leave(struct connections *c)
{
    g_assert(!c->leaving);
    c->leaving = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    c->next_leaving = 0;
    draw_tickets(c);
}

bool connections_end_next(struct connections *c)
{
    uint32_t place;

    if (c->left == c->leaving->len && c->next_leaving != UINT64_MAX) {
        draw_tickets(c);
    }
    if (c->left == c->leaving->len) {
        g_array_free(c->leaving, TRUE);
        c->leaving = NULL;
        return false;
    }
    place = (uint32_t)g_array_index(c->leaving, uint64_t, c->left++);
    if (place & 1) {
        drop_half_open(c, flow_table_short_at(c->table, place >> 1));
    } else {
        drop_connection(c, flow_table_at(c->table, place >> 1));
    }
    return true;
}
