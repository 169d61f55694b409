/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which clients fail: one that exceeds a limit, or one whose address is not wanted.
 *
 * A limit shows in the client's own connections (limit.c), again and again, or while others are
 * served: once may be an outage that met a busy client. A banned address fails from a moment on
 * without exception, while other addresses are served in the same time. A server that is down, or
 * too slow for all, is neither; nor is a client that fails now and then wherever it connects.
 */
#include <math.h>
#include <string.h>

#include "diagnose/diagnosis.h"
#include "diagnose/limit.h"
#include "diagnose/servers.h"

#define SECOND INT64_C(1000000000)

/* As in find_blocks.c. */
#define LEAST         3
#define LEAST_CLIENTS 2
#define HARDLY_ANY    0.1
#define CHANCE        0.001

/* Failures and seconds that make a ban which ended; and those of a long one. */
#define LEAST_SPELL    5
#define LEAST_SPELL_NS (2 * SECOND)
#define LONG_SPELL_NS  (10 * SECOND)

/** struct census - what all clients tell: their pairs, how many clients failed at each server that
 * any failed at (struct server_key: number), and how many suspects there are to test */
struct census {
    const struct heavy *pairs;
    GHashTable *failing;
    uint64_t suspects;
};

/** struct event - a connection of the pair with this index in its group */
struct event {
    int64_t time_ns;
    guint pair;
    bool failed;
};

/** struct others - the other clients of a server during one client's failures; @near_failed,
 *  @near_good: of their connections those next to one of the failures, before or after it */
struct others {
    uint32_t clients;
    uint32_t failed;
    uint32_t good;
    uint32_t near_failed;
    uint32_t near_good;
};

static gint by_time(gconstpointer a, gconstpointer b)
{
    const struct event *x = a, *y = b;

    if (x->time_ns != y->time_ns) {
        return x->time_ns < y->time_ns ? -1 : 1;
    }
    return (x->pair > y->pair) - (x->pair < y->pair);
}

/* All connections of a server's clients, as far as their times are kept. */
static GArray *make_timeline(const struct pair *const *pairs, guint count)
{
    GArray *timeline = g_array_new(FALSE, FALSE, sizeof(struct event));

    for (guint i = 0; i < count; i++) {
        const struct moments *moments = &pairs[i]->moments;

        for (uint32_t m = 0; m < MIN(moments->count, moments->room); m++) {
            struct event event = {moments->items[m].time_ns, i, moments->items[m].failed};

            g_array_append_val(timeline, event);
        }
    }
    g_array_sort(timeline, by_time);
    return timeline;
}

static void note_near(struct others *others, const struct event *event)
{
    others->near_failed += event->failed;
    others->near_good += !event->failed;
}

/* Goes through the timeline; each neighbour of failures counts once. */
static void find_neighbours(const GArray *timeline, guint own, struct others *others)
{
    const struct event *before = NULL; /* the latest of another client, not yet counted */
    bool failing = false;

    for (guint i = 0; i < timeline->len; i++) {
        const struct event *event = &g_array_index(timeline, struct event, i);

        if (event->pair == own && event->failed) {
            if (before) {
                note_near(others, before);
            }
            before = NULL;
            failing = true;
        } else if (event->pair != own) {
            if (failing) {
                note_near(others, event);
            }
            before = failing ? NULL : event;
            failing = false;
        }
    }
}

/* The others from the pair's first failure to its last. */
static struct others find_others(const struct pair *const *pairs, guint count,
                                 const GArray *timeline, guint own)
{
    const struct failures *failures = pairs[own]->score.failures;
    g_autofree bool *served = g_new0(bool, count);
    struct others others = {0};

    for (guint i = 0; i < timeline->len; i++) {
        const struct event *event = &g_array_index(timeline, struct event, i);

        if (event->pair == own || event->time_ns < failures->first_ns ||
            event->time_ns > failures->last_ns) {
            continue;
        }
        others.failed += event->failed;
        others.good += !event->failed;
        others.clients += !event->failed && !served[event->pair];
        served[event->pair] |= !event->failed;
    }
    find_neighbours(timeline, own, &others);
    return others;
}

