/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A deployment that goes from server to server: they stop one after another, never two at a time.
 *
 * A server that is stopped before it has read everything resets connections, and such bursts speak
 * for themselves. One that closes its connections in order is only seen to refuse for a moment, the
 * shorter the better. That is a deployment's doing when most servers of one service do so, and
 * their refusals do not lie among one another, as they would by chance.
 */
#include <math.h>
#include <string.h>

#include "diagnose/diagnosis.h"

#define SECOND INT64_C(1000000000)

/* Servers that make a deployment; connections that show that a server is in use. */
#define LEAST_SERVERS 3
#define LEAST         3

/* The most likely that stops of several servers may be by chance. */
#define CHANCE 0.001

/* Two stops further apart than this belong to no deployment. */
#define PACE_NS (INT64_C(3600) * SECOND)

#define SERVERS_TOLD 5

/** What servers of one service have in common: the port; that and the network; the address. */
enum service { SERVICE_PORT, SERVICE_NETWORK, SERVICE_HOST, SERVICE_COUNT };

/** struct member - a stop, and what its server has in common with others */
struct member {
    struct endpoint_key service;
    struct stop stop;
};

static struct endpoint_key service_of(const struct endpoint_key *server, enum service kind)
{
    struct endpoint_key service = {.kind = server->kind, .version = server->version};
    size_t network = server->version == 4 ? 2 : 6;

    service.port = kind == SERVICE_HOST ? 0 : server->port;
    if (kind != SERVICE_PORT) {
        memcpy(service.address, server->address,
               kind == SERVICE_HOST ? sizeof service.address : network);
    }
    return service;
}

/* By service, then by time. */
static gint by_service(gconstpointer a, gconstpointer b)
{
    const struct member *x = a, *y = b;
    int order = memcmp(&x->service, &y->service, sizeof x->service);

    if (order) {
        return order;
    }
    if (x->stop.first_ns != y->stop.first_ns) {
        return x->stop.first_ns < y->stop.first_ns ? -1 : 1;
    }
    return memcmp(&x->stop.row->stats->key, &y->stop.row->stats->key, sizeof x->service);
}

/* All that a server refused, when it is one run between connections that it accepted. */
static bool is_stop(struct whyrst_endpoint *row, struct stop *stop)
{
    const struct endpoint_stats *stats = row->stats;
    uint32_t bad = endpoint_bad(stats);
    struct runs runs;

    if (bad == 0 || stats->connections < LEAST ||
        faults_of(stats)->troubles[TROUBLE_UNANSWERED] == bad) {
        return false;
    }
    runs = timeline_runs(&stats->starts);
    *stop = (struct stop){.row = row,
                          .first_ns = runs.longest.first_ns,
                          .last_ns = runs.longest.last_ns,
                          .count = bad,
                          .lasting = bad > 1 &&
                                     runs.longest.next_ns - runs.longest.first_ns >= SECOND / 2};
    return runs.longest.count == bad && runs.longest.next_ns;
}

static void add_refusals(struct whyrst_diagnosis *diagnosis, GArray *stops)
{
    g_autoptr(GHashTable) known = g_hash_table_new(NULL, NULL);
    struct stop stop;

    for (guint i = 0; i < stops->len; i++) {
        g_hash_table_add(known, g_array_index(stops, struct stop, i).row);
    }
    for (guint i = 0; i < diagnosis->servers; i++) {
        struct whyrst_endpoint *row = &g_array_index(diagnosis->rows, struct whyrst_endpoint, i);

        if (is_stop(row, &stop) && !g_hash_table_contains(known, row)) {
            g_array_append_val(stops, stop);
        }
    }
}

/* Bursts are told apart only when some time lies between them. */
static bool follows(const struct stop *stop, const struct stop *last)
{
    int64_t pause = stop->first_ns - last->last_ns;

    return pause > (stop->burst && last->burst ? SECOND / 2 : 0) && pause <= PACE_NS;
}

/* Whether more than half of the servers of a service that are in use take part. */
static bool are_most(const struct whyrst_diagnosis *diagnosis, const struct member *members,
                     guint count, enum service kind)
{
    guint used = 0;

    for (guint i = 0; i < diagnosis->servers; i++) {
        const struct endpoint_stats *stats =
            g_array_index(diagnosis->rows, struct whyrst_endpoint, i).stats;
        struct endpoint_key service = service_of(&stats->key, kind);

        used +=
            stats->connections >= LEAST && memcmp(&service, &members->service, sizeof service) == 0;
    }
    return count * 2 > used;
}

