/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Workers take captures in the order given; their output comes out in that order, whoever is done
 * first. A ticker thread draws the progress bar and flushes live captures, so that the loop over
 * packets needs neither a clock nor a system call per record.
 */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <glib.h>

#include "analyse.h"
#include "console.h"
#include "destination.h"
#include "input.h"
#include "ordered.h"
#include "page.h"
#include "sandbox.h"
#include "sequence.h"
#include "stop.h"

/* A record of a live capture waits at most this long in a buffer. */
#define TICK_NS          100000000L
#define NARROWEST_OUTPUT 40u
/* Longer names of captures push their rows to the right. */
#define WIDEST_FILE_NAME 60u

struct run {
    const struct options *options;
    struct writer_settings settings;
    struct ordered *ordered;
    struct destination destination;
    char **inputs;
    struct capture_file *files; /* one for each input */
    size_t file_count;
    struct analysis *analyses; /* one for each file, or one for all that continue one another */
    size_t count;
    uint64_t total_size;  /* 0 when some size is unknown */
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t tick;
    bool finished;
    bool failed;
    size_t next;
    struct summary *summary;
    struct whyrst_diagnosis *diagnosis; /* of the first @diagnosed analyses together, or NULL */
    size_t diagnosed;
    bool *analysed; /* by analysis */
};

static struct writer_settings make_settings(const struct run *run)
{
    const char *no_color = g_getenv("NO_COLOR");
    struct winsize size;
    struct writer_settings settings = {
        .connections = run->options->connections,
        .several = run->file_count > 1,
        .page = &page,
        .rows_max = MAX(PAGE_RESETS / MAX(run->file_count, 1), PAGE_RESETS_EACH),
    };

    for (char **input = run->inputs; *input; input++) {
        size_t length = MIN(strlen(*input), WIDEST_FILE_NAME);

        settings.file_width = MAX(settings.file_width, (unsigned)length);
    }
    if (isatty(run->destination.fd)) {
        settings.color = !(no_color && *no_color) && g_strcmp0(g_getenv("TERM"), "dumb") != 0;
        if (ioctl(run->destination.fd, TIOCGWINSZ, &size) == 0 && size.ws_col) {
            settings.width = MAX(size.ws_col, NARROWEST_OUTPUT);
        }
    }
    return settings;
}

/* Whether a capture is no file, whose size is known, but something that could be waited for. */
static bool has_pipes(char **inputs)
{
    struct stat info;

    for (char **input = inputs; *input; input++) {
        /* What is not there will be reported when it is opened. */
        if (input_stat(*input, &info) && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
            return true;
        }
    }
    return false;
}

static uint64_t find_size(const char *path)
{
    struct stat info;

    return input_stat(path, &info) && S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
}

static void make_analyses(struct run *run, bool pipes)
{
    size_t each = run->options->continued ? run->file_count : 1;

    run->count = run->file_count / each;
    run->files = g_new0(struct capture_file, run->file_count);
    run->analyses = g_new0(struct analysis, run->count);
    run->analysed = g_new0(bool, run->count);
    for (size_t i = 0; i < run->file_count; i++) {
        struct analysis *analysis = &run->analyses[i / each];

        run->files[i].path = run->inputs[i];
        run->files[i].size = find_size(run->inputs[i]);
        analysis->size += run->files[i].size;
        run->total_size += run->files[i].size;
    }
    for (size_t i = 0; i < run->count; i++) {
        struct analysis *analysis = &run->analyses[i];

        analysis->options = run->options;
        analysis->settings = &run->settings;
        analysis->files = &run->files[i * each];
        analysis->file_count = each;
        analysis->summaries = run->summary != NULL;
        pthread_mutex_init(&analysis->lock, NULL);
    }
    if (pipes) {
        run->total_size = 0;
    }
}