/* Whether others failed as well, then or at the same moments: it is the server's trouble. */
static bool is_everyones(const struct others *others)
{
    return others->failed > HARDLY_ANY * others->good ||
           others->near_failed > HARDLY_ANY * others->near_good;
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
    bool served = others->good >= LEAST && others->failed == 0;
    /* What was asked for may follow a request that was answered, and be the reason. */
    struct limit limit = limit_find(&pair->moments, served && pair->asked == 0);
    double p = MIN(limit.p * (double)tests, 1);
    enum whyrst_confidence sure;
    struct whyrst_finding *finding;
    struct block *block;
    char client[48], where[80];

    if (p > CHANCE || is_everyones(others) || (limit.times < 2 && !served)) {
        return false; /* a server that fails all clients at its busiest is no limit's doing */
    }
    sure = p < CHANCE / 10 && served ? WHYRST_CONFIDENCE_HIGH : WHYRST_CONFIDENCE_MEDIUM;
    block = blocks_add(diagnosis->blocks, ACROSS_RATE, sure, &pair->server, &pair->score);
    memcpy(block->client, pair->client, sizeof block->client);
    endpoint_text(client, sizeof client, pair->server.version, pair->client, 0, false);
    limit_text(&limit, where, sizeof where);
    g_snprintf(block->across->contrast, sizeof block->across->contrast,
               "%s: %s %u of %u connections failed, otherwise %u of %u", client, where,
               limit.failed, limit.failed + limit.accepted, limit.odd, limit.odd + limit.below);
    finding = add(diagnosis, pair, block, WHYRST_FINDING_RATE_LIMIT, pair->score.failed,
                  (uint64_t)pair->score.failed + pair->score.good);
    finding->p = p;
    finding->seconds_ns = limit.window_ns;
    finding->has_others = true;
    finding->other_resets = others->failed;
    finding->other_connections = (uint64_t)others->failed + others->good;
    finding_text(finding, "%s limits %s: %u of %u connections failed, %s %s", finding->server,
                 client, pair->score.failed, pair->score.failed + pair->score.good,
                 limit.odd ? "nearly all" : "all", where);
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

static bool is_alone(const struct census *census, const struct server_key *server)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(census->failing, server)) == 1;
}

/* A client that fails now and then at other servers, where no other client does, fails several
 * times in a row at some of them, which is no ban. Servers that bar it as well, without exception,
 * say nothing of the kind. */
static bool is_failing_anywhere(const struct census *census, const struct pair *own)
{
    uint64_t servers = 0, failed = 0, good = 0;

    for (size_t i = 0; i < census->pairs->size; i++) {
        const struct pair *pair = heavy_at(census->pairs, i);

        if (!pair || pair == own || pair->server.version != own->server.version ||
            memcmp(pair->client, own->client, sizeof own->client) != 0) {
            continue;
        }
        servers++;
        if (pair->score.failed && is_alone(census, &pair->server)) {
            failed += pair->score.failed;
            good += good_since(pair);
        }
    }
    return good > 0 &&
           pow((double)failed / (double)(failed + good), own->score.failed) * (double)servers >
               CHANCE;
}

/* How long a client was kept out, that was accepted before and after: its failures are one run,
 * which neither chance nor a limit makes. 0 = no such spell. */
static int64_t spell_ns(const struct pair *pair, uint64_t tests)
{
    uint32_t count, first = 0, next, failed = pair->score.failed;
    struct moment *moments = moments_sorted(&pair->moments, &count);
    int64_t ns = 0;

    while (first < count && !moments[first].failed) {
        first++;
    }
    for (next = first; next < count && moments[next].failed;) {
        next++;
    }
    if (next < count && first > 0 && next - first == failed && failed >= LEAST_SPELL &&
        stats_run(count, failed, failed) * (double)tests <= CHANCE &&
        limit_is_below(moments, count, first)) {
        ns = moments[next].time_ns - moments[first].time_ns;
    }
    g_free(moments);
    return ns >= LEAST_SPELL_NS ? ns : 0;
}

