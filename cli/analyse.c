/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyse.h"

#include <string.h>

#include <glib.h>

#include "console.h"
#include "input.h"

/* Frames between two looks at how far the file has been read. */
#define PROGRESS_FRAMES 4096u

/* Segments that the engine gets at once, with room for a last frame of several. */
#define BATCH_SEGMENTS (32u + WHYRST_MAX_SEGMENTS)

/** struct work - what lives while one capture is read */
struct work {
    struct analysis *analysis;
    struct whyrst_decoder *decoder;
    struct whyrst_engine *engine;
    struct writer writer;
};

static void lock(struct analysis *analysis)
{
    if (analysis->live) {
        pthread_mutex_lock(&analysis->lock);
    }
}

static void unlock(struct analysis *analysis)
{
    if (analysis->live) {
        pthread_mutex_unlock(&analysis->lock);
    }
}

static bool is_broken(struct analysis *analysis)
{
    bool broken;

    lock(analysis);
    broken = analysis->out->failed;
    unlock(analysis);
    return broken;
}

static void show(struct work *work, const struct whyrst_record *record)
{
    struct analysis *analysis = work->analysis;
    const struct options *options = analysis->options;
    bool is_connection = whyrst_record_kind(record) == WHYRST_RECORD_CONNECTION;

    if (!filter_matches(options->filter, record)) {
        return;
    }
    if (analysis->summary) {
        summary_add(analysis->summary, record);
    }
    if (!options->summary_only && (!is_connection || options->connections)) {
        lock(analysis);
        work->writer.format->record(&work->writer, record);
        unlock(analysis);
    }
}

static void show_ready(struct work *work)
{
    struct whyrst_record *record;

    while ((record = whyrst_engine_next(work->engine))) {
        show(work, record);
        whyrst_record_unref(record);
    }
}

/* Reads what the input has ready, up to a batch, and hands it to the engine at once. */
static enum whyrst_capture_status add_frames(struct work *work, struct input *input)
{
    struct whyrst_segment segments[BATCH_SEGMENTS];
    enum whyrst_capture_status status;
    unsigned count = 0;

    do {
        struct whyrst_frame frame;

        status = input_next(input, &frame);
        if (status != WHYRST_CAPTURE_OK) {
            break;
        }
        count += whyrst_decoder_frame(work->decoder, &frame, segments + count);
        work->analysis->report.packets = frame.number;
    } while (count + WHYRST_MAX_SEGMENTS <= BATCH_SEGMENTS &&
             !whyrst_decoder_holds(work->decoder) && input_is_ready(input));
    whyrst_engine_add_all(work->engine, segments, count);
    show_ready(work);
    return status;
}

static void fail(struct analysis *analysis, char *message)
{
    analysis->message = message;
    analysis->report.error = message;
    console_message("%s: %s", strcmp(analysis->path, "-") == 0 ? "standard input" : analysis->path,
                    message);
}

static void read_frames(struct work *work, struct input *input)
{
    struct analysis *analysis = work->analysis;
    enum whyrst_capture_status status;
    uint64_t looked = 0;

    while ((status = add_frames(work, input)) == WHYRST_CAPTURE_OK) {
        if (analysis->report.packets - looked >= PROGRESS_FRAMES) {
            looked = analysis->report.packets;
            atomic_store_explicit(&analysis->offset, input_offset(input), memory_order_relaxed);
            if (is_broken(analysis)) {
                return;
            }
        }
    }
    whyrst_decoder_finish(work->decoder);
    whyrst_engine_finish(work->engine);
    show_ready(work);
    if (status != WHYRST_CAPTURE_END) {
        fail(analysis, g_strdup(input_message(input)));
    }
}

static void count(struct work *work)
{
    struct file_report *report = &work->analysis->report;

    for (unsigned i = 0; i < WHYRST_COUNTER_COUNT; i++) {
        report->counters[i] = whyrst_engine_count(work->engine, (enum whyrst_counter)i);
    }
    for (unsigned i = 0; i < WHYRST_SKIP_COUNT; i++) {
        report->skipped[i] = whyrst_decoder_skipped(work->decoder, (enum whyrst_skip)i);
    }
}

void analysis_flush(struct analysis *analysis)
{
    pthread_mutex_lock(&analysis->lock);
    if (analysis->live) {
        output_flush(analysis->out);
    }
    pthread_mutex_unlock(&analysis->lock);
}

void analyse(struct analysis *analysis)
{
    struct work work = {.analysis = analysis};
    char *message = NULL;
    struct input *input = input_open(analysis->path, &message);

    analysis->report.file = analysis->path;
    writer_init(&work.writer, analysis->options->format, analysis->settings, analysis->out,
                analysis->path);
    if (input) {
        analysis->live = input_is_live(input);
        work.decoder = whyrst_decoder_new();
        work.engine = whyrst_engine_new(&analysis->options->engine);
        read_frames(&work, input);
        count(&work);
        whyrst_engine_free(work.engine);
        whyrst_decoder_free(work.decoder);
        input_close(input);
    } else {
        fail(analysis, message);
    }
    pthread_mutex_lock(&analysis->lock);
    writer_finish(&work.writer, &analysis->report);
    analysis->live = false;
    pthread_mutex_unlock(&analysis->lock);
    atomic_store(&analysis->offset, analysis->size);
}