/* Takes over a finished file's figures and frees the rest of it. */
static void collect_file(struct run *run, struct capture_file *file)
{
    pthread_mutex_lock(&run->lock);
    run->failed |= file->report.error != NULL;
    if (run->summary) {
        if (!file->summary) {
            file->summary = summary_new();
        }
        summary_merge(run->summary, file->summary, &file->report);
    }
    pthread_mutex_unlock(&run->lock);
    summary_free(file->summary);
    file->summary = NULL;
    g_clear_pointer(&file->message, g_free);
    g_clear_pointer(&file->quoted, g_free);
    g_clear_pointer(&file->head, g_free);
    file->report.error = file->report.head = NULL;
}

/* Diagnoses add up in the order of the captures, whoever is done first: ORDERED_AHEAD wait at most.
 */
static void collect_diagnosis(struct run *run, size_t index)
{
    pthread_mutex_lock(&run->lock);
    run->analysed[index] = true;
    while (run->diagnosed < run->count && run->analysed[run->diagnosed]) {
        struct analysis *analysis = &run->analyses[run->diagnosed++];

        if (!run->diagnosis) {
            run->diagnosis = g_steal_pointer(&analysis->diagnosis);
            continue;
        }
        whyrst_diagnosis_merge(run->diagnosis, analysis->diagnosis);
        g_clear_pointer(&analysis->diagnosis, whyrst_diagnosis_free);
    }
    pthread_mutex_unlock(&run->lock);
}

static void free_diagnoses(struct run *run)
{
    for (size_t i = run->diagnosed; i < run->count; i++) {
        whyrst_diagnosis_free(
            run->analyses[i].diagnosis); /* is still there when the output broke */
    }
    whyrst_diagnosis_free(run->diagnosis);
    g_free(run->analysed);
}

static void free_files(struct run *run)
{
    for (size_t i = 0; i < run->file_count && run->files; i++) {
        summary_free(run->files[i].summary); /* is still there when the output broke */
        g_free(run->files[i].message);
        g_free(run->files[i].quoted);
        g_free(run->files[i].head);
    }
    g_free(run->files);
}

static void *work(void *data)
{
    struct run *run = data;

    for (;;) {
        struct analysis *analysis;
        size_t index;

        pthread_mutex_lock(&run->lock);
        index = run->next;
        run->next += index < run->count;
        pthread_mutex_unlock(&run->lock);
        if (index == run->count) {
            return NULL;
        }
        analysis = &run->analyses[index];
        analysis->out = ordered_start(run->ordered, index + 1);
        if (!analysis->out) {
            return NULL;
        }
        analyse(analysis);
        for (size_t i = 0; i < analysis->file_count; i++) {
            collect_file(run, &analysis->files[i]);
        }
        collect_diagnosis(run, index);
        ordered_end(run->ordered, index + 1);
    }
}

static void draw(const struct run *run)
{
    uint64_t done = 0;

    for (size_t i = 0; i < run->count; i++) {
        done += atomic_load_explicit(&run->analyses[i].offset, memory_order_relaxed);
    }
    console_progress(done, run->total_size);
}

/* Waits with the lock held; returns whether it was woken before the time was over. */
static bool wait_a_tick(struct run *run)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += TICK_NS;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    return pthread_cond_timedwait(&run->tick, &run->lock, &until) == 0;
}

static void *tick(void *data)
{
    struct run *run = data;

    pthread_mutex_lock(&run->lock);
    while (!run->finished) {
        size_t started = run->next;

        if (wait_a_tick(run)) {
            continue;
        }
        pthread_mutex_unlock(&run->lock);
        for (size_t i = started > ORDERED_AHEAD ? started - ORDERED_AHEAD : 0; i < started; i++) {
            analysis_flush(&run->analyses[i]);
        }
        if (run->options->progress) {
            draw(run);
        }
        pthread_mutex_lock(&run->lock);
    }
    pthread_mutex_unlock(&run->lock);
    return NULL;
}

static void start(pthread_t *thread, void *(*function)(void *), struct run *run)
{
    int error = pthread_create(thread, NULL, function, run);

    if (error) {
        console_message("cannot start a thread: %s", g_strerror(error));
        exit(EXIT_NOT_ALL_READ);
    }
}

