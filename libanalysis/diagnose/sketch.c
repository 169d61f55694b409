/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The smallest of evenly spread hashes are a fair sample of all, and of two sets the same sample
 * where they are the same (A. Broder, On the resemblance and containment of documents, 1997).
 */
#include "diagnose/sketch.h"

#include <string.h>

#include <glib.h>

void sketch_add(struct sketch *sketch, uint64_t hash)
{
    uint32_t at = sketch->count;

    if (at == LIMIT_SKETCH && hash >= sketch->hashes[at - 1]) {
        return; /* as nearly all of many */
    }
    while (at > 0 && sketch->hashes[at - 1] > hash) {
        at--;
    }
    if (at > 0 && sketch->hashes[at - 1] == hash) {
        return;
    }
    sketch->count = MIN(sketch->count + 1, LIMIT_SKETCH);
    memmove(&sketch->hashes[at + 1], &sketch->hashes[at],
            (sketch->count - 1 - at) * sizeof sketch->hashes[0]);
    sketch->hashes[at] = hash;
}

void sketch_merge(struct sketch *sketch, const struct sketch *other)
{
    for (uint32_t i = 0; i < other->count; i++) {
        sketch_add(sketch, other->hashes[i]);
    }
}

/* Up to which hash it has all of them. */
static uint64_t reach(const struct sketch *sketch)
{
    return sketch->count == LIMIT_SKETCH ? sketch->hashes[LIMIT_SKETCH - 1] : UINT64_MAX;
}

bool sketch_is_same(const struct sketch *a, const struct sketch *b)
{
    uint64_t end = MIN(reach(a), reach(b));
    uint32_t i = 0, j = 0, common = 0;

    while (i < a->count && j < b->count && a->hashes[i] <= end && b->hashes[j] <= end) {
        bool step_a = a->hashes[i] <= b->hashes[j], step_b = b->hashes[j] <= a->hashes[i];

        common += step_a && step_b;
        i += step_a;
        j += step_b;
    }
    while (i < a->count && a->hashes[i] <= end) {
        i++;
    }
    while (j < b->count && b->hashes[j] <= end) {
        j++;
    }
    return common > 0 && common * 2 >= MIN(i, j);
}
