/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nothing here knows a field: columns come from the table of fields when the database is made, and
 * from the database when rows are written. All values are bound as text; the columns' affinities
 * make numbers of them.
 */
#include "database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>
#include <sqlite3.h>

#include <whyrst/record.h>

#include "embedded.h"
#include "json_line.h"

/* In the file's header, for file(1) and for other versions of whyrst. */
#define APPLICATION_ID 0x57525354 /* "WRST" */
#define SCHEMA_VERSION 1

/* Another process may be writing a large capture. */
#define BUSY_TIMEOUT_MS 60000

/** struct table - one that takes objects of a type */
struct table {
    const char *type;
    const char *name;
    unsigned bits; /* of the table of fields; 0: all columns are in tables.sql */
    char **columns;
    sqlite3_stmt *insert;
};

enum { TABLE_RESETS, TABLE_CONNECTIONS, TABLE_FILES, TABLE_COUNT };

struct database {
    sqlite3 *handle;
    char *path;
    int64_t run_id; /* 0 before the first row */
    int64_t last_file_id;
    GHashTable *files; /* names of captures whose end has not come -> their file_id */
    struct table tables[TABLE_COUNT];
    sqlite3_stmt *replace;
};

static char *describe(const struct database *database, const char *doing)
{
    int error = sqlite3_system_errno(database->handle);
    int code = sqlite3_errcode(database->handle) & 0xff;

    if (code == SQLITE_NOTADB) {
        return g_strdup_printf("%s: is no database; choose another name", database->path);
    }
    if (code == SQLITE_IOERR && error) {
        return g_strdup_printf("%s: %s%s: %s", database->path, doing,
                               sqlite3_errmsg(database->handle), g_strerror(error));
    }
    return g_strdup_printf("%s: %s%s", database->path, doing, sqlite3_errmsg(database->handle));
}

static char *execute(struct database *database, const char *sql)
{
    if (sqlite3_exec(database->handle, sql, NULL, NULL, NULL) != SQLITE_OK) {
        return describe(database, "");
    }
    return NULL;
}

/* Calls execute() with what @format makes. */
static char *executef(struct database *database, const char *format, ...)
{
    va_list args;
    char *sql, *message;

    va_start(args, format);
    sql = sqlite3_vmprintf(format, args);
    va_end(args);
    message = execute(database, sql);
    sqlite3_free(sql);
    return message;
}

