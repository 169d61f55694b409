/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/findings.h"

#include <string.h>

#include <glib.h>

#include "report/text.h"

#define SHOWN_FINDINGS  10u
#define SHOWN_ENDPOINTS 10u
#define NAME_COLUMNS    40u
#define INDENT          5u

#define KEY(id, name, type, help)      TEXT_KEY(name),
#define KEY_FITS(id, name, type, help) TEXT_KEY_FITS(name);

static const struct text_key endpoint_keys[] = {WHYRST_ENDPOINT_FIELDS(KEY)};
static const struct text_key ja4_keys[] = {WHYRST_JA4_FIELDS(KEY)};
static const struct text_key finding_keys[] = {WHYRST_FINDING_FIELDS(KEY)};

WHYRST_ENDPOINT_FIELDS(KEY_FITS)
WHYRST_JA4_FIELDS(KEY_FITS)
WHYRST_FINDING_FIELDS(KEY_FITS)

static void write_member(struct output *out, const struct text_key *key,
                         const struct whyrst_value *value)
{
    text_json_key(out, key);
    text_json_value(out, value);
}

static void write_endpoint(struct output *out, const struct whyrst_endpoint *endpoint)
{
    struct whyrst_value value;

    output_text(out, "{\"type\":\"endpoint\"");
    for (unsigned i = 0; i < WHYRST_ENDPOINT_FIELD_COUNT; i++) {
        if (whyrst_endpoint_get(endpoint, (enum whyrst_endpoint_field)i, &value)) {
            write_member(out, &endpoint_keys[i], &value);
        }
    }
    output_text(out, "}\n");
}

static void write_ja4(struct output *out, const struct whyrst_ja4 *ja4)
{
    struct whyrst_value value;

    output_text(out, "{\"type\":\"ja4\"");
    for (unsigned i = 0; i < WHYRST_JA4_FIELD_COUNT; i++) {
        if (whyrst_ja4_get(ja4, (enum whyrst_ja4_field)i, &value)) {
            write_member(out, &ja4_keys[i], &value);
        }
    }
    output_text(out, "}\n");
}

static void write_finding(struct output *out, const struct whyrst_finding *finding)
{
    struct whyrst_value value;

    output_text(out, "{\"type\":\"finding\"");
    for (unsigned i = 0; i < WHYRST_FINDING_FIELD_COUNT; i++) {
        if (whyrst_finding_get(finding, (enum whyrst_finding_field)i, &value)) {
            write_member(out, &finding_keys[i], &value);
        }
    }
    output_text(out, "}\n");
}

static void write_bounds(struct output *out, const struct whyrst_diagnosis *diagnosis)
{
    char text[128];
    uint64_t given_up = whyrst_diagnosis_dropped(diagnosis);
    uint64_t left_out = whyrst_diagnosis_left_out(diagnosis);

    if (given_up || left_out) {
        g_snprintf(text, sizeof text,
                   "{\"type\":\"bounds\",\"given_up\":%" G_GUINT64_FORMAT
                   ",\"findings_left_out\":%" G_GUINT64_FORMAT "}\n",
                   given_up, left_out);
        output_text(out, text);
    }
}

void findings_write_ndjson(struct output *out, const struct writer_settings *settings,
                           const struct whyrst_diagnosis *diagnosis)
{
    const struct whyrst_endpoint *endpoint;
    const struct whyrst_ja4 *ja4;
    const struct whyrst_finding *finding;

    (void)settings;
    for (size_t i = 0; (endpoint = whyrst_diagnosis_endpoint(diagnosis, i)); i++) {
        write_endpoint(out, endpoint);
    }
    for (size_t i = 0; (ja4 = whyrst_diagnosis_ja4(diagnosis, i)); i++) {
        write_ja4(out, ja4);
    }
    for (size_t i = 0; (finding = whyrst_diagnosis_finding(diagnosis, i)); i++) {
        write_finding(out, finding);
    }
    write_bounds(out, diagnosis);
}

static const char *text_of(const struct whyrst_finding *finding, enum whyrst_finding_field field)
{
    struct whyrst_value value;

    return whyrst_finding_get(finding, field, &value) ? value.string : "";
}

/* A harmless form of @before and @text, wrapped; nothing of an empty @text. */
static void write_line(struct output *out, const char *before, const char *text, unsigned indent,
                       unsigned width)
{
    char line[1024];
    struct strbuf s = strbuf_make(line, sizeof line);

    if (*text) {
        strbuf_add(&s, before);
        text_safe(&s, text, 0);
        text_wrapped(out, line, indent, width ? width : UINT_MAX);
    }
}

