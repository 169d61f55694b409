/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagnose/heavy.h"

#include <stdbool.h>
#include <string.h>

#include <glib.h>

#include "bytes/populate.h"
#include "bytes/prefetch.h"

#define BUCKET      8u
#define BUCKET_SIZE (BUCKET * sizeof(struct heavy_place)) /* a cache line */
/* Of an entry: what each connection changes comes first. */
#define FETCHED 192u

void heavy_init(struct heavy *heavy, size_t entry_size, size_t key_size, size_t limit,
                uint64_t (*hash)(const void *key), void (*release)(void *entry))
{
    g_assert(limit <= ((size_t)BUCKET << HEAVY_CHUNKS) - BUCKET);
    *heavy = (struct heavy){.entry_size = entry_size,
                            .key_size = key_size,
                            .limit = limit,
                            .hash = hash,
                            .release = release};
}

/* The first chunk is of a bucket's entries, each other one of twice as many as the one before. */
static unsigned chunk_of(uint32_t index)
{
    return (unsigned)(__builtin_clz(BUCKET) - __builtin_clz(index + BUCKET));
}

void *heavy_entry(const struct heavy *heavy, size_t index)
{
    unsigned chunk = chunk_of((uint32_t)index);

    return heavy->chunks[chunk] + (index + BUCKET - ((size_t)BUCKET << chunk)) * heavy->entry_size;
}

static void *entry_at(const struct heavy *heavy, size_t position)
{
    return heavy_entry(heavy, heavy->places[position].index);
}

void *heavy_at(const struct heavy *heavy, size_t position)
{
    return heavy->places[position].tag ? entry_at(heavy, position) : NULL;
}

uint32_t heavy_weight(const struct heavy *heavy, size_t position)
{
    return heavy->places[position].weight;
}

void heavy_clear(struct heavy *heavy)
{
    for (size_t i = 0; heavy->release && i < heavy->count; i++) {
        heavy->release(heavy_entry(heavy, i));
    }
    for (unsigned i = 0; i < HEAVY_CHUNKS; i++) {
        g_aligned_free(heavy->chunks[i]);
    }
    g_aligned_free(heavy->places);
}

/* Never 0. */
static uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)(hash >> 32) | 1;
}

/* First place of the bucket: by the tag, so that a table grows without a look at its entries. */
static size_t bucket_of(const struct heavy *heavy, uint32_t tag)
{
    return ((size_t)(tag >> 1) & (heavy->size / BUCKET - 1)) * BUCKET;
}

/* Keys are a few words: a loop is quicker than a call. */
static bool is_at(const struct heavy *heavy, size_t position, const void *key)
{
    const uint8_t *a = entry_at(heavy, position), *b = key;
    uint64_t differ = 0;

    for (size_t i = 0; i < heavy->key_size; i += sizeof differ) {
        uint64_t x, y;

        memcpy(&x, a + i, sizeof x);
        memcpy(&y, b + i, sizeof y);
        differ |= x ^ y;
    }
    return differ == 0;
}

/* The position of @key; false when it has none. */
static bool search(const struct heavy *heavy, const void *key, uint32_t tag, size_t *position)
{
    size_t first;

    if (heavy->size == 0) {
        return false;
    }
    first = bucket_of(heavy, tag);
    for (size_t i = first; i < first + BUCKET; i++) {
        if (heavy->places[i].tag == tag && is_at(heavy, i, key)) {
            *position = i;
            return true;
        }
    }
    return false;
}

/* A free place in the bucket, or that of its lightest entry. */
static size_t lightest(const struct heavy *heavy, uint32_t tag)
{
    size_t first = bucket_of(heavy, tag);
    size_t found = first;

    for (size_t i = first; i < first + BUCKET; i++) {
        if (heavy->places[i].tag == 0) {
            return i;
        }
        if (heavy_weight(heavy, i) < heavy_weight(heavy, found)) {
            found = i;
        }
    }
    return found;
}

/* Gives up the entry at @position, so that another may have its memory. */
static void give_up(struct heavy *heavy, size_t position)
{
    heavy->dropped++;
    if (heavy->release) {
        heavy->release(entry_at(heavy, position));
    }
    memset(entry_at(heavy, position), 0, heavy->entry_size);
}

