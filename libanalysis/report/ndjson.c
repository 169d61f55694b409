/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NDJSON: one JSON object per line and record, and one of type "file" per capture. */
#include <string.h>

#include <glib.h>

#include "report/counters.h"
#include "report/findings.h"
#include "report/text.h"
#include "report/writer.h"

#define KEY(id, name, type, bits, title, help)      TEXT_KEY(name),
#define KEY_FITS(id, name, type, bits, title, help) TEXT_KEY_FITS(name);
#define BITS(id, name, type, bits, title, help)     bits,

static const struct text_key keys[] = {WHYRST_FIELDS(KEY)};
static const unsigned bits[] = {WHYRST_FIELDS(BITS)};

WHYRST_FIELDS(KEY_FITS)

static void ndjson_open(struct writer *writer)
{
    writer->quoted = writer_quote(text_json, writer->file);
}

static void write_head(struct writer *writer, const char *type)
{
    output_text(writer->out, "{\"type\":\"");
    output_text(writer->out, type);
    output_text(writer->out, "\",\"file\":");
    output_text(writer->out, writer->quoted);
}

static void ndjson_record(struct writer *writer, const struct whyrst_record *record)
{
    enum whyrst_record_kind kind = whyrst_record_kind(record);
    unsigned bit = writer_kind_bit(kind);
    struct whyrst_value value;

    write_head(writer, writer_kind_name(kind));
    for (unsigned i = 0; i < WHYRST_FIELD_COUNT; i++) {
        if (bits[i] & bit && whyrst_record_get(record, (enum whyrst_field)i, &value)) {
            text_json_key(writer->out, &keys[i]);
            text_json_value(writer->out, &value);
        }
    }
    output_text(writer->out, "}\n");
}

static void write_number(struct output *out, const char *key, uint64_t number, char before)
{
    char text[TEXT_MAX];

    output_char(out, before);
    text_json(out, key);
    output_char(out, ':');
    output_bytes(out, text, text_integer(text, number));
}

/* What tells the capture from others; a file without frames has none of it. */
static void write_identity(struct output *out, const struct file_report *report)
{
    char text[TEXT_MAX];

    if (!report->head) {
        return;
    }
    output_text(out, ",\"first_time\":\"");
    output_bytes(out, text, text_time(text, report->first_ns));
    output_text(out, "\",\"last_time\":\"");
    output_bytes(out, text, text_time(text, report->last_ns));
    output_text(out, "\",\"head_sha256\":");
    text_json(out, report->head);
}

/* Some are always shown, and first; the others when they are not zero. */
static void write_counters(struct output *out, const struct file_report *report, bool always)
{
    for (unsigned i = 0; i < WHYRST_COUNTER_COUNT; i++) {
        if (counter_kinds[i].always == always && (always || report->counters[i])) {
            write_number(out, counter_kinds[i].name, report->counters[i], ',');
        }
    }
}

static void ndjson_close(struct writer *writer, const struct file_report *report)
{
    struct output *out = writer->out;
    char before = '{';

    write_head(writer, "file");
    write_number(out, "packets", report->packets, ',');
    write_counters(out, report, true);
    write_counters(out, report, false);
    output_text(out, ",\"skipped\":");
    for (unsigned i = 0; i < WHYRST_SKIP_COUNT; i++) {
        if (report->skipped[i]) {
            write_number(out, whyrst_skip_name((enum whyrst_skip)i), report->skipped[i], before);
            before = ',';
        }
    }
    output_text(out, before == '{' ? "{}" : "}");
    write_identity(out, report);
    if (report->error) {
        output_text(out, ",\"error\":");
        text_json(out, report->error);
    }
    output_text(out, "}\n");
}

const struct writer_format writer_ndjson = {
    .name = "ndjson",
    .open = ndjson_open,
    .record = ndjson_record,
    .close = ndjson_close,
    .end = findings_write_ndjson,
};
