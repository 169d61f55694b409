/* SPDX-License-Identifier: GPL-2.0-or-later */
/** What became of the connections of each ClientHello, by its JA4. */
#ifndef DIAGNOSE_JA4S_H
#define DIAGNOSE_JA4S_H

#include <whyrst/finding.h>

#include "diagnose/frames.h"
#include "diagnose/heavy.h"
#include "bytes/names.h"
#include "diagnose/outcome.h"

/** Each connection has one of these. */
enum ja4_end { JA4_TLS_PHASE, JA4_ALERT, JA4_RESET_LATER, JA4_FIN, JA4_OPEN, JA4_END_COUNT };

/** struct ja4_key - a JA4 by its number */
struct ja4_key {
    uint32_t ja4;
    uint32_t zero;
};

/** struct ja4_stats - an entry of the table of JA4s; @first: the first frame of @ends */
struct ja4_stats {
    struct ja4_key key;
    struct place first;
    uint32_t ends[JA4_END_COUNT];
    uint32_t handshakes;
};

/** struct whyrst_ja4 - a row */
struct whyrst_ja4 {
    const struct ja4_stats *stats;
    const char *text;
};

/** The hash of a struct ja4_key. */
uint64_t ja4_hash(const void *key);
/** Counts a connection that has a ClientHello. */
void ja4_add(struct ja4_stats *stats, const struct outcome *outcome, struct place place);
/** Adds @other's counts, whose files follow @files others; the keys are the caller's. */
void ja4_merge(struct ja4_stats *stats, const struct ja4_stats *other, uint32_t files);
/** Fills @rows (struct whyrst_ja4) from the table @ja4s, which must outlive them. */
void ja4_rows(GArray *rows, const struct heavy *ja4s, const struct names *names);

#endif
