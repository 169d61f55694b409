/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many hosts of which one client tries the same port, a few times each and in vain: it looks for
 * hosts that have the port open, or goes through a list of peers, rather than using a service. That
 * is one story, and says little of each host.
 */
#include <string.h>

#include "diagnose/diagnosis.h"

/* Hosts that make a sweep, how often each is tried at most, tries of one that are worth a finding,
 * hosts that are worth it where each is tried less often, and what it weighs against a mistake. */
#define SWEEP_HOSTS  16
#define SWEEP_MANY   64
#define SWEEP_TRIES  10
#define SWEEP_LEAST  3
#define SWEEP_WEIGHT 0.1

/* Refused or silent throughout; nothing that another one, or a device before the host, has told. */
static bool may_be_swept(const struct endpoint_stats *stats)
{
    uint32_t bad = endpoint_bad(stats);

    return !endpoint_is_loopback(&stats->key) && bad > 0 && bad <= SWEEP_TRIES &&
           stats->last_good_ns == 0 && faults_of(stats)->troubles[TROUBLE_UNREACHABLE] == 0 &&
           stats->client != SEVERAL_CLIENTS &&
           endpoint_sender(faults_of(stats)->refused_by) != WHYRST_SENDER_MIDDLEBOX;
}

static bool is_refusing(const struct endpoint_stats *stats)
{
    return faults_of(stats)->troubles[TROUBLE_REFUSED] > 0;
}

/* The port of the same client, in the same way; 0: they are of one sweep. */
static int compare(const struct endpoint_stats *a, const struct endpoint_stats *b)
{
    if (a->key.version != b->key.version) {
        return (int)a->key.version - (int)b->key.version;
    }
    if (a->key.port != b->key.port) {
        return (int)a->key.port - (int)b->key.port;
    }
    if (a->client != b->client) {
        return a->client < b->client ? -1 : 1;
    }
    return (int)is_refusing(a) - (int)is_refusing(b);
}

static gint by_sweep(gconstpointer a, gconstpointer b)
{
    const struct endpoint_stats *x = (*(struct whyrst_endpoint *const *)a)->stats;
    const struct endpoint_stats *y = (*(struct whyrst_endpoint *const *)b)->stats;
    int order = compare(x, y);

    return order ? order : memcmp(x->key.address, y->key.address, sizeof x->key.address);
}

static void add(struct whyrst_diagnosis *diagnosis, struct whyrst_endpoint *const *rows,
                guint count)
{
    const struct endpoint_key *key = &rows[0]->stats->key;
    bool refusing = is_refusing(rows[0]->stats);
    enum whyrst_finding_kind kind = refusing ? WHYRST_FINDING_DEAD_NODE : WHYRST_FINDING_UNANSWERED;
    struct whyrst_finding *finding = finding_add(diagnosis->findings, kind, WHYRST_CONFIDENCE_LOW);
    struct endpoint_stats sum = {.key = *key};

    for (guint i = 0; i < count; i++) {
        endpoint_merge(&sum, rows[i]->stats, 0);
        rows[i]->state = kind;
    }
    finding_count(finding, endpoint_bad(&sum), sum.attempts);
    finding->weight *= SWEEP_WEIGHT;
    finding->first_ns = faults_of(&sum)->first_bad_ns;
    finding->last_ns = faults_of(&sum)->last_bad_ns;
    frames_merge(&finding->places, &faults_of(&sum)->bad_frames, 0);
    if (refusing) {
        finding_sender(finding, endpoint_sender(faults_of(&sum)->refused_by));
    }
    finding_text(finding, "%u hosts %s at port %u: %u of %u connections failed", count,
                 refusing ? "refuse connections" : "answer nothing", key->port, endpoint_bad(&sum),
                 sum.attempts);
    finding_troubles(finding, &sum);
    finding_evidence(finding, "all of one client (see the frames): so many hosts are tried by a "
                              "scan, or from a list of peers, rather than as a service");
    endpoint_release(&sum);
}

void find_sweeps(struct whyrst_diagnosis *diagnosis)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new();

    for (guint i = 0; i < diagnosis->servers; i++) {
        struct whyrst_endpoint *row = &g_array_index(diagnosis->rows, struct whyrst_endpoint, i);

        if (may_be_swept(row->stats)) {
            g_ptr_array_add(rows, row);
        }
    }
    g_ptr_array_sort(rows, by_sweep);
    for (guint i = 0, end; i < rows->len; i = end) {
        struct whyrst_endpoint **first = (struct whyrst_endpoint **)&rows->pdata[i];
        uint32_t most = 0;

        for (end = i; end < rows->len && compare(first[0]->stats, first[end - i]->stats) == 0;
             end++) {
            most = MAX(most, endpoint_bad(first[end - i]->stats));
        }
        if (end - i >= (most >= SWEEP_LEAST ? SWEEP_HOSTS : SWEEP_MANY)) {
            add(diagnosis, first, end - i);
        }
    }
}
