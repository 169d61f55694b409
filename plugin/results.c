/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine of the capture that is open, and its answers by frame.
 *
 * Theory of operation. All state belongs to the open file: it begins with the first TCP segment and
 * ends when Wireshark closes, reloads or redissects the file (a changed preference does that, so an
 * engine lives with one set of options). Each frame's records hang on the frame as protocol data
 * under the keys 0, 1, ...; the references behind them are kept in one array. A record's values are
 * revised in place by the engine, so a frame that is shown again shows what is known by then.
 *
 * The end of the capture makes verdicts final, but no hook tells a dissector of it. A frame that is
 * dissected a second time does, unless the GUI is still capturing or loading: only it can say so.
 */
#include "results.h"

#include <cfile.h>
#include <epan/plugin_if.h>
#include <epan/proto_data.h>

#include <whyrst/engine.h>
#include <whyrst/finding.h>

#include "segments.h"
#include "settings.h"

static struct {
    struct whyrst_engine *engine;       /* NULL until the file's first TCP segment */
    struct whyrst_diagnosis *diagnosis; /* watches it */
    GPtrArray *records;                 /* a reference to each record that a frame points to */
    bool finished;                      /* the engine knows that no frame will follow */
} session;

/* Grows with each conclusion of any file, from 1. */
static unsigned conclusions;

static void close_session(void)
{
    if (session.engine) {
        g_ptr_array_unref(session.records);
        whyrst_engine_free(session.engine);
        whyrst_diagnosis_free(session.diagnosis);
    }
    session.engine = NULL;
    session.diagnosis = NULL;
    session.records = NULL;
    session.finished = false;
}

static void open_session(void)
{
    struct whyrst_options options;
    struct whyrst_diagnosis_options diagnosis_options;

    settings_options(&options, &diagnosis_options);
    session.engine = whyrst_engine_new(&options);
    session.diagnosis = whyrst_diagnosis_new(&diagnosis_options, NULL);
    whyrst_diagnosis_watch(session.diagnosis, session.engine);
    session.records = g_ptr_array_new_with_free_func((GDestroyNotify)whyrst_record_unref);
}

/**
 * results_register - has the state of a file freed with the file
 */
void results_register(void)
{
    register_cleanup_routine(close_session);
}

/* Final records are reached through their frames: the engine's queue of them is only emptied. */
static void drain(void)
{
    struct whyrst_record *record;

    while ((record = whyrst_engine_next(session.engine))) {
        whyrst_record_unref(record);
    }
}

struct frame_context {
    packet_info *pinfo;
    int proto;
    uint32_t count;
};

static void add_segment(const struct whyrst_segment *segment, void *user)
{
    struct frame_context *context = user;

    if (!session.engine) {
        open_session();
    }
    session.finished = false;

    struct whyrst_record *record = whyrst_engine_add(session.engine, segment);
    if (record) {
        g_ptr_array_add(session.records, whyrst_record_ref(record));
        p_add_proto_data(wmem_file_scope(), context->pinfo, context->proto, context->count++,
                         record);
    }
    drain();
}

/**
 * results_add_frame - gives the frame's segments to the engine; once per frame, in frame order
 */
void results_add_frame(int proto, packet_info *pinfo, proto_tree *tree)
{
    struct frame_context context = {.pinfo = pinfo, .proto = proto};

    segments_each(pinfo, tree, add_segment, &context);
}

/* What other connections say of the RSTs. */
static void revise(void)
{
    whyrst_diagnosis_conclude(session.diagnosis);
    conclusions++;
    for (guint i = 0; i < session.records->len; i++) {
        whyrst_diagnosis_revise(session.diagnosis, g_ptr_array_index(session.records, i));
    }
}

static void *file_being_read(capture_file *file, void *user _U_)
{
    return file->state == FILE_READ_IN_PROGRESS ? file : NULL;
}

/* Without a GUI nobody answers, and there frames are seen again only after the last was read. */
static bool is_still_reading(void)
{
    return plugin_if_get_capture_file(file_being_read, NULL) != NULL;
}

/* To be called when no frame follows, as far as this program can tell. */
static void finish(void)
{
    if (!session.finished && !is_still_reading()) {
        whyrst_engine_finish(session.engine);
        drain();
        revise();
        session.finished = true;
    }
}

/**
 * results_of_frame - the frame's record number @index (from 0), NULL when it has no more
 *
 * The record is borrowed: it lives as long as the file is open.
 */
struct whyrst_record *results_of_frame(int proto, packet_info *pinfo, uint32_t index)
{
    struct whyrst_record *record = p_get_proto_data(wmem_file_scope(), pinfo, proto, index);

    if (record && PINFO_FD_VISITED(pinfo)) {
        finish();
    }
    return record;
}

/**
 * results_diagnosis - what all connections of the file together say, when it has been read
 *
 * To be called when no frame follows, as far as this program can tell. Sets @number to the
 * conclusion's, which is greater than those before. Returns false when the file is still being
 * read; @diagnosis is NULL when it holds no TCP.
 */
bool results_diagnosis(const struct whyrst_diagnosis **diagnosis, unsigned *number)
{
    *diagnosis = session.diagnosis;
    if (!session.engine) {
        *number = 0;
        return !is_still_reading();
    }
    finish();
    *number = conclusions;
    return session.finished;
}
