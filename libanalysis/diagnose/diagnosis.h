/* SPDX-License-Identifier: GPL-2.0-or-later */
/** A diagnosis's inside, for the finders: each find_*.c reads the tables and adds findings. */
#ifndef DIAGNOSE_DIAGNOSIS_H
#define DIAGNOSE_DIAGNOSIS_H

#include <whyrst/finding.h>

#include "diagnose/blocks.h"
#include "diagnose/finding.h"
#include "diagnose/tables.h"

/** struct span - times from the first to the last */
struct span {
    int64_t first_ns;
    int64_t last_ns;
};

/**
 * struct whyrst_diagnosis - the state of one
 * @files: names of the captures; places tell them by index
 * @seen:  counts of connections that are over
 * @open:  only with options.live: of those that were still there when the capture ended, since
 *         whyrst_engine_finish() was called last
 * @both:  when concluded: the two together, or endpoints and JA4s of all @eras
 * @eras:  of captures that were merged, see eras.c (struct tables): those that belong together
 *         together; empty when none were
 * @past:  endpoints of eras that were settled for want of room
 * @past_spans: when these were (struct span)
 * @apart: captures that belonged to one of them, and came too late
 * @whole: what conclusions are being drawn from: @seen, @both or one of @eras
 * @first_finding: the first of @findings that was drawn from @whole
 * @rest:  healthy servers that have no row of their own
 * @texts: what the rows of proxies show (char **)
 * @rows:  endpoints (struct whyrst_endpoint), the most noteworthy first; while findings are
 *          looked for the first @servers of them are servers
 * @ja4s:  JA4s (struct whyrst_ja4)
 */
struct whyrst_diagnosis {
    struct whyrst_diagnosis_options options;
    struct engine_listener listener;
    GPtrArray *files;
    struct tables seen;
    struct tables open;
    struct tables both;
    GPtrArray *eras;
    struct tables past;
    GArray *past_spans;
    uint64_t apart;
    const struct tables *whole;
    guint first_finding;
    struct endpoint_stats rest;
    bool concluded;
    whyrst_locate locate;
    void *locate_context;
    GPtrArray *findings;
    GPtrArray *texts;
    GArray *blocks; /* struct block: explanations of RSTs */
    GArray *rows;
    guint servers;
    GArray *ja4s;
    uint64_t left_out;
    uint64_t past_left_out; /* of settled eras */
    GPtrArray *held;        /* records, see hold.c: those from @first_held on */
    guint first_held;
    uint64_t concluded_at; /* connections seen when hold.c last had conclusions drawn */
    uint64_t early;
};

/** Draws conclusions from @tables alone, after those that there are. */
void diagnosis_conclude_tables(struct whyrst_diagnosis *diagnosis, const struct tables *tables);
/** Takes the findings away that are to be drawn anew. */
void diagnosis_forget(struct whyrst_diagnosis *diagnosis);

/** Drops the records that are held. */
void hold_clear(struct whyrst_diagnosis *diagnosis);

/** Adds @tables, whose files follow @files others, to the era they belong to, or as a new one. */
void eras_add(struct whyrst_diagnosis *diagnosis, const struct tables *tables, uint32_t files);
/** Draws conclusions from each era; endpoints and JA4s of all are then in @diagnosis->both. */
void eras_conclude(struct whyrst_diagnosis *diagnosis);
/** Frees a struct tables. */
void eras_free_tables(void *tables);

/** JA4s and server names that are reset in the TLS handshake. */
void find_blocks(struct whyrst_diagnosis *diagnosis);
/** Clients that exceed a limit or whose address is not wanted. */
void find_clients(struct whyrst_diagnosis *diagnosis);
/**
 * struct stop - a server that stopped, and went on
 * @first_ns, @last_ns: of the connections that it cost, @count of them
 * @burst: that it reset, all within an instant; otherwise it refused them
 * @lasting: a burst, or it refused several, long enough to start again
 * @p:     of a burst: the chance to be none
 */
struct stop {
    struct whyrst_endpoint *row;
    int64_t first_ns;
    int64_t last_ns;
    uint32_t count;
    bool burst;
    bool lasting;
    double p;
};

/** Instants in which an endpoint lost many connections; @stops (struct stop) gets those of
 *  processes that ended. */
void find_bursts(struct whyrst_diagnosis *diagnosis, GArray *stops);
/** Servers that stop one after another: @stops, and others that refused for a while. After what is
 *  wrong with each. */
void find_deployments(struct whyrst_diagnosis *diagnosis, GArray *stops);
/** Ports that one client tries at many hosts in vain. Sets the states of their rows. */
void find_sweeps(struct whyrst_diagnosis *diagnosis);
/** Other hosts that accept nothing. Sets the states of @rows. */
void find_nodes(struct whyrst_diagnosis *diagnosis);
/** Whose failures those of a proxy's row are; before other reasons of its resets are looked for. */
void find_proxy(struct whyrst_diagnosis *diagnosis, struct whyrst_endpoint *row);
/** Words the failing replies of a proxy's row. */
void proxy_tell_replies(struct whyrst_diagnosis *diagnosis, struct whyrst_endpoint *row);
/** Adds how connections without handshake failed, as evidence. */
void finding_troubles(struct whyrst_finding *finding, const struct endpoint_stats *stats);
/** After which silence the server of @row resets or closes its connections. */
void find_timers(struct whyrst_diagnosis *diagnosis, struct whyrst_endpoint *row);
/** Adds which of the requests that @stats's resets hit may be repeated; only where the finding has
 * all of these resets. */
void finding_retries(struct whyrst_finding *finding, const struct endpoint_stats *stats);
/** Whether findings with a reason stand for most of @count troubles of the server; @row gets the
 *  state of the main one. */
bool findings_explain(const struct whyrst_diagnosis *diagnosis, struct whyrst_endpoint *row,
                      uint32_t count);
/** Whether the server of @row resets too much; after all other reasons. */
void find_rate(struct whyrst_diagnosis *diagnosis, struct whyrst_endpoint *row);
/** Endpoints: what is wrong with each. Sets the states of @rows. */
void find_endpoints(struct whyrst_diagnosis *diagnosis);

#endif
