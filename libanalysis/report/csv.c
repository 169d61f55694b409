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

static void write_text(struct output *out, const char *text)
{
    const char *end = text + strlen(text);

    for (;;) {
        size_t plain = text_plain(text, (size_t)(end - text));
        char piece[TEXT_PIECE_MAX];
        size_t length;

        output_bytes(out, text, plain);
        text += plain;
        if (*text == '\0') {
            return;
        }
        if (*text == '"') {
            output_char(out, '"');
        }
        length = text_take(&text, piece, NULL);
        output_bytes(out, piece, length);
    }
}

/* A cell: in quotes, which are doubled inside, when it needs them. */
static void write_cell(struct output *out, const char *const *texts, size_t count)
{
    const char *quote = "";

    for (size_t i = 0; i < count && !*quote; i++) {
        quote = strpbrk(texts[i], ",\"") ? "\"" : "";
    }
    output_text(out, quote);
    for (size_t i = 0; i < count; i++) {
        output_text(out, i ? "; " : "");
        write_text(out, texts[i]);
    }
    output_text(out, quote);
}

static void write_file_name(struct output *out, const char *name)
{
    write_cell(out, &name, 1);
}

static void csv_open(struct writer *writer)
{
    writer->quoted = writer_quote(write_file_name, writer->file);
}

static void write_value(struct output *out, const struct whyrst_value *value)
{
    char text[TEXT_MAX];

    switch (value->type) {
    case WHYRST_TYPE_STRING:
    case WHYRST_TYPE_ADDRESS:
        write_cell(out, &value->string, 1);
        return;
    case WHYRST_TYPE_STRINGS:
        write_cell(out, value->strings, value->count);
        return;
    case WHYRST_TYPE_NUMBER:
    case WHYRST_TYPE_NUMBERS:
        return; /* no record has them */
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
            write_value(writer->out, &value);
        }
    }
    output_text(writer->out, "\r\n");
}

const struct writer_format writer_csv = {
    .name = "csv",
    .begin = csv_begin,
    .open = csv_open,
    .record = csv_record,
};
