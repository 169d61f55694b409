/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page: what stands around the data, and a policy that lets browsers run and load nothing else.
 */
#include "report/html.h"

#include <string.h>

#include <glib.h>

#include "report/findings.h"
#include "report/html_data.h"
#include "report/text.h"
#include "report/writer.h"

static void write_all_of(struct output *out, const char *const *texts)
{
    for (; *texts; texts++) {
        output_text(out, *texts);
    }
}

/* What a Content-Security-Policy calls the text of an element: 'sha256-...'. */
static void write_hash(struct output *out, const char *const *texts)
{
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
    guint8 digest[32];
    gsize length = sizeof digest;
    char *text;

    for (; *texts; texts++) {
        g_checksum_update(sum, (const guchar *)*texts, -1);
    }
    g_checksum_get_digest(sum, digest, &length);
    text = g_base64_encode(digest, length);
    output_text(out, "'sha256-");
    output_text(out, text);
    output_char(out, '\'');
    g_free(text);
    g_checksum_free(sum);
}

/* Nothing is fetched, and only the page's own script runs, should any text ever escape its place.
 */
static void write_policy(struct output *out, const struct html_page *page)
{
    output_text(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                     "base-uri 'none'; form-action 'none'; script-src ");
    write_hash(out, page->scripts);
    output_text(out, "; style-src ");
    write_hash(out, page->styles);
    output_text(out, "\">");
}

/* Writes @markup up to @marker and returns what follows the marker. */
static const char *write_up_to(struct output *out, const char *markup, const char *marker)
{
    const char *at = strstr(markup, marker);

    output_bytes(out, markup, (size_t)(at - markup));
    return at + strlen(marker);
}

static void html_begin(struct output *out, const struct writer_settings *settings)
{
    const struct html_page *page = settings->page;
    const char *rest = write_up_to(out, page->markup, HTML_POLICY);

    write_policy(out, page);
    rest = write_up_to(out, rest, HTML_STYLE);
    output_text(out, "<style>");
    write_all_of(out, page->styles);
    output_text(out, "</style>");
    write_up_to(out, rest, HTML_DATA);
    output_text(out, "<script type=\"application/json\" id=\"data\">[");
    html_data_describe(out);
}

/* Replaces "<", which begins tags, in what is the data's: there it only stands in strings. */
static void write_without_tags(struct output *out, const char *text, size_t length)
{
    const char *end = text + length;

    for (;;) {
        const char *tag = memchr(text, '<', (size_t)(end - text));

        output_bytes(out, text, (size_t)((tag ? tag : end) - text));
        if (!tag) {
            return;
        }
        output_text(out, "\\u003c");
        text = tag + 1;
    }
}

/** struct elements - elements of the data on their way out, each a line */
struct elements {
    struct output *const *out; /* where to, at the time */
    bool within;               /* a line has begun */
};

static bool drain_elements(void *context, const char *data, size_t length)
{
    struct elements *elements = context;

    while (length) {
        const char *newline = memchr(data, '\n', length);
        size_t part = newline ? (size_t)(newline - data) + 1 : length;

        if (!elements->within) {
            output_char(*elements->out, ',');
        }
        write_without_tags(*elements->out, data, part);
        elements->within = !newline;
        data += part;
        length -= part;
    }
    return true;
}

static void html_end(struct output *out, const struct writer_settings *settings,
                     const struct whyrst_diagnosis *diagnosis)
{
    const struct html_page *page = settings->page;
    const char *rest = strstr(page->markup, HTML_DATA) + strlen(HTML_DATA);
    struct elements elements = {.out = &out};
    struct output objects;

    output_init(&objects, drain_elements, &elements);
    findings_write_ndjson(&objects, settings, diagnosis);
    output_flush(&objects);
    output_clear(&objects);
    output_text(out, "]</script>");
    rest = write_up_to(out, rest, HTML_SCRIPT);
    output_text(out, "<script>");
    write_all_of(out, page->scripts);
    output_text(out, "</script>");
    output_text(out, rest);
}

static bool append(void *context, const char *data, size_t length)
{
    g_string_append_len(context, data, (gssize)length);
    return true;
}

static void html_open(struct writer *writer)
{
    GString *quoted = g_string_new(NULL);
    char *json = writer_quote(text_json, writer->file);
    struct output out;

    output_init(&out, append, quoted);
    write_without_tags(&out, json, strlen(json));
    output_flush(&out);
    output_clear(&out);
    g_free(json);
    writer->quoted = g_string_free(quoted, FALSE);
}

/** struct state - of a writer that has begun */
struct state {
    struct elements elements;
    struct html_data *data;
};

static struct html_data *data_of(struct writer *writer)
{
    struct state *state = writer->state;

    if (!state) {
        state = g_new0(struct state, 1);
        state->elements.out = &writer->out;
        state->data = html_data_new(writer->settings->rows_max, drain_elements, &state->elements);
        writer->state = state;
    }
    return state->data;
}

static void html_record(struct writer *writer, const struct whyrst_record *record)
{
    html_data_record(data_of(writer), writer->file, record);
}

static void html_close(struct writer *writer, const struct file_report *report)
{
    struct html_data *data = data_of(writer);
    struct writer inner = *writer;

    html_data_totals(data, report->file);
    inner.out = html_data_output(data);
    writer_ndjson.close(&inner, report);
    html_data_free(data);
    g_free(writer->state);
    writer->state = NULL;
}

const struct writer_format writer_html = {
    .name = "html",
    .begin = html_begin,
    .open = html_open,
    .record = html_record,
    .close = html_close,
    .end = html_end,
};
