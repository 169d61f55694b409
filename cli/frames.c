/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "frames.h"

#include <stdbool.h>
#include <string.h>

#include <glib.h>

#include <whyrst/engine.h>

/** struct translation - one record on its way out */
struct translation {
    struct writer *writer;
    struct capture_file *files;
    size_t count;
    const struct capture_file *own; /* the file of the record itself */
};

struct capture_file *frames_file(struct capture_file *files, size_t count, uint64_t number)
{
    size_t low = 0;

    /* The last file that begins below @number: files without frames are never it. */
    while (count > 1) {
        size_t half = count / 2;

        if (files[low + half].before < number) {
            low += half;
            count -= half;
        } else {
            count = half;
        }
    }
    return &files[low];
}

static const char *quoted(const struct translation *t, struct capture_file *file)
{
    if (!file->quoted) {
        struct writer named;

        writer_init(&named, t->writer->format, t->writer->settings, t->writer->out, file->path);
        file->quoted = named.quoted;
    }
    return file->quoted;
}

static uint64_t locate(void *context, uint64_t number, const char **name)
{
    const struct translation *t = context;
    const struct capture_file *file = frames_file(t->files, t->count, number);

    *name = file != t->own ? file->path : NULL;
    return number - file->before;
}

static bool names_frame(enum whyrst_field field, unsigned bits)
{
    const struct whyrst_field_info *info = whyrst_field_info(field);

    return info->type == WHYRST_TYPE_FRAME && field != WHYRST_FIELD_FRAME && info->bits & bits;
}

/* The file of a frame that @record names, when it is another one than its own. */
static struct capture_file *other_file(const struct translation *t,
                                       const struct whyrst_record *record, enum whyrst_field field)
{
    struct whyrst_value value;
    struct capture_file *file;

    if (!whyrst_record_get(record, field, &value)) {
        return NULL;
    }
    file = frames_file(t->files, t->count, value.integer);
    return file != t->own ? file : NULL;
}

static void write_ndjson_names(const struct translation *t, const struct whyrst_record *record)
{
    for (unsigned i = 0; i < WHYRST_FIELD_COUNT; i++) {
        enum whyrst_field field = (enum whyrst_field)i;
        struct capture_file *file =
            names_frame(field, WHYRST_ON_RST) ? other_file(t, record, field) : NULL;

        if (file) {
            output_text(t->writer->out, ",\"");
            output_text(t->writer->out, whyrst_field_info(field)->name);
            output_text(t->writer->out, "_file\":");
            output_text(t->writer->out, quoted(t, file));
        }
    }
    output_text(t->writer->out, "}\n");
}

static void write_csv_names(const struct translation *t, const struct whyrst_record *record)
{
    for (unsigned i = 0; i < WHYRST_FIELD_COUNT; i++) {
        enum whyrst_field field = (enum whyrst_field)i;

        if (names_frame(field, WHYRST_ON_RST)) {
            struct capture_file *file = other_file(t, record, field);

            output_char(t->writer->out, ',');
            output_text(t->writer->out, file ? quoted(t, file) : "");
        }
    }
    output_text(t->writer->out, "\r\n");
}

/* An object at the end of the row. */
static void write_html_names(const struct translation *t, const struct whyrst_record *record)
{
    const char *before = ",{\"";

    for (unsigned i = 0; i < WHYRST_FIELD_COUNT; i++) {
        enum whyrst_field field = (enum whyrst_field)i;
        struct capture_file *file =
            names_frame(field, WHYRST_ON_RST) ? other_file(t, record, field) : NULL;

        if (file) {
            output_text(t->writer->out, before);
            output_text(t->writer->out, whyrst_field_info(field)->name);
            output_text(t->writer->out, "\":");
            output_text(t->writer->out, quoted(t, file));
            before = ",\"";
        }
    }
    output_text(t->writer->out, before[1] == '"' ? "}]\n" : "]\n");
}

/* What each format's rows end in, and what adds the names of files there. */
static const struct {
    const struct writer_format *format;
    const char *end;
    void (*names)(const struct translation *t, const struct whyrst_record *record);
} endings[] = {
    {&writer_ndjson, "}\n", write_ndjson_names},
    {&writer_csv, "\r\n", write_csv_names},
    {&writer_html, "]\n", write_html_names},
};

static bool append_to_string(void *context, const char *data, size_t length)
{
    g_string_append_len(context, data, (gssize)length);
    return true;
}

/* Writes the row into a string first, so that it can be gone on with. */
static void write_row(const struct translation *t, const struct whyrst_record *translated,
                      const struct whyrst_record *record)
{
    struct writer *writer = t->writer;
    struct output *out = writer->out;
    struct output row;
    GString *text;

    for (size_t i = 0; i < G_N_ELEMENTS(endings); i++) {
        if (writer->format == endings[i].format) {
            text = g_string_new(NULL);
            output_init(&row, append_to_string, text);
            writer->out = &row;
            writer->format->record(writer, translated);
            output_flush(&row);
            output_clear(&row);
            writer->out = out;
            if (text->len) { /* not every record becomes a row */
                output_bytes(out, text->str, text->len - strlen(endings[i].end));
                endings[i].names(t, record);
            }
            g_string_free(text, TRUE);
            return;
        }
    }
    writer->format->record(writer, translated);
}

void frames_write(struct writer *writer, struct capture_file *files, size_t count,
                  const struct whyrst_record *record)
{
    struct capture_file *own = frames_file(files, count, whyrst_record_frame(record));
    struct translation t = {.writer = writer, .files = files, .count = count, .own = own};
    struct whyrst_record *translated = whyrst_record_renumber(record, locate, &t);
    char *first_name = writer->quoted;

    if (writer->file != own->path) {
        writer->file = own->path;
        writer->rows = 0; /* rows for people name the file anew */
    }
    writer->quoted = (char *)quoted(&t, own);
    write_row(&t, translated, record);
    writer->quoted = first_name;
    whyrst_record_unref(translated);
}

void frames_begin(const struct writer_format *format, struct output *out,
                  const struct writer_settings *settings)
{
    GString *text;
    struct output row;

    if (format != &writer_csv) {
        format->begin(out, settings);
        return;
    }
    text = g_string_new(NULL);
    output_init(&row, append_to_string, text);
    format->begin(&row, settings);
    output_flush(&row);
    output_clear(&row);
    output_bytes(out, text->str, text->len - strlen("\r\n"));
    g_string_free(text, TRUE);
    for (unsigned i = 0; i < WHYRST_FIELD_COUNT; i++) {
        if (names_frame((enum whyrst_field)i, WHYRST_ON_RST)) {
            output_char(out, ',');
            output_text(out, whyrst_field_info((enum whyrst_field)i)->name);
            output_text(out, "_file");
        }
    }
    output_text(out, "\r\n");
}
