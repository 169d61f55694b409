/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table for people.
 *
 * Wide (no terminal, or one of at least WIDE columns): one line per record, in columns, nothing
 * cut. Narrow: a line that says which connection, and below it, wrapped, what happened; two
 * addresses, a phase, a cause, a sender and a fingerprint do not fit into 80 columns side by side.
 * Rows appear as they come: columns grow with what they hold instead of waiting for the widest.
 */
#include <string.h>

#include <glib.h>

#include "report/text.h"
#include "report/writer.h"

#define WIDE       220u /* columns that a wide row of IPv4 with a short server name and a JA4 takes */
#define INDENT     9u   /* of what happened, below the connection */
#define SNI_NARROW 64u /* server names may have 255 characters */
#define BOLD       "\033[1m"
#define PLAIN      "\033[0m"

/* Text of one cell; a longer one is cut, which only a hostile server name can reach. */
#define CELL_SIZE 1024u

static bool get(const struct whyrst_record *record, enum whyrst_field field,
                struct whyrst_value *value)
{
    return whyrst_record_get(record, field, value);
}

static void add_string(struct strbuf *s, const struct whyrst_record *record,
                       enum whyrst_field field)
{
    struct whyrst_value value;

    if (get(record, field, &value)) {
        text_safe(s, value.string, 0);
    }
}

static void cell_frame(struct strbuf *s, const struct whyrst_record *record)
{
    strbuf_addf(s, "%" G_GUINT64_FORMAT, whyrst_record_frame(record));
}

/* "2026-05-19 08:15:02.118" */
static void cell_time(struct strbuf *s, const struct whyrst_record *record)
{
    struct whyrst_value value;
    char text[TEXT_MAX];

    if (get(record, WHYRST_FIELD_TIME, &value)) {
        text_time(text, value.time_ns);
        strbuf_addf(s, "%.10s %.12s", text, text + 11);
    }
}

static void add_endpoint(struct strbuf *s, const struct whyrst_record *record, enum whyrst_field ip,
                         enum whyrst_field port)
{
    struct whyrst_value address, number;

    if (!get(record, ip, &address) || !get(record, port, &number)) {
        return;
    }
    strbuf_addf(s, strchr(address.string, ':') ? "[%s]:%u" : "%s:%u", address.string,
                (unsigned)number.integer);
}

static void cell_client(struct strbuf *s, const struct whyrst_record *record)
{
    add_endpoint(s, record, WHYRST_FIELD_CLIENT_IP, WHYRST_FIELD_CLIENT_PORT);
}

static void cell_server(struct strbuf *s, const struct whyrst_record *record)
{
    add_endpoint(s, record, WHYRST_FIELD_SERVER_IP, WHYRST_FIELD_SERVER_PORT);
}

static void cell_origin(struct strbuf *s, const struct whyrst_record *record)
{
    if (whyrst_record_kind(record) == WHYRST_RECORD_CONNECTION) {
        strbuf_add(s, "(connection)");
        return;
    }
    add_string(s, record, WHYRST_FIELD_ORIGIN);
}

/* "abortive-close (medium)" */
static void cell_cause(struct strbuf *s, const struct whyrst_record *record)
{
    struct whyrst_value cause, confidence;

    if (!get(record, WHYRST_FIELD_CAUSE, &cause)) {
        return;
    }
    strbuf_add(s, cause.string);
    if (get(record, WHYRST_FIELD_CONFIDENCE, &confidence)) {
        strbuf_addf(s, " (%s)", confidence.string);
    }
}

static void cell_sender(struct strbuf *s, const struct whyrst_record *record)
{
    add_string(s, record, WHYRST_FIELD_SENDER);
}

static void cell_rst_src(struct strbuf *s, const struct whyrst_record *record)
{
    add_string(s, record, WHYRST_FIELD_RST_SRC);
}

static void cell_close_type(struct strbuf *s, const struct whyrst_record *record)
{
    add_string(s, record, WHYRST_FIELD_CLOSE_TYPE);
}

static void cell_sni(struct strbuf *s, const struct whyrst_record *record)
{
    add_string(s, record, WHYRST_FIELD_SNI);
}

