/* SPDX-License-Identifier: GPL-2.0-or-later */
/** What the causes mean: --explain. */
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H

/**
 * Writes what is known of the cause called @name to standard output, or of each a line when it is
 * "list". Returns NULL, or what is wrong with @name (g_free).
 */
char *explain(const char *name);

#endif
