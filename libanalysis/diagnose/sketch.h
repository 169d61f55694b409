/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Which connections a capture holds, in a few numbers: enough to see that another one holds the
 *  same. */
#ifndef DIAGNOSE_SKETCH_H
#define DIAGNOSE_SKETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "limits.h"

/** struct sketch - the smallest hashes of its connections, rising */
struct sketch {
    uint32_t count;
    uint64_t hashes[LIMIT_SKETCH];
};

/** Adds a connection by its hash, which must be evenly spread. */
void sketch_add(struct sketch *sketch, uint64_t hash);
void sketch_merge(struct sketch *sketch, const struct sketch *other);
/** Whether at least half of the connections of the smaller one are the other's, too, by those that
 *  can be compared. */
bool sketch_is_same(const struct sketch *a, const struct sketch *b);

#endif
