/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyse.h"

#include <string.h>

#include <glib.h>

#include "console.h"
#include "head.h"
#include "input.h"
#include "report/counters.h"

/* Frames between two looks at how far the file has been read. */
#define PROGRESS_FRAMES 4096u

/* Frames that are decoded and handed to the engine at once. */
#define BATCH_FRAMES 32u

/* Room for their segments: nearly every frame has one or none. */
#define BATCH_SEGMENTS (BATCH_FRAMES + 2 * WHYRST_MAX_SEGMENTS)

/* Packets are captured a little out of order, but not by this much. */
#define OVERLAP_NS INT64_C(1000000000)

/**
 * struct work - what lives while one capture is read
 * @file:      the file under way
 * @head:      its first frames' digest
 * @read_size: sum of the sizes of the files before it
 * @newest_ns: time of the youngest frame, INT64_MIN before the first
 * @side_by_side: files so far that begin before the end of those before them
 * @counted:   the counters when @file began
 * @skipped:   the same of the decoder
 */
struct work {
    struct analysis *analysis;
    struct capture_file *file;
    struct head head;
    struct whyrst_decoder *decoder;
    struct whyrst_engine *engine;
    struct writer writer;
    uint64_t read_size;
    int64_t newest_ns;
    unsigned side_by_side;
    uint64_t counted[WHYRST_COUNTER_COUNT];
    uint64_t skipped[WHYRST_SKIP_COUNT];
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
    if (analysis->summaries) {
        struct capture_file *file =
            frames_file(analysis->files, analysis->file_count, whyrst_record_frame(record));

        if (!file->summary) {
            file->summary = summary_new();
        }
        summary_add(file->summary, record);
    }
    if (!options->summary_only && (!is_connection || options->connections)) {
        lock(analysis);
        if (options->continued) {
            frames_write(&work->writer, analysis->files, analysis->file_count, record);
        } else {
            work->writer.format->record(&work->writer, record);
        }
        unlock(analysis);
    }
}

/* For findings: frame @number of the whole, in its own file. */
static uint64_t frames_locate(void *context, uint64_t number, const char **name)
{
    const struct analysis *analysis = context;
    const struct capture_file *file = frames_file(analysis->files, analysis->file_count, number);

    *name = file->path;
    return number - file->before;
}

/* Of a file, RSTs wait for the end when other connections may explain them; not of a pipe. */
static void show_ready(struct work *work, bool end)
{
    struct whyrst_diagnosis *diagnosis = work->analysis->diagnosis;
    bool now = end || work->analysis->live;
    struct whyrst_record *record;

    while ((record = whyrst_engine_next(work->engine))) {
        if (whyrst_record_kind(record) == WHYRST_RECORD_RST) {
            whyrst_diagnosis_hold(diagnosis, record);
            continue;
        }
        show(work, record);
        whyrst_record_unref(record);
    }
    while ((record = whyrst_diagnosis_release(diagnosis, now))) {
        show(work, record);
        whyrst_record_unref(record);
    }
}

/* Looks at the first frame of a file that continues another one. */
static void check_order(struct work *work, const struct whyrst_frame *frame)
{
    bool begins_before = frame->time_ns < work->newest_ns - OVERLAP_NS && frame->time_ns != 0;

    if (begins_before && work->side_by_side++ == 0) {
        console_failure(work->file->path,
                        "begins before the end of the files before it; captures that were made "
                        "side by side have to be merged first (mergecap)");
    }
}

/* One such file explains itself, a thousand bury what else there is to read. */
static void tell_order(const struct work *work)
{
    if (work->side_by_side > 1) {
        console_message("%u more begin before the end of the files before them",
                        work->side_by_side - 1);
    }
}

/* Of several files in a row: do they follow each other, and where do their frames' numbers begin?
 */
static void join_files(struct work *work, struct whyrst_frame *frames, size_t count)
{
    if (work->file->report.packets == 0 && work->newest_ns != INT64_MIN) {
        check_order(work, &frames[0]);
    }
    for (size_t i = 0; i < count; i++) {
        work->newest_ns = MAX(work->newest_ns, frames[i].time_ns);
        frames[i].number += work->file->before;
    }
}

static void note_frames(struct work *work, const struct whyrst_frame *frames, size_t count)
{
    struct file_report *report = &work->file->report;

    if (report->packets == 0) {
        report->first_ns = frames[0].time_ns;
    }
    report->last_ns = frames[count - 1].time_ns;
    report->packets = frames[count - 1].number - work->file->before;
    for (size_t i = 0; i < count && work->head.taken < HEAD_BYTES; i++) {
        head_add(&work->head, &frames[i]);
    }
}

static void add_frames(struct work *work, struct whyrst_frame *frames, size_t frame_count)
{
    struct whyrst_segment segments[BATCH_SEGMENTS];
    unsigned count = 0;

    if (work->analysis->file_count > 1) {
        join_files(work, frames, frame_count);
    }
    note_frames(work, frames, frame_count);
    for (size_t i = 0; i < frame_count; i++) {
        count += whyrst_decoder_frame(work->decoder, &frames[i], segments + count);
        if (whyrst_decoder_holds(work->decoder) || count > BATCH_SEGMENTS - WHYRST_MAX_SEGMENTS) {
            whyrst_engine_add_all(work->engine, segments, count);
            count = 0;
        }
    }
    whyrst_engine_add_all(work->engine, segments, count);
    show_ready(work, false);
}

/* Takes a batch of what the input has ready, but waits for one frame. */
static enum whyrst_capture_status add_batch(struct work *work, struct input *input)
{
    struct whyrst_frame frames[BATCH_FRAMES];
    size_t count = input_more(input, frames, BATCH_FRAMES);

