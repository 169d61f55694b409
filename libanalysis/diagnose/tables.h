/* SPDX-License-Identifier: GPL-2.0-or-later */
/** All that a diagnosis counts: bounded, and the same whatever the order of its parts. */
#ifndef DIAGNOSE_TABLES_H
#define DIAGNOSE_TABLES_H

#include <stddef.h>

#include "diagnose/cells.h"
#include "diagnose/endpoint.h"
#include "diagnose/heavy.h"
#include "diagnose/ja4s.h"
#include "bytes/names.h"
#include "diagnose/outcome.h"
#include "diagnose/sketch.h"

struct waiting; /* see count.c */

struct tables {
    struct names *names;
    struct names *targets;  /* of proxies */
    struct heavy endpoints; /* struct endpoint_stats */
    struct heavy pairs;     /* struct pair */
    struct heavy hellos;    /* struct hello_cell */
    struct heavy ja4s;      /* struct ja4_stats */
    struct heavy tunnels;   /* struct tunnel_cell */
    uint32_t moments_left;  /* of LIMIT_MOMENTS */
    uint64_t unnamed;       /* texts that @names or @targets had no room for */
    uint64_t connections;
    struct sketch sketch; /* of those whose SYN was captured */
    int64_t first_ns; /* from the first connection's begin to the last's end, when there are any */
    int64_t last_ns;
    struct waiting *waiting; /* connections that are to be counted, @waiting_count of them */
    uint32_t waiting_count;
};

/** @names: texts to share with others, one of whom may add to them, or NULL */
void tables_init(struct tables *tables, struct names *names);
void tables_clear(struct tables *tables);
/** Room for a connection's outcome, which tables_add() counts. Its texts may go then; its other
 *  strings must stay. Until tables_settle() it may not be seen in the tables. */
struct outcome *tables_next(struct tables *tables);
void tables_add(struct tables *tables);
void tables_settle(struct tables *tables);
void tables_add_syn(struct tables *tables, const struct lone_syn *syn);
/** Counts a close after silence, see endpoint.h, of the server that @side of @key is. */
void tables_add_close(struct tables *tables, const struct flow_key *key, unsigned side,
                      int64_t idle_ns, int64_t survived_ns, int64_t time_ns, struct place place);
/** Something happened from @first_ns to @last_ns; before the connection is added. */
void tables_note_time(struct tables *tables, int64_t first_ns, int64_t last_ns);
/** Adds all of @other, which is settled; its files follow @files others. */
void tables_merge(struct tables *tables, const struct tables *other, uint32_t files);
/** Adds @other's endpoints and JA4s alone, for the lists of all. */
void tables_merge_sums(struct tables *tables, const struct tables *other, uint32_t files);
/** What marks connections whose ClientHello has the JA4 and server name with these hashes (see
 *  names_hash()), see struct moment; few others have the same mark. */
uint16_t tables_hello_mark(uint64_t ja4, uint64_t name);
/** Bytes that they take, names apart. */
size_t tables_bytes(const struct tables *tables);
/** What had to give way to bounds. */
uint64_t tables_dropped(const struct tables *tables);

#endif
