/* SPDX-License-Identifier: GPL-2.0-or-later */
/** One capture: read, decode, analyse, write. */
#ifndef CLI_ANALYSE_H
#define CLI_ANALYSE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "options.h"
#include "report/summary.h"

/**
 * struct analysis - one capture's work
 * @path:     the capture, "-" for standard input
 * @out:      where its records go
 * @summary:  counts its records, or NULL
 * @size:     of the file, 0 when unknown
 * @offset:   how far it has been read
 * @live:     packets may still be on their way, so that records must not wait in a buffer
 * @lock:     guards @out while @live, since another thread flushes it
 * @report:   the outcome; its @error is @message
 */
struct analysis {
    const struct options *options;
    const struct writer_settings *settings;
    const char *path;
    struct output *out;
    struct summary *summary;
    uint64_t size;
    atomic_uint_least64_t offset;
    atomic_bool live;
    pthread_mutex_t lock;
    struct file_report report;
    char *message;
};

/** Does the work; problems are reported on standard error and in @report. */
void analyse(struct analysis *analysis);
/** From another thread: hands on what a live capture's writer has buffered. */
void analysis_flush(struct analysis *analysis);

#endif
