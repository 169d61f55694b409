/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * The connection table: from a key to the connection that now owns it.
 *
 * Open addressing with linear probing. A slot holds 32 bits of the hash and the connection's index
 * in an arena of fixed-size entries, so that growing moves slots and never a connection, and a miss
 * seldom touches one. Entries keep their address until released. The hash is keyed, so that an
 * attacker who chooses addresses and ports cannot make all connections collide.
 */
#ifndef FLOW_TABLE_H
#define FLOW_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "flow/key.h"

struct flow_table;

/** No entry. */
#define FLOW_NONE UINT32_MAX

/**
 * A new table whose entries have @entry_size bytes, each beginning with its struct flow_key.
 * @seed: any number; a different one gives a different order of slots, nothing else
 */
struct flow_table *flow_table_new(size_t entry_size, uint64_t seed);
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
/** Asks the processor for the memory that a search for @hash will touch: its slot, and, some time
 *  later, the entry there, which it returns (not all there yet, seldom another's, NULL for none). A
 *  table of millions is in no cache, and these requests overlap. */
void flow_table_prefetch_slot(const struct flow_table *table, uint32_t hash);
const void *flow_table_prefetch_entry(const struct flow_table *table, uint32_t hash);
/** Takes @entry out of the table and releases its memory. */
void flow_table_remove(struct flow_table *table, void *entry);
/** Entries in the table. */
size_t flow_table_count(const struct flow_table *table);
/**
 * The entry at arena position @position, or NULL when that one is free; positions run from 0 to
 * flow_table_positions() - 1. For walking all entries, and for clock-hand eviction.
 */
void *flow_table_at(struct flow_table *table, uint32_t position);
uint32_t flow_table_positions(const struct flow_table *table);

#endif
