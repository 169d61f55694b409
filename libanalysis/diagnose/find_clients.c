/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which clients fail: one that exceeds a limit, or one whose address is not wanted.
 *
 * A limit shows in the client's own connections: those that fail all come after at least N others
 * within a window, those that come after fewer are accepted, also after failures. A banned address
 * fails from a moment on without exception, while other addresses are served in the same time. A
 * server that is down, or too slow for all, is neither.
 */
#include <string.h>

#include "diagnose/diagnosis.h"
#include "diagnose/servers.h"

#define SECOND INT64_C(1000000000)

/* As in find_blocks.c. */
#define LEAST         3
#define LEAST_CLIENTS 2
#define HARDLY_ANY    0.1
#define CHANCE        0.001

static const int64_t windows[] = {SECOND / 4,  SECOND,      2 * SECOND,  5 * SECOND,
                                  10 * SECOND, 60 * SECOND, 600 * SECOND};

/** struct limit - a window, how many earlier connections in it precede every failure, and the
 * table: beyond that number (failed, accepted), below it (all accepted) */
struct limit {
    int64_t window_ns;
    uint32_t number;
    uint32_t failed;
    uint32_t accepted;
    uint32_t below;
    double p;
};

/** struct others - the other clients of a server during one client's failures */
struct others {
    uint32_t clients;
    uint32_t failed;
    uint32_t good;
};

static struct limit try_window(const struct moment *moments, uint32_t count, int64_t window_ns)
{
    struct limit limit = {.window_ns = window_ns, .number = UINT32_MAX, .p = 1};
    uint32_t begin = 0, after = 0;
    int64_t first_failed = 0;
    g_autofree uint32_t *before = g_new(uint32_t, count);

    for (uint32_t i = 0; i < count; i++) {
        while (moments[i].time_ns - moments[begin].time_ns >= window_ns) {
            begin++;
        }
        before[i] = i - begin;
        if (moments[i].failed) {
            limit.number = MIN(limit.number, before[i]);
            limit.failed++;
            first_failed = first_failed ? first_failed : moments[i].time_ns;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (before[i] >= limit.number) {
            limit.accepted += !moments[i].failed;
        } else {
            limit.below++;
            after += moments[i].time_ns > first_failed;
        }
    }
    /* It was accepted again: without that it may be a ban, or the end of the service. */
    if (limit.failed >= LEAST && limit.number >= 2 && limit.below >= LEAST && after >= 2) {
        limit.p = stats_fisher(limit.failed, limit.accepted, 0, limit.below);
    }
    return limit;
}

static struct limit find_limit(const struct pair *pair)
{
    struct limit best = {.p = 1};
    uint32_t count;
    struct moment *moments = moments_sorted(&pair->moments, &count);

