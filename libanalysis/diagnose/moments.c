/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagnose/moments.h"

#include <stdlib.h>

#include <glib.h>

#define FIRST_ROOM 4u

/* Room for one more, where the bounds allow it. */
static void make_room(struct moments *moments, uint32_t most)
{
    uint32_t room = moments->room ? 2 * moments->room : FIRST_ROOM;

    if (room > most || *moments->left < room - moments->room) {
        return;
    }
    *moments->left -= room - moments->room;
    moments->items = g_renew(struct moment, moments->items, room);
    moments->items[0] = moments->room ? moments->items[0] : moments->first;
    moments->room = room;
}

static int by_time(const void *a, const void *b)
{
    const struct moment *x = a, *y = b;

    if (x->time_ns != y->time_ns) {
        return x->time_ns < y->time_ns ? -1 : 1;
    }
    return (int)x->failed - (int)y->failed;
}

static bool is_earlier(const struct moment *a, const struct moment *b)
{
    return by_time(a, b) < 0;
}

static void exchange(struct moment *a, struct moment *b)
{
    struct moment copy = *a;

    *a = *b;
    *b = copy;
}

/* The items are a heap, the earliest on top: what fails is told of before what goes well, so the
 * latest are not those told of last. */
static void rise(struct moment *items, uint32_t at)
{
    while (at > 0 && is_earlier(&items[at], &items[(at - 1) / 2])) {
        exchange(&items[at], &items[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static void sink(struct moment *items, uint32_t count)
{
    uint32_t at = 0;

    for (uint32_t next = 1; next < count; next = 2 * at + 1) {
        if (next + 1 < count && is_earlier(&items[next + 1], &items[next])) {
            next++;
        }
        if (!is_earlier(&items[next], &items[at])) {
            return;
        }
        exchange(&items[next], &items[at]);
        at = next;
    }
}

void moments_add(struct moments *moments, uint32_t most, struct moment moment)
{
    if (moments->count == 0) {
        moments->first = moment;
        moments->count = 1;
        return;
    }
    if (moments->count >= moments->room) {
        make_room(moments, most);
    }
    if (moments->count < moments->room) {
        moments->items[moments->count] = moment;
        rise(moments->items, moments->count);
    } else if (moments->room && is_earlier(&moments->items[0], &moment)) {
        moments->items[0] = moment;
        sink(moments->items, moments->room);
    }
    moments->count += moments->room > 0;
}

void moments_clear(struct moments *moments)
{
    if (moments->left) {
        *moments->left += moments->room;
    }
    g_free(moments->items);
}

const struct moment *moments_kept(const struct moments *moments, uint32_t *count)
{
    *count = MIN(moments->count, MAX(moments->room, 1));
    return moments->room ? moments->items : &moments->first;
}

struct moment *moments_sorted(const struct moments *moments, uint32_t *count)
{
    const struct moment *kept = moments_kept(moments, count);
    struct moment *sorted = g_memdup2(kept, *count * sizeof sorted[0]);

    if (sorted) { /* qsort() takes no NULL, not even of no elements */
        qsort(sorted, *count, sizeof sorted[0], by_time);
    }
    return sorted;
}

void moments_merge(struct moments *moments, uint32_t most, const struct moments *other)
{
    uint32_t count;
    struct moment *sorted = moments_sorted(other, &count);

    for (uint32_t i = 0; i < count; i++) {
        moments_add(moments, most, sorted[i]);
    }
    g_free(sorted);
}
