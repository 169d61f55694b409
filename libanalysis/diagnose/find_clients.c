/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which clients fail: one that exceeds a limit, or one whose address is not wanted.
 *
 * A limit shows in the client's own connections (limit.c), again and again, or while others are
 * served: once may be an outage that met a busy client. Of bans see find_bans.c. A server that is
 * down, or too slow for all, is neither; nor is a client that fails now and then wherever it
 * connects.
 */
#include <string.h>

#include "diagnose/clients.h"
#include "diagnose/limit.h"
#include "diagnose/servers.h"

#define HARDLY_ANY 0.1

static gint by_time(gconstpointer a, gconstpointer b)
{
    const struct event *x = a, *y = b;

    if (x->time_ns != y->time_ns) {
        return x->time_ns < y->time_ns ? -1 : 1;
    }
    return (x->pair > y->pair) - (x->pair < y->pair);
}

void events_sort(GArray *events)
{
    g_array_sort(events, by_time);
}

/* All connections of a server's clients, as far as their times are kept. */
static GArray *make_timeline(const struct pair *const *pairs, guint count)
{
    GArray *timeline = g_array_new(FALSE, FALSE, sizeof(struct event));

    for (guint i = 0; i < count; i++) {
        uint32_t kept;
        const struct moment *moments = moments_kept(&pairs[i]->moments, &kept);

        for (uint32_t m = 0; m < kept; m++) {
            struct event event = {moments[m].time_ns, i, moments[m].failed};

            g_array_append_val(timeline, event);
        }
    }
    events_sort(timeline);
    return timeline;
}

static void note_near(struct others *others, const struct event *event)
{
    others->near_failed += event->failed;
    others->near_good += !event->failed;
}

/* Goes through the timeline; each neighbour of failures counts once. */
static void find_neighbours(const GArray *events, const uint8_t *roles, struct others *others)
{
    const struct event *before = NULL; /* the latest of another client, not yet counted */
    bool failing = false;

    for (guint i = 0; i < events->len; i++) {
        const struct event *event = &g_array_index(events, struct event, i);
        uint8_t role = roles[event->pair];

        if (role == CLIENT_OWN && event->failed) {
            if (before) {
                note_near(others, before);
            }
            before = NULL;
            failing = true;
        } else if (role == CLIENT_OTHER) {
            if (failing) {
                note_near(others, event);
            }
            before = failing ? NULL : event;
            failing = false;
        }
    }
}

struct others others_between(const GArray *events, const uint8_t *roles, guint count,
                             int64_t first_ns, int64_t last_ns)
{
    g_autofree bool *served = g_new0(bool, count);
    struct others others = {0};

    for (guint i = 0; i < events->len; i++) {
        const struct event *event = &g_array_index(events, struct event, i);

        if (roles[event->pair] != CLIENT_OTHER || event->time_ns < first_ns ||
            event->time_ns > last_ns) {
            continue;
        }
        others.failed += event->failed;
        others.good += !event->failed;
        others.clients += !event->failed && !served[event->pair];
        served[event->pair] |= !event->failed;
    }
    find_neighbours(events, roles, &others);
    return others;
}

struct others find_others(const struct crowd *crowd)
{
    int64_t first_ns = INT64_MAX, last_ns = INT64_MIN;

    for (guint i = 0; i < crowd->count; i++) {
        const struct failures *failures = crowd->pairs[i]->score.failures;

        if (crowd->roles[i] == CLIENT_OWN && failures) {
            first_ns = MIN(first_ns, failures->first_ns);
            last_ns = MAX(last_ns, failures->last_ns);
        }
    }
    return others_between(crowd->events, crowd->roles, crowd->count, first_ns, last_ns);
}

bool others_fail_too(const struct others *others)
{
    return others->failed > HARDLY_ANY * others->good ||
           others->near_failed > HARDLY_ANY * others->near_good;
}

