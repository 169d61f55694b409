/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flow/arena.h"

#include <string.h>

#include "bytes/populate.h"

#define CACHE_LINE 64u

void arena_init(struct arena *arena, size_t entry_size, bool tracked)
{
    *arena = (struct arena){.entry_size = entry_size, .free_head = ARENA_NONE};
    arena->chunks = g_ptr_array_new_with_free_func(g_aligned_free);
    arena->used = tracked ? g_byte_array_new() : NULL;
}

void arena_clear(struct arena *arena)
{
    g_ptr_array_free(arena->chunks, TRUE);
    g_clear_pointer(&arena->used, g_byte_array_unref);
}

void arena_empty(struct arena *arena)
{
    arena->positions = 0;
    arena->count = 0;
    arena->free_head = ARENA_NONE;
    if (arena->used && arena->used->len) {
        memset(arena->used->data, 0, arena->used->len);
    }
}

static void add_chunk(struct arena *arena)
{
    g_ptr_array_add(arena->chunks, g_aligned_alloc(ARENA_CHUNK, arena->entry_size, CACHE_LINE));
    if (arena->used) {
        guint used = arena->used->len;

        g_byte_array_set_size(arena->used, used + ARENA_CHUNK / 8);
        memset(arena->used->data + used, 0, ARENA_CHUNK / 8);
    }
}

uint32_t arena_take(struct arena *arena)
{
    uint32_t position = arena->free_head;

    arena->count++;
    if (position != ARENA_NONE) {
        memcpy(&arena->free_head, arena_at(arena, position), sizeof arena->free_head);
    } else {
        if (arena->positions == arena->chunks->len * ARENA_CHUNK) {
            add_chunk(arena);
        }
        position = arena->positions++;
        populate_next(g_ptr_array_index(arena->chunks, position / ARENA_CHUNK),
                      ARENA_CHUNK * arena->entry_size, position % ARENA_CHUNK * arena->entry_size,
                      arena->entry_size);
    }
    if (arena->used) {
        arena->used->data[position / 8] |= (uint8_t)(1u << position % 8);
    }
    memset(arena_at(arena, position), 0, arena->entry_size);
    return position;
}

void arena_release(struct arena *arena, uint32_t position)
{
    void *entry = arena_at(arena, position);

    arena->count--;
    if (arena->used) {
        arena->used->data[position / 8] &= (uint8_t) ~(1u << position % 8);
    }
    memset(entry, 0, arena->entry_size);
    memcpy(entry, &arena->free_head, sizeof arena->free_head);
    arena->free_head = position;
}