    if (count == 0) {
        enum whyrst_capture_status status = input_next(input, frames);

        if (status != WHYRST_CAPTURE_OK) {
            return status;
        }
        count = 1 + input_more(input, frames + 1, BATCH_FRAMES - 1);
    }
    add_frames(work, frames, count);
    return WHYRST_CAPTURE_OK;
}

static void fail(struct capture_file *file, char *message)
{
    file->message = message;
    file->report.error = message;
    console_failure(file->path, message);
}

/* Returns false when nobody takes the output any more. */
static bool read_frames(struct work *work, struct input *input)
{
    struct analysis *analysis = work->analysis;
    enum whyrst_capture_status status;
    uint64_t looked = 0;

    while ((status = add_batch(work, input)) == WHYRST_CAPTURE_OK) {
        /* Where packets come slowly, a reader that has left must not be served for hours. */
        if (work->file->report.packets - looked >= PROGRESS_FRAMES || analysis->live) {
            looked = work->file->report.packets;
            atomic_store_explicit(&analysis->offset, work->read_size + input_offset(input),
                                  memory_order_relaxed);
            if (is_broken(analysis)) {
                return false;
            }
        }
    }
    if (status != WHYRST_CAPTURE_END && !input_was_stopped(input)) {
        fail(work->file, g_strdup(input_message(input)));
    }
    return true;
}

/* What the file under way has added to the counters since the last call is its own. */
static void count(struct work *work)
{
    struct file_report *report = &work->file->report;

    for (unsigned i = 0; i < WHYRST_COUNTER_COUNT; i++) {
        uint64_t now = whyrst_engine_count(work->engine, (enum whyrst_counter)i);

        report->counters[i] += now - work->counted[i];
        work->counted[i] = now;
    }
    for (unsigned i = 0; i < WHYRST_SKIP_COUNT; i++) {
        uint64_t now = whyrst_decoder_skipped(work->decoder, (enum whyrst_skip)i);

        report->skipped[i] += now - work->skipped[i];
        work->skipped[i] = now;
    }
}

static void set_live(struct analysis *analysis, bool live)
{
    pthread_mutex_lock(&analysis->lock);
    analysis->live = live;
    pthread_mutex_unlock(&analysis->lock);
}

static bool read_file(struct work *work)
{
    char *message = NULL;
    struct input *input = input_open(work->file->path, &message);
    bool go_on;

    if (!input) {
        fail(work->file, message);
        return true;
    }
    set_live(work->analysis, input_is_live(input));
    go_on = read_frames(work, input);
    input_close(input);
    work->file->head = head_finish(&work->head);
    work->file->report.head = work->file->head;
    count(work);
    work->read_size += work->file->size;
    return go_on;
}

/* The files one after the other, their frames numbered on. */
static void read_files(struct work *work)
{
    struct analysis *analysis = work->analysis;
    uint64_t before = 0;

    /* Until it is reached a file has no frame: frames_file() must not find it. */
    for (size_t i = 0; i < analysis->file_count; i++) {
        analysis->files[i].before = UINT64_MAX;
        analysis->files[i].report.file = analysis->files[i].path;
    }
    for (size_t i = 0; i < analysis->file_count; i++) {
        work->file = &analysis->files[i];
        work->file->before = before;
        if (!read_file(work)) {
            return;
        }
        before += work->file->report.packets;
    }
    tell_order(work);
    whyrst_decoder_finish(work->decoder);
    whyrst_engine_end(work->engine);
    whyrst_diagnosis_conclude(work->analysis->diagnosis);
    count(work);
    show_ready(work, true);
}

/* A table of CSV has no place for what bounds cost. */
static void tell_losses(const struct file_report *report)
{
    for (unsigned i = 0; i < WHYRST_COUNTER_COUNT; i++) {
        if (counter_kinds[i].loss && report->counters[i]) {
            char *text = g_strdup_printf("%" G_GUINT64_FORMAT " %s", report->counters[i],
                                         counter_kinds[i].note);

            console_failure(report->file, text);
            g_free(text);
        }
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
    struct work work = {
        .analysis = analysis,
        .decoder = whyrst_decoder_new(),
        .engine = whyrst_engine_new(&analysis->options->engine),
        .newest_ns = INT64_MIN,
    };

    writer_init(&work.writer, analysis->options->format, analysis->settings, analysis->out,
                analysis->files->path);
    analysis->diagnosis =
        whyrst_diagnosis_new(&analysis->options->diagnosis, analysis->files->path);
    whyrst_diagnosis_watch(analysis->diagnosis, work.engine);
    if (analysis->options->continued) {
        whyrst_diagnosis_locate(analysis->diagnosis, frames_locate, analysis);
    }
    read_files(&work);
    whyrst_engine_free(work.engine);
    whyrst_decoder_free(work.decoder);
    pthread_mutex_lock(&analysis->lock);
    writer_finish(&work.writer, &analysis->files->report);
    for (size_t i = 1; i < analysis->file_count; i++) {
        writer_init(&work.writer, analysis->options->format, analysis->settings, analysis->out,
                    analysis->files[i].path);
        writer_finish(&work.writer, &analysis->files[i].report);
    }
    analysis->live = false;
    pthread_mutex_unlock(&analysis->lock);
    for (size_t i = 0; i < analysis->file_count && analysis->options->format == &writer_csv; i++) {
        tell_losses(&analysis->files[i].report);
    }
    atomic_store(&analysis->offset, analysis->size);
}
