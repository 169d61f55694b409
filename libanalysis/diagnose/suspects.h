/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Where ClientHellos were reset often enough to look for a reason: most servers need no look. */
#ifndef DIAGNOSE_SUSPECTS_H
#define DIAGNOSE_SUSPECTS_H

#include <glib.h>

#include "diagnose/servers.h"
#include "diagnose/tables.h"

/**
 * struct failing - where ClientHellos were reset
 * @servers: how many at each
 * @names:   how many under each, by its number; @most: under one of them, at most
 * @tests:   each is two tests, of its name and of its JA4
 */
struct failing {
    GHashTable *servers;
    uint64_t *names;
    uint64_t most;
    double tests;
};

/** Fills @failing, whose members the caller frees. */
void suspects_count(const struct tables *tables, struct failing *failing);
/** The cells (struct hello_cell) of each server at which something may be blocked: resets of one
 *  kind there, and answers to compare them with, are enough not to be chance. In the order of
 *  suspects_by_server(). */
GPtrArray *suspects_at_servers(const struct heavy *hellos, const struct failing *failing);
/** Adds those at which ClientHellos were reset under a name under which many were, anywhere. */
void suspects_of_names(const struct heavy *hellos, const uint64_t *names, struct servers *servers);
/** The cells (struct hello_cell) of @servers, and of @names with resets enough, in the order of
 * suspects_by_server(). */
GPtrArray *suspects_cells(const struct heavy *hellos, const struct servers *servers,
                          const uint64_t *names);
/** For qsort() of pointers to cells. */
int suspects_by_server(const void *a, const void *b);

#endif