struct whyrst_finding *client_finding(struct whyrst_diagnosis *diagnosis, const struct pair *pair,
                                      const struct block *block, enum whyrst_finding_kind kind,
                                      uint64_t failed, uint64_t all)
{
    struct whyrst_finding *finding =
        finding_add(diagnosis->findings, kind, block->across->confidence);
    char text[80];

    endpoint_text(text, sizeof text, pair->server.version, pair->server.address, pair->server.port,
                  true);
    finding->server = g_strdup(text);
    endpoint_text(text, sizeof text, pair->server.version, pair->client, 0, false);
    finding->client = g_strdup(text);
    finding_count(finding, failed, all);
    finding_sender(finding, score_sender(&pair->score));
    finding->first_ns = pair->score.failures->first_ns;
    finding->last_ns = pair->score.failures->last_ns;
    frames_merge(&finding->places, &pair->score.failures->frames, 0);
    finding_evidence(finding, "%s", block->across->contrast);
    return finding;
}

static bool find_rate_limit(struct whyrst_diagnosis *diagnosis, const struct pair *pair,
                            const struct others *others, uint64_t tests)
{
    bool served = others->good >= CLIENT_LEAST && others->failed == 0;
    /* What was asked for may follow a request that was answered, and be the reason. */
    struct limit limit = limit_find(&pair->moments, served && pair->asked == 0);
    double p = MIN(limit.p * (double)tests, 1);
    enum whyrst_confidence sure;
    struct whyrst_finding *finding;
    struct block *block;
    char client[48], where[80];

    if (p > CLIENT_CHANCE || (limit.times < 2 && !served)) {
        return false;
    }
    sure = limit.regular                      ? WHYRST_CONFIDENCE_LOW
           : p < CLIENT_CHANCE / 10 && served ? WHYRST_CONFIDENCE_HIGH
                                              : WHYRST_CONFIDENCE_MEDIUM;
    block = blocks_add(diagnosis->blocks, ACROSS_RATE, sure, &pair->server, &pair->score);
    memcpy(block->client, pair->client, sizeof block->client);
    endpoint_text(client, sizeof client, pair->server.version, pair->client, 0, false);
    limit_text(&limit, where, sizeof where);
    g_snprintf(block->across->contrast, sizeof block->across->contrast,
               "%s: %s %u of %u connections failed, otherwise %u of %u", client, where,
               limit.failed, limit.failed + limit.accepted, limit.odd, limit.odd + limit.below);
    finding = client_finding(diagnosis, pair, block, WHYRST_FINDING_RATE_LIMIT, pair->score.failed,
                             (uint64_t)pair->score.failed + pair->score.good);
    finding->p = p;
    finding->seconds_ns = limit.window_ns;
    finding->has_others = true;
    finding->other_resets = others->failed;
    finding->other_connections = (uint64_t)others->failed + others->good;
    finding_text(finding, "%s limits %s: %u of %u connections failed, %s %s", finding->server,
                 client, pair->score.failed, pair->score.failed + pair->score.good,
                 limit.odd ? "nearly all" : "all", where);
    if (limit.regular) {
        finding_evidence(finding,
                         "failures come one by one and after as many others each time: what "
                         "these ask for, or one of several backends, looks the same");
    }
    return true;
}

static int by_server(const void *a, const void *b)
{
    const struct pair *x = *(const struct pair *const *)a;
    const struct pair *y = *(const struct pair *const *)b;
    int order = memcmp(&x->server, &y->server, sizeof x->server);

    return order ? order : memcmp(x->client, y->client, sizeof x->client);
}

/** struct suspect - a pair that failed, by its index in its group */
struct suspect {
    guint pair;
    uint32_t failed;
};

/* Most failures first; of as many, in the order of addresses, which is that of the group. */
static gint by_failures(gconstpointer a, gconstpointer b)
{
    const struct suspect *x = a, *y = b;

    if (x->failed != y->failed) {
        return x->failed > y->failed ? -1 : 1;
    }
    return (x->pair > y->pair) - (x->pair < y->pair);
}

