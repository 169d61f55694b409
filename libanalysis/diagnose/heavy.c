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

static struct heavy_entry *entry_at(const struct heavy *heavy, size_t position)
{
    return (void *)(heavy->entries + heavy->index[position] * heavy->entry_size);
}

void *heavy_at(const struct heavy *heavy, size_t position)
{
    return heavy->tags[position] ? entry_at(heavy, position) : NULL;
}

void heavy_clear(struct heavy *heavy)
{
    for (size_t i = 0; heavy->release && i < heavy->size; i++) {
        void *entry = heavy_at(heavy, i);

        if (entry) {
            heavy->release(entry);
        }
    }
    g_free(heavy->entries);
    g_free(heavy->tags);
    g_free(heavy->index);
    heavy->entries = NULL;
    heavy->tags = heavy->index = NULL;
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

static bool is_at(const struct heavy *heavy, size_t place, const void *key)
{
    return memcmp(entry_at(heavy, place) + 1, key, heavy->key_size) == 0;
}

/* The place of @key; false when it has none. */
static bool search(const struct heavy *heavy, const void *key, uint32_t tag, size_t *place)
{
    size_t first = heavy->size ? bucket_of(heavy, tag) : 0;

    for (size_t i = first; i < first + BUCKET && i < heavy->size; i++) {
        if (heavy->tags[i] == tag && is_at(heavy, i, key)) {
            *place = i;
            return true;
        }
    }
    return false;
}

void *heavy_find(const struct heavy *heavy, const void *key)
{
    size_t place;

    return search(heavy, key, tag_of(heavy_hash(key, heavy->key_size)), &place)
               ? entry_at(heavy, place)
               : NULL;
}

/* A free place in the bucket, or that of its lightest entry. */
static size_t lightest(const struct heavy *heavy, uint32_t tag)
{
    size_t first = bucket_of(heavy, tag);
    size_t found = first;

    for (size_t i = first; i < first + BUCKET; i++) {
        if (heavy->tags[i] == 0) {
            return i;
        }
        if (entry_at(heavy, i)->weight < entry_at(heavy, found)->weight) {
            found = i;
        }
    }
    return found;
}

/* Gives up the entry at @place, so that another may have its memory. */
static void give_up(struct heavy *heavy, size_t place)
{
    heavy->dropped++;
    if (heavy->release) {
        heavy->release(entry_at(heavy, place));
    }
}

static void grow(struct heavy *heavy)
{
    struct heavy old = *heavy;

    heavy->size = old.size ? old.size * 2 : BUCKET;
    heavy->tags = g_new0(uint32_t, heavy->size);
    heavy->index = g_new0(uint32_t, heavy->size);
    for (size_t i = 0; i < old.size; i++) {
        if (old.tags[i]) { /* no bucket gets more than the one it came from had */
            size_t place = lightest(heavy, old.tags[i]);

            heavy->tags[place] = old.tags[i];
            heavy->index[place] = old.index[i];
        }
    }
    g_free(old.tags);
    g_free(old.index);
}

/* Memory for the entry at @place, which has none yet. */
static void add_entry(struct heavy *heavy, size_t place)
{
    if (heavy->count == heavy->room) {
        heavy->room = heavy->room ? heavy->room * 2 : BUCKET;
        heavy->entries = g_realloc_n(heavy->entries, heavy->room, heavy->entry_size);
    }
    heavy->index[place] = (uint32_t)heavy->count++;
}

/* A place, with memory, for a new entry. */
static size_t make_place(struct heavy *heavy, uint32_t tag)
{
    size_t place;

    if (heavy->size == 0) {
        grow(heavy);
    }
    place = lightest(heavy, tag);
    while (heavy->tags[place] && heavy->size < heavy->limit) {
        grow(heavy);
        place = lightest(heavy, tag);
    }
    if (heavy->tags[place]) {
        give_up(heavy, place);
    } else {
        add_entry(heavy, place);
    }
    return place;
}

static void make_entry(struct heavy *heavy, const void *key, uint32_t tag)
{
    struct heavy_entry *entry;

    heavy->last = make_place(heavy, tag);
    heavy->tags[heavy->last] = tag;
    entry = entry_at(heavy, heavy->last);
    memset(entry, 0, heavy->entry_size);
    memcpy(entry + 1, key, heavy->key_size);
}

void *heavy_get(struct heavy *heavy, const void *key)
{
    struct heavy_entry *entry;

    if (heavy->count == 0 || !is_at(heavy, heavy->last, key)) {
        uint32_t tag = tag_of(heavy_hash(key, heavy->key_size));

        if (!search(heavy, key, tag, &heavy->last)) {
            make_entry(heavy, key, tag);
        }
    }
    entry = entry_at(heavy, heavy->last);
    entry->weight++;
    return entry;
}
