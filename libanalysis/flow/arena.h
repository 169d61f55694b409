/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * Entries of one size, in chunks: they keep their address until released, and their memory serves
 * the next ones. A position counts entries from 0.
 */
#ifndef FLOW_ARENA_H
#define FLOW_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

/** Entries of a chunk: a power of two, so that a position is quickly found. The pages of a chunk
 * take no memory before they are used. */
#define ARENA_CHUNK 8192u

/** No position. */
#define ARENA_NONE UINT32_MAX

/**
 * struct arena - the chunks
 * @used:      a bit for each position in use; NULL: the owner sees it from its entries
 * @positions: ever used
 * @free_head: first released position (its first word links to the next), ARENA_NONE: none
 * @count:     in use
 */
struct arena {
    GPtrArray *chunks;
    GByteArray *used;
    size_t entry_size;
    uint32_t positions;
    uint32_t free_head;
    uint32_t count;
};

/** @tracked: arena_used() is wanted */
void arena_init(struct arena *arena, size_t entry_size, bool tracked);
void arena_clear(struct arena *arena);
/** Takes all entries out, keeping their memory for others. */
void arena_empty(struct arena *arena);
/** A position for a new entry, zeroed. */
uint32_t arena_take(struct arena *arena);
/** Keeps the entry's memory, zeroed but for its first word, for another. */
void arena_release(struct arena *arena, uint32_t position);

static inline void *arena_at(const struct arena *arena, uint32_t position)
{
    uint8_t *chunk = g_ptr_array_index(arena->chunks, position / ARENA_CHUNK);

    return chunk + (position % ARENA_CHUNK) * arena->entry_size;
}

/** The entry at @position of a tracked arena, or NULL when none is there. */
static inline void *arena_used(const struct arena *arena, uint32_t position)
{
    return position < arena->positions && arena->used->data[position / 8] >> position % 8 & 1
               ? arena_at(arena, position)
               : NULL;
}

#endif
