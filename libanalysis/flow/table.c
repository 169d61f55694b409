/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flow/table.h"

#include <sys/mman.h>

#include <glib.h>

#include "flow/arena.h"

#define FIRST_SLOTS 1024u
#define CACHE_LINE  64u

/* A table this large is worth large pages: a search in it misses every other cache, and need not
 * miss the one of addresses as well. */
#define HUGE_PAGE (UINT64_C(2) * 1024 * 1024)

/* Values of slot.index: the first position of a short entry, of one of IPv6, and none. */
#define SHORT    0x80000000u
#define LONG     0x40000000u
#define POSITION 0x3fffffffu
#define NONE     UINT32_MAX

struct slot {
    uint32_t hash;
    uint32_t index; /* NONE: empty */
};

struct flow_table {
    struct slot *slots;
    uint32_t mask;        /* number of slots - 1, a power of two less one */
    struct arena entries; /* of IPv4 */
    struct arena longs;   /* of IPv6, with FLOW_LONG bytes before each */
    struct arena shorts;
    uint64_t seed[2];
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
    uint64_t ports = (uint64_t)flow_key_ports(key->port) << 8 | key->version;
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

static bool is_short(const struct slot *slot)
{
    return (slot->index & SHORT) && slot->index != NONE;
}

/* The entry that an index which is not SHORT stands for. */
static inline uint8_t *entry_at(const struct flow_table *table, uint32_t index)
{
    return index & LONG ? (uint8_t *)arena_at(&table->longs, index & POSITION) + FLOW_LONG
                        : arena_at(&table->entries, index);
}

static inline uint32_t version_mark(const struct flow_key *key)
{
    return key->version == 4 ? 0 : LONG;
}

static uint32_t count(const struct flow_table *table)
{
    return table->entries.count + table->longs.count + table->shorts.count;
}

static struct slot *make_slots(uint32_t n)
{
    size_t size = (size_t)n * sizeof(struct slot);
    struct slot *slots;

    if (size < HUGE_PAGE) {
        slots = g_aligned_alloc(n, sizeof *slots, CACHE_LINE);
    } else {
        slots = g_aligned_alloc(n, sizeof *slots, HUGE_PAGE);
        (void)madvise(slots, size, MADV_HUGEPAGE); /* a wish */
    }
    memset(slots, 0xff, size);
    return slots;
}

struct flow_table *flow_table_new(size_t entry_size, size_t short_size, uint64_t seed)
{
    struct flow_table *table = g_new0(struct flow_table, 1);

