/* SPDX-License-Identifier: GPL-2.0-or-later */
/** The tables of a database, made where they are missing. */
#ifndef CLI_SCHEMA_H
#define CLI_SCHEMA_H

#include <stdbool.h>

#include <whyrst/record.h>

#include "sql.h"

enum {
    TABLE_RESETS,
    TABLE_CONNECTIONS,
    TABLE_FILES,
    TABLE_ENDPOINTS,
    TABLE_JA4S,
    TABLE_FINDINGS,
    TABLE_BOUNDS,
    TABLE_COUNT
};

/** struct column - of a list of fields; @name is NULL for a field that the table does not have */
struct column {
    const char *name;
    enum whyrst_type type;
};

/**
 * struct table_kind - a table as the program knows it
 * @type:   of the objects that it takes
 * @column: column number @index, false beyond the last
 * @of_run: its rows concern all captures of a run, others a capture
 */
struct table_kind {
    const char *type;
    const char *name;
    bool (*column)(unsigned index, struct column *column);
    bool of_run;
};

/**
 * struct table - a table as it is in the database
 * @columns: names, in the order of the parameters of @insert; NULL-terminated
 */
struct table {
    char **columns;
    sqlite3_stmt *insert;
};

extern const struct table_kind schema_kinds[TABLE_COUNT];

/** Makes what is missing in a database that is new or ours, and fills @tables. NULL, or what is
 * wrong (g_free). */
char *schema_open(const struct sql *sql, struct table tables[TABLE_COUNT]);
void schema_close(struct table tables[TABLE_COUNT]);

#endif
