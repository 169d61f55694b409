/* SPDX-License-Identifier: GPL-2.0-or-later */
/** What causes and fields mean: --explain, --fields. */
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H

/**
 * Writes what is known of the cause called @name to standard output, or of each a line when it is
 * "list". Returns NULL, or what is wrong with @name (g_free).
 */
char *explain(const char *name);
/** Writes the names, types and meanings of the fields to standard output. */
void explain_fields(void);

#endif