static void find_in_group(struct whyrst_diagnosis *diagnosis, const struct pair *const *pairs,
                          guint count, const struct census *census)
{
    g_autoptr(GArray) suspects = g_array_new(FALSE, FALSE, sizeof(struct suspect));
    g_autoptr(GArray) events = make_timeline(pairs, count);
    g_autofree uint8_t *roles = g_new0(uint8_t, count);
    struct crowd crowd = {pairs, count, events, roles, NULL};

    for (guint i = 0; i < count; i++) {
        struct suspect suspect = {i, pairs[i]->score.failed};

        if (suspect.failed >= CLIENT_LEAST) {
            g_array_append_val(suspects, suspect);
        }
    }
    find_bans(diagnosis, &crowd, census);
    g_array_sort(suspects, by_failures);
    for (guint i = 0; i < MIN(suspects->len, LIMIT_SUSPECTS); i++) {
        guint own = g_array_index(suspects, struct suspect, i).pair;
        struct others others;

        if (roles[own] == CLIENT_LEFT_OUT) {
            continue;
        }
        roles[own] = CLIENT_OWN;
        others = find_others(&crowd);
        roles[own] = CLIENT_OTHER;
        if (others_fail_too(&others)) {
            continue; /* what fails all clients, at its busiest maybe, is no limit or ban of one */
        }
        if (!find_rate_limit(diagnosis, pairs[own], &others, census->suspects)) {
            find_ban(diagnosis, &crowd, own, &others, census);
        }
    }
    if (crowd.answered) {
        g_hash_table_unref(crowd.answered);
    }
}

static struct census take_census(const struct heavy *pairs)
{
    struct census census = {.pairs = pairs, .failing = g_hash_table_new(server_hash, server_equal)};

    for (size_t i = 0; i < pairs->count; i++) {
        const struct pair *pair = heavy_entry(pairs, i);

        if (pair->score.failed) {
            gpointer server = (gpointer)&pair->server;
            guint clients = GPOINTER_TO_UINT(g_hash_table_lookup(census.failing, server));

            g_hash_table_insert(census.failing, server, GUINT_TO_POINTER(clients + 1));
            census.suspects += pair->score.failed >= CLIENT_LEAST;
        }
    }
    return census;
}

/* All pairs of the servers that have a suspect. */
static GPtrArray *choose_pairs(const struct heavy *table)
{
    GPtrArray *pairs = g_ptr_array_new();
    struct servers servers;

    servers_init(&servers);
    for (size_t i = 0; i < table->count; i++) {
        const struct pair *pair = heavy_entry(table, i);

        if (pair->score.failed >= CLIENT_LEAST) {
            servers_add(&servers, &pair->server);
        }
    }
    for (size_t i = 0; i < table->count; i++) {
        struct pair *pair = heavy_entry(table, i);

        if (servers_have(&servers, &pair->server)) {
            g_ptr_array_add(pairs, pair);
        }
    }
    servers_clear(&servers);
    qsort(pairs->pdata, pairs->len, sizeof pairs->pdata[0], by_server);
    return pairs;
}

static void find_in_groups(struct whyrst_diagnosis *diagnosis, const struct census *census)
{
    g_autoptr(GPtrArray) pairs = choose_pairs(census->pairs);

    for (guint i = 0, end; i < pairs->len; i = end) {
        const struct pair *first = pairs->pdata[i];

        for (end = i; end < pairs->len; end++) {
            const struct pair *pair = pairs->pdata[end];

            if (memcmp(&pair->server, &first->server, sizeof first->server) != 0) {
                break;
            }
        }
        find_in_group(diagnosis, (const struct pair *const *)pairs->pdata + i, end - i, census);
    }
}

void find_clients(struct whyrst_diagnosis *diagnosis)
{
    struct census census = take_census(&diagnosis->whole->pairs);

    if (census.suspects) {
        find_in_groups(diagnosis, &census);
    }
    g_hash_table_unref(census.failing);
}
