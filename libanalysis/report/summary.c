/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counting. A tally counts the values of one field: how many RSTs and connections bear each, and
 * how many of these connections were reset. Tallies are bounded: a scan must not make the summary's
 * memory grow with the number of hosts, so values beyond the bound are counted together.
 */
#include "report/summary.h"

#include <string.h>

#include <glib.h>

#include "report/counters.h"
#include "report/findings.h"
#include "report/text.h"

#define TALLY_MAX_VALUES 100000u /* of 32 bytes and a short text each: some 10 MB */
#define TOP_VALUES       10u     /* shown of a tally without an end */
#define LABEL_COLUMNS    40u     /* a JA4 or an IPv4 address and a port with room to spare */

struct count {
    uint64_t resets;
    uint64_t connections;
    uint64_t reset_connections;
};

struct tally {
    GHashTable *values; /* text -> struct count */
    struct count others;
};

/* What is tallied, in the order shown. */
enum tally_id {
    TALLY_FILE,
    TALLY_RST_SRC,
    TALLY_SENDER,
    TALLY_ORIGIN,
    TALLY_CAUSE,
    TALLY_CLOSE_TYPE,
    TALLY_SERVER,
    TALLY_JA4,
    TALLY_ADVICE,
    TALLY_COUNT
};

#define NO_FIELD WHYRST_FIELD_COUNT

enum unit {
    UNIT_RESETS,      /* RSTs, and their share of all RSTs */
    UNIT_CONNECTIONS, /* connections, and their share of all connections */
    UNIT_RATE,        /* reset connections of all connections with this value */
    UNIT_SENTENCES,   /* as UNIT_RESETS, for texts too long for a column */
};

static const struct {
    const char *title;
    enum whyrst_field field;
    enum unit unit;
    bool endless; /* any number of values: only the first ones are shown */
} tallies[TALLY_COUNT] = {
    [TALLY_FILE] = {"Resets by capture", NO_FIELD, UNIT_RESETS, true},
    [TALLY_RST_SRC] = {"RSTs bear the address of", WHYRST_FIELD_RST_SRC, UNIT_RESETS, false},
    [TALLY_SENDER] = {"Sent by", WHYRST_FIELD_SENDER, UNIT_RESETS, false},
    [TALLY_ORIGIN] = {"Origin: the phase they hit", WHYRST_FIELD_ORIGIN, UNIT_RESETS, false},
    [TALLY_CAUSE] = {"Cause", WHYRST_FIELD_CAUSE, UNIT_RESETS, false},
    [TALLY_CLOSE_TYPE] = {"How connections closed", WHYRST_FIELD_CLOSE_TYPE, UNIT_CONNECTIONS,
                          false},
    [TALLY_SERVER] = {"Servers: connections reset", WHYRST_FIELD_SERVER_IP, UNIT_RATE, true},
    [TALLY_JA4] = {"JA4: connections reset", WHYRST_FIELD_JA4, UNIT_RATE, true},
    [TALLY_ADVICE] = {"What to do (more: --explain CAUSE, --format=ndjson)", WHYRST_FIELD_ADVICE,
                      UNIT_SENTENCES, true},
};

/* The figure that a tally shows first and sorts by. */
static uint64_t figure(enum tally_id id, const struct count *count)
{
    switch (tallies[id].unit) {
    case UNIT_RESETS:
    case UNIT_SENTENCES:
        return count->resets;
    case UNIT_CONNECTIONS:
        return count->connections;
    case UNIT_RATE:
        return count->reset_connections;
    }
    return 0;
}

struct summary {
    struct tally tallies[TALLY_COUNT];
    struct file_report total;
    uint64_t files;
    uint64_t files_failed;
    uint64_t resets;      /* counted here: those that pass the filters */
    uint64_t connections; /* likewise */
    int64_t first_ns, last_ns;
};

struct summary *summary_new(void)
{
    struct summary *summary = g_new0(struct summary, 1);

    for (unsigned i = 0; i < TALLY_COUNT; i++) {
        summary->tallies[i].values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    }
    return summary;
}

void summary_free(struct summary *summary)
{
    if (!summary) {
        return;
    }
    for (unsigned i = 0; i < TALLY_COUNT; i++) {
        g_hash_table_unref(summary->tallies[i].values);
    }
    g_free(summary);
}

static struct count *tally_count(struct tally *tally, const char *value)
{
    struct count *count = g_hash_table_lookup(tally->values, value);

    if (count) {
        return count;
    }
    if (g_hash_table_size(tally->values) >= TALLY_MAX_VALUES) {
        return &tally->others;
    }
    count = g_new0(struct count, 1);
    g_hash_table_insert(tally->values, g_strdup(value), count);
    return count;
}

