/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/writer.h"

#include <string.h>

#include <glib.h>

static const struct writer_format *const formats[] = {&writer_table, &writer_ndjson, &writer_csv,
                                                      &writer_html};

static const struct {
    const char *name;
    unsigned bit;
} kinds[] = {
    [WHYRST_RECORD_RST] = {"rst", WHYRST_ON_RST},
    [WHYRST_RECORD_CLOSE] = {"close", WHYRST_ON_CLOSE},
    [WHYRST_RECORD_CONNECTION] = {"connection", WHYRST_ON_CONNECTION},
};

const struct writer_format *writer_format_find(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
        if (strcmp(formats[i]->name, name) == 0) {
            return formats[i];
        }
    }
    return NULL;
}

void writer_init(struct writer *writer, const struct writer_format *format,
                 const struct writer_settings *settings, struct output *out, const char *file)
{
    *writer = (struct writer){.format = format, .settings = settings, .out = out, .file = file};
    format->open(writer);
}

void writer_finish(struct writer *writer, const struct file_report *report)
{
    if (writer->format->close) {
        writer->format->close(writer, report);
    }
    g_free(writer->quoted);
    writer->quoted = NULL;
}

static bool append_to_string(void *context, const char *data, size_t length)
{
    g_string_append_len(context, data, (gssize)length);
    return true;
}

char *writer_quote(void (*write)(struct output *out, const char *text), const char *text)
{
    GString *quoted = g_string_new(NULL);
    struct output out;

    output_init(&out, append_to_string, quoted);
    write(&out, text);
    output_flush(&out);
    output_clear(&out);
    return g_string_free(quoted, FALSE);
}

unsigned writer_kind_bit(enum whyrst_record_kind kind)
{
    return kinds[kind].bit;
}

const char *writer_kind_name(enum whyrst_record_kind kind)
{
    return kinds[kind].name;
}
