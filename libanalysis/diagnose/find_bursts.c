/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resets of one endpoint within an instant, against its own base rate: a process that ended, or an
 * address that moved to a host without connections.
 */
#include <string.h>

#include "diagnose/diagnosis.h"

#define SECOND INT64_C(1000000000)

/* Resets that make a burst, and the chance not to be one. */
#define LEAST  3
#define CHANCE 0.001

/* Resets this near to a burst tell how dense they are about it. */
#define ABOUT_NS (30 * SECOND)

/** struct burst_of - the densest instant of an endpoint's resets; @old: all of the connections had
 *  begun before it */
struct burst_of {
    struct whyrst_endpoint *row;
    int64_t start_ns;
    int64_t end_ns;
    uint32_t count;
    uint32_t clients;
    uint32_t phases;
    bool old;
    double p;
};

/* @moments[@begin..@end] as a burst; others than @kind among them do not count. */
static struct burst_of burst_at(const struct moment *moments, uint32_t begin, uint32_t end,
                                enum moment_kind kind)
{
    struct burst_of burst = {
        .start_ns = moments[begin].time_ns, .end_ns = moments[end].time_ns, .old = true, .p = 1};
    uint64_t clients[(UINT16_MAX + 1) / 64] = {0};
    uint64_t phases = 0;

    for (uint32_t i = begin; i <= end; i++) {
        if (moments[i].kind == kind) {
            uint64_t *marks = &clients[moments[i].mark / 64];
            uint64_t bit = UINT64_C(1) << moments[i].mark % 64;

            burst.clients += !(*marks & bit);
            *marks |= bit;
            phases |= UINT64_C(1) << moments[i].origin;
            burst.old &=
                moments[i].time_ns - moments[i].age_ms * INT64_C(1000000) <= moments[begin].time_ns;
            burst.count++;
        }
    }
    burst.phases = (uint32_t)__builtin_popcountll(phases);
    return burst;
}

/* How many resets of any kind are to be expected in @window_ns: as many as in all of their time, or
 * about the burst, where they come in spells. */
static double expected(const struct moment *moments, uint32_t count, const struct burst_of *burst,
                       int64_t window_ns)
{
    int64_t span = MAX(moments[count - 1].time_ns - moments[0].time_ns, 60 * SECOND);
    uint32_t inside = 0, about = 0;

    for (uint32_t i = 0; i < count; i++) {
        bool is_inside =
            moments[i].time_ns >= burst->start_ns && moments[i].time_ns <= burst->end_ns;

        inside += is_inside;
        about += !is_inside && moments[i].time_ns >= burst->start_ns - ABOUT_NS &&
                 moments[i].time_ns <= burst->end_ns + ABOUT_NS;
    }
    return MAX((double)(count - inside + 1) / (double)span, (double)(about + 1) / (2 * ABOUT_NS)) *
           (double)window_ns;
}

/* The window of @window_ns with most moments of @kind; by chance where resets are as dense anyway.
 */
static struct burst_of densest(const struct moments *moments, enum moment_kind kind,
                               int64_t window_ns)
{
    struct burst_of best = {.p = 1};
    uint32_t count, begin = 0, inside = 0, most = 0, first = 0, last = 0;
    struct moment *sorted = moments_sorted(moments, &count);

    for (uint32_t i = 0; i < count; i++) {
        if (sorted[i].kind != kind) {
            continue;
        }
        inside++;
        for (; sorted[i].time_ns - sorted[begin].time_ns > window_ns || sorted[begin].kind != kind;
             begin++) {
            inside -= sorted[begin].kind == kind;
        }
        if (inside > most) {
            most = inside;
            first = begin;
            last = i;
        }
    }
    if (most >= LEAST) {
        double mean;

        best = burst_at(sorted, first, last, kind);
        mean = expected(sorted, count, &best, window_ns);
        best.p = MIN(stats_poisson_tail(best.count, mean) * count, 1);
    }
    g_free(sorted);
    return best;
}

static struct whyrst_finding *add(struct whyrst_diagnosis *diagnosis, const struct burst_of *burst,
                                  enum whyrst_finding_kind kind)
{
    const struct endpoint_stats *stats = burst->row->stats;
    struct whyrst_finding *finding =
        finding_add(diagnosis->findings, kind,
                    burst->p < CHANCE / 10 ? WHYRST_CONFIDENCE_HIGH : WHYRST_CONFIDENCE_MEDIUM);

    finding->server = g_strdup(endpoint_name(burst->row));
    finding_count(finding, burst->count, MAX(burst->count, stats->connections));
    finding_sender(finding, WHYRST_SENDER_SERVER);
    finding->p = burst->p;
    finding->seconds_ns = MAX(burst->end_ns - burst->start_ns, 1);
    finding->first_ns = burst->start_ns;
    finding->last_ns = burst->end_ns;
    frames_merge(&finding->places, &faults_of(stats)->reset_frames, 0);
    finding_evidence(finding, "%u connections of %u client%s reset within %.3f s, %u others of %u",
                     burst->count, burst->clients, burst->clients == 1 ? "" : "s",
                     (double)finding->seconds_ns / 1e9, faults_of(stats)->resets - burst->count,
                     stats->connections);
    burst->row->state = kind;
    return finding;
}

/*
 * The server's process ended. Channels of one client's session end together while the server lives
 * on, so connections of one client must have been hit in different phases, or their successor been
 * refused.
 */
static bool find_exit(struct whyrst_diagnosis *diagnosis, const struct burst_of *burst)
{
    bool refused = timeline_refuses(&burst->row->stats->starts, burst->end_ns, 30 * SECOND);
    struct whyrst_finding *finding;

    if (burst->p >= CHANCE || (burst->clients == 1 && burst->phases == 1 && !refused)) {
        return false;
    }
    finding = add(diagnosis, burst, WHYRST_FINDING_PROCESS_EXIT);
    finding_text(finding, "%s ended %u connections at once", endpoint_name(burst->row),
                 burst->count);
    finding_retries(finding, burst->row->stats);
    if (refused) {
        finding_evidence(finding, "the next connection was refused");
    }
    if (burst->clients == 1 && !refused) {
        finding_evidence(finding, "they were hit in %u different phases", burst->phases);
        finding->confidence = WHYRST_CONFIDENCE_MEDIUM;
        finding_count(finding, finding->resets, finding->connections);
    }
    return true;
}

void find_bursts(struct whyrst_diagnosis *diagnosis, GArray *stops)
{
    for (guint i = 0; i < diagnosis->servers; i++) {
        struct whyrst_endpoint *row = &g_array_index(diagnosis->rows, struct whyrst_endpoint, i);
        const struct endpoint_faults *faults = faults_of(row->stats);
        struct burst_of exits, lost;

        if (!faults->resets) {
            continue;
        }
        exits = densest(&faults->ends, MOMENT_EXIT, SECOND / 2);
        lost = densest(&faults->ends, MOMENT_LOST, 2 * SECOND);
        exits.row = lost.row = row;
        if (find_exit(diagnosis, &exits)) {
            struct stop stop = {row,  exits.start_ns, exits.end_ns, exits.count,
                                true, true,           exits.p};

            g_array_append_val(stops, stop);
        }
        if (lost.p < CHANCE && lost.clients > 1 && lost.old) { /* new ones it would know */
            struct whyrst_finding *finding = add(diagnosis, &lost, WHYRST_FINDING_FAIL_OVER);

            finding_text(finding,
                         "%s suddenly knew none of %u connections: another host, or one that "
                         "started anew",
                         endpoint_name(row), lost.count);
            finding_retries(finding, row->stats);
        }
    }
}
