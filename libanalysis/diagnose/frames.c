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

/* Adds one, which is to be written, at the end. */
static struct place *make_room(struct frames *frames)
{
    uint32_t count = frames->count++;

    if (count == 0) {
        return &frames->only;
    }
    if (count == 1) {
        struct place only = frames->only;

        frames->more = g_new(struct place, 2);
        frames->more[0] = only;
    } else if ((count & (count - 1)) == 0) {
        frames->more = g_renew(struct place, frames->more, 2 * count);
    }
    return frames->more;
}

void frames_add(struct frames *frames, struct place place)
{
    const struct place *kept = frames_places(frames);
    struct place *places;
    uint32_t at = frames->count;

    while (at > 0 && is_before(place, kept[at - 1])) {
        at--;
    }
    if (at == LIMIT_FINDING_FRAMES || (at > 0 && !is_before(kept[at - 1], place))) {
        return;
    }
    places = frames->count < LIMIT_FINDING_FRAMES ? make_room(frames) : frames->more;
    memmove(&places[at + 1], &places[at], (frames->count - 1 - at) * sizeof place);
    places[at] = place;
}

void frames_merge(struct frames *frames, const struct frames *other, uint32_t files)
{
    for (uint32_t i = 0; i < other->count; i++) {
        frames_add(frames, place_moved(frames_places(other)[i], files));
    }
}

void frames_clear(struct frames *frames)
{
    if (frames->count > 1) {
        g_free(frames->more);
    }
    *frames = (struct frames){0};
}
