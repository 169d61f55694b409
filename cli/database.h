/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * The database of --format=sqlite: lines of NDJSON in, rows out.
 *
 * Its tables have the keys of the objects as columns. The rows of a capture come in one
 * transaction, with those of the same capture from earlier runs gone. Which that is: a capture with
 * the same first frames, number of frames and last time, whatever its name and format; or one of
 * the same place that begins at the same time (it has grown since, or was made anew).
 */
#ifndef CLI_DATABASE_H
#define CLI_DATABASE_H

#include <stdbool.h>

struct database;

/** Opens or creates @path. Returns NULL and sets @message (g_free) when that does not go. */
struct database *database_open(const char *path, char **message);
/** Takes a line, without its newline; changes it. Returns NULL or what is wrong (g_free). */
char *database_add(struct database *database, char *line);
/** The analysis has come to its end: keeps what concerns all captures. NULL or what is wrong
 * (g_free). */
char *database_finish(struct database *database);
/** Closes it. Rows of captures whose end has not come, and of a run without an end, are dropped. */
void database_close(struct database *database);

#endif
