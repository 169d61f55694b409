/* SPDX-License-Identifier: GPL-2.0-or-later */
/** A diagnosis's inside, for the finders: each find_*.c reads the tables and adds findings. */
#ifndef DIAGNOSE_DIAGNOSIS_H
#define DIAGNOSE_DIAGNOSIS_H

#include <whyrst/finding.h>

#include "diagnose/blocks.h"
#include "diagnose/finding.h"
#include "diagnose/tables.h"

/**
 * struct whyrst_diagnosis - the state of one
 * @files: names of the captures; places tell them by index
 * @seen:  counts of connections that are over
 * @open:  only with options.live: of those that were still there when the capture ended, since
 *         whyrst_engine_finish() was called last
 * @both:  only with options.live: the two together, when concluded
 * @whole: what conclusions are drawn from: @seen or @both
 * @rest:  healthy servers that have no row of their own
 * @rows:  endpoints (struct whyrst_endpoint), the most noteworthy first
 */
struct whyrst_diagnosis {
    struct whyrst_diagnosis_options options;
    struct engine_listener listener;
    GPtrArray *files;
    struct tables seen;
    struct tables open;
    struct tables both;
    const struct tables *whole;
    struct endpoint_stats rest;
    bool concluded;
    whyrst_locate locate;
    void *locate_context;
    GPtrArray *findings;
    GArray *blocks; /* struct block: explanations of RSTs */
    GArray *rows;
    uint64_t left_out;
    GQueue held;           /* records, see hold.c */
    uint64_t concluded_at; /* connections seen when hold.c last had conclusions drawn */
    uint64_t early;
};

/** JA4s and server names that are reset in the TLS handshake. */
void find_blocks(struct whyrst_diagnosis *diagnosis);
/** Clients that exceed a limit or whose address is not wanted. */
void find_clients(struct whyrst_diagnosis *diagnosis);
/** Instants in which an endpoint lost many connections. */
void find_bursts(struct whyrst_diagnosis *diagnosis);
/** Hosts that accept nothing. Sets the states of @rows. */
void find_nodes(struct whyrst_diagnosis *diagnosis);
/** Adds how connections without handshake failed, as evidence. */
void finding_troubles(struct whyrst_finding *finding, const struct endpoint_stats *stats);
/** Endpoints: what is wrong with each. Sets the states of @rows. */
void find_endpoints(struct whyrst_diagnosis *diagnosis);

#endif
