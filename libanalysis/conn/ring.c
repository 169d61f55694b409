/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conn/ring.h"

#include <glib.h>

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