/* Let in again: a backend of its own that was down for a while looks the same when it is short. */
static void tell_spell(struct whyrst_finding *finding, const char *client, int64_t ns)
{
    finding->seconds_ns = ns;
    finding_text(finding,
                 "%s did not let %s in for %.1f s: %" G_GUINT64_FORMAT
                 " connections in a row failed, %" G_GUINT64_FORMAT
                 " of other clients went well in that time",
                 finding->server, client, (double)ns / SECOND, finding->resets,
                 finding->other_connections - finding->other_resets);
    finding_evidence(finding, "let in again: a ban that ended, or what lies behind the address and "
                              "serves this client was down");
}

static void find_ban(struct whyrst_diagnosis *diagnosis, const struct pair *pair,
                     const struct others *others, const struct census *census)
{
    uint32_t failed = pair->score.failed;
    bool again = good_since(pair) > 0;
    int64_t spell = again ? spell_ns(pair, census->suspects) : 0;
    enum whyrst_confidence sure = WHYRST_CONFIDENCE_MEDIUM;
    struct whyrst_finding *finding;
    struct block *block;
    char client[48];
    double p;

    if ((again && spell == 0) || others->clients < LEAST_CLIENTS || others->good < LEAST ||
        is_everyones(others) || (pair->hellos && !is_ja4_known_good(diagnosis, pair))) {
        return;
    }
    p = MIN(stats_fisher(failed, 0, others->failed, others->good) * (double)census->suspects, 1);
    if (p > CHANCE * 10 || is_failing_anywhere(census, pair)) {
        return;
    }
    if (again) {
        sure = spell >= LONG_SPELL_NS ? WHYRST_CONFIDENCE_MEDIUM : WHYRST_CONFIDENCE_LOW;
    } else if (p < CHANCE && others->failed == 0) {
        sure = WHYRST_CONFIDENCE_HIGH;
    }
    block = blocks_add(diagnosis->blocks, ACROSS_ADDRESS, sure, &pair->server, &pair->score);
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
    if (again) {
        tell_spell(finding, client, spell);
    }
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
    g_autoptr(GArray) timeline = make_timeline(pairs, count);

    for (guint i = 0; i < count; i++) {
        struct suspect suspect = {i, pairs[i]->score.failed};

        if (suspect.failed >= LEAST) {
            g_array_append_val(suspects, suspect);
        }
    }
    g_array_sort(suspects, by_failures);
    for (guint i = 0; i < MIN(suspects->len, LIMIT_SUSPECTS); i++) {
        guint own = g_array_index(suspects, struct suspect, i).pair;
        struct others others = find_others(pairs, count, timeline, own);

        if (!find_rate_limit(diagnosis, pairs[own], &others, census->suspects)) {
            find_ban(diagnosis, pairs[own], &others, census);
        }
    }
}

static struct census take_census(const struct heavy *pairs)
{
    struct census census = {.pairs = pairs, .failing = g_hash_table_new(server_hash, server_equal)};

    for (size_t i = 0; i < pairs->size; i++) {
        const struct pair *pair = heavy_at(pairs, i);

        if (pair && pair->score.failed) {
            gpointer server = (gpointer)&pair->server;
            guint clients = GPOINTER_TO_UINT(g_hash_table_lookup(census.failing, server));

            g_hash_table_insert(census.failing, server, GUINT_TO_POINTER(clients + 1));
            census.suspects += pair->score.failed >= LEAST;
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
    for (size_t i = 0; i < table->size; i++) {
        const struct pair *pair = heavy_at(table, i);

        if (pair && pair->score.failed >= LEAST) {
            servers_add(&servers, &pair->server);
        }
    }
    for (size_t i = 0; i < table->size; i++) {
        struct pair *pair = heavy_at(table, i);

        if (pair && servers_have(&servers, &pair->server)) {
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
