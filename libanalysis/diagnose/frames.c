/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagnose/frames.h"

#include <stdbool.h>
#include <string.h>

#include <glib.h>

static bool is_before(struct place a, struct place b)
{
    return a.file != b.file ? a.file < b.file : a.frame < b.frame;
}

void place_note(struct place *first, struct place other)
{
    if (first->frame == 0 || (other.frame != 0 && is_before(other, *first))) {
        *first = other;
    }
}

struct place place_moved(struct place place, uint32_t files)
{
    place.file += files;
    return place;
}

/* Memory for one more. */
static void make_room(struct frames *frames)
{
    bool full = (frames->count & (frames->count - 1)) == 0; /* none, or a power of two */

    if (full) {
        frames->places = g_renew(struct place, frames->places, MAX(1, 2 * frames->count));
    }
}

void frames_add(struct frames *frames, struct place place)
{
    uint32_t at = frames->count;

    while (at > 0 && is_before(place, frames->places[at - 1])) {
        at--;
    }
    if (at == LIMIT_FINDING_FRAMES || (at > 0 && !is_before(frames->places[at - 1], place))) {
        return;
    }
    if (frames->count < LIMIT_FINDING_FRAMES) {
        make_room(frames);
        frames->count++;
    }
    memmove(&frames->places[at + 1], &frames->places[at], (frames->count - 1 - at) * sizeof place);
    frames->places[at] = place;
}

void frames_merge(struct frames *frames, const struct frames *other, uint32_t files)
{
    for (uint32_t i = 0; i < other->count; i++) {
        frames_add(frames, place_moved(other->places[i], files));
    }
}

void frames_clear(struct frames *frames)
{
    g_free(frames->places);
    *frames = (struct frames){0};
}