/* The one number that @sql gives; @missing when it gives none. */
static int64_t number(struct database *database, const char *sql, int64_t missing)
{
    sqlite3_stmt *statement = NULL;
    int64_t value = missing;

    if (sqlite3_prepare_v2(database->handle, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        value = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    return value;
}

static char *read_columns(struct database *database, struct table *table)
{
    GPtrArray *names = g_ptr_array_new();
    sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v2(database->handle, "SELECT name FROM pragma_table_info(?1)", -1,
                           &statement, NULL) != SQLITE_OK) {
        g_ptr_array_free(names, TRUE);
        return describe(database, "");
    }
    sqlite3_bind_text(statement, 1, table->name, -1, SQLITE_STATIC);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        g_ptr_array_add(names, g_strdup((const char *)sqlite3_column_text(statement, 0)));
    }
    sqlite3_finalize(statement);
    g_ptr_array_add(names, NULL);
    g_strfreev(table->columns);
    table->columns = (char **)g_ptr_array_free(names, FALSE);
    return NULL;
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

static char *add_column(struct database *database, const struct table *table, const char *name,
                        const char *type, bool *added)
{
    if (g_strv_contains((const char *const *)table->columns, name)) {
        return NULL;
    }
    *added = true;
    return executef(database, "ALTER TABLE %s ADD COLUMN \"%w\" %s", table->name, name, type);
}

/*
 * The fields of the table's records. A frame that may lie in another file of the capture
 * (--continue) has a column for that file's name, too.
 */
static char *add_columns(struct database *database, struct table *table, bool *added)
{
    char *message = read_columns(database, table);

    for (unsigned i = 0; i < WHYRST_FIELD_COUNT && !message; i++) {
        const struct whyrst_field_info *info = whyrst_field_info((enum whyrst_field)i);

        if (!(info->bits & table->bits)) {
            continue;
        }
        message = add_column(database, table, info->name, affinity(info->type), added);
        if (!message && info->type == WHYRST_TYPE_FRAME) {
            g_autofree char *name = g_strconcat(info->name, "_file", NULL);

            message = add_column(database, table, name, "TEXT", added);
        }
    }
    return message ? message : read_columns(database, table);
}

/* Makes what is missing: everything, or columns for fields that this version has first. */
static char *make_schema(struct database *database)
{
    char *message = execute(database, embedded_tables);
    bool added = false;

    for (unsigned i = 0; i < TABLE_COUNT && !message; i++) {
        message = add_columns(database, &database->tables[i], &added);
    }
    if (!message && added) {
        message = execute(database, embedded_views);
    }
    if (!message && added) {
        message = executef(database, "PRAGMA application_id = %d; PRAGMA user_version = %d",
                           APPLICATION_ID, SCHEMA_VERSION);
    }
    return message;
}

/* Whether the file is empty, or a database of ours. */
static char *check_owner(struct database *database)
{
    int64_t application = number(database, "PRAGMA application_id", -1);
    int64_t version = number(database, "PRAGMA user_version", -1);
    int64_t tables = number(database, "SELECT count(*) FROM sqlite_schema", -1);

    if (application < 0 || version < 0 || tables < 0) {
        return describe(database, "");
    }
    if (application != APPLICATION_ID && (application || version || tables)) {
        return g_strdup_printf("%s: is a database of another program; choose another name",
                               database->path);
    }
    if (version > SCHEMA_VERSION) {
        return g_strdup_printf("%s: was made by a newer version of whyrst", database->path);
    }
    return NULL;
}

static char *prepare(struct database *database, const char *sql, sqlite3_stmt **statement)
{
    if (sqlite3_prepare_v2(database->handle, sql, -1, statement, NULL) != SQLITE_OK) {
        return describe(database, "");
    }
    return NULL;
}

static char *prepare_insert(struct database *database, struct table *table)
{
    GString *sql = g_string_new(NULL);
    char *message;

    g_string_printf(sql, "INSERT INTO %s VALUES (?1", table->name);
    for (unsigned i = 1; i < g_strv_length(table->columns); i++) {
        g_string_append_printf(sql, ", ?%u", i + 1);
    }
    g_string_append_c(sql, ')');
    message = prepare(database, sql->str, &table->insert);
    g_string_free(sql, TRUE);
    return message;
}

static char *prepare_all(struct database *database)
{
    char *message = NULL;

    for (unsigned i = 0; i < TABLE_COUNT && !message; i++) {
        message = prepare_insert(database, &database->tables[i]);
    }
    if (message) {
        return message;
    }
    /* A file without frames (it could not be read) only replaces what was none before. */
    return prepare(database,
                   "DELETE FROM files WHERE file_id IN (SELECT old.file_id "
                   "FROM files AS new, files AS old WHERE new.file_id = ?1 AND old.file_id <> ?1 "
                   "AND (old.head_sha256 = new.head_sha256 AND old.packets = new.packets "
                   "AND old.last_time = new.last_time "
                   "OR coalesce(old.path, old.file) = coalesce(new.path, new.file) "
                   "AND (old.head_sha256 IS NULL OR old.first_time = new.first_time)))",
                   &database->replace);
}

/* As SQLite says only "unable to open", this finds out why. */
static char *check_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

    if (fd < 0) {
        return g_strdup_printf("%s: %s", path, g_strerror(errno));
    }
    close(fd);
    return NULL;
}

static char *open_all(struct database *database)
{
    char *message = check_file(database->path);
    bool begun;

    if (message) {
        return message;
    }
    if (sqlite3_open_v2(database->path, &database->handle, SQLITE_OPEN_READWRITE, NULL) !=
        SQLITE_OK) {
        return describe(database, "");
    }
    sqlite3_busy_timeout(database->handle, BUSY_TIMEOUT_MS);
    message = check_owner(database);
    if (!message) {
        message = execute(database, "PRAGMA foreign_keys = ON; BEGIN IMMEDIATE");
    }
    begun = !message;
    if (!message) {
        message = make_schema(database);
    }
    if (begun && !message) {
        message = execute(database, "COMMIT");
    }
    return message ? message : prepare_all(database);
}

struct database *database_open(const char *path, char **message)
{
    struct database *database = g_new0(struct database, 1);

    database->path = g_strdup(path);
    database->files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    database->tables[TABLE_RESETS] =
        (struct table){.type = "rst", .name = "resets", .bits = WHYRST_ON_RST};
    database->tables[TABLE_CONNECTIONS] =
        (struct table){.type = "connection", .name = "connections", .bits = WHYRST_ON_CONNECTION};
    database->tables[TABLE_FILES] = (struct table){.type = "file", .name = "files"};
    *message = open_all(database);
    if (*message) {
        database_close(database);
        return NULL;
    }
    return database;
}

/* The first row of a transaction; and of a run. */
static char *begin(struct database *database)
{
    char *message = execute(database, "BEGIN IMMEDIATE");

    if (!message && database->run_id == 0) {
        message = executef(database,
                           "INSERT INTO runs (time, version) "
                           "VALUES (strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', 'now'), %Q)",
                           WHYRST_VERSION);
        database->run_id = sqlite3_last_insert_rowid(database->handle);
    }
    database->last_file_id = number(database, "SELECT max(file_id) FROM files", 0);
    return message;
}

