/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagnose/heavy.h"

#include <string.h>

#include <glib.h>

#define BUCKET 8u

void heavy_init(struct heavy *heavy, size_t entry_size, size_t key_size, size_t limit,
                void (*release)(void *entry))
{
    *heavy = (struct heavy){
        .entry_size = entry_size, .key_size = key_size, .limit = limit, .release = release};
}

void *heavy_at(const struct heavy *heavy, size_t position)
{
    struct heavy_entry *entry = (void *)(heavy->entries + position * heavy->entry_size);

    return entry->weight ? entry : NULL;
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
    heavy->entries = NULL;
    heavy->size = 0;
}

/* The finisher of SplitMix64 after each word: every bit of the key reaches every bit. */
static uint64_t hash_key(const struct heavy *heavy, const uint8_t *key)
{
    uint64_t hash = 0;

    for (size_t i = 0; i < heavy->key_size; i += 8) {
        uint64_t word;

        memcpy(&word, key + i, 8);
        hash = (hash ^ word) + UINT64_C(0x9e3779b97f4a7c15);
        hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        hash = (hash ^ (hash >> 27)) * UINT64_C(0x94d049bb133111eb);
        hash ^= hash >> 31;
    }
    return hash;
}

static struct heavy_entry *bucket_of(const struct heavy *heavy, uint64_t hash)
{
    size_t bucket = (size_t)hash & (heavy->size / BUCKET - 1);

    return (void *)(heavy->entries + bucket * BUCKET * heavy->entry_size);
}

static struct heavy_entry *in_bucket(const struct heavy *heavy, struct heavy_entry *first,
                                     unsigned i)
{
    return (void *)((uint8_t *)first + i * heavy->entry_size);
}

static struct heavy_entry *search(const struct heavy *heavy, const void *key, uint64_t hash)
{
    struct heavy_entry *first = heavy->size ? bucket_of(heavy, hash) : NULL;

    for (unsigned i = 0; first && i < BUCKET; i++) {
        struct heavy_entry *entry = in_bucket(heavy, first, i);

        if (entry->weight && entry->hash == hash && memcmp(entry + 1, key, heavy->key_size) == 0) {
            return entry;
        }
    }
    return NULL;
}

void *heavy_find(const struct heavy *heavy, const void *key)
{
    return search(heavy, key, hash_key(heavy, key));
}

/* A free place in the bucket, or its lightest entry. */
static struct heavy_entry *lightest(const struct heavy *heavy, uint64_t hash)
{
    struct heavy_entry *first = bucket_of(heavy, hash);
    struct heavy_entry *found = first;

    for (unsigned i = 1; i < BUCKET && found->weight; i++) {
        struct heavy_entry *entry = in_bucket(heavy, first, i);

        if (entry->weight < found->weight) {
            found = entry;
        }
    }
    return found;
}

/* Gives up what is at @entry, if anything. */
static void make_free(struct heavy *heavy, struct heavy_entry *entry)
{
    if (entry->weight) {
        heavy->dropped++;
        if (heavy->release) {
            heavy->release(entry);
        }
    }
    memset(entry, 0, heavy->entry_size);
}

static void grow(struct heavy *heavy)
{
    struct heavy old = *heavy;

    heavy->size = old.size ? old.size * 2 : BUCKET;
    heavy->entries = g_malloc0_n(heavy->size, heavy->entry_size);
    for (size_t i = 0; i < old.size; i++) {
        struct heavy_entry *entry = heavy_at(&old, i);

        if (entry) { /* no bucket gets more than the one it came from had */
            memcpy(lightest(heavy, entry->hash), entry, heavy->entry_size);
        }
    }
    g_free(old.entries);
}

void *heavy_get(struct heavy *heavy, const void *key)
{
    uint64_t hash = hash_key(heavy, key);
    struct heavy_entry *entry = search(heavy, key, hash);

    if (!entry) {
        while (heavy->size == 0 || (lightest(heavy, hash)->weight && heavy->size < heavy->limit)) {
            grow(heavy);
        }
        entry = lightest(heavy, hash);
        make_free(heavy, entry);
        entry->hash = hash;
        memcpy(entry + 1, key, heavy->key_size);
    }
    entry->weight++;
    return entry;
}