static void add_connection_story(struct strbuf *s, const struct whyrst_record *record)
{
    static const struct {
        enum whyrst_field field;
        const char *text;
    } parts[] = {
        {WHYRST_FIELD_PACKETS, "%s packets"},
        {WHYRST_FIELD_DURATION, "%s s"},
        {WHYRST_FIELD_CLIENT_BYTES, "%s bytes from the client"},
        {WHYRST_FIELD_SERVER_BYTES, "%s from the server"},
        {WHYRST_FIELD_RESETS, "%s RST"},
    };
    const char *between = "";

    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        struct whyrst_value value;
        char number[TEXT_MAX];

        if (!get(record, parts[i].field, &value)) {
            continue;
        }
        text_value(number, &value);
        strbuf_add(s, between);
        for (const char *p = parts[i].text; *p; p++) {
            if (*p == '%') {
                strbuf_add(s, number);
                p++;
            } else {
                strbuf_add_char(s, *p);
            }
        }
        between = ", ";
    }
}

/* When in the connection: the record's summary, less the origin that has a column of its own. */
static void cell_when(struct strbuf *s, const struct whyrst_record *record)
{
    char summary[CELL_SIZE];
    struct whyrst_value value;
    const char *text = summary;

    if (get(record, WHYRST_FIELD_DUPLICATE_OF, &value)) {
        strbuf_addf(s, "second capture of frame %" G_GUINT64_FORMAT, value.integer);
        return;
    }
    if (whyrst_record_kind(record) == WHYRST_RECORD_CONNECTION) {
        add_connection_story(s, record);
        return;
    }
    whyrst_record_summary(record, summary, sizeof summary);
    if (get(record, WHYRST_FIELD_ORIGIN, &value) && g_str_has_prefix(text, value.string)) {
        text += strlen(value.string);
        text += strspn(text, ", ");
    }
    text_safe(s, text, 0);
}

static const struct column {
    const char *title;
    unsigned width; /* to begin with */
    bool number;
    void (*cell)(struct strbuf *s, const struct whyrst_record *record);
} columns[] = {
    {"FRAME", 7, true, cell_frame},        {"TIME (UTC)", 23, false, cell_time},
    {"CLIENT", 21, false, cell_client},    {"SERVER", 21, false, cell_server},
    {"RST FROM", 8, false, cell_rst_src},  {"ORIGIN", 17, false, cell_origin},
    {"CAUSE", 24, false, cell_cause},      {"SENT BY", 9, false, cell_sender},
    {"CLOSE", 12, false, cell_close_type}, {"SERVER NAME", 11, false, cell_sni},
    {"WHEN", 0, false, cell_when},
};

G_STATIC_ASSERT(G_N_ELEMENTS(columns) <= WRITER_COLUMNS_MAX);

static bool is_wide(const struct writer_settings *settings)
{
    return settings->width == 0 || settings->width >= WIDE;
}

static void pad(struct output *out, unsigned from, unsigned to)
{
    for (; from < to; from++) {
        output_char(out, ' ');
    }
}

static void write_header(struct output *out, const struct writer_settings *settings)
{
    if (settings->several) {
        output_text(out, "FILE");
        pad(out, strlen("FILE"), settings->file_width + 1);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(columns); i++) {
        unsigned length = (unsigned)strlen(columns[i].title);
        bool last = i + 1 == G_N_ELEMENTS(columns);

        pad(out, columns[i].number ? length : columns[i].width, columns[i].width);
        output_text(out, columns[i].title);
        pad(out, length, last || columns[i].number ? 0 : columns[i].width);
        output_text(out, last ? "\n" : " ");
    }
}

static void table_begin(struct output *out, const struct writer_settings *settings)
{
    if (settings->several && is_wide(settings)) {
        write_header(out, settings);
    }
}

static void table_open(struct writer *writer)
{
    char text[CELL_SIZE];
    struct strbuf s = strbuf_make(text, sizeof text);

    text_safe(&s, writer->file, 0);
    writer->quoted = g_strdup(text);
    for (size_t i = 0; i < G_N_ELEMENTS(columns); i++) {
        writer->widths[i] = columns[i].width;
    }
}

