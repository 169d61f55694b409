/* SPDX-License-Identifier: GPL-2.0-or-later */
/** One capture, of one file or of several that continue one another: read, decode, analyse, write.
 */
#ifndef CLI_ANALYSE_H
#define CLI_ANALYSE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "frames.h"
#include "options.h"

/**
 * struct analysis - one capture's work
 * @files:      what it is made of, @file_count of them
 * @out:        where its records go
 * @summaries:  the files' summaries are wanted
 * @diagnosis:  what its connections together say; the caller frees it
 * @size:       of all files, 0 when unknown
 * @offset:     how far they have been read
 * @live:       packets may still be on their way, so that records must not wait in a buffer
 * @lock:       guards @out while @live, since another thread flushes it
 */
struct analysis {
    const struct options *options;
    const struct writer_settings *settings;
    struct capture_file *files;
    size_t file_count;
    struct output *out;
    bool summaries;
    struct whyrst_diagnosis *diagnosis;
    uint64_t size;
    atomic_uint_least64_t offset;
    atomic_bool live;
    pthread_mutex_t lock;
};

/** Does the work; problems are reported on standard error and in the files' reports. */
void analyse(struct analysis *analysis);
/** From another thread: hands on what a live capture's writer has buffered. */
void analysis_flush(struct analysis *analysis);

#endif
