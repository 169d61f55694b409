/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nothing here knows a field: columns come from the lists of fields when the database is made, and
 * are added to an older one.
 */
#include "schema.h"

#include <glib.h>

#include <whyrst/finding.h>

#include "embedded.h"
#include "report/counters.h"

/* In the file's header, for file(1) and for other versions of whyrst. */
#define APPLICATION_ID 0x57525354 /* "WRST" */
#define SCHEMA_VERSION 1

static bool record_column(unsigned index, unsigned bits, struct column *column)
{
    const struct whyrst_field_info *info = whyrst_field_info((enum whyrst_field)index);

    if (info) {
        *column = (struct column){info->bits & bits ? info->name : NULL, info->type};
    }
    return info != NULL;
}

static bool reset_column(unsigned index, struct column *column)
{
    return record_column(index, WHYRST_ON_RST, column);
}

static bool connection_column(unsigned index, struct column *column)
{
    return record_column(index, WHYRST_ON_CONNECTION, column);
}

static bool take_column(const struct whyrst_column *info, struct column *column)
{
    if (info) {
        *column = (struct column){info->name, info->type};
    }
    return info != NULL;
}

static bool endpoint_column(unsigned index, struct column *column)
{
    return take_column(whyrst_endpoint_column((enum whyrst_endpoint_field)index), column);
}

static bool ja4_column(unsigned index, struct column *column)
{
    return take_column(whyrst_ja4_column((enum whyrst_ja4_field)index), column);
}

static bool finding_column(unsigned index, struct column *column)
{
    return take_column(whyrst_finding_column((enum whyrst_finding_field)index), column);
}

/* Of the counters those that cli/sql/tables.sql does not name. */
static bool file_column(unsigned index, struct column *column)
{
    if (index < WHYRST_COUNTER_COUNT) {
        *column = (struct column){counter_kinds[index].name, WHYRST_TYPE_INTEGER};
    }
    return index < WHYRST_COUNTER_COUNT;
}

static bool bounds_column(unsigned index, struct column *column)
{
    static const char *const names[] = {"given_up", "findings_left_out"};

    if (index < G_N_ELEMENTS(names)) {
        *column = (struct column){names[index], WHYRST_TYPE_INTEGER};
    }
    return index < G_N_ELEMENTS(names);
}

const struct table_kind schema_kinds[TABLE_COUNT] = {
    [TABLE_RESETS] = {"rst", "resets", reset_column, false},
    [TABLE_CONNECTIONS] = {"connection", "connections", connection_column, false},
    [TABLE_FILES] = {"file", "files", file_column, false},
    [TABLE_ENDPOINTS] = {"endpoint", "endpoints", endpoint_column, true},
    [TABLE_JA4S] = {"ja4", "ja4s", ja4_column, true},
    [TABLE_FINDINGS] = {"finding", "findings", finding_column, true},
    [TABLE_BOUNDS] = {"bounds", "bounds", bounds_column, true},
};

static char *read_columns(const struct sql *sql, const char *name, struct table *table)
{
    GPtrArray *names = g_ptr_array_new();
    sqlite3_stmt *statement = NULL;
    char *message = sql_prepare(sql, "SELECT name FROM pragma_table_info(?1)", &statement);

    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    while (!message && sqlite3_step(statement) == SQLITE_ROW) {
        g_ptr_array_add(names, g_strdup((const char *)sqlite3_column_text(statement, 0)));
    }
    sqlite3_finalize(statement);
    g_ptr_array_add(names, NULL);
    g_strfreev(table->columns);
    table->columns = (char **)g_ptr_array_free(names, FALSE);
    return message;
}

static const char *affinity(enum whyrst_type type)
{
    switch (type) {
    case WHYRST_TYPE_INTEGER:
    case WHYRST_TYPE_FRAME:
        return "INTEGER";
    case WHYRST_TYPE_DURATION:
    case WHYRST_TYPE_NUMBER:
        return "REAL";
    case WHYRST_TYPE_STRING:
    case WHYRST_TYPE_STRINGS:
    case WHYRST_TYPE_NUMBERS:
    case WHYRST_TYPE_ADDRESS:
    case WHYRST_TYPE_TIME:
        return "TEXT";
    }
    return "TEXT";
}

