/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Sets of servers, by address and port. */
#ifndef DIAGNOSE_SERVERS_H
#define DIAGNOSE_SERVERS_H

#include <stdbool.h>

#include <glib.h>

#include "diagnose/cells.h"

#define SERVERS_BITS 4096u

/** struct servers - a set; most of the servers that are not in it @bits tell without a search */
struct servers {
    GHashTable *keys;
    uint64_t bits[SERVERS_BITS / 64];
};

/** For tables that have a struct server_key for key. */
guint server_hash(gconstpointer server);
gboolean server_equal(gconstpointer a, gconstpointer b);

/** For tables that have a client's address (16 bytes) for key. */
guint servers_hash_address(gconstpointer address);
gboolean servers_equal_addresses(gconstpointer a, gconstpointer b);

void servers_init(struct servers *servers);
void servers_clear(struct servers *servers);
/** Adds @server, which must outlive the set. */
void servers_add(struct servers *servers, const struct server_key *server);
bool servers_have(const struct servers *servers, const struct server_key *server);

#endif