static void write_for_people(const struct whyrst_finding *finding, struct output *out,
                             const struct writer_settings *settings, size_t number)
{
    struct whyrst_value evidence;
    char head[32];

    g_snprintf(head, sizeof head, "%" G_GSIZE_FORMAT ". ", number);
    output_text(out, settings->color ? "\033[1m" : "");
    write_line(out, head, text_of(finding, WHYRST_FINDING_FIELD_TEXT), 2, settings->width);
    output_text(out, settings->color ? "\033[0m" : "");
    head[0] = '\0';
    g_strlcat(head, text_of(finding, WHYRST_FINDING_FIELD_KIND), sizeof head);
    g_strlcat(head, ": ", sizeof head);
    if (whyrst_finding_get(finding, WHYRST_FINDING_FIELD_EVIDENCE, &evidence)) {
        for (size_t i = 0; i < evidence.count; i++) {
            write_line(out, i ? "" : head, evidence.strings[i], INDENT, settings->width);
        }
    }
    write_line(out, "confidence ", text_of(finding, WHYRST_FINDING_FIELD_CONFIDENCE), INDENT,
               settings->width);
    write_line(out, "To do: ", text_of(finding, WHYRST_FINDING_FIELD_ADVICE), INDENT,
               settings->width);
    write_line(out, "", text_of(finding, WHYRST_FINDING_FIELD_OPEN), INDENT, 0);
}

/* What had no room, unless nothing. */
static void write_count(struct output *out, uint64_t count, const char *what)
{
    char text[TEXT_MAX];

    if (count) {
        output_text(out, "  ");
        output_bytes(out, text, text_grouped(text, count));
        output_text(out, what);
    }
}

void findings_write(const struct whyrst_diagnosis *diagnosis, struct output *out,
                    const struct writer_settings *settings)
{
    const struct whyrst_finding *finding;
    size_t count = 0;
    char text[64];

    while (whyrst_diagnosis_finding(diagnosis, count)) {
        count++;
    }
    if (count) {
        output_text(out, "\nFindings across connections\n");
    }
    for (size_t i = 0; i < MIN(count, SHOWN_FINDINGS); i++) {
        finding = whyrst_diagnosis_finding(diagnosis, i);
        write_for_people(finding, out, settings, i + 1);
    }
    if (count > SHOWN_FINDINGS) {
        g_snprintf(text, sizeof text, "  and %" G_GSIZE_FORMAT " more (--format=ndjson)\n",
                   count - SHOWN_FINDINGS);
        output_text(out, text);
    }
    write_count(out, whyrst_diagnosis_early(diagnosis), " resets were reported before the end\n");
    write_count(out, whyrst_diagnosis_left_out(diagnosis), " more findings had no room\n");
    write_count(out, whyrst_diagnosis_dropped(diagnosis),
                " times an endpoint, client or name had no room in the diagnosis\n");
}

static uint64_t count_of(const struct whyrst_endpoint *endpoint, enum whyrst_endpoint_field field)
{
    struct whyrst_value value;

    return whyrst_endpoint_get(endpoint, field, &value) ? value.integer : 0;
}

static void write_endpoint_row(const struct whyrst_endpoint *endpoint, struct output *out)
{
    char text[512];
    struct strbuf s = strbuf_make(text, sizeof text);
    struct whyrst_value value, low, high;

    strbuf_add(&s, "  ");
    whyrst_endpoint_get(endpoint, WHYRST_ENDPOINT_FIELD_NAME, &value);
    text_safe(&s, value.string, NAME_COLUMNS);
    while (text_columns(text) < NAME_COLUMNS + 2 && !s.truncated) {
        strbuf_add_char(&s, ' ');
    }
    strbuf_addf(&s, " %9" G_GUINT64_FORMAT, count_of(endpoint, WHYRST_ENDPOINT_FIELD_ATTEMPTS));
    strbuf_addf(&s, " %9" G_GUINT64_FORMAT, count_of(endpoint, WHYRST_ENDPOINT_FIELD_REFUSED));
    strbuf_addf(&s, " %9" G_GUINT64_FORMAT,
                count_of(endpoint, WHYRST_ENDPOINT_FIELD_UNANSWERED) +
                    count_of(endpoint, WHYRST_ENDPOINT_FIELD_UNREACHABLE));
    strbuf_addf(&s, " %9" G_GUINT64_FORMAT, count_of(endpoint, WHYRST_ENDPOINT_FIELD_RESETS));
    if (whyrst_endpoint_get(endpoint, WHYRST_ENDPOINT_FIELD_RESET_RATE, &value) &&
        whyrst_endpoint_get(endpoint, WHYRST_ENDPOINT_FIELD_RATE_LOW, &low) &&
        whyrst_endpoint_get(endpoint, WHYRST_ENDPOINT_FIELD_RATE_HIGH, &high)) {
        strbuf_addf(&s, " %5.1f %% (%.1f-%.1f)", 100 * value.number, 100 * low.number,
                    100 * high.number);
    }
    if (whyrst_endpoint_get(endpoint, WHYRST_ENDPOINT_FIELD_STATE, &value)) {
        strbuf_addf(&s, " %s", value.string);
    }
    strbuf_add_char(&s, '\n');
    output_bytes(out, text, s.length);
}

void findings_write_endpoints(const struct whyrst_diagnosis *diagnosis, struct output *out)
{
    const struct whyrst_endpoint *endpoint;
    struct whyrst_value state;

    for (size_t i = 0; i < SHOWN_ENDPOINTS; i++) {
        endpoint = whyrst_diagnosis_endpoint(diagnosis, i);
        if (!endpoint || !whyrst_endpoint_get(endpoint, WHYRST_ENDPOINT_FIELD_STATE, &state)) {
            break;
        }
        if (i == 0) {
            output_text(out, "\nEndpoints to look at                        attempts   refused "
                             "no answer     reset of established\n");
        }
        write_endpoint_row(endpoint, out);
    }
}
