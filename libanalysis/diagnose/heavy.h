/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * A table that stays small: it keeps the keys that come often and forgets others.
 *
 * Buckets of eight entries. The table doubles while it may; after that a new key takes the place of
 * the lightest of its bucket, which is counted. The order of entries depends on the keys alone, so
 * that the same input gives the same table. Pointers to entries last until another takes the
 * entry's place.
 */
#ifndef DIAGNOSE_HEAVY_H
#define DIAGNOSE_HEAVY_H

#include <stddef.h>
#include <stdint.h>

/** struct heavy_place - @tag: half of its entry's hash, 0 = free; @index: its entry's number;
 *  @weight: how often it was asked for, HEAVY_WEIGHT at most. A search looks at the eight places of
 *  a bucket, which are one cache line, not at eight entries */
struct heavy_place {
    uint32_t tag;
    uint16_t index;
    uint16_t weight;
};

#define HEAVY_WEIGHT UINT16_MAX

/** Chunks of entries: as many as the largest limit takes, 8 * (2^HEAVY_CHUNKS - 1). */
#define HEAVY_CHUNKS 13u

/**
 * struct heavy - the table
 * @chunks:  of entries, in the order in which they came; each begins with its key, a multiple of 8
 *           bytes without padding
 * @last:    place of the latest heavy_get(): many connections in a row are about one server
 * @limit:   entries at most (a power of two)
 * @hash:    of a key
 * @release: frees what an entry owns; may be NULL
 * @dropped: entries that gave way
 */
struct heavy {
    size_t entry_size;
    size_t key_size;
    size_t limit;
    uint64_t (*hash)(const void *key);
    void (*release)(void *entry);
    uint8_t *chunks[HEAVY_CHUNKS];
    struct heavy_place *places;
    size_t last;
    size_t size;  /* places */
    size_t count; /* entries in use */
    uint64_t dropped;
};

void heavy_init(struct heavy *heavy, size_t entry_size, size_t key_size, size_t limit,
                uint64_t (*hash)(const void *key), void (*release)(void *entry));
/** Frees what it holds; to be used again it must be initialised. */
void heavy_clear(struct heavy *heavy);
/** The entry of @key, made (all else zero) when there is none; its weight rises by @weight, or by
 *  one. */
void *heavy_add(struct heavy *heavy, const void *key, uint32_t weight);
void *heavy_get(struct heavy *heavy, const void *key);
/** heavy_get() in steps, so that several keys' memory is on its way at once: the tag of a key with
 *  this hash, then the entry's memory (returned when it is there, most likely), then the entry. */
uint32_t heavy_seek(const struct heavy *heavy, uint64_t hash);
const void *heavy_fetch(const struct heavy *heavy, uint32_t tag);
void *heavy_take(struct heavy *heavy, const void *key, uint32_t tag);
/** Entry at @position, from 0 to @size - 1, or NULL where that is free. */
void *heavy_at(const struct heavy *heavy, size_t position);
/** Entry number @index, from 0 to @count - 1, in the order of memory: where the order is no matter.
 */
void *heavy_entry(const struct heavy *heavy, size_t index);
uint32_t heavy_weight(const struct heavy *heavy, size_t position);

#endif