/* The text that a tally counts @record under; false when the record does not have it. */
static bool value_of(const struct whyrst_record *record, enum tally_id id, struct strbuf *s)
{
    struct whyrst_value value, port, cause;

    if (tallies[id].field == NO_FIELD || !whyrst_record_get(record, tallies[id].field, &value)) {
        return false;
    }
    if (id == TALLY_SERVER && whyrst_record_get(record, WHYRST_FIELD_SERVER_PORT, &port)) {
        strbuf_addf(s, strchr(value.string, ':') ? "[%s]:%u" : "%s:%u", value.string,
                    (unsigned)port.integer);
        return true;
    }
    if (id == TALLY_ADVICE && whyrst_record_get(record, WHYRST_FIELD_CAUSE, &cause)) {
        strbuf_addf(s, "%s: ", cause.string);
    }
    strbuf_add(s, value.string);
    return true;
}

static void note_time(struct summary *summary, int64_t time_ns)
{
    bool empty = summary->first_ns == 0 && summary->last_ns == 0;

    summary->first_ns = empty ? time_ns : MIN(summary->first_ns, time_ns);
    summary->last_ns = empty ? time_ns : MAX(summary->last_ns, time_ns);
}

void summary_add(struct summary *summary, const struct whyrst_record *record)
{
    bool is_connection = whyrst_record_kind(record) == WHYRST_RECORD_CONNECTION;
    struct whyrst_value value;
    bool reset = is_connection && whyrst_record_get(record, WHYRST_FIELD_RESETS, &value) &&
                 value.integer > 0;

    if (whyrst_record_get(record, WHYRST_FIELD_DUPLICATE_OF, &value)) {
        return;
    }
    summary->resets += !is_connection;
    summary->connections += is_connection;
    if (!is_connection && whyrst_record_get(record, WHYRST_FIELD_TIME, &value)) {
        note_time(summary, value.time_ns);
    }
    for (unsigned i = 0; i < TALLY_COUNT; i++) {
        char text[400];
        struct strbuf s = strbuf_make(text, sizeof text);
        struct count *count;
        bool of_resets = tallies[i].unit == UNIT_RESETS || tallies[i].unit == UNIT_SENTENCES;

        if (of_resets == is_connection || !value_of(record, (enum tally_id)i, &s)) {
            continue;
        }
        count = tally_count(&summary->tallies[i], text);
        count->resets += !is_connection;
        count->connections += is_connection;
        count->reset_connections += reset;
    }
}

static void add_file(struct summary *summary, const struct file_report *report)
{
    summary->files++;
    summary->files_failed += report->error != NULL;
    summary->total.packets += report->packets;
    for (unsigned i = 0; i < WHYRST_COUNTER_COUNT; i++) {
        summary->total.counters[i] += report->counters[i];
    }
    for (unsigned i = 0; i < WHYRST_SKIP_COUNT; i++) {
        summary->total.skipped[i] += report->skipped[i];
    }
}

static void add_count(struct count *to, const struct count *from)
{
    to->resets += from->resets;
    to->connections += from->connections;
    to->reset_connections += from->reset_connections;
}

static void merge_tally(struct tally *to, const struct tally *from)
{
    GHashTableIter iter;
    gpointer text, count;

    g_hash_table_iter_init(&iter, from->values);
    while (g_hash_table_iter_next(&iter, &text, &count)) {
        add_count(tally_count(to, text), count);
    }
    add_count(&to->others, &from->others);
}

void summary_merge(struct summary *summary, const struct summary *other,
                   const struct file_report *report)
{
    add_file(summary, report);
    if (other->resets) {
        tally_count(&summary->tallies[TALLY_FILE], report->file)->resets += other->resets;
    }
    for (unsigned i = 0; i < TALLY_COUNT; i++) {
        merge_tally(&summary->tallies[i], &other->tallies[i]);
    }
    summary->resets += other->resets;
    summary->connections += other->connections;
    if (other->resets) {
        note_time(summary, other->first_ns);
        note_time(summary, other->last_ns);
    }
}

struct row {
    const char *text;
    const struct count *count;
    uint64_t figure;
};

/* Greatest figure first, then most connections, then by name, so that the order is always the same.
 */
static gint compare_rows(gconstpointer a, gconstpointer b)
{
    const struct row *x = a, *y = b;

    if (x->figure != y->figure) {
        return x->figure > y->figure ? -1 : 1;
    }
    if (x->count->connections != y->count->connections) {
        return x->count->connections > y->count->connections ? -1 : 1;
    }
    return strcmp(x->text, y->text);
}

/* The rows of a tally with anything to show, sorted. */
static GArray *tally_rows(const struct tally *tally, enum tally_id id)
{
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(struct row));
    GHashTableIter iter;
    gpointer text, count;

    g_hash_table_iter_init(&iter, tally->values);
    while (g_hash_table_iter_next(&iter, &text, &count)) {
        struct row row = {.text = text, .count = count, .figure = figure(id, count)};

        if (row.figure) {
            g_array_append_val(rows, row);
        }
    }
    g_array_sort(rows, compare_rows);
    return rows;
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0.0;
}

static void write_row(struct output *out, const struct row *row, enum unit unit, uint64_t whole)
{
    char text[512], number[TEXT_MAX], of[TEXT_MAX];
    struct strbuf s = strbuf_make(text, sizeof text);

    strbuf_add(&s, "  ");
    text_safe(&s, row->text, 0);
    while (text_columns(text) < LABEL_COLUMNS && !s.truncated) {
        strbuf_add_char(&s, ' ');
    }
    text_grouped(number, row->figure);
    strbuf_addf(&s, " %10s", number);
    if (unit == UNIT_RATE) {
        whole = row->count->connections;
        text_grouped(of, whole);
        strbuf_addf(&s, " of %-10s", of);
    }
    strbuf_addf(&s, " %5.1f %%\n", percent(row->figure, whole));
    output_bytes(out, text, s.length);
}

