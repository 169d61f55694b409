/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagnose/heavy.h"

#include <stdbool.h>
#include <string.h>

#include <glib.h>

#define BUCKET 8u

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

/* Folds the product of two words, in which every bit reaches every other. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t heavy_hash(const void *bytes, size_t length)
{
    const uint8_t *p = bytes;
    uint64_t hash = length;
    uint64_t word;

    for (; length >= sizeof word; p += sizeof word, length -= sizeof word) {
        memcpy(&word, p, sizeof word);
        hash = mix(hash ^ word ^ UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xbf58476d1ce4e5b9));
    }
    word = 0;
    memcpy(&word, p, length);
    return mix(hash ^ word ^ UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0x94d049bb133111eb));
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

static bool is_at(const struct heavy *heavy, size_t position, const void *key)
{
    return memcmp(entry_at(heavy, position), key, heavy->key_size) == 0;
}

/* The position of @key; false when it has none. */
static bool search(const struct heavy *heavy, const void *key, uint32_t tag, size_t *position)
{
    size_t first = heavy->size ? bucket_of(heavy, tag) : 0;

    for (size_t i = first; i < first + BUCKET && i < heavy->size; i++) {
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

void *heavy_add(struct heavy *heavy, const void *key, uint32_t weight)
{
    struct heavy_place *place;

    if (heavy->count == 0 || !is_at(heavy, heavy->last, key)) {
        uint32_t tag = tag_of(heavy_hash(key, heavy->key_size));

        if (!search(heavy, key, tag, &heavy->last)) {
            make_entry(heavy, key, tag);
        }
    }
    place = &heavy->places[heavy->last];
    place->weight = MIN(place->weight, UINT32_MAX - weight) + weight;
    return entry_at(heavy, heavy->last);
}

void *heavy_get(struct heavy *heavy, const void *key)
{
    return heavy_add(heavy, key, 1);
}
