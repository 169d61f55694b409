/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * Writers: records in, text out.
 *
 * One struct writer serves one capture; a format is one row of functions. Every format takes its
 * fields from the table in record.h, in that order, and knows none by name except where a column
 * for people joins several. Several writers may work in several threads, each with its own output.
 */
#ifndef REPORT_WRITER_H
#define REPORT_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include <whyrst/decode.h>
#include <whyrst/engine.h>
#include <whyrst/finding.h>

#include "report/html.h"
#include "report/output.h"

/**
 * struct writer_settings - what the user chose; the same for all writers of a run
 * @connections: connection records are written too
 * @several:     there are several captures: rows for people name theirs
 * @file_width:  columns for these names
 * @color:       escape sequences may be used
 * @width:       columns of the terminal, 0 when the output is none and nothing may be cut
 * @page:        what writer_html puts the data into
 * @rows_max:    RSTs that it puts there, for each capture
 */
struct writer_settings {
    bool connections;
    bool several;
    bool color;
    unsigned file_width;
    unsigned width;
    const struct html_page *page;
    uint64_t rows_max;
};

/**
 * struct file_report - what became of one capture
 * @file:     its name as given
 * @packets:  frames read
 * @counters: the engine's
 * @skipped:  the decoder's, by reason
 * @first_ns, @last_ns: times of its first and last frame
 * @head:     digest of its first frames, NULL when there was none
 * @error:    what went wrong, NULL when all was read
 */
struct file_report {
    const char *file;
    uint64_t packets;
    uint64_t counters[WHYRST_COUNTER_COUNT];
    uint64_t skipped[WHYRST_SKIP_COUNT];
    int64_t first_ns, last_ns;
    const char *head;
    const char *error;
};

#define WRITER_COLUMNS_MAX 16u

/**
 * struct writer - one capture's output under way
 * @file:    the capture's name as given
 * @quoted:  the same, escaped for the format
 * @widths:  columns' widths so far; they only grow
 * @rows:    rows written
 * @day:     "YYYY-MM-DD" of the row before
 * @state:   the format's own
 */
struct writer {
    const struct writer_format *format;
    const struct writer_settings *settings;
    struct output *out;
    const char *file;
    char *quoted;
    unsigned widths[WRITER_COLUMNS_MAX];
    uint64_t rows;
    char day[11];
    void *state;
};

/**
 * struct writer_format - one output format
 * @for_people: the run ends with a summary in words
 * @begin:  writes what comes once, before all captures
 * @open:   sets @quoted and what else a writer of this format needs
 * @record: writes one record
 * @close:  writes what ends a capture; may be NULL
 * @end:    writes what comes once, after all captures: what their connections together say; may be
 *          NULL
 */
struct writer_format {
    const char *name;
    bool for_people;
    void (*begin)(struct output *out, const struct writer_settings *settings);
    void (*open)(struct writer *writer);
    void (*record)(struct writer *writer, const struct whyrst_record *record);
    void (*close)(struct writer *writer, const struct file_report *report);
    void (*end)(struct output *out, const struct writer_settings *settings,
                const struct whyrst_diagnosis *diagnosis);
};

extern const struct writer_format writer_table;
extern const struct writer_format writer_ndjson;
extern const struct writer_format writer_csv;
extern const struct writer_format writer_html;

/** The format called @name, or NULL. */
const struct writer_format *writer_format_find(const char *name);

/** A writer for capture @file; @file, @settings and @out must outlive it. */
void writer_init(struct writer *writer, const struct writer_format *format,
                 const struct writer_settings *settings, struct output *out, const char *file);
/** Writes what ends a capture and frees what the writer holds. */
void writer_finish(struct writer *writer, const struct file_report *report);

/** What @write writes of @text, as a string (g_free). */
char *writer_quote(void (*write)(struct output *out, const char *text), const char *text);

/** The bit of the field table that stands for records of @kind. */
unsigned writer_kind_bit(enum whyrst_record_kind kind);
/** The word in the key or column "type". */
const char *writer_kind_name(enum whyrst_record_kind kind);

#endif
