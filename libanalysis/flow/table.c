/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flow/table.h"

#include <glib.h>

/* Entries live in chunks of this many, allocated as needed and kept until the table is freed. The
 * pages of a chunk take no memory before they are used. */
#define CHUNK_ENTRIES 8192u
#define FIRST_SLOTS   1024u
#define CACHE_LINE    64u

/* A key's version is 4 or 6, never 0: a zero there marks a free arena position. */

struct slot {
    uint32_t hash;
    uint32_t index; /* FLOW_NONE: empty */
};

struct flow_table {
    struct slot *slots;
    uint32_t mask; /* number of slots - 1, a power of two less one */
    uint32_t count;
    uint32_t positions; /* arena positions ever used */
    uint32_t free_head; /* first released position, FLOW_NONE: none */
    size_t entry_size;
    uint64_t seed[2];
    GPtrArray *chunks;
};

static inline uint64_t load64(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

/* Folds the 128-bit product: every input bit reaches every output bit. */
static inline uint64_t mix(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint32_t flow_table_hash(const struct flow_table *table, const struct flow_key *key)
{
    uint64_t ports = (uint64_t)key->port[0] << 32 | (uint64_t)key->port[1] << 8 | key->version;
    uint64_t h;

    if (key->version == 4) {
        uint32_t a;
        uint32_t b;

        memcpy(&a, key->address[0], 4);
        memcpy(&b, key->address[1], 4);
        h = mix(((uint64_t)a << 32 | b) ^ table->seed[0], ports ^ table->seed[1]);
    } else {
        h = mix(load64(key->address[0]) ^ table->seed[0],
                load64(key->address[0] + 8) ^ table->seed[1]);
        h = mix(load64(key->address[1]) ^ h, load64(key->address[1] + 8) ^ table->seed[1]);
        h = mix(h ^ table->seed[0], ports ^ table->seed[1]);
    }
    return (uint32_t)(h ^ h >> 32);
}

static void *entry_at(const struct flow_table *table, uint32_t index)
{
    uint8_t *chunk = g_ptr_array_index(table->chunks, index / CHUNK_ENTRIES);

    return chunk + (index % CHUNK_ENTRIES) * table->entry_size;
}

static struct slot *make_slots(uint32_t n)
{
    struct slot *slots = g_new(struct slot, n);

    memset(slots, 0xff, n * sizeof *slots);
    return slots;
}

struct flow_table *flow_table_new(size_t entry_size, uint64_t seed)
{
    struct flow_table *table = g_new0(struct flow_table, 1);

    table->slots = make_slots(FIRST_SLOTS);
    table->mask = FIRST_SLOTS - 1;
    table->free_head = FLOW_NONE;
    table->entry_size = entry_size;
    /* Odd constants keep the multiplier from losing bits even with a seed of 0. */
    table->seed[0] = seed ^ UINT64_C(0x9e3779b97f4a7c15);
    table->seed[1] = (seed << 32 | seed >> 32) ^ UINT64_C(0xd6e8feb86659fd93);
    table->chunks = g_ptr_array_new_with_free_func(g_aligned_free);
    return table;
}

void flow_table_free(struct flow_table *table)
{
    if (table) {
        g_free(table->slots);
        g_ptr_array_free(table->chunks, TRUE);
        g_free(table);
    }
}

void flow_table_prefetch_slot(const struct flow_table *table, uint32_t hash)
{
    __builtin_prefetch(&table->slots[hash & table->mask]);
}

const void *flow_table_prefetch_entry(const struct flow_table *table, uint32_t hash)
{
    const uint8_t *entry;
    uint32_t i = hash & table->mask;

    while (table->slots[i].index != FLOW_NONE && table->slots[i].hash != hash) {
        i = (i + 1) & table->mask;
    }
    if (table->slots[i].index == FLOW_NONE) {
        return NULL;
    }
    entry = entry_at(table, table->slots[i].index);
    for (size_t at = 0; at < table->entry_size; at += CACHE_LINE) {
        __builtin_prefetch(entry + at);
    }
    return entry;
}

void flow_table_clear(struct flow_table *table)
{
    memset(table->slots, 0xff, (table->mask + (size_t)1) * sizeof *table->slots);
    table->count = 0;
    table->positions = 0;
    table->free_head = FLOW_NONE;
}

void *flow_table_find(struct flow_table *table, const struct flow_key *key, uint32_t hash)
{
    for (uint32_t i = hash & table->mask;; i = (i + 1) & table->mask) {
        const struct slot *slot = &table->slots[i];

        if (slot->index == FLOW_NONE) {
            return NULL;
        }
        if (slot->hash == hash) {
            void *entry = entry_at(table, slot->index);

            if (flow_key_equal(entry, key)) {
                return entry;
            }
        }
    }
}

static void place(struct flow_table *table, uint32_t hash, uint32_t index)
{
    uint32_t i = hash & table->mask;

    while (table->slots[i].index != FLOW_NONE) {
        i = (i + 1) & table->mask;
    }
    table->slots[i] = (struct slot){.hash = hash, .index = index};
}

static void grow(struct flow_table *table)
{
    struct slot *old = table->slots;
    uint32_t n = table->mask + 1;

    table->slots = make_slots(n * 2);
    table->mask = n * 2 - 1;
    for (uint32_t i = 0; i < n; i++) {
        if (old[i].index != FLOW_NONE) {
            place(table, old[i].hash, old[i].index);
        }
    }
    g_free(old);
}

/* A free arena position: a released one (its first word links to the next), or a new one. */
static uint32_t take_position(struct flow_table *table)
{
    uint32_t index = table->free_head;

    if (index != FLOW_NONE) {
        memcpy(&table->free_head, entry_at(table, index), sizeof table->free_head);
        return index;
    }
    if (table->positions == table->chunks->len * CHUNK_ENTRIES) {
        g_ptr_array_add(table->chunks,
                        g_aligned_alloc(CHUNK_ENTRIES, table->entry_size, CACHE_LINE));
    }
    return table->positions++;
}

void *flow_table_add(struct flow_table *table, const struct flow_key *key, uint32_t hash)
{
    uint32_t index = take_position(table);
    void *entry = entry_at(table, index);

    if ((table->count + 1) * 3 > (table->mask + 1) * 2) {
        grow(table);
    }
    place(table, hash, index);
    table->count++;
    memset(entry, 0, table->entry_size);
    memcpy(entry, key, sizeof *key);
    return entry;
}

/* Removes slot @hole and moves later members of its run back, so that no run is cut in two. */
static void close_hole(struct flow_table *table, uint32_t hole)
{
    uint32_t i = hole;

    for (;;) {
        uint32_t home;

        i = (i + 1) & table->mask;
        if (table->slots[i].index == FLOW_NONE) {
            break;
        }
        home = table->slots[i].hash & table->mask;
        /* The member at i may move to the hole unless its home lies behind the hole. */
        if (((i - home) & table->mask) >= ((i - hole) & table->mask)) {
            table->slots[hole] = table->slots[i];
            hole = i;
        }
    }
    table->slots[hole].index = FLOW_NONE;
}

void flow_table_remove(struct flow_table *table, void *entry)
{
    struct flow_key key;
    uint32_t i;
    uint32_t index;

    memcpy(&key, entry, sizeof key);
    i = flow_table_hash(table, &key) & table->mask;
    while (entry_at(table, table->slots[i].index) != entry) {
        i = (i + 1) & table->mask;
    }
    index = table->slots[i].index;
    close_hole(table, i);
    table->count--;
    memset(entry, 0, table->entry_size);
    memcpy(entry, &table->free_head, sizeof table->free_head);
    table->free_head = index;
}

size_t flow_table_count(const struct flow_table *table)
{
    return table->count;
}

uint32_t flow_table_positions(const struct flow_table *table)
{
    return table->positions;
}

void *flow_table_at(struct flow_table *table, uint32_t position)
{
    struct flow_key *key;

    if (position >= table->positions) {
        return NULL;
    }
    key = entry_at(table, position);
    return key->version ? key : NULL;
}
