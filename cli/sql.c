/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sql.h"

#include <stdarg.h>

#include <glib.h>

char *sql_error(const struct sql *sql)
{
    int error = sqlite3_system_errno(sql->handle);
    int code = sqlite3_errcode(sql->handle) & 0xff;

    if (code == SQLITE_NOTADB) {
        return g_strdup_printf("%s: is no database; choose another name", sql->path);
    }
    if (code == SQLITE_IOERR && error) {
        return g_strdup_printf("%s: %s: %s", sql->path, sqlite3_errmsg(sql->handle),
                               g_strerror(error));
    }
    return g_strdup_printf("%s: %s", sql->path, sqlite3_errmsg(sql->handle));
}

char *sql_run(const struct sql *sql, const char *text)
{
    return sqlite3_exec(sql->handle, text, NULL, NULL, NULL) == SQLITE_OK ? NULL : sql_error(sql);
}

char *sql_runf(const struct sql *sql, const char *format, ...)
{
    va_list args;
    char *text, *message;

    va_start(args, format);
    text = sqlite3_vmprintf(format, args);
    va_end(args);
    message = sql_run(sql, text);
    sqlite3_free(text);
    return message;
}

char *sql_prepare(const struct sql *sql, const char *text, sqlite3_stmt **statement)
{
    int status = sqlite3_prepare_v2(sql->handle, text, -1, statement, NULL);

    return status == SQLITE_OK ? NULL : sql_error(sql);
}

char *sql_step(const struct sql *sql, sqlite3_stmt *statement)
{
    char *message = sqlite3_step(statement) == SQLITE_DONE ? NULL : sql_error(sql);

    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return message;
}

int64_t sql_number(const struct sql *sql, const char *text, int64_t missing)
{
    sqlite3_stmt *statement = NULL;
    int64_t value = missing;

    if (sqlite3_prepare_v2(sql->handle, text, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        value = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    return value;
}
