/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Handshakes of a server along time, however long that is: the more there are, the coarser. */
#ifndef DIAGNOSE_TIMELINE_H
#define DIAGNOSE_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

/** struct timeline_item - connections of one span of time, by whether they were accepted; when the
 *  first and the last of them began */
struct timeline_item {
    int64_t first_ns;
    int64_t last_ns;
    uint32_t accepted;
    uint32_t refused;
};

/**
 * struct timeline - items in the order of time, of spans that are not empty
 * @count:  items; @room: how many there is memory for
 * @shift:  spans are of 2^@shift ns; as wide as LIMIT_TIMELINE demands, whatever the order in which
 *          connections come
 * @served, @barred: a bit for each client that was accepted, refused
 * @left:   what remains of LIMIT_MOMENTS
 */
struct timeline {
    uint32_t count;
    uint32_t room;
    uint8_t shift;
    uint64_t served;
    uint64_t barred;
    struct timeline_item *items;
    uint32_t *left;
};

/** Adds a connection that began at @time_ns; @client: a few bits of its address; @timeline->left
 *  must be set. */
void timeline_add(struct timeline *timeline, int64_t time_ns, uint8_t client, bool accepted);
void timeline_merge(struct timeline *timeline, const struct timeline *other);
void timeline_clear(struct timeline *timeline);

/** struct run - refused connections in a row; @next_ns: start of the accepted one that ended it, 0
 * = none did */
struct run {
    uint32_t count;
    int64_t first_ns;
    int64_t last_ns;
    int64_t next_ns;
};

/** Runs whose times are told. */
#define TIMELINE_DOWNS 4u

/** struct runs - runs of accepted and of refused connections
 *  @count: how many, rather too many; @downs: of refused ones that last as long as no limit does;
 *  @down: the first of these; @longest: of refused ones that follow an accepted one; @opening: of
 *  those that precede all accepted ones; @last: of those that no accepted one follows */
struct runs {
    uint32_t accepted;
    uint32_t refused;
    uint32_t count;
    uint32_t downs;
    struct run down[TIMELINE_DOWNS];
    struct run longest;
    struct run opening;
    struct run last;
};

struct runs timeline_runs(const struct timeline *timeline);
/** Whether it is long enough for something to start again. */
bool timeline_is_down(const struct run *run);
/** Whether the first connection after @after_ns, @within_ns at most, was refused. */
bool timeline_refuses(const struct timeline *timeline, int64_t after_ns, int64_t within_ns);

/** Whether a connection that began from @from_ns to @to_ns was accepted; not where spans are too
 * wide to tell. */
bool timeline_accepts(const struct timeline *timeline, int64_t from_ns, int64_t to_ns);

#endif
