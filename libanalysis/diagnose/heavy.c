/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagnose/heavy.h"

#include <stdbool.h>
#include <string.h>

#include <glib.h>

#include "bytes/hash.h"

#define BUCKET     8u
#define CACHE_LINE 64u

void heavy_init(struct heavy *heavy, size_t entry_size, size_t key_size, size_t limit,
                void (*release)(void *entry))
{
    *heavy = (struct heavy){
        .entry_size = entry_size, .key_size = key_size, .limit = limit, .release = release};
}

static void *entry_at(const struct heavy *heavy, size_t position)
{
    return heavy->entries + heavy->places[position].index * heavy->entry_size;
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
        heavy->release(heavy->entries + i * heavy->entry_size);
    }
    g_free(heavy->entries);
    g_free(heavy->places);
    heavy->entries = NULL;
    heavy->places = NULL;
    heavy->size = heavy->count = heavy->room = 0;
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
        if (heavy->places[i].weight < heavy->places[found].weight) {
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
}

static void grow(struct heavy *heavy)
{
    struct heavy old = *heavy;

    heavy->size = old.size ? old.size * 2 : BUCKET;
    heavy->places = g_new0(struct heavy_place, heavy->size);
    for (size_t i = 0; i < old.size; i++) {
        if (old.places[i].tag) { /* no bucket gets more than the one it came from had */
            heavy->places[lightest(heavy, old.places[i].tag)] = old.places[i];
        }
    }
    g_free(old.places);
}

/* Memory for the entry at @position, which has none yet. */
static void add_entry(struct heavy *heavy, size_t position)
{
    if (heavy->count == heavy->room) {
        heavy->room = heavy->room ? heavy->room * 2 : BUCKET;
        heavy->entries = g_realloc_n(heavy->entries, heavy->room, heavy->entry_size);
    }
    heavy->places[position].index = (uint32_t)heavy->count++;
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
        add_entry(heavy, position);
    }
    return position;
}

static void make_entry(struct heavy *heavy, const void *key, uint32_t tag)
{
    void *entry;

    heavy->last = make_place(heavy, tag);
    heavy->places[heavy->last].tag = tag;
    heavy->places[heavy->last].weight = 0;
    entry = entry_at(heavy, heavy->last);
    memset(entry, 0, heavy->entry_size);
    memcpy(entry, key, heavy->key_size);
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
    struct heavy_place *place = &heavy->places[heavy->last];

    place->weight = MIN(place->weight, UINT32_MAX - weight) + weight;
    return entry_at(heavy, heavy->last);
}

uint32_t heavy_seek(const struct heavy *heavy, const void *key)
{
    uint32_t tag = tag_of(hash_bytes(key, heavy->key_size));

    if (heavy->size > 0) {
        const struct heavy_place *bucket = &heavy->places[bucket_of(heavy, tag)];

        __builtin_prefetch(bucket);
        __builtin_prefetch(&bucket[BUCKET - 1]);
    }
    return tag;
}

void heavy_fetch(const struct heavy *heavy, uint32_t tag)
{
    size_t first = heavy->size > 0 ? bucket_of(heavy, tag) : 0;

    for (size_t i = first; i < first + BUCKET && i < heavy->size; i++) {
        if (heavy->places[i].tag == tag) {
            const uint8_t *entry = entry_at(heavy, i);

            __builtin_prefetch(entry);
            __builtin_prefetch(entry + CACHE_LINE);
            return;
        }
    }
}

void *heavy_take(struct heavy *heavy, const void *key, uint32_t tag)
{
    look_up(heavy, key, tag);
    return count_last(heavy, 1);
}

void *heavy_add(struct heavy *heavy, const void *key, uint32_t weight)
{
    if (heavy->count == 0 || !is_at(heavy, heavy->last, key)) {
        look_up(heavy, key, tag_of(hash_bytes(key, heavy->key_size)));
    }
    return count_last(heavy, weight);
}

void *heavy_get(struct heavy *heavy, const void *key)
{
    return heavy_add(heavy, key, 1);
}