static char *add_column(const struct sql *sql, const char *table, char **columns, const char *name,
                        const char *type, bool *added)
{
    if (g_strv_contains((const char *const *)columns, name)) {
        return NULL;
    }
    *added = true;
    return sql_runf(sql, "ALTER TABLE %s ADD COLUMN \"%w\" %s", table, name, type);
}

/*
 * A frame that may lie in another file of the capture (--continue) has a column for that file's
 * name, too.
 */
static char *add_columns(const struct sql *sql, const struct table_kind *kind, struct table *table,
                         bool *added)
{
    char *message = read_columns(sql, kind->name, table);
    struct column column;

    for (unsigned i = 0; !message && kind->column(i, &column); i++) {
        if (!column.name) {
            continue;
        }
        message =
            add_column(sql, kind->name, table->columns, column.name, affinity(column.type), added);
        if (!message && column.type == WHYRST_TYPE_FRAME) {
            g_autofree char *name = g_strconcat(column.name, "_file", NULL);

            message = add_column(sql, kind->name, table->columns, name, "TEXT", added);
        }
    }
    return message ? message : read_columns(sql, kind->name, table);
}

/* Makes what is missing: everything, or columns for fields that this version has first. */
static char *make(const struct sql *sql, struct table *tables)
{
    char *message = sql_run(sql, embedded_tables);
    bool added = false;

    for (unsigned i = 0; i < TABLE_COUNT && !message; i++) {
        message = add_columns(sql, &schema_kinds[i], &tables[i], &added);
    }
    if (!message && added) {
        message = sql_run(sql, embedded_views);
    }
    if (!message && added) {
        message = sql_runf(sql, "PRAGMA application_id = %d; PRAGMA user_version = %d",
                           APPLICATION_ID, SCHEMA_VERSION);
    }
    return message;
}

/* Whether the file is empty, or a database of ours. */
static char *check_owner(const struct sql *sql)
{
    int64_t application = sql_number(sql, "PRAGMA application_id", -1);
    int64_t version = sql_number(sql, "PRAGMA user_version", -1);
    int64_t tables = sql_number(sql, "SELECT count(*) FROM sqlite_schema", -1);

    if (application < 0 || version < 0 || tables < 0) {
        return sql_error(sql);
    }
    if (application != APPLICATION_ID && (application || version || tables)) {
        return g_strdup_printf("%s: is a database of another program; choose another name",
                               sql->path);
    }
    if (version > SCHEMA_VERSION) {
        return g_strdup_printf("%s: was made by a newer version of whyrst", sql->path);
    }
    return NULL;
}

static char *prepare_insert(const struct sql *sql, const char *name, struct table *table)
{
    GString *text = g_string_new(NULL);
    char *message;

    g_string_printf(text, "INSERT INTO %s VALUES (?1", name);
    for (unsigned i = 1; i < g_strv_length(table->columns); i++) {
        g_string_append_printf(text, ", ?%u", i + 1);
    }
    g_string_append_c(text, ')');
    message = sql_prepare(sql, text->str, &table->insert);
    g_string_free(text, TRUE);
    return message;
}

char *schema_open(const struct sql *sql, struct table tables[TABLE_COUNT])
{
    char *message = check_owner(sql);

    if (!message) {
        message = sql_run(sql, "PRAGMA foreign_keys = ON; BEGIN IMMEDIATE");
    }
    if (!message) {
        message = make(sql, tables);
    }
    if (!message) {
        message = sql_run(sql, "COMMIT");
    }
    for (unsigned i = 0; i < TABLE_COUNT && !message; i++) {
        message = prepare_insert(sql, schema_kinds[i].name, &tables[i]);
    }
    return message;
}

void schema_close(struct table tables[TABLE_COUNT])
{
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        sqlite3_finalize(tables[i].insert);
        g_strfreev(tables[i].columns);
    }
}
