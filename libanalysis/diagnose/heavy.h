/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * A table that stays small: it keeps the keys that come often and forgets others.
 *
 * Buckets of eight entries. The table doubles while it may; after that a new key takes the place of
 * the lightest of its bucket, which is counted. The order of entries depends on the keys alone, so
 * that the same input gives the same table. Pointers to entries last until the next heavy_get().
 */
#ifndef DIAGNOSE_HEAVY_H
#define DIAGNOSE_HEAVY_H

#include <stddef.h>
#include <stdint.h>

/** struct heavy_entry - what each entry begins with; the key, a multiple of 8 bytes without
 * padding, follows. @weight is how often it was asked for; 0 = free */
struct heavy_entry {
    uint64_t weight;
};

/**
 * struct heavy - the table
 * @entries: one after the other, in the order in which they came: a place takes little
 * @index:   of each place its entry's number
 * @tags:    of each place half of its entry's hash, 0 = free: a search looks at eight of these, not
 *           at eight entries
 * @last:    place of the latest heavy_get(): many connections in a row are about one server
 * @limit:   entries at most (a power of two)
 * @release: frees what an entry owns; may be NULL
 * @dropped: entries that gave way
 */
struct heavy {
    size_t entry_size;
    size_t key_size;
    size_t limit;
    void (*release)(void *entry);
    uint8_t *entries;
    uint32_t *tags;
    uint32_t *index;
    size_t last;
    size_t size;  /* places */
    size_t count; /* entries in use */
    size_t room;  /* entries there is memory for */
    uint64_t dropped;
};

void heavy_init(struct heavy *heavy, size_t entry_size, size_t key_size, size_t limit,
                void (*release)(void *entry));
void heavy_clear(struct heavy *heavy);
/** A hash of @length bytes, not keyed: tables are the same in every run. */
uint64_t heavy_hash(const void *bytes, size_t length);
/** The entry of @key, made (all else zero) when there is none; its weight rises by one. */
void *heavy_get(struct heavy *heavy, const void *key);
/** The entry of @key, or NULL. */
void *heavy_find(const struct heavy *heavy, const void *key);
/** Entry at @position, from 0 to @size - 1, or NULL where that is free. */
void *heavy_at(const struct heavy *heavy, size_t position);

#endif
