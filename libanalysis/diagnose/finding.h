/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Findings under construction: what the finders of this folder put together. */
#ifndef DIAGNOSE_FINDING_H
#define DIAGNOSE_FINDING_H

#include <whyrst/finding.h>

#include <glib.h>

#include "diagnose/frames.h"
#include "diagnose/stats.h"

/**
 * struct whyrst_finding - one finding
 * @weight: for the rank, see finding.c
 * @replies: of @resets, those that no RST ended
 * @place:  frames that show it, before they are told by file and number
 * @p:      corrected, negative = there is none
 * @settled: stays when conclusions are drawn anew, see eras.c
 */
struct whyrst_finding {
    enum whyrst_finding_kind kind;
    enum whyrst_confidence confidence;
    enum whyrst_sender sender;
    bool has_sender;
    bool settled;
    double weight;
    uint64_t rank;
    char *text;
    char *server;
    char *client;
    char *sni;
    char *ja4;
    uint64_t resets;
    uint64_t replies;
    uint64_t connections;
    struct interval share;
    bool has_others;
    uint64_t other_resets;
    uint64_t other_connections;
    double p;
    int64_t seconds_ns; /* 0 = none */
    int64_t first_ns;
    int64_t last_ns;
    GPtrArray *evidence;
    struct frames places;
    uint64_t frames[LIMIT_FINDING_FRAMES];
    unsigned frame_count;
    char *frames_file;
    char *open;
    const char *advice;
};

/** Adds a finding of @kind to @findings (struct whyrst_finding, finding_free()). */
struct whyrst_finding *finding_add(GPtrArray *findings, enum whyrst_finding_kind kind,
                                   enum whyrst_confidence confidence);
void finding_free(void *finding);
/** Sets how many of how many connections show it. */
void finding_count(struct whyrst_finding *finding, uint64_t resets, uint64_t connections);
void finding_sender(struct whyrst_finding *finding, enum whyrst_sender sender);
/** Sets the sentence about it; adds a fact. */
void finding_text(struct whyrst_finding *finding, const char *format, ...) G_GNUC_PRINTF(2, 3);
void finding_evidence(struct whyrst_finding *finding, const char *format, ...) G_GNUC_PRINTF(2, 3);
/** Sorts by rank, keeps LIMIT_FINDINGS of each kind, numbers them; returns how many were left out.
 */
uint64_t findings_rank(GPtrArray *findings);
/** Tells the frames: those of the file that has most of them. @locate as in finding.h, or NULL. */
void finding_tell_frames(struct whyrst_finding *finding, const GPtrArray *files,
                         whyrst_locate locate, void *context);

#endif