static void write_wide_cell(struct writer *writer, size_t i, const struct whyrst_record *record)
{
    bool bold = writer->settings->color && columns[i].cell == cell_origin;
    char text[CELL_SIZE];
    struct strbuf s = strbuf_make(text, sizeof text);
    unsigned width;

    columns[i].cell(&s, record);
    if (s.length == 0) {
        strbuf_add_char(&s, '-');
    }
    width = text_columns(text);
    writer->widths[i] = MAX(writer->widths[i], width);
    if (columns[i].number) {
        pad(writer->out, width, writer->widths[i]);
    }
    output_text(writer->out, bold ? BOLD : "");
    output_bytes(writer->out, text, s.length);
    output_text(writer->out, bold ? PLAIN : "");
    if (!columns[i].number && i + 1 < G_N_ELEMENTS(columns)) {
        pad(writer->out, width, writer->widths[i]);
    }
}

static void write_wide(struct writer *writer, const struct whyrst_record *record)
{
    if (writer->settings->several) {
        output_text(writer->out, writer->quoted);
        pad(writer->out, text_columns(writer->quoted), writer->settings->file_width);
        output_char(writer->out, ' ');
    } else if (writer->rows == 0) {
        write_header(writer->out, writer->settings);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(columns); i++) {
        if (i) {
            output_char(writer->out, ' ');
        }
        write_wide_cell(writer, i, record);
    }
    output_char(writer->out, '\n');
}

/* A line between the rows when the day changes, and one that names the capture if several. */
static void write_day(struct writer *writer, const char *time)
{
    if (writer->rows && strncmp(writer->day, time, sizeof writer->day - 1) == 0) {
        return;
    }
    g_strlcpy(writer->day, time, sizeof writer->day);
    if (writer->settings->several) {
        output_text(writer->out, writer->quoted);
        output_text(writer->out, ", ");
    }
    output_text(writer->out, writer->day);
    output_text(writer->out, " UTC\n");
}

static void write_narrow_head(struct writer *writer, const struct whyrst_record *record)
{
    char text[CELL_SIZE];
    char time[CELL_SIZE];
    struct strbuf s = strbuf_make(text, sizeof text);
    struct strbuf t = strbuf_make(time, sizeof time);

    cell_time(&t, record);
    write_day(writer, time);
    strbuf_addf(&s, "%7" G_GUINT64_FORMAT "  ", whyrst_record_frame(record));
    output_text(writer->out, text);
    s = strbuf_make(text, sizeof text);
    strbuf_add(&s, t.length > 11 ? time + 11 : "-");
    strbuf_add(&s, "  ");
    cell_client(&s, record);
    strbuf_add(&s, " > ");
    cell_server(&s, record);
    output_text(writer->out, writer->settings->color ? BOLD : "");
    output_bytes(writer->out, text, s.length);
    output_text(writer->out, writer->settings->color ? PLAIN "\n" : "\n");
}

/* Adds @title and what @cell says, unless that is nothing. */
static void add_part(struct strbuf *s, const struct whyrst_record *record, const char *title,
                     void (*cell)(struct strbuf *, const struct whyrst_record *))
{
    char text[CELL_SIZE];
    struct strbuf part = strbuf_make(text, sizeof text);

    cell(&part, record);
    if (part.length) {
        strbuf_add(s, title);
        strbuf_add(s, text);
    }
}

static void cell_sni_narrow(struct strbuf *s, const struct whyrst_record *record)
{
    struct whyrst_value value;

    if (get(record, WHYRST_FIELD_SNI, &value)) {
        text_safe(s, value.string, SNI_NARROW);
    }
}

static void write_narrow(struct writer *writer, const struct whyrst_record *record)
{
    char text[2 * CELL_SIZE];
    struct strbuf s = strbuf_make(text, sizeof text);

    write_narrow_head(writer, record);
    add_part(&s, record, "RST from ", cell_rst_src);
    add_part(&s, record, s.length ? ": " : "", cell_origin);
    add_part(&s, record, ", ", cell_when);
    add_part(&s, record, "; ", cell_cause);
    add_part(&s, record, ", sent by ", cell_sender);
    add_part(&s, record, "; close ", cell_close_type);
    add_part(&s, record, "; SNI ", cell_sni_narrow);
    text_wrapped(writer->out, text, INDENT, writer->settings->width);
}

static void table_record(struct writer *writer, const struct whyrst_record *record)
{
    if (is_wide(writer->settings)) {
        write_wide(writer, record);
    } else {
        write_narrow(writer, record);
    }
    writer->rows++;
}

const struct writer_format writer_table = {
    .name = "table",
    .for_people = true,
    .begin = table_begin,
    .open = table_open,
    .record = table_record,
};