    for (size_t i = 0; i < G_N_ELEMENTS(windows); i++) {
        struct limit limit = try_window(moments, count, windows[i]);

        if (limit.p < best.p) {
            best = limit;
        }
    }
    g_free(moments);
    return best;
}

/* The others from the pair's first failure to its last. */
static struct others find_others(const struct pair *const *pairs, guint count,
                                 const struct pair *own)
{
    struct others others = {0};

    for (guint i = 0; i < count; i++) {
        uint32_t kept, good = 0, failed = 0;
        struct moment *moments;

        if (pairs[i] == own) {
            continue;
        }
        moments = moments_sorted(&pairs[i]->moments, &kept);
        for (uint32_t m = 0; m < kept; m++) {
            bool during = moments[m].time_ns >= own->score.failures->first_ns &&
                          moments[m].time_ns <= own->score.failures->last_ns;

            good += during && !moments[m].failed;
            failed += during && moments[m].failed;
        }
        g_free(moments);
        others.clients += good > 0;
        others.good += good;
        others.failed += failed;
    }
    return others;
}

static struct whyrst_finding *add(struct whyrst_diagnosis *diagnosis, const struct pair *pair,
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
    struct limit limit = find_limit(pair);
    double p = MIN(limit.p * (double)tests * G_N_ELEMENTS(windows), 1);
    enum whyrst_confidence sure;
    struct whyrst_finding *finding;
    struct block *block;
    char client[48];

    if (p > CHANCE || others->failed > others->good) {
        return false; /* a server that fails all clients at its busiest is no limit's doing */
    }
    sure = p < CHANCE / 10 && others->good >= LEAST && others->failed == 0
               ? WHYRST_CONFIDENCE_HIGH
               : WHYRST_CONFIDENCE_MEDIUM;
    block = blocks_add(diagnosis->blocks, ACROSS_RATE, sure, &pair->server, &pair->score);
    memcpy(block->client, pair->client, sizeof block->client);
    endpoint_text(client, sizeof client, pair->server.version, pair->client, 0, false);
    g_snprintf(block->across->contrast, sizeof block->across->contrast,
               "%s: after %u or more connections within %g s %u of %u failed, after fewer 0 of %u",
               client, limit.number, (double)limit.window_ns / SECOND, limit.failed,
               limit.failed + limit.accepted, limit.below);
    finding = add(diagnosis, pair, block, WHYRST_FINDING_RATE_LIMIT, pair->score.failed,
                  (uint64_t)pair->score.failed + pair->score.good);
    finding->p = p;
    finding->seconds_ns = limit.window_ns;
    finding->has_others = true;
    finding->other_resets = others->failed;
    finding->other_connections = (uint64_t)others->failed + others->good;
    finding_text(finding,
                 "%s limits %s: %u of %u connections failed, all after %u or more within %g s",
                 finding->server, client, pair->score.failed, pair->score.failed + pair->score.good,
                 limit.number, (double)limit.window_ns / SECOND);
    return true;
}

/* Connections that began after the first failure and were accepted. */
static uint32_t good_since(const struct pair *pair)
{
    uint32_t count, good = 0;
    struct moment *moments = moments_sorted(&pair->moments, &count);

    for (uint32_t i = 0; i < count; i++) {
        good += !moments[i].failed && moments[i].time_ns > pair->score.failures->first_ns;
    }
    g_free(moments);
    return good;
}

static bool is_ja4_known_good(const struct whyrst_diagnosis *diagnosis, const struct pair *pair);

static void find_ban(struct whyrst_diagnosis *diagnosis, const struct pair *pair,
                     const struct others *others, uint64_t tests)
{
    uint32_t failed = pair->score.failed;
    struct whyrst_finding *finding;
    struct block *block;
    char client[48];
    double p;

    if (good_since(pair) > 0 || others->clients < LEAST_CLIENTS || others->good < LEAST ||
        others->failed > HARDLY_ANY * others->good ||
        (pair->hellos && !is_ja4_known_good(diagnosis, pair))) {
        return;
    }
    p = MIN(stats_fisher(failed, 0, others->failed, others->good) * (double)tests, 1);
    if (p > CHANCE * 10) {
        return;
    }
    block = blocks_add(diagnosis->blocks, ACROSS_ADDRESS,
                       p < CHANCE && others->failed == 0 ? WHYRST_CONFIDENCE_HIGH
                                                         : WHYRST_CONFIDENCE_MEDIUM,
                       &pair->server, &pair->score);
    memcpy(block->client, pair->client, sizeof block->client);
    endpoint_text(client, sizeof client, pair->server.version, pair->client, 0, false);
    g_snprintf(block->across->contrast, sizeof block->across->contrast,
               "%s: %u of %u failed; %u other client%s in that time: %u of %u", client, failed,
               failed, others->clients, others->clients == 1 ? "" : "s", others->failed,
               others->failed + others->good);
    finding = add(diagnosis, pair, block, WHYRST_FINDING_IP_BLOCK, failed,
                  (uint64_t)failed + pair->score.good);
    finding->p = p;
    finding->has_others = true;
    finding->other_resets = others->failed;
    finding->other_connections = (uint64_t)others->failed + others->good;
    finding_text(finding,
                 "%s does not let %s in: %u connections failed, %u of other clients "
                 "went well in that time",
                 finding->server, client, failed, others->good);
}

/* The ClientHellos that failed are also other clients', which were answered. */
static bool is_ja4_known_good(const struct whyrst_diagnosis *diagnosis, const struct pair *pair)
{
    const struct heavy *hellos = &diagnosis->whole->hellos;

    for (size_t i = 0; i < hellos->size; i++) {
        const struct hello_cell *own = heavy_at(hellos, i);
        bool known = false;

        if (!own || !own->score.failed ||
            memcmp(&own->key.server, &pair->server, sizeof pair->server) != 0 ||
            memcmp(own->key.client, pair->client, sizeof pair->client) != 0) {
            continue;
        }
        for (size_t j = 0; j < hellos->size && !known; j++) {
            const struct hello_cell *other = heavy_at(hellos, j);

            known = other && other->score.good && other->key.ja4 == own->key.ja4 &&
                    other->key.name == own->key.name &&
                    memcmp(&other->key.server, &pair->server, sizeof pair->server) == 0 &&
                    memcmp(other->key.client, pair->client, sizeof pair->client) != 0;
        }
        if (!known) {
            return false;
        }
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

/* Most failures first; of as many, in the order of addresses (the sort is stable). */
static gint by_failures(gconstpointer a, gconstpointer b)
{
    const struct pair *x = *(const struct pair *const *)a;
    const struct pair *y = *(const struct pair *const *)b;

    return (x->score.failed < y->score.failed) - (x->score.failed > y->score.failed);
}

static void find_in_group(struct whyrst_diagnosis *diagnosis, const struct pair *const *pairs,
                          guint count, uint64_t tests)
{
    g_autoptr(GPtrArray) suspects = g_ptr_array_new();

    for (guint i = 0; i < count; i++) {
        if (pairs[i]->score.failed >= LEAST) {
            g_ptr_array_add(suspects, (gpointer)pairs[i]);
        }
    }
    g_ptr_array_sort(suspects, by_failures);
    for (guint i = 0; i < MIN(suspects->len, LIMIT_SUSPECTS); i++) {
        const struct pair *suspect = g_ptr_array_index(suspects, i);
        struct others others;

        others = find_others(pairs, count, suspect);
        if (!find_rate_limit(diagnosis, suspect, &others, tests)) {
            find_ban(diagnosis, suspect, &others, tests);
        }
    }
}

/* All pairs of the servers that have a suspect; how many suspects there are. */
static GPtrArray *choose_pairs(const struct heavy *table, uint64_t *suspects)
{
    GPtrArray *pairs = g_ptr_array_new();
    struct servers servers;

    servers_init(&servers);
    for (size_t i = 0; i < table->size; i++) {
        const struct pair *pair = heavy_at(table, i);

        if (pair && pair->score.failed >= LEAST) {
            servers_add(&servers, &pair->server);
            ++*suspects;
        }
    }
    for (size_t i = 0; *suspects && i < table->size; i++) {
        struct pair *pair = heavy_at(table, i);

        if (pair && servers_have(&servers, &pair->server)) {
            g_ptr_array_add(pairs, pair);
        }
    }
    servers_clear(&servers);
    return pairs;
}

void find_clients(struct whyrst_diagnosis *diagnosis)
{
    uint64_t tests = 0;
    g_autoptr(GPtrArray) pairs = choose_pairs(&diagnosis->whole->pairs, &tests);

    if (tests == 0) {
        return;
    }
    qsort(pairs->pdata, pairs->len, sizeof pairs->pdata[0], by_server);
    for (guint i = 0, end; i < pairs->len; i = end) {
        const struct pair *first = pairs->pdata[i];

        for (end = i; end < pairs->len; end++) {
            const struct pair *pair = pairs->pdata[end];

            if (memcmp(&pair->server, &first->server, sizeof first->server) != 0) {
                break;
            }
        }
        find_in_group(diagnosis, (const struct pair *const *)pairs->pdata + i, end - i, tests);
    }
}
