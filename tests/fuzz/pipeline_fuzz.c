/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames from anywhere through decoder, engine and every writer. An input is as decode_fuzz.c's: a
 * link type, then frames, each with its length and time step before it. NDJSON and CSV are valid
 * and have a row for each record, endpoint and finding, tables are harmless, no tag begins in a
 * page's data; counters add up, and no share is above 1; a batch says what segments one by one say.
 */
#include <string.h>

#include <whyrst/decode.h>
#include <whyrst/engine.h>

#include "bytes/cursor.h"
#include "output_check.h"
#include "report/summary.h"
#include "report/writer.h"

#define BATCH 32u

/* Room for few RSTs on the page, and a page with nothing around the data but PAGE_TAGS tags. */
#define PAGE_ROWS 20u
#define PAGE_TAGS 7u

static const struct writer_format *const formats[] = {&writer_ndjson, &writer_csv, &writer_table,
                                                      &writer_html};
static const char *const nothing[] = {NULL};
static const struct html_page page = {
    .markup = HTML_POLICY HTML_STYLE HTML_DATA HTML_SCRIPT, .styles = nothing, .scripts = nothing};
static const struct writer_settings settings = {
    .connections = true, .width = 100, .page = &page, .rows_max = PAGE_ROWS};

/** struct pipeline - one engine and what came out of it */
struct pipeline {
    struct whyrst_engine *engine;
    struct whyrst_diagnosis *diagnosis;
    struct writer writers[G_N_ELEMENTS(formats)];
    struct output outputs[G_N_ELEMENTS(formats)];
    GString *texts[G_N_ELEMENTS(formats)];
    struct summary *summary;
    uint64_t resets, duplicates, connections, packets, records, rows;
};

static bool append(void *context, const char *data, size_t length)
{
    g_string_append_len(context, data, (gssize)length);
    return true;
}

static void begin(struct pipeline *p)
{
    const struct whyrst_options options = {.max_connections = 40, .connection_records = true};

    *p = (struct pipeline){.engine = whyrst_engine_new(&options), .summary = summary_new()};
    p->diagnosis = whyrst_diagnosis_new(NULL, "x");
    whyrst_diagnosis_watch(p->diagnosis, p->engine);
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
        p->texts[i] = g_string_new(NULL);
        output_init(&p->outputs[i], append, p->texts[i]);
        if (formats[i]->begin) {
            formats[i]->begin(&p->outputs[i], &settings);
        }
        writer_init(&p->writers[i], formats[i], &settings, &p->outputs[i], "<x>");
    }
}

static void take_records(struct pipeline *p)
{
    struct whyrst_record *record;
    struct whyrst_value value;

    while ((record = whyrst_engine_next(p->engine))) {
        if (whyrst_record_kind(record) == WHYRST_RECORD_RST) {
            p->resets++;
            p->duplicates += whyrst_record_get(record, WHYRST_FIELD_DUPLICATE_OF, &value);
        } else {
            p->connections++;
            require(whyrst_record_get(record, WHYRST_FIELD_PACKETS, &value));
            p->packets += value.integer;
        }
        for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
            p->writers[i].format->record(&p->writers[i], record);
        }
        summary_add(p->summary, record);
        p->rows++;
        p->records++;
        whyrst_record_unref(record);
    }
}

static void check_counters(const struct pipeline *p, uint64_t segments)
{
    uint64_t taken = whyrst_engine_count(p->engine, WHYRST_COUNT_SEGMENTS);

    require(taken + whyrst_engine_count(p->engine, WHYRST_COUNT_QUOTED) +
                whyrst_engine_count(p->engine, WHYRST_COUNT_DUPLICATES) ==
            segments);
    require(whyrst_engine_count(p->engine, WHYRST_COUNT_RESETS) == p->resets - p->duplicates);
    require(p->packets <= segments);
    require(p->connections <= whyrst_engine_count(p->engine, WHYRST_COUNT_CONNECTIONS));
}

/* Whatever names there are, the data begins no tag. */
static void check_page(const GString *text)
{
    unsigned tags = 0;

    require(g_utf8_validate(text->str, (gssize)text->len, NULL));
    for (gsize i = 0; i < text->len; i++) {
        tags += text->str[i] == '<';
    }
    require(tags == PAGE_TAGS);
}

static void check_texts(const struct pipeline *p)
{
    require(require_ndjson(p->texts[0]) == p->rows + 1); /* the file's object */
    require(require_csv(p->texts[1]) == p->records + 1); /* the header */
    require_harmless(p->texts[2]->str, p->texts[2]->len);
    check_page(p->texts[3]);
}

