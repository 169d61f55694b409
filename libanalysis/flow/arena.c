/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flow/arena.h"

#include <string.h>

#define CACHE_LINE 64u

void arena_init(struct arena *arena, size_t entry_size)
{
    *arena = (struct arena){.entry_size = entry_size, .free_head = ARENA_NONE};
    arena->chunks = g_ptr_array_new_with_free_func(g_aligned_free);
}

void arena_clear(struct arena *arena)
{
    g_ptr_array_free(arena->chunks, TRUE);
}

void arena_empty(struct arena *arena)
{
    arena->positions = 0;
    arena->count = 0;
    arena->free_head = ARENA_NONE;
}

uint32_t arena_take(struct arena *arena)
{
    uint32_t position = arena->free_head;

    arena->count++;
    if (position != ARENA_NONE) {
        memcpy(&arena->free_head, arena_at(arena, position), sizeof arena->free_head);
    } else {
        if (arena->positions == arena->chunks->len * ARENA_CHUNK) {
            g_ptr_array_add(arena->chunks,
                            g_aligned_alloc(ARENA_CHUNK, arena->entry_size, CACHE_LINE));
        }
        position = arena->positions++;
    }
    memset(arena_at(arena, position), 0, arena->entry_size);
    return position;
}

void arena_release(struct arena *arena, uint32_t position)
{
    void *entry = arena_at(arena, position);

    arena->count--;
    memset(entry, 0, arena->entry_size);
    memcpy(entry, &arena->free_head, sizeof arena->free_head);
    arena->free_head = position;
}
