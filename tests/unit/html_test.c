/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page's bounds: what has no room is counted, and a full dictionary begins anew. */
#include <string.h>

#include <glib.h>

#include <whyrst/engine.h>

#include "report/writer.h"

static bool append(void *context, const char *data, size_t length)
{
    g_string_append_len(context, data, (gssize)length);
    return true;
}

/* A SYN from a client and the RST that refuses it. */
static void refuse(struct whyrst_engine *engine, unsigned number)
{
    struct whyrst_segment segment = {
        .time_ns = (int64_t)number * 2000000,
        .frame = 2 * (uint64_t)number + 1,
        .ip_version = 4,
        .source = {10, 0, 0, 1},
        .destination = {10, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number},
        .source_port = 1024,
        .destination_port = 80,
        .seq = 1000,
        .window = 502,
        .flags = 0x02,
        .ttl = 64,
    };

    whyrst_engine_add(engine, &segment);
    memcpy(segment.source, segment.destination, sizeof segment.source);
    memcpy(segment.destination, (uint8_t[16]){10, 0, 0, 1}, sizeof segment.destination);
    segment.frame++;
    segment.time_ns += 1000000;
    segment.source_port = 80;
    segment.destination_port = 1024;
    segment.ack = 1001;
    segment.seq = 0;
    segment.flags = 0x14;
    whyrst_engine_add(engine, &segment);
}

/* The page for @count refusals by as many servers, with room for @rows_max of them. */
static GString *report(unsigned count, uint64_t rows_max)
{
    static const char *const none[] = {NULL};
    const struct html_page page = {
        .markup = HTML_POLICY HTML_STYLE HTML_DATA HTML_SCRIPT, .styles = none, .scripts = none};
    const struct writer_settings settings = {.page = &page, .rows_max = rows_max};
    const struct whyrst_options options = {.connection_records = true};
    const struct file_report outcome = {.file = "<a>", .packets = 2 * (uint64_t)count};
    struct whyrst_engine *engine = whyrst_engine_new(&options);
    struct whyrst_diagnosis *diagnosis = whyrst_diagnosis_new(NULL, "<a>");
    struct whyrst_record *record;
    GString *text = g_string_new(NULL);
    struct writer writer;
    struct output out;

    output_init(&out, append, text);
    writer_html.begin(&out, &settings);
    writer_init(&writer, &writer_html, &settings, &out, outcome.file);
    for (unsigned i = 0; i < count; i++) {
        refuse(engine, i);
    }
    whyrst_engine_finish(engine);
    while ((record = whyrst_engine_next(engine))) {
        writer_html.record(&writer, record);
        whyrst_record_unref(record);
    }
    writer_finish(&writer, &outcome);
    writer_html.end(&out, &settings, diagnosis);
    whyrst_diagnosis_free(diagnosis);
    output_flush(&out);
    output_clear(&out);
    whyrst_engine_free(engine);
    return text;
}

static unsigned occurrences(const GString *text, const char *what)
{
    unsigned count = 0;

    for (const char *at = text->str; (at = strstr(at, what)); at++) {
        count++;
    }
    return count;
}

static void test_rows_without_room(void)
{
    GString *text = report(5, 2);

    g_assert_cmpuint(occurrences(text, "\n,[2,"), ==, 1);
    g_assert_cmpuint(occurrences(text, "\n,[4,"), ==, 1);
    g_assert_cmpuint(occurrences(text, "\n,[6,"), ==, 0);
    g_assert_cmpuint(occurrences(text, "[\"omitted\",3,0]"), ==, 1);
    g_assert_cmpuint(occurrences(text, "[\"connections\","), ==, 5);
    g_string_free(text, TRUE);
}

static void test_nothing_omitted(void)
{
    GString *text = report(3, 3);

    g_assert_cmpuint(occurrences(text, "omitted"), ==, 0);
    g_assert_cmpuint(occurrences(text, "<a>"), ==, 0);
    g_assert_cmpuint(occurrences(text, "\"file\":\"\\u003ca>\""), ==, 1);
    g_string_free(text, TRUE);
}

/* Addresses and evidence differ from row to row, and fill the dictionary. */
static void test_bounds(void)
{
    const unsigned count = HTML_DICTIONARY + 1000;
    GString *text = report(count, count);

    /* Strings that all share come again after that, and not for each row. */
    g_assert_cmpuint(occurrences(text, "\"refused-handshake\""), >, 1);
    g_assert_cmpuint(occurrences(text, "\"refused-handshake\""), <, 10);
    g_assert_cmpuint(occurrences(text, "[\"connections\","), ==, 20000);
    g_assert_cmpuint(occurrences(text, "[\"omitted\",0,46536]"), ==, 1);
    g_string_free(text, TRUE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/html/rows-without-room", test_rows_without_room);
    g_test_add_func("/html/nothing-omitted", test_nothing_omitted);
    g_test_add_func("/html/bounds", test_bounds);
    return g_test_run();
}