/* A sentence below the one before, wrapped for a terminal. */
static void write_sentence(struct output *out, const struct row *row, unsigned width)
{
    char text[512], number[TEXT_MAX];
    struct strbuf s = strbuf_make(text, sizeof text);

    text_grouped(number, row->figure);
    strbuf_addf(&s, "%s x ", number);
    text_safe(&s, row->text, 0);
    text_wrapped(out, text, 2, width ? width : UINT_MAX);
}

static void write_tally(const struct summary *summary, struct output *out, enum tally_id id,
                        unsigned width)
{
    GArray *rows = tally_rows(&summary->tallies[id], id);
    uint64_t whole = tallies[id].unit == UNIT_RESETS ? summary->resets : summary->connections;
    guint shown = tallies[id].endless ? MIN(rows->len, TOP_VALUES) : rows->len;
    char text[64];

    if (rows->len) {
        output_char(out, '\n');
        output_text(out, tallies[id].title);
        output_char(out, '\n');
    }
    for (guint i = 0; i < shown; i++) {
        const struct row *row = &g_array_index(rows, struct row, i);

        if (tallies[id].unit == UNIT_SENTENCES) {
            write_sentence(out, row, width);
        } else {
            write_row(out, row, tallies[id].unit, whole);
        }
    }
    if (shown < rows->len) {
        g_snprintf(text, sizeof text, "  and %u more\n", rows->len - shown);
        output_text(out, text);
    }
    g_array_free(rows, TRUE);
}

static void write_number(struct output *out, const char *before, uint64_t number, const char *after)
{
    char text[TEXT_MAX];

    output_text(out, before);
    output_bytes(out, text, text_grouped(text, number));
    output_text(out, after);
}

/* "1 packet", "2 packets". */
static void write_count(struct output *out, const char *before, uint64_t number, const char *unit)
{
    write_number(out, before, number, unit);
    output_text(out, number == 1 ? "" : "s");
}

static void write_span(const struct summary *summary, struct output *out)
{
    char first[TEXT_MAX], last[TEXT_MAX], text[2 * TEXT_MAX + 32];

    text_time(first, summary->first_ns);
    text_time(last, summary->last_ns);
    g_snprintf(text, sizeof text, "From %.10s %.8s to %.10s %.8s UTC\n", first, first + 11, last,
               last + 11);
    output_text(out, text);
}

static void write_read(const struct summary *summary, struct output *out)
{
    const struct file_report *total = &summary->total;

    if (summary->files != 1) {
        write_count(out, "", summary->files, " capture");
        output_text(out, ", ");
    }
    write_count(out, "", total->packets, " packet");
    write_count(out, ", ", total->counters[WHYRST_COUNT_SEGMENTS], " TCP segment");
    write_count(out, ", ", total->counters[WHYRST_COUNT_CONNECTIONS], " connection");
    output_char(out, '\n');
    for (unsigned i = 0; i < WHYRST_COUNTER_COUNT; i++) {
        if (counter_kinds[i].note && total->counters[i]) {
            write_number(out, "", total->counters[i], " ");
            output_text(out, counter_kinds[i].note);
            output_char(out, '\n');
        }
    }
    for (unsigned i = 0; i < WHYRST_SKIP_COUNT; i++) {
        if (total->skipped[i]) {
            write_number(out, "Not analysed: ", total->skipped[i], " ");
            output_text(out, whyrst_skip_text((enum whyrst_skip)i));
            output_char(out, '\n');
        }
    }
    if (summary->files_failed) {
        write_count(out, "Not or not wholly read: ", summary->files_failed, " capture");
        output_char(out, '\n');
    }
}

void summary_write(const struct summary *summary, const struct whyrst_diagnosis *diagnosis,
                   struct output *out, const struct writer_settings *settings, bool after_rows)
{
    uint64_t all = summary->total.counters[WHYRST_COUNT_RESETS];

    if (after_rows && (summary->resets || settings->connections)) {
        output_char(out, '\n');
    }
    output_text(out, settings->color ? "\033[1m" : "");
    if (summary->resets) {
        write_count(out, "", summary->resets, " TCP reset");
    } else {
        output_text(out, all ? "No TCP reset passes the filter" : "No TCP resets found");
    }
    if (all != summary->resets) {
        write_number(out, " (of ", all, " in all)");
    }
    output_text(out, settings->color ? "\033[0m\n" : "\n");
    if (summary->resets) {
        write_span(summary, out);
    }
    write_read(summary, out);
    findings_write(diagnosis, out, settings);
    findings_write_endpoints(diagnosis, out);
    for (unsigned i = settings->several ? 0 : TALLY_FILE + 1; i < TALLY_COUNT; i++) {
        write_tally(summary, out, (enum tally_id)i, settings->width);
    }
}
