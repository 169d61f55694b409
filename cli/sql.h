/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Calls of SQLite that say what is wrong. */
#ifndef CLI_SQL_H
#define CLI_SQL_H

#include <stdint.h>

#include <sqlite3.h>

/** struct sql - an open database and its name */
struct sql {
    sqlite3 *handle;
    char *path;
};

/** What is wrong after a call has failed (g_free). */
char *sql_error(const struct sql *sql);
/** Runs @text, statements without results. Returns NULL or what is wrong (g_free). */
char *sql_run(const struct sql *sql, const char *text);
/** The same, of what @format makes (SQLite's %Q quotes values, %w names). */
char *sql_runf(const struct sql *sql, const char *format, ...);
char *sql_prepare(const struct sql *sql, const char *text, sqlite3_stmt **statement);
/** Runs a prepared statement without results and readies it for the next time. */
char *sql_step(const struct sql *sql, sqlite3_stmt *statement);
/** The one number that @text gives; @missing when it gives none. */
int64_t sql_number(const struct sql *sql, const char *text, int64_t missing);

#endif
