/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values are bound as text, of which the columns' affinities make numbers; but decimals as what
 * they are, since SQLite reads some of them one bit off.
 */
#include "database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "json_line.h"
#include "schema.h"

/* Another process may be writing a large capture. */
#define BUSY_TIMEOUT_MS 60000

/* A file without frames (it could not be read) only replaces what was none before. */
static const char replace[] =
    "DELETE FROM files WHERE file_id IN (SELECT old.file_id "
    "FROM files AS new, files AS old WHERE new.file_id = ?1 AND old.file_id <> ?1 "
    "AND (old.head_sha256 = new.head_sha256 AND old.packets = new.packets "
    "AND old.last_time = new.last_time "
    "OR coalesce(old.path, old.file) = coalesce(new.path, new.file) "
    "AND (old.head_sha256 IS NULL OR old.first_time = new.first_time)))";

/**
 * struct database - one that is being written
 * @run_id: 0 before the first row
 * @files:  names of captures whose end has not come -> their file_id
 * @of_run: rows are being written that concern all captures
 */
struct database {
    struct sql sql;
    struct table tables[TABLE_COUNT];
    sqlite3_stmt *replace;
    int64_t run_id;
    int64_t last_file_id;
    GHashTable *files;
    bool of_run;
};

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
    struct sql *sql = &database->sql;
    char *message = check_file(sql->path);

    if (message) {
        return message;
    }
    if (sqlite3_open_v2(sql->path, &sql->handle, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
        return sql_error(sql);
    }
    sqlite3_busy_timeout(sql->handle, BUSY_TIMEOUT_MS);
    message = schema_open(sql, database->tables);
    return message ? message : sql_prepare(sql, replace, &database->replace);
}

struct database *database_open(const char *path, char **message)
{
    struct database *database = g_new0(struct database, 1);

    database->sql.path = g_strdup(path);
    database->files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    *message = open_all(database);
    if (*message) {
        database_close(database);
        return NULL;
    }
    return database;
}

/* Begins a transaction, unless one has begun; the first one of a run has the run's row. */
static char *begin(struct database *database)
{
    struct sql *sql = &database->sql;
    char *message;

    if (database->of_run || g_hash_table_size(database->files)) {
        return NULL;
    }
    message = sql_run(sql, "BEGIN IMMEDIATE");
    if (!message && database->run_id == 0) {
        message = sql_runf(sql,
                           "INSERT INTO runs (time, version) "
                           "VALUES (strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', 'now'), %Q)",
                           WHYRST_VERSION);
        database->run_id = sqlite3_last_insert_rowid(sql->handle);
    }
    database->last_file_id = sql_number(sql, "SELECT max(file_id) FROM files", 0);
    return message;
}

/* The file_id of the capture called @name, a new one with its first row. */
static int64_t find_file(struct database *database, const char *name)
{
    const int64_t *known = g_hash_table_lookup(database->files, name);
    int64_t next;

    if (known) {
        return *known;
    }
    next = ++database->last_file_id;
    g_hash_table_insert(database->files, g_strdup(name), g_memdup2(&next, sizeof next));
    return next;
}

/* The parameter of @column, 0 when the table has none of that name. */
static int parameter(const struct table *table, const char *column)
{
    for (int i = 0; table->columns[i]; i++) {
        if (strcmp(table->columns[i], column) == 0) {
            return i + 1;
        }
    }
    return 0;
}

static void bind_member(sqlite3_stmt *statement, int parameter, const struct json_member *member)
{
    if (member->is_decimal) {
        sqlite3_bind_double(statement, parameter, g_ascii_strtod(member->value, NULL));
    } else {
        sqlite3_bind_text(statement, parameter, member->value, (int)member->length, SQLITE_STATIC);
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
                bind_member(table->insert, at + 1, &member);
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

static void bind_file(struct table *table, const char *name)
{
    char *path = real_path(name);

    sqlite3_bind_text(table->insert, parameter(table, "file"), name, -1, SQLITE_STATIC);
    sqlite3_bind_text(table->insert, parameter(table, "path"), path, -1, SQLITE_TRANSIENT);
    free(path);
}

/* The capture called @name, whose row has been written, has ended. */
static char *end_file(struct database *database, int64_t file_id, const char *name)
{
    char *message;

    sqlite3_bind_int64(database->replace, 1, file_id);
    message = sql_step(&database->sql, database->replace);
    if (message) {
        return message;
    }
    g_hash_table_remove(database->files, name);
    return g_hash_table_size(database->files) ? NULL : sql_run(&database->sql, "COMMIT");
}

static char *wrong(const struct database *database)
{
    return g_strdup_printf("%s: the analysis has sent something wrong", database->sql.path);
}

/* A row of the capture called @name. */
static char *add_row(struct database *database, unsigned id, struct json_line *line,
                     const char *name)
{
    struct table *table = &database->tables[id];
    char *message = begin(database);
    int64_t file_id;

    if (message) {
        return message;
    }
    file_id = find_file(database, name);
    bind_members(table, line);
    sqlite3_bind_int64(table->insert, parameter(table, "file_id"), file_id);
    if (id == TABLE_FILES) {
        sqlite3_bind_int64(table->insert, parameter(table, "run_id"), database->run_id);
        bind_file(table, name);
    }
    if (line->bad) {
        return wrong(database);
    }
    message = sql_step(&database->sql, table->insert);
    return message || id != TABLE_FILES ? message : end_file(database, file_id, name);
}

/* A row of the run: after all captures. */
static char *add_run_row(struct database *database, unsigned id, struct json_line *line)
{
    struct table *table = &database->tables[id];
    char *message = begin(database);

    if (message) {
        return message;
    }
    database->of_run = true;
    bind_members(table, line);
    sqlite3_bind_int64(table->insert, parameter(table, "run_id"), database->run_id);
    return line->bad ? wrong(database) : sql_step(&database->sql, table->insert);
}

char *database_add(struct database *database, char *line)
{
    struct json_member type = {0}, file = {0};
    struct json_line members;
    unsigned id = 0;

    json_line_open(&members, line);
    if (!json_line_next(&members, &type) || strcmp(type.key, "type") != 0) {
        return wrong(database);
    }
    while (id < TABLE_COUNT && strcmp(schema_kinds[id].type, type.value) != 0) {
        id++;
    }
    if (id == TABLE_COUNT) {
        return NULL;
    }
    if (schema_kinds[id].of_run) {
        return add_run_row(database, id, &members);
    }
    if (!json_line_next(&members, &file) || strcmp(file.key, "file") != 0) {
        return wrong(database);
    }
    return add_row(database, id, &members, file.value);
}

char *database_finish(struct database *database)
{
    return database->of_run ? sql_run(&database->sql, "COMMIT") : NULL;
}

void database_close(struct database *database)
{
    schema_close(database->tables);
    sqlite3_finalize(database->replace);
    /* What has not been committed is rolled back. */
    sqlite3_close(database->sql.handle);
    g_hash_table_unref(database->files);
    g_free(database->sql.path);
    g_free(database);
}