static void grow(struct heavy *heavy)
{
    struct heavy old = *heavy;

    heavy->size = old.size ? old.size * 2 : BUCKET;
    heavy->places = g_aligned_alloc0(heavy->size, sizeof heavy->places[0], BUCKET_SIZE);
    for (size_t i = 0; i < old.size; i++) {
        if (old.places[i].tag) { /* no bucket gets more than the one it came from had */
            heavy->places[lightest(heavy, old.places[i].tag)] = old.places[i];
        }
    }
    g_aligned_free(old.places);
}

/* Its number; its memory is all zero. */
static uint16_t add_entry(struct heavy *heavy)
{
    uint16_t index = (uint16_t)heavy->count++;
    unsigned chunk = chunk_of(index);
    size_t entries = (size_t)BUCKET << chunk;
    uint8_t *entry;

    if (!heavy->chunks[chunk]) {
        heavy->chunks[chunk] = g_aligned_alloc(entries, heavy->entry_size, BUCKET_SIZE);
    }
    entry = heavy_entry(heavy, index);
    populate_next(heavy->chunks[chunk], entries * heavy->entry_size,
                  (size_t)(entry - heavy->chunks[chunk]), heavy->entry_size);
    memset(entry, 0, heavy->entry_size);
    return index;
}

/* A place, with memory, for a new entry. */
static size_t make_place(struct heavy *heavy, uint32_t tag)
{
    size_t position;

    if (heavy->size == 0) {
        grow(heavy);
    }
    position = lightest(heavy, tag);
    while (heavy->places[position].tag && heavy->size < heavy->limit) {
        grow(heavy);
        position = lightest(heavy, tag);
    }
    if (heavy->places[position].tag) {
        give_up(heavy, position);
    } else {
        heavy->places[position].index = add_entry(heavy);
    }
    return position;
}

static void make_entry(struct heavy *heavy, const void *key, uint32_t tag)
{
    struct heavy_place *place;

    heavy->last = make_place(heavy, tag);
    place = &heavy->places[heavy->last];
    place->tag = tag;
    place->weight = 0;
    memcpy(entry_at(heavy, heavy->last), key, heavy->key_size);
}

/* Makes the entry of @key the last one. */
static void look_up(struct heavy *heavy, const void *key, uint32_t tag)
{
    if (!search(heavy, key, tag, &heavy->last)) {
        make_entry(heavy, key, tag);
    }
}

static void *count_last(struct heavy *heavy, uint32_t weight)
{
    uint16_t *sum = &heavy->places[heavy->last].weight;

    *sum = (uint16_t)(*sum + MIN(weight, HEAVY_WEIGHT - (uint32_t)*sum));
    return entry_at(heavy, heavy->last);
}

uint32_t heavy_seek(const struct heavy *heavy, uint64_t hash)
{
    uint32_t tag = tag_of(hash);

    if (heavy->size > 0) {
        __builtin_prefetch(&heavy->places[bucket_of(heavy, tag)]);
    }
    return tag;
}

const void *heavy_fetch(const struct heavy *heavy, uint32_t tag)
{
    size_t first = heavy->size > 0 ? bucket_of(heavy, tag) : 0;

    for (size_t i = first; i < first + BUCKET && i < heavy->size; i++) {
        if (heavy->places[i].tag == tag) {
            const void *entry = entry_at(heavy, i);

            prefetch_all(entry, MIN(heavy->entry_size, FETCHED));
            return entry;
        }
    }
    return NULL;
}

void *heavy_take(struct heavy *heavy, const void *key, uint32_t tag)
{
    look_up(heavy, key, tag);
    return count_last(heavy, 1);
}

void *heavy_add(struct heavy *heavy, const void *key, uint32_t weight)
{
    if (heavy->count == 0 || !is_at(heavy, heavy->last, key)) {
        look_up(heavy, key, tag_of(heavy->hash(key)));
    }
    return count_last(heavy, weight);
}

void *heavy_get(struct heavy *heavy, const void *key)
{
    return heavy_add(heavy, key, 1);
}
