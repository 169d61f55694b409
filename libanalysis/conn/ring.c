/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conn/ring.h"

#include <glib.h>

#include "limits.h"

/* More than the ring has entries, so that few of them share a place by chance. */
#define CHECKS (4 * LIMIT_RING)

struct ring {
    uint64_t next;           /* number of the next entry */
    uint32_t latest[CHECKS]; /* by check: low bits of the latest entry's number */
    struct ring_entry entries[LIMIT_RING];
};

struct ring *ring_new(void)
{
    struct ring *ring = g_new0(struct ring, 1);

    ring->next = LIMIT_RING; /* so that no place of latest[] looks recent */
    return ring;
}

void ring_free(struct ring *ring)
{
    g_free(ring);
}

uint64_t ring_add(struct ring *ring, const struct ring_entry *entry)
{
    ring->entries[ring->next % LIMIT_RING] = *entry;
    ring->latest[entry->check % CHECKS] = (uint32_t)ring->next;
    return ring->next++;
}

bool ring_may_hold(const struct ring *ring, uint32_t check)
{
    return (uint32_t)ring->next - ring->latest[check % CHECKS] < LIMIT_RING;
}

void ring_prefetch(const struct ring *ring, uint32_t check)
{
    __builtin_prefetch(&ring->latest[check % CHECKS]);
}

struct ring_entry *ring_get(struct ring *ring, uint64_t number)
{
    if (number == 0 || number >= ring->next || ring->next - number >= LIMIT_RING) {
        return NULL;
    }
    return &ring->entries[number % LIMIT_RING];
}
