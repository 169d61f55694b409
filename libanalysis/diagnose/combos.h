/* SPDX-License-Identifier: GPL-2.0-or-later */
/** ClientHellos by server, name and JA4, whoever sent them: what find_blocks.c compares. */
#ifndef DIAGNOSE_COMBOS_H
#define DIAGNOSE_COMBOS_H

#include <glib.h>

#include "diagnose/cells.h"
#include "bytes/names.h"

/** struct combo - all clients' ClientHellos with one server, name and JA4
 *  @client: the first of those that failed; @several: others failed, too */
struct combo {
    struct server_key server;
    uint32_t name;
    uint32_t ja4;
    struct score score;
    uint8_t client[16];
    bool several;
};

/** Adds up @count cells; the list (struct combo) owns its entries. */
GPtrArray *combos_new(const struct hello_cell *const *cells, guint count);
/** The servers of those with JA4 @ja4 (0: any) and name @name (0: any) that failed: a set of
 *  struct server_key, of which the combos own the keys. */
GHashTable *combos_failed_at(const GPtrArray *combos, uint32_t name, uint32_t ja4);
/** A table of how many failed of each name (@names) or JA4, by its number; those without are not in
 * it. */
GHashTable *combos_failures(const GPtrArray *combos, bool names);
/** A table of each name's (@names) or JA4's score at @servers, by its number + 1. */
GHashTable *combos_scores(const GPtrArray *combos, GHashTable *servers, bool names);

/** What JA4s may have in common: where a JA4 says so. */
enum combo_trait { COMBO_VERSION = 1, COMBO_ALPN = 8 };

/** Whether all JA4s with @ja4's trait were reset (are in @picked) at @servers; @alike: there are
 * others than this one. Its text is of @names. */
bool combos_are_trait(const GPtrArray *combos, GHashTable *servers, GHashTable *picked,
                      const struct names *names, uint32_t ja4, enum combo_trait trait, bool *alike);

#endif