    table->slots = make_slots(FIRST_SLOTS);
    table->mask = FIRST_SLOTS - 1;
    arena_init(&table->entries, entry_size, true);
    arena_init(&table->longs, FLOW_LONG + entry_size, true);
    arena_init(&table->shorts, short_size, false); /* millions; a port tells */
    /* Odd constants keep the multiplier from losing bits even with a seed of 0. */
    table->seed[0] = seed ^ UINT64_C(0x9e3779b97f4a7c15);
    table->seed[1] = (seed << 32 | seed >> 32) ^ UINT64_C(0xd6e8feb86659fd93);
    return table;
}

void flow_table_free(struct flow_table *table)
{
    if (table) {
        g_aligned_free(table->slots);
        arena_clear(&table->entries);
        arena_clear(&table->longs);
        arena_clear(&table->shorts);
        g_free(table);
    }
}

void flow_table_prefetch_slot(const struct flow_table *table, uint32_t hash)
{
    __builtin_prefetch(&table->slots[hash & table->mask]);
}

void *flow_table_guess(const struct flow_table *table, uint32_t hash)
{
    uint32_t i = hash & table->mask;
    const uint8_t *entry;

    while (table->slots[i].index != NONE && table->slots[i].hash != hash) {
        i = (i + 1) & table->mask;
    }
    if (!(table->slots[i].index & SHORT)) {
        return entry_at(table, table->slots[i].index);
    }
    if (is_short(&table->slots[i])) {
        entry = arena_at(&table->shorts, table->slots[i].index & POSITION);
        __builtin_prefetch(entry);
        __builtin_prefetch(entry + table->shorts.entry_size - 1);
    }
    return NULL;
}

void flow_table_clear(struct flow_table *table)
{
    memset(table->slots, 0xff, (table->mask + (size_t)1) * sizeof *table->slots);
    arena_empty(&table->entries);
    arena_empty(&table->longs);
    arena_empty(&table->shorts);
}

void *flow_table_find(struct flow_table *table, const struct flow_key *key, uint32_t hash)
{
    for (uint32_t i = hash & table->mask;; i = (i + 1) & table->mask) {
        const struct slot *slot = &table->slots[i];

        if (slot->index == NONE) {
            return NULL;
        }
        if (slot->hash == hash && (slot->index & ~POSITION) == version_mark(key)) {
            void *entry = entry_at(table, slot->index);

            if (flow_entry_is(entry, key)) {
                return entry;
            }
        }
    }
}

void *flow_table_find_short(const struct flow_table *table, const struct flow_key *key,
                            uint32_t hash)
{
    if (table->shorts.count == 0) {
        return NULL;
    }
    for (uint32_t i = hash & table->mask;; i = (i + 1) & table->mask) {
        const struct slot *slot = &table->slots[i];

        if (slot->index == NONE) {
            return NULL;
        }
        if (slot->hash == hash && is_short(slot)) {
            void *entry = arena_at(&table->shorts, slot->index & POSITION);

            if (flow_short_key_equal(entry, key)) {
                return entry;
            }
        }
    }
}

static void place(struct flow_table *table, uint32_t hash, uint32_t index)
{
    uint32_t i = hash & table->mask;

    while (table->slots[i].index != NONE) {
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
        if (old[i].index != NONE) {
            place(table, old[i].hash, old[i].index);
        }
    }
    g_aligned_free(old);
}

/* Two thirds are the most that linear probing bears well. */
static void make_place(struct flow_table *table)
{
    if (((uint64_t)count(table) + 1) * 3 > ((uint64_t)table->mask + 1) * 2) {
        grow(table);
    }
}

void *flow_table_add(struct flow_table *table, const struct flow_key *key, uint32_t hash)
{
    struct flow_short_key short_key = flow_key_entry(key);
    uint32_t index;

    make_place(table);
    index = key->version == 4 ? arena_take(&table->entries) : arena_take(&table->longs) | LONG;
    place(table, hash, index);
    if (key->version != 4) {
        memcpy(entry_at(table, index) - FLOW_LONG, key->address, FLOW_LONG);
    }
    return memcpy(entry_at(table, index), &short_key, sizeof short_key);
}

void *flow_table_add_short(struct flow_table *table, const struct flow_key *key, uint32_t hash)
{
    struct flow_short_key short_key = flow_key_shorten(key);
    uint32_t index;

    make_place(table);
    index = arena_take(&table->shorts);
    place(table, hash, index | SHORT);
    return memcpy(arena_at(&table->shorts, index), &short_key, sizeof short_key);
}

/* Removes slot @hole and moves later members of its run back, so that no run is cut in two. */
static void close_hole(struct flow_table *table, uint32_t hole)
{
    uint32_t i = hole;

    for (;;) {
        uint32_t home;

        i = (i + 1) & table->mask;
        if (table->slots[i].index == NONE) {
            break;
        }
        home = table->slots[i].hash & table->mask;
        /* The member at i may move to the hole unless its home lies behind the hole. */
        if (((i - home) & table->mask) >= ((i - hole) & table->mask)) {
            table->slots[hole] = table->slots[i];
            hole = i;
        }
    }
    table->slots[hole].index = NONE;
}

/* Removes the slot of the entry at @start of @arena, found by its hash, and releases it. */
static void take_out(struct flow_table *table, struct arena *arena, uint32_t mark, uint32_t hash,
                     const void *start)
{
    uint32_t i = hash & table->mask;

    while (table->slots[i].hash != hash || (table->slots[i].index & ~POSITION) != mark ||
           arena_at(arena, table->slots[i].index & POSITION) != start) {
        i = (i + 1) & table->mask;
    }
    arena_release(arena, table->slots[i].index & POSITION);
    close_hole(table, i);
}

void flow_table_remove(struct flow_table *table, const struct flow_key *key, void *entry)
{
    uint32_t hash = flow_table_hash(table, key);

    if (key->version == 4) {
        take_out(table, &table->entries, 0, hash, entry);
    } else {
        take_out(table, &table->longs, LONG, hash, (const uint8_t *)entry - FLOW_LONG);
    }
}

void flow_table_remove_short(struct flow_table *table, void *entry)
{
    struct flow_key key = flow_key_lengthen(entry);

    take_out(table, &table->shorts, SHORT, flow_table_hash(table, &key), entry);
}

size_t flow_table_count(const struct flow_table *table)
{
    return count(table);
}

uint32_t flow_table_positions(const struct flow_table *table)
{
    return table->entries.positions + table->longs.positions;
}

void *flow_table_at(struct flow_table *table, uint32_t position)
{
    uint8_t *start;

    if (position < table->entries.positions) {
        return arena_used(&table->entries, position);
    }
    start = arena_used(&table->longs, position - table->entries.positions);
    return start ? start + FLOW_LONG : NULL;
}

uint32_t flow_table_short_positions(const struct flow_table *table)
{
    return table->shorts.positions;
}

void *flow_table_short_at(const struct flow_table *table, uint32_t position)
{
    struct flow_short_key *key;

    if (position >= table->shorts.positions) {
        return NULL;
    }
    key = arena_at(&table->shorts, position);
    return key->port[0] || key->port[1] ? key : NULL;
}
