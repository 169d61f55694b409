/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * A process of its own that writes the database of --format=sqlite.
 *
 * SQLite opens, makes and removes files beside the database as it goes, which the sandbox of the
 * analysis would not let it. So the analysis writes NDJSON into a pipe, sandboxed as ever, and this
 * process loads it. Should the analysis die of a capture, no half of it stays in the database.
 */
#ifndef CLI_LOADER_H
#define CLI_LOADER_H

#include <stdbool.h>

struct loader;

/** Whether this build can write databases. */
bool loader_is_available(void);
/**
 * Starts the process and waits until it has opened @path; @fd gets where lines are to be written
 * to. Returns NULL and sets @message (g_free) when that does not go. Call it before there are
 * threads.
 */
struct loader *loader_start(const char *path, int *fd, char **message);
/** Says on @fd that everything has been written; without it what concerns all captures is dropped.
 */
void loader_complete(int fd);
/**
 * Once the descriptor has been closed: waits for the end. Returns NULL when everything has been
 * loaded, or what is wrong (g_free). Frees @loader.
 */
char *loader_finish(struct loader *loader);

#endif
