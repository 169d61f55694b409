/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagnose/timeline.h"

#include <string.h>

#include <glib.h>

#include "limits.h"

#define FIRST_ROOM 4u

/* Spans of about a millisecond at first: what is closer together has no order worth knowing. */
#define FIRST_SHIFT 20
#define WIDEST      62

/* Nothing starts again sooner: refusals that are over more quickly are those of a limit. */
#define LEAST_DOWN_NS INT64_C(500000000)

static void join(struct timeline_item *item, const struct timeline_item *other)
{
    item->first_ns = MIN(item->first_ns, other->first_ns);
    item->last_ns = MAX(item->last_ns, other->last_ns);
    item->accepted += other->accepted;
    item->refused += other->refused;
}

/* Doubles the spans. */
static void widen(struct timeline *timeline)
{
    uint32_t kept = 0;

    timeline->shift++;
    for (uint32_t i = 1; i < timeline->count; i++) {
        struct timeline_item *last = &timeline->items[kept];
        const struct timeline_item *item = &timeline->items[i];

        if (item->first_ns >> timeline->shift == last->first_ns >> timeline->shift) {
            join(last, item);
        } else {
            timeline->items[++kept] = *item;
        }
    }
    timeline->count = kept + (timeline->count > 0);
}

/* More memory, or, where the bounds do not allow it, wider spans. */
static void make_room(struct timeline *timeline)
{
    uint32_t room = timeline->room ? 2 * timeline->room : FIRST_ROOM;

    if (room <= LIMIT_TIMELINE && *timeline->left >= room - timeline->room) {
        *timeline->left -= room - timeline->room;
        timeline->items = g_renew(struct timeline_item, timeline->items, room);
        timeline->room = room;
        return;
    }
    while (timeline->count > 1 && timeline->count == timeline->room && timeline->shift < WIDEST) {
        widen(timeline);
    }
}

/* Where the span of @time_ns is, or would be: mostly at the end. */
static uint32_t place_of(const struct timeline *timeline, int64_t time_ns)
{
    uint32_t place = timeline->count;

    while (place > 0 &&
           timeline->items[place - 1].first_ns >> timeline->shift >= time_ns >> timeline->shift) {
        place--;
    }
    return place;
}

static void add_item(struct timeline *timeline, const struct timeline_item *item)
{
    uint32_t place;

    timeline->shift = MAX(timeline->shift, FIRST_SHIFT);
    place = place_of(timeline, item->first_ns);
    if (place < timeline->count &&
        timeline->items[place].first_ns >> timeline->shift == item->first_ns >> timeline->shift) {
        join(&timeline->items[place], item);
        return;
    }
    if (timeline->count == timeline->room) {
        make_room(timeline);
        if (timeline->count < timeline->room) {
            add_item(timeline, item);
        }
        return;
    }
    memmove(&timeline->items[place + 1], &timeline->items[place],
            (timeline->count - place) * sizeof timeline->items[0]);
    timeline->items[place] = *item;
    timeline->count++;
}

void timeline_add(struct timeline *timeline, int64_t time_ns, uint8_t client, bool accepted)
{
    uint64_t bit = UINT64_C(1) << client;

    timeline->served |= accepted ? bit : 0;
    timeline->barred |= accepted ? 0 : bit;
    add_item(timeline, &(struct timeline_item){.first_ns = time_ns,
                                               .last_ns = time_ns,
                                               .accepted = accepted,
                                               .refused = !accepted});
}

void timeline_merge(struct timeline *timeline, const struct timeline *other)
{
    timeline->served |= other->served;
    timeline->barred |= other->barred;
    while (timeline->shift < other->shift) {
        widen(timeline);
    }
    for (uint32_t i = 0; i < other->count; i++) {
        add_item(timeline, &other->items[i]);
    }
}

void timeline_clear(struct timeline *timeline)
{
    if (timeline->left) {
        *timeline->left += timeline->room;
    }
    g_free(timeline->items);
}

bool timeline_is_down(const struct run *run)
{
    return run->count > 0 && run->last_ns - run->first_ns >= LEAST_DOWN_NS;
}

static void end_run(struct runs *runs, struct run *run, int64_t next_ns)
{
    if (timeline_is_down(run)) {
        if (runs->downs < TIMELINE_DOWNS) {
            runs->down[runs->downs] = *run;
        }
        runs->downs++;
    }
    if (runs->accepted && run->count > runs->longest.count) {
        runs->longest = *run;
        runs->longest.next_ns = next_ns;
    } else if (runs->accepted == 0 && run->count) {
        runs->opening = *run;
        runs->opening.next_ns = next_ns;
    }
    *run = (struct run){0};
}

struct runs timeline_runs(const struct timeline *timeline)
{
    struct runs runs = {0};
    struct run run = {0};
    bool accepts = false; /* the latest run is of accepted ones */

    for (uint32_t i = 0; i < timeline->count; i++) {
        const struct timeline_item *item = &timeline->items[i];

        if (item->accepted == 0) {
            runs.count += run.count == 0;
            run.first_ns = run.count ? run.first_ns : item->first_ns;
            run.last_ns = item->last_ns;
            run.count += item->refused;
            accepts = false;
        } else {
            end_run(&runs, &run, item->first_ns);
            runs.count += item->refused ? 2 * MIN(item->accepted, item->refused) : !accepts;
            accepts = item->refused == 0;
        }
        runs.accepted += item->accepted;
        runs.refused += item->refused;
    }
    runs.last = run;
    end_run(&runs, &run, 0);
    return runs;
}

bool timeline_refuses(const struct timeline *timeline, int64_t after_ns, int64_t within_ns)
{
    for (uint32_t i = 0; i < timeline->count; i++) {
        const struct timeline_item *item = &timeline->items[i];

        if (item->first_ns > after_ns) {
            return item->accepted == 0 && item->first_ns - after_ns <= within_ns;
        }
    }
    return false;
}

bool timeline_accepts(const struct timeline *timeline, int64_t from_ns, int64_t to_ns)
{
    uint32_t low = 0, high = timeline->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (timeline->items[middle].first_ns < from_ns) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < timeline->count && timeline->items[low].first_ns <= to_ns; low++) {
        if (timeline->items[low].accepted && timeline->items[low].last_ns <= to_ns) {
            return true;
        }
    }
    return false;
}
