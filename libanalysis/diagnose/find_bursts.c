/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resets of one endpoint within an instant, against its own base rate: a process that ended, a
 * deployment that goes from server to server, an address that moved to a host without connections.
 */
#include <string.h>

#include "diagnose/diagnosis.h"

#define SECOND INT64_C(1000000000)

/* Resets that make a burst, servers that make a deployment, and the chance not to be one. */
#define LEAST         3
#define LEAST_SERVERS 3
#define CHANCE        0.001

/* Two bursts further apart than this belong to no deployment. */
#define PACE_NS (INT64_C(3600) * SECOND)

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

/* The window of @window_ns with most of @moments; by chance where they are spread over their time.
 */
static struct burst_of densest(const struct moments *moments, int64_t window_ns)
{
    struct burst_of best = {.p = 1};
    uint32_t count, begin = 0;
    struct moment *sorted = moments_sorted(moments, &count);

    for (uint32_t i = 0; i < count; i++) {
        while (sorted[i].time_ns - sorted[begin].time_ns > window_ns) {
            begin++;
        }
        if (i - begin + 1 > best.count) {
            uint64_t clients = 0, phases = 0;
            bool old = true;

            for (uint32_t m = begin; m <= i; m++) {
                int64_t start_ns = sorted[m].time_ns - sorted[m].age_ms * INT64_C(1000000);

                clients |= UINT64_C(1) << sorted[m].client;
                phases |= UINT64_C(1) << sorted[m].origin;
                old &= start_ns <= sorted[begin].time_ns;
            }
            best = (struct burst_of){.start_ns = sorted[begin].time_ns,
                                     .end_ns = sorted[i].time_ns,
                                     .count = i - begin + 1,
                                     .clients = (uint32_t)__builtin_popcountll(clients),
                                     .phases = (uint32_t)__builtin_popcountll(phases),
                                     .old = old,
                                     .p = 1};
        }
    }
    if (best.count >= LEAST) {
        int64_t span = MAX(sorted[count - 1].time_ns - sorted[0].time_ns, 60 * SECOND);
        double mean = (double)(count - best.count + 1) * (double)window_ns / (double)span;

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
    frames_merge(&finding->places, &stats->reset_frames, 0);
    finding_evidence(finding, "%u connections of %u client%s reset within %.3f s, %u others of %u",
                     burst->count, burst->clients, burst->clients == 1 ? "" : "s",
                     (double)finding->seconds_ns / 1e9, stats->resets - burst->count,
                     stats->connections);
    burst->row->state = kind;
    return finding;
}

/* The first connection that began within half a minute of the burst was refused. */
static bool is_refused_after(const struct burst_of *burst)
{
    uint32_t count, next = 0;
    struct moment *starts = moments_sorted(&burst->row->stats->starts, &count);
    bool refused;

    while (next < count && starts[next].time_ns <= burst->end_ns) {
        next++;
    }
    refused =
        next < count && starts[next].failed && starts[next].time_ns - burst->end_ns <= 30 * SECOND;
    g_free(starts);
    return refused;
}

/*
 * The server's process ended. Channels of one client's session end together while the server lives
 * on, so connections of one client must have been hit in different phases, or their successor been
 * refused.
 */
static bool find_exit(struct whyrst_diagnosis *diagnosis, const struct burst_of *burst)
{
    bool refused = is_refused_after(burst);
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

static gint by_time(gconstpointer a, gconstpointer b)
{
    const struct burst_of *x = a, *y = b;

    if (x->start_ns != y->start_ns) {
        return x->start_ns < y->start_ns ? -1 : 1;
    }
    return memcmp(&x->row->stats->key, &y->row->stats->key, sizeof x->row->stats->key);
}

/* Servers of one port that ended one after another, never two at a time. */
static void find_deployment(struct whyrst_diagnosis *diagnosis, GArray *bursts, uint16_t port)
{
    const struct burst_of *first = NULL, *last = NULL;
    struct whyrst_finding *finding;
    uint32_t servers = 0, resets = 0, connections = 0;

    for (guint i = 0; i < bursts->len; i++) {
        const struct burst_of *burst = &g_array_index(bursts, struct burst_of, i);

        if (burst->row->stats->key.port != port) {
            continue;
        }
        if (last && (burst->start_ns <= last->end_ns + SECOND / 2 ||
                     burst->start_ns - last->end_ns > PACE_NS)) {
            return;
        }
        first = first ? first : burst;
        last = burst;
        servers++;
        resets += burst->count;
        connections += burst->row->stats->connections;
    }
    if (servers < LEAST_SERVERS) {
        return;
    }
    finding = add(diagnosis, first, WHYRST_FINDING_ROLLING_DEPLOYMENT);
    finding_count(finding, resets, MAX(resets, connections));
    finding->last_ns = last->end_ns;
    finding_text(finding, "%u servers of port %u dropped %u connections, one server after another",
                 servers, port, resets);
}

void find_bursts(struct whyrst_diagnosis *diagnosis)
{
    g_autoptr(GArray) bursts = g_array_new(FALSE, FALSE, sizeof(struct burst_of));
    g_autoptr(GHashTable) ports = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < diagnosis->rows->len; i++) {
        struct whyrst_endpoint *row = &g_array_index(diagnosis->rows, struct whyrst_endpoint, i);
        struct burst_of exits, lost;

        if (row->stats->key.kind != ENDPOINT_SERVER || !row->stats->resets) {
            continue;
        }
        exits = densest(&row->stats->exits, SECOND / 2);
        lost = densest(&row->stats->lost, 2 * SECOND);
        exits.row = lost.row = row;
        if (find_exit(diagnosis, &exits)) {
            g_array_append_val(bursts, exits);
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
    g_array_sort(bursts, by_time);
    for (guint i = 0; i < bursts->len; i++) {
        uint16_t port = g_array_index(bursts, struct burst_of, i).row->stats->key.port;

        if (g_hash_table_add(ports, GUINT_TO_POINTER((guint)port + 1))) {
            find_deployment(diagnosis, bursts, port);
        }
    }
}
