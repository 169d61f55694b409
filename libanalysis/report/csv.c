/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CSV by RFC 4180: a header row, CRLF, one row per record. Lists are joined by "; ". RFC 4180
 * allows no control characters in a field: they appear as \uXXXX.
 */
#include <string.h>

#include <glib.h>

#include "report/text.h"
#include "report/writer.h"

/* The columns of a run: those of RSTs and, if wanted, those of connections. */
static bool is_column(const struct writer_settings *settings, enum whyrst_field field)
{
    unsigned wanted = WHYRST_ON_RST | (settings->connections ? WHYRST_ON_CONNECTION : 0);

    return whyrst_field_info(field)->bits & wanted;
}

static void csv_begin(struct output *out, const struct writer_settings *settings)
{
    output_text(out, "type,file");
    for (unsigned i = 0; i < WHYRST_FIELD_COUNT; i++) {
        if (is_column(settings, (enum whyrst_field)i)) {
            output_char(out, ',');
            output_text(out, whyrst_field_info((enum whyrst_field)i)->name);
        }
    }
    output_text(out, "\r\n");
}

static void add_text(GString *cell, const char *text)
{
    while (*text) {
        char piece[TEXT_PIECE_MAX];
        size_t length = text_take(&text, piece, NULL);

        if (piece[0] == '"') {
            g_string_append_c(cell, '"');
        }
        g_string_append_len(cell, piece, (gssize)length);
    }
}

/* The cell of @text: in quotes, which are doubled inside, when it needs them. */
static void add_cell(GString *cell, const char *const *texts, size_t count)
{
    size_t start = cell->len;

    for (size_t i = 0; i < count; i++) {
        if (i) {
            g_string_append(cell, "; ");
        }
        add_text(cell, texts[i]);
    }
    if (strpbrk(cell->str + start, ",\"")) {
        g_string_insert_c(cell, (gssize)start, '"');
        g_string_append_c(cell, '"');
    }
}

static void csv_open(struct writer *writer)
{
    GString *cell = g_string_new(NULL);

    add_cell(cell, &writer->file, 1);
    writer->quoted = g_string_free(cell, FALSE);
}

static void write_value(struct output *out, GString *cell, const struct whyrst_value *value)
{
    char text[TEXT_MAX];

    switch (value->type) {
    case WHYRST_TYPE_STRING:
    case WHYRST_TYPE_ADDRESS:
        g_string_truncate(cell, 0);
        add_cell(cell, &value->string, 1);
        output_bytes(out, cell->str, cell->len);
        return;
    case WHYRST_TYPE_STRINGS:
        g_string_truncate(cell, 0);
        add_cell(cell, value->strings, value->count);
        output_bytes(out, cell->str, cell->len);
        return;
    case WHYRST_TYPE_TIME:
    case WHYRST_TYPE_INTEGER:
    case WHYRST_TYPE_FRAME:
    case WHYRST_TYPE_DURATION:
        output_bytes(out, text, text_value(text, value));
        return;
    }
}

static void csv_record(struct writer *writer, const struct whyrst_record *record)
{
    GString *cell = g_string_sized_new(256);
    struct whyrst_value value;

    output_text(writer->out, writer_kind_name(whyrst_record_kind(record)));
    output_char(writer->out, ',');
    output_text(writer->out, writer->quoted);
    for (unsigned i = 0; i < WHYRST_FIELD_COUNT; i++) {
        if (!is_column(writer->settings, (enum whyrst_field)i)) {
            continue;
        }
        output_char(writer->out, ',');
        if (whyrst_record_get(record, (enum whyrst_field)i, &value)) {
            write_value(writer->out, cell, &value);
        }
    }
    output_text(writer->out, "\r\n");
    g_string_free(cell, TRUE);
}

const struct writer_format writer_csv = {
    .name = "csv",
    .begin = csv_begin,
    .open = csv_open,
    .record = csv_record,
};