static void count_diagnosis(struct pipeline *p)
{
    const struct whyrst_endpoint *endpoint;
    const struct whyrst_ja4 *ja4;
    const struct whyrst_finding *finding;
    struct whyrst_value rate, low, high;

    for (size_t i = 0; (endpoint = whyrst_diagnosis_endpoint(p->diagnosis, i)); i++) {
        p->rows++;
        if (whyrst_endpoint_get(endpoint, WHYRST_ENDPOINT_FIELD_RESET_RATE, &rate)) {
            require(whyrst_endpoint_get(endpoint, WHYRST_ENDPOINT_FIELD_RATE_LOW, &low));
            require(whyrst_endpoint_get(endpoint, WHYRST_ENDPOINT_FIELD_RATE_HIGH, &high));
            require(0 <= low.number && low.number <= rate.number && rate.number <= high.number &&
                    high.number <= 1);
        }
    }
    for (size_t i = 0; (ja4 = whyrst_diagnosis_ja4(p->diagnosis, i)); i++) {
        p->rows++;
        require(whyrst_ja4_get(ja4, WHYRST_JA4_FIELD_RATE_LOW, &low) &&
                whyrst_ja4_get(ja4, WHYRST_JA4_FIELD_RATE_HIGH, &high));
        require(0 <= low.number && low.number <= high.number && high.number <= 1);
    }
    for (size_t i = 0; (finding = whyrst_diagnosis_finding(p->diagnosis, i)); i++) {
        p->rows++;
        if (whyrst_finding_get(finding, WHYRST_FINDING_FIELD_RATE, &rate)) {
            require(rate.number <= 1);
        }
    }
}

static void end(struct pipeline *p, uint64_t frames, uint64_t segments)
{
    struct file_report report = {.file = "<x>", .packets = frames};

    whyrst_engine_finish(p->engine);
    whyrst_diagnosis_conclude(p->diagnosis);
    take_records(p);
    check_counters(p, segments);
    count_diagnosis(p);
    for (unsigned i = 0; i < WHYRST_COUNTER_COUNT; i++) {
        report.counters[i] = whyrst_engine_count(p->engine, (enum whyrst_counter)i);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
        struct output *out = &p->outputs[i];

        writer_finish(&p->writers[i], &report);
        if (formats[i]->for_people) {
            struct summary *sum = summary_new();

            summary_merge(sum, p->summary, &report);
            summary_write(sum, p->diagnosis, out, &settings, true);
            summary_free(sum);
        }
        if (formats[i]->end) {
            formats[i]->end(out, &settings, p->diagnosis);
        }
        output_flush(out);
    }
    check_texts(p);
}

static void clear(struct pipeline *p)
{
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
        output_clear(&p->outputs[i]);
        g_string_free(p->texts[i], TRUE);
    }
    summary_free(p->summary);
    whyrst_engine_free(p->engine);
    whyrst_diagnosis_free(p->diagnosis);
}

/** struct batch - segments on their way to the second engine */
struct batch {
    struct whyrst_segment segments[BATCH + WHYRST_MAX_SEGMENTS];
    unsigned count;
};

static void flush(struct batch *batch, struct pipeline *together)
{
    whyrst_engine_add_all(together->engine, batch->segments, batch->count);
    batch->count = 0;
    take_records(together);
}

static void add_frame(struct whyrst_decoder *decoder, const struct whyrst_frame *frame,
                      struct pipeline *single, struct pipeline *together, struct batch *batch,
                      uint64_t *total)
{
    struct whyrst_segment *segments = batch->segments + batch->count;
    unsigned count = whyrst_decoder_frame(decoder, frame, segments);

    *total += count;
    for (unsigned i = 0; i < count; i++) {
        whyrst_engine_add(single->engine, &segments[i]);
    }
    take_records(single);
    batch->count += count;
    if (batch->count >= BATCH || whyrst_decoder_holds(decoder)) {
        flush(batch, together);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = cursor_make(data, size);
    struct whyrst_decoder *decoder = whyrst_decoder_new();
    struct whyrst_frame frame = {.link_type = cursor_be16(&c)};
    struct pipeline single, together;
    struct batch batch = {.count = 0};
    uint64_t total = 0;

    begin(&single);
    begin(&together);
    while (cursor_left(&c) >= 3) {
        uint32_t length = cursor_be16(&c);
        uint8_t step = cursor_u8(&c);

        frame.number++;
        frame.time_ns += (step < 0x80 ? step : (step - 0x80) * 4000) * INT64_C(1000000);
        frame.captured = (uint32_t)MIN(length, cursor_left(&c));
        frame.length = length;
        frame.data = c.at;
        cursor_skip(&c, frame.captured);
        add_frame(decoder, &frame, &single, &together, &batch, &total);
    }
    flush(&batch, &together);
    whyrst_decoder_finish(decoder);
    end(&single, frame.number, total);
    end(&together, frame.number, total);
    require(strcmp(single.texts[0]->str, together.texts[0]->str) == 0);
    clear(&single);
    clear(&together);
    whyrst_decoder_free(decoder);
    return 0;
}