static void do_work(struct run *run)
{
    unsigned workers = (unsigned)MIN(run->options->jobs, run->count);
    g_autofree pthread_t *threads = g_new(pthread_t, workers);

    /* This thread is a worker, too: the first of @threads is the ticker. */
    start(&threads[0], tick, run);
    for (unsigned i = 1; i < workers; i++) {
        start(&threads[i], work, run);
    }
    work(run);
    for (unsigned i = 1; i < workers; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_mutex_lock(&run->lock);
    run->finished = true;
    pthread_cond_signal(&run->tick);
    pthread_mutex_unlock(&run->lock);
    pthread_join(threads[0], NULL);
    console_clear();
}

/* What comes after all captures. */
static void write_end(struct run *run, struct output *out)
{
    const struct options *options = run->options;

    if (!run->diagnosis) {
        run->diagnosis = whyrst_diagnosis_new(NULL, NULL); /* there was no capture to read */
    }
    whyrst_diagnosis_conclude(run->diagnosis);
    if (run->summary) {
        summary_write(run->summary, run->diagnosis, out, &run->settings, !options->summary_only);
    }
    if (options->format->end) {
        options->format->end(out, &run->settings, run->diagnosis);
    }
}

/* The part before all captures, and the one after them. */
static void write_edge(struct run *run, size_t part)
{
    const struct options *options = run->options;
    struct output *out = ordered_start(run->ordered, part);

    if (!out) {
        return;
    }
    if (part == 0 && options->format->begin && !options->summary_only) {
        if (options->continued) {
            frames_begin(options->format, out, &run->settings);
        } else {
            options->format->begin(out, &run->settings);
        }
    } else if (part > 0) {
        write_end(run, out);
    }
    ordered_end(run->ordered, part);
}

/* Returns false when there is to be a sandbox and cannot be. */
static bool enter_sandbox(const struct run *run, bool pipes)
{
    char *message;

    if (run->options->sandbox == SANDBOX_OFF) {
        return true;
    }
    /* Output that waits for its turn, and pipes in formats of libwiretap's, are spooled. */
    message =
        sandbox_enter(run->inputs, (run->file_count > 1 && !run->options->continued) || pipes);
    if (message && run->options->sandbox == SANDBOX_REQUIRED) {
        console_message("--sandbox: %s", message);
        g_free(message);
        return false;
    }
    g_free(message);
    return true;
}

static enum exit_status read_all(struct run *run)
{
    bool pipes = has_pipes(run->inputs), written;

    if (pipes && !stop_catch()) {
        console_message("cannot make a pipe: %s", g_strerror(errno));
        return EXIT_NOT_ALL_READ;
    }
    if (!enter_sandbox(run, pipes)) {
        return EXIT_NOT_ALL_READ;
    }
    if (run->options->continued) {
        sequence_sort(run->inputs);
    }
    make_analyses(run, pipes);
    run->ordered = ordered_new(run->destination.fd, run->count + 2);
    write_edge(run, 0);
    do_work(run);
    write_edge(run, run->count + 1);
    written = destination_close(&run->destination, ordered_error(run->ordered));
    return written && !run->failed ? EXIT_ALL_READ : EXIT_NOT_ALL_READ;
}

enum exit_status run(const struct options *options)
{
    struct run run = {
        .options = options,
        .inputs =
            options->continued ? sequence_expand(options->inputs) : g_strdupv(options->inputs),
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .tick = PTHREAD_COND_INITIALIZER,
    };
    enum exit_status status = destination_open(&run.destination, options, run.inputs);

    if (status != EXIT_ALL_READ) {
        g_strfreev(run.inputs);
        return status;
    }
    run.file_count = g_strv_length(run.inputs);
    run.settings = make_settings(&run);
    run.summary = options->format->for_people ? summary_new() : NULL;
    status = read_all(&run);
    if (run.ordered) {
        ordered_free(run.ordered);
    }
    summary_free(run.summary);
    free_diagnoses(&run);
    free_files(&run);
    g_free(run.analyses);
    g_strfreev(run.inputs);
    return status;
}
