/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conn/ring.h"

#include <glib.h>

#include "limits.h"

struct ring {
    uint64_t next; /* number of the next entry, from 1 */
    struct ring_entry entries[LIMIT_RING];
};

struct ring *ring_new(void)
{
    struct ring *ring = g_new0(struct ring, 1);

    ring->next = 1;
    return ring;
}

void ring_free(struct ring *ring)
{
    g_free(ring);
}

uint64_t ring_add(struct ring *ring, const struct ring_entry *entry)
{
    ring->entries[ring->next % LIMIT_RING] = *entry;
    return ring->next++;
}

struct ring_entry *ring_get(struct ring *ring, uint64_t number)
{
    if (number == 0 || number >= ring->next || ring->next - number >= LIMIT_RING) {
        return NULL;
    }
    return &ring->entries[number % LIMIT_RING];
}