/* The file_id of the capture called @name, a new one with its first row. */
static char *find_file(struct database *database, const char *name, int64_t *file_id)
{
    const int64_t *known = g_hash_table_lookup(database->files, name);
    char *message = NULL;

    if (!known && g_hash_table_size(database->files) == 0) {
        message = begin(database);
    }
    if (!message && !known) {
        int64_t next = ++database->last_file_id;

        g_hash_table_insert(database->files, g_strdup(name), g_memdup2(&next, sizeof next));
    }
    *file_id = known ? *known : database->last_file_id;
    return message;
}

static void bind_text(struct table *table, const char *column, const char *text, int length)
{
    for (int i = 0; table->columns[i]; i++) {
        if (strcmp(table->columns[i], column) == 0) {
            sqlite3_bind_text(table->insert, i + 1, text, length, SQLITE_TRANSIENT);
            return;
        }
    }
}

static void bind_number(struct table *table, const char *column, int64_t value)
{
    for (int i = 0; table->columns[i]; i++) {
        if (strcmp(table->columns[i], column) == 0) {
            sqlite3_bind_int64(table->insert, i + 1, value);
            return;
        }
    }
}

/*
 * Binds the members of @line, whose first ("type") has been read. Keys come in the order of the
 * columns, so that the search goes on where the last one ended.
 */
static void bind_members(struct table *table, struct json_line *line)
{
    const int count = (int)g_strv_length(table->columns);
    struct json_member member;
    int at = 0;

    while (json_line_next(line, &member)) {
        for (int tried = 0; tried < count; tried++, at = (at + 1) % count) {
            if (strcmp(table->columns[at], member.key) == 0) {
                sqlite3_bind_text(table->insert, at + 1, member.value, (int)member.length,
                                  SQLITE_STATIC);
                break;
            }
        }
    }
}

/* The absolute place of a capture, NULL where there is none (standard input, pipes). */
static char *real_path(const char *name)
{
    char *path = strcmp(name, "-") == 0 ? NULL : realpath(name, NULL);

    if (path && !g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
        free(path);
        path = NULL;
    }
    return path;
}

static char *step(struct database *database, sqlite3_stmt *statement)
{
    int status = sqlite3_step(statement);
    char *message = status == SQLITE_DONE ? NULL : describe(database, "");

    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return message;
}

/* The capture called @name, whose row has been written, has ended. */
static char *end_file(struct database *database, int64_t file_id, const char *name)
{
    char *message;

    sqlite3_bind_int64(database->replace, 1, file_id);
    message = step(database, database->replace);
    if (message) {
        return message;
    }
    g_hash_table_remove(database->files, name);
    return g_hash_table_size(database->files) == 0 ? execute(database, "COMMIT") : NULL;
}

static char *add_row(struct database *database, struct table *table, struct json_line *line,
                     const char *name)
{
    bool is_file = table == &database->tables[TABLE_FILES];
    int64_t file_id;
    char *message = find_file(database, name, &file_id);
    char *path;

    if (message) {
        return message;
    }
    bind_members(table, line);
    bind_number(table, "file_id", file_id);
    if (is_file) {
        path = real_path(name);
        bind_number(table, "run_id", database->run_id);
        bind_text(table, "file", name, -1);
        bind_text(table, "path", path, -1);
        free(path);
    }
    if (line->bad) {
        return g_strdup_printf("%s: the analysis has sent something wrong", database->path);
    }
    message = step(database, table->insert);
    return message || !is_file ? message : end_file(database, file_id, name);
}

char *database_add(struct database *database, char *line)
{
    struct json_member type = {0}, file = {0};
    struct json_line members;

    json_line_open(&members, line);
    if (!json_line_next(&members, &type) || strcmp(type.key, "type") != 0) {
        return g_strdup_printf("%s: the analysis has sent something wrong", database->path);
    }
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        if (strcmp(database->tables[i].type, type.value) == 0) {
            if (!json_line_next(&members, &file) || strcmp(file.key, "file") != 0) {
                return g_strdup_printf("%s: the analysis has sent something wrong", database->path);
            }
            return add_row(database, &database->tables[i], &members, file.value);
        }
    }
    return NULL;
}

void database_close(struct database *database)
{
    for (unsigned i = 0; i < TABLE_COUNT; i++) {
        sqlite3_finalize(database->tables[i].insert);
        g_strfreev(database->tables[i].columns);
    }
    sqlite3_finalize(database->replace);
    /* What has not been committed is rolled back. */
    sqlite3_close(database->handle);
    g_hash_table_unref(database->files);
    g_free(database->path);
    g_free(database);
}