/* @members of one service, in the order of time. */
static bool is_deployment(const struct whyrst_diagnosis *diagnosis, const struct member *members,
                          guint count, enum service kind)
{
    double log_p = 0; /* of as many failures, shuffled, to lie server by server */
    uint32_t sum = 0;
    guint bursts = 0, lasting = 0;

    for (guint i = 0; i < count; i++) {
        const struct stop *stop = &members[i].stop;

        if (i && !follows(stop, &members[i - 1].stop)) {
            return false;
        }
        sum += stop->count;
        log_p += log(i + 1) - stats_log_choose(sum, stop->count);
        bursts += stop->burst;
        lasting += stop->lasting;
    }
    return kind == SERVICE_PORT ? bursts >= LEAST_SERVERS
                                : lasting >= LEAST_SERVERS && log_p < log(CHANCE) &&
                                      are_most(diagnosis, members, count, kind);
}

/* What became of each server. */
static void tell_servers(struct whyrst_finding *finding, const struct member *members, guint count)
{
    for (guint i = 0; i < count; i++) {
        const struct stop *stop = &members[i].stop;
        const struct endpoint_stats *stats = stop->row->stats;

        frames_merge(&finding->places,
                     stop->burst ? &faults_of(stats)->reset_frames : &faults_of(stats)->bad_frames,
                     0);
        stop->row->state = WHYRST_FINDING_ROLLING_DEPLOYMENT;
        if (i < SERVERS_TOLD) {
            finding_evidence(finding, "%s %s %u within %.3f s, %.1f s after the first",
                             endpoint_name(stop->row), stop->burst ? "reset" : "refused",
                             stop->count, (double)(stop->last_ns - stop->first_ns) / SECOND,
                             (double)(stop->first_ns - members->stop.first_ns) / SECOND);
        }
    }
}

static void add(struct whyrst_diagnosis *diagnosis, const struct member *members, guint count,
                enum service kind)
{
    const struct endpoint_key *key = &members->stop.row->stats->key;
    struct whyrst_finding *finding;
    uint32_t lost = 0, connections = 0, bursts = 0;
    double p = 0;
    char host[80];

    for (guint i = 0; i < count; i++) {
        const struct stop *stop = &members[i].stop;
        const struct endpoint_stats *stats = stop->row->stats;

        lost += stop->count;
        connections += MAX(stop->count, stop->burst ? stats->connections : stats->attempts);
        bursts += stop->burst;
        p = MAX(p, stop->p);
    }
    finding = finding_add(diagnosis->findings, WHYRST_FINDING_ROLLING_DEPLOYMENT,
                          bursts == count && p < CHANCE / 10 ? WHYRST_CONFIDENCE_HIGH
                                                             : WHYRST_CONFIDENCE_MEDIUM);
    finding_count(finding, lost, connections);
    finding_sender(finding, WHYRST_SENDER_SERVER);
    finding->first_ns = members[0].stop.first_ns;
    finding->last_ns = members[count - 1].stop.last_ns;
    finding->seconds_ns = finding->last_ns - finding->first_ns;
    if (kind == SERVICE_HOST) {
        endpoint_text(host, sizeof host, key->version, key->address, 0, false);
        finding_text(finding, "%u ports of %s %s %u connections, one after another", count, host,
                     bursts == count ? "dropped" : "dropped or refused", lost);
    } else {
        finding_text(finding, "%u servers of port %u %s %u connections, one server after another",
                     count, key->port, bursts == count ? "dropped" : "dropped or refused", lost);
    }
    tell_servers(finding, members, count);
    if (count > SERVERS_TOLD) {
        finding_evidence(finding, "and %u more", count - SERVERS_TOLD);
    }
}

/* Each of @stops is told once: those that are left stay in it. */
static void find(struct whyrst_diagnosis *diagnosis, GArray *stops, enum service kind)
{
    g_autoptr(GArray) members = g_array_new(FALSE, FALSE, sizeof(struct member));
    guint kept = 0;

    for (guint i = 0; i < stops->len; i++) {
        const struct stop *stop = &g_array_index(stops, struct stop, i);
        struct member member = {service_of(&stop->row->stats->key, kind), *stop};

        if (stop->burst || kind != SERVICE_PORT) {
            g_array_append_val(members, member);
        } else {
            g_array_index(stops, struct stop, kept++) = *stop;
        }
    }
    g_array_set_size(stops, kept);
    g_array_sort(members, by_service);
    for (guint i = 0, end; i < members->len; i = end) {
        const struct member *first = &g_array_index(members, struct member, i);

        for (end = i; end < members->len && memcmp(&first->service, &first[end - i].service,
                                                   sizeof first->service) == 0;) {
            end++;
        }
        if (is_deployment(diagnosis, first, end - i, kind)) {
            add(diagnosis, first, end - i, kind);
            continue;
        }
        for (guint j = i; j < end; j++) {
            g_array_append_val(stops, g_array_index(members, struct member, j).stop);
        }
    }
}

void find_deployments(struct whyrst_diagnosis *diagnosis, GArray *stops)
{
    add_refusals(diagnosis, stops);
    for (int kind = 0; kind < SERVICE_COUNT; kind++) {
        find(diagnosis, stops, (enum service)kind);
    }
}
