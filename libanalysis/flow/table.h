/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * The connection table: from a key to the connection that now owns it.
 *
 * Open addressing with linear probing. A slot holds 32 bits of the hash and the connection's index
 * in an arena of fixed-size entries, so that growing moves slots and never a connection, and a miss
 * seldom touches one. Entries keep their address until released. The hash is keyed, so that an
 * attacker who chooses addresses and ports cannot make all connections collide.
 *
 * An entry begins with its struct flow_short_key; those of IPv6 live in an arena of their own, with
 * both addresses in the FLOW_LONG bytes before the entry, so that IPv4 does not pay for them.
 *
 * A key may have a short entry instead, of another arena: for those of which millions come and
 * little is known (half-open connections). It is the caller's to exchange one for the other.
 */
#ifndef FLOW_TABLE_H
#define FLOW_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "flow/key.h"

struct flow_table;

/** Bytes before an entry of IPv6: its addresses. */
#define FLOW_LONG (sizeof((struct flow_key *)0)->address)

/**
 * A new table whose entries have @entry_size bytes, each beginning with its struct flow_short_key,
 * and short ones @short_size bytes (0: there will be none), beginning with their struct
 * flow_short_key.
 * @seed: any number; a different one gives a different order of slots, nothing else
 */
struct flow_table *flow_table_new(size_t entry_size, size_t short_size, uint64_t seed);
/** Frees the table and its entries' memory (not what the entries point to). */
void flow_table_free(struct flow_table *table);

/** Takes all entries out, keeping their memory for others. */
void flow_table_clear(struct flow_table *table);

/** The hash of @key, for the functions below. */
uint32_t flow_table_hash(const struct flow_table *table, const struct flow_key *key);
/** The entry of @key, or NULL. */
void *flow_table_find(struct flow_table *table, const struct flow_key *key, uint32_t hash);
/** Adds an entry for @key (which must not be in the table): zeroed but for its key. */
void *flow_table_add(struct flow_table *table, const struct flow_key *key, uint32_t hash);
/** A table of millions is in no cache: these ask the processor for what a search for @hash will
 * touch, so that several searches overlap. First its slot; some time later flow_table_guess() has
 * the short entry there fetched, or returns the entry, not fetched yet, which may seldom be
 * another's. */
void flow_table_prefetch_slot(const struct flow_table *table, uint32_t hash);
void *flow_table_guess(const struct flow_table *table, uint32_t hash);
/** Takes @entry of @key out of the table and releases its memory. */
void flow_table_remove(struct flow_table *table, const struct flow_key *key, void *entry);
/** The same for short entries, all of IPv4 and with a port that is not 0. */
void *flow_table_find_short(const struct flow_table *table, const struct flow_key *key,
                            uint32_t hash);
void *flow_table_add_short(struct flow_table *table, const struct flow_key *key, uint32_t hash);
void flow_table_remove_short(struct flow_table *table, void *entry);
void *flow_table_short_at(const struct flow_table *table, uint32_t position);
uint32_t flow_table_short_positions(const struct flow_table *table);
/** Entries in the table, short ones included. */
size_t flow_table_count(const struct flow_table *table);
/** The key of an entry of IP version @version. */
static inline struct flow_key flow_entry_key(const void *entry, uint8_t version)
{
    struct flow_short_key short_key;
    struct flow_key key = {.version = version};

    memcpy(&short_key, entry, sizeof short_key);
    if (version == 4) {
        return flow_key_lengthen(&short_key);
    }
    memcpy(key.address, (const uint8_t *)entry - FLOW_LONG, FLOW_LONG);
    memcpy(key.port, short_key.port, sizeof key.port);
    return key;
}

/** Whether an entry of @key's IP version has that key. */
static inline bool flow_entry_is(const void *entry, const struct flow_key *key)
{
    struct flow_short_key short_key;

    memcpy(&short_key, entry, sizeof short_key);
    if (key->version == 4) {
        return flow_short_key_equal(&short_key, key);
    }
    return short_key.port[0] == key->port[0] && short_key.port[1] == key->port[1] &&
           memcmp((const uint8_t *)entry - FLOW_LONG, key->address, FLOW_LONG) == 0;
}

/**
 * The entry at arena position @position, or NULL when that one is free; positions run from 0 to
 * flow_table_positions() - 1. For walking all entries, and for clock-hand eviction.
 */
void *flow_table_at(struct flow_table *table, uint32_t position);
uint32_t flow_table_positions(const struct flow_table *table);

#endif
