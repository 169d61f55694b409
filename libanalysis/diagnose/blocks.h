/* SPDX-License-Identifier: GPL-2.0-or-later */
/** What explains RSTs across connections, and which of them. */
#ifndef DIAGNOSE_BLOCKS_H
#define DIAGNOSE_BLOCKS_H

#include <glib.h>

#include "diagnose/cells.h"
#include "verdict/facts.h"

/**
 * struct block - one explanation
 * @across: a reference (g_rc_box)
 * @ja4, @client: whom it concerns: a JA4, or, with NULL, a client address
 * @sni:     of a JA4: only under that name, NULL = any
 * @from_ns: RSTs from this time on
 */
struct block {
    struct across *across;
    struct server_key server;
    char *ja4;
    char *sni;
    uint8_t client[16];
    int64_t from_ns;
};

/** A list of blocks (struct block), which owns them. */
GArray *blocks_new(void);
/** Adds one; its contrast is still to be written. */
struct block *blocks_add(GArray *blocks, enum across_kind kind, enum whyrst_confidence confidence,
                         const struct server_key *server, const struct score *score);

#endif
