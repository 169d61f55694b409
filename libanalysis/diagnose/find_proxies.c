/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A proxy's failures: its own, or its targets'?
 *
 * Most replies say it (proxy.c). Those that may mean either, and tunnels that were reset, are laid
 * to a target when nearly all requests for it end so while those for other targets, in the same
 * time, do not (Fisher's exact test, as for blocks). Replies that remain are the proxy's when they
 * come for targets that it also reaches, or for all of several; otherwise they stay unclear.
 */
#include <string.h>

#include "diagnose/diagnosis.h"

/* Failures that make a case, the shares that are "nearly all" and "hardly any", the chance (times
 * the number of targets) not to be one, and targets that are several. */
#define LEAST         3
#define NEARLY_ALL    0.8
#define HARDLY_ANY    0.1
#define CHANCE        0.001
#define LEAST_TARGETS 3

#define TARGETS_TOLD 3

/**
 * struct proxy_case - what is known of one proxy's requests
 * @cells:   by target
 * @blamed:  failures that comparison lays to targets; @broken: of these, resets of tunnels
 * @denied:  unclear replies that comparison lays to the proxy
 * @best:    the target with most failures that were laid to it, and its comparison, or NULL
 */
struct proxy_case {
    const struct proxy_stats *stats;
    const char *name;
    const struct tunnel_cell **cells;
    guint count;
    uint32_t asked;
    uint32_t blamed;
    uint32_t broken;
    uint32_t denied;
    const struct tunnel_cell *best;
    uint32_t other_bad;
    uint32_t other_good;
    double p;
};

static uint32_t unclear(const struct tunnel_cell *cell)
{
    return cell->results[PROXY_UNCLEAR] + cell->results[PROXY_BROKEN];
}

static double rate(uint32_t bad, uint32_t good)
{
    return bad ? (double)bad / ((double)bad + good) : 0;
}

static bool is_nearly_all(const struct tunnel_cell *cell)
{
    return rate(unclear(cell), cell->results[PROXY_TUNNEL]) >= NEARLY_ALL;
}

static int by_key(const void *a, const void *b)
{
    const struct tunnel_cell *x = *(const struct tunnel_cell *const *)a;
    const struct tunnel_cell *y = *(const struct tunnel_cell *const *)b;

    return memcmp(&x->key, &y->key, sizeof x->key);
}

static GPtrArray *targets_of(const struct whyrst_diagnosis *diagnosis,
                             const struct endpoint_stats *stats)
{
    const struct heavy *tunnels = &diagnosis->whole->tunnels;
    GPtrArray *cells = g_ptr_array_new();

    for (size_t i = 0; i < tunnels->count; i++) {
        const struct tunnel_cell *cell = heavy_entry(tunnels, i);

        if (cell->key.proxy.port == stats->key.port &&
            cell->key.proxy.version == stats->key.version &&
            memcmp(cell->key.proxy.address, stats->key.address, sizeof stats->key.address) == 0) {
            g_ptr_array_add(cells, (gpointer)cell);
        }
    }
    g_ptr_array_sort(cells, by_key);
    return cells;
}

/* Compares one target with those that work. */
static void try_target(struct proxy_case *the, const struct tunnel_cell *cell)
{
    uint32_t bad = 0, good = 0;
    bool overlaps = false;
    double p;

    if (!cell->key.target || unclear(cell) < LEAST || !is_nearly_all(cell)) {
        return;
    }
    for (guint i = 0; i < the->count; i++) {
        const struct tunnel_cell *other = the->cells[i];

        if (other != cell && !is_nearly_all(other)) {
            bad += unclear(other);
            good += other->results[PROXY_TUNNEL];
            overlaps |= other->first_good_ns && other->first_good_ns <= cell->last_unclear_ns &&
                        other->last_good_ns >= cell->first_unclear_ns;
        }
    }
    p = stats_fisher(unclear(cell), cell->results[PROXY_TUNNEL], bad, good) * the->count;
    if (!overlaps || rate(bad, good) > HARDLY_ANY || p >= CHANCE) {
        return;
    }
    the->blamed += unclear(cell);
    the->broken += cell->results[PROXY_BROKEN];
    if (!the->best || unclear(cell) > unclear(the->best)) {
        the->best = cell;
        the->other_bad = bad;
        the->other_good = good;
        the->p = p;
    }
}

/* Replies that are left and not about the target: it is reached at other times, or none is. */
static void try_proxy(struct proxy_case *the)
{
    uint32_t left = the->stats->of[PROXY_UNCLEAR].count - (the->blamed - the->broken);
    uint32_t mixed = 0, mixed_targets = 0, targets = 0, tunnels = proxy_tunnels(the->stats);

    for (guint i = 0; i < the->count; i++) {
        const struct tunnel_cell *cell = the->cells[i];
        bool worked = cell->results[PROXY_TUNNEL] + cell->results[PROXY_BROKEN] +
                          cell->results[PROXY_DROPPED] >
                      0;

        if (cell->key.target && cell->results[PROXY_UNCLEAR]) {
            targets++;
            mixed += worked ? cell->results[PROXY_UNCLEAR] : 0;
            mixed_targets += worked;
        }
    }
    if (left < LEAST || the->blamed) {
        return;
    }
    if ((mixed_targets >= LEAST_TARGETS && mixed >= left * NEARLY_ALL) ||
        (targets >= LEAST_TARGETS && left >= 2 * LEAST && tunnels == 0)) {
        the->denied = left;
    }
}

static bool is_noteworthy(const struct whyrst_diagnosis *diagnosis, const struct proxy_case *the,
                          uint32_t count)
{
    return count >= LEAST && stats_share(count, the->asked).low > diagnosis->options.alert_rate;
}

/* How its failing requests with @result were answered. */
static void add_replies(const struct proxy_case *the, struct whyrst_finding *finding,
                        enum proxy_result result)
{
    char text[80];

    for (unsigned i = 0; i < PROXY_REPLIES && the->stats->replies[i].count; i++) {
        const struct proxy_reply *reply = &the->stats->replies[i];

        if (proxy_reply_means(reply->kind, reply->reply) == result) {
            finding_evidence(finding, "%u answered by %s", reply->count,
                             proxy_reply_text(text, sizeof text, reply->kind, reply->reply));
        }
    }
}

static void add_frames(const struct proxy_case *the, struct whyrst_finding *finding,
                       enum proxy_result result)
{
    const struct proxy_tally *tally = &the->stats->of[result];

    if (tally->count) {
        frames_merge(&finding->places, &tally->frames, 0);
        finding->first_ns =
            finding->first_ns ? MIN(finding->first_ns, tally->first_ns) : tally->first_ns;
        finding->last_ns = MAX(finding->last_ns, tally->last_ns);
    }
}

static struct whyrst_finding *add(struct whyrst_diagnosis *diagnosis, struct proxy_case *the,
                                  enum whyrst_finding_kind kind, enum whyrst_confidence confidence,
                                  uint32_t count, uint32_t by_reset)
{
    struct whyrst_finding *finding = finding_add(diagnosis->findings, kind, confidence);

    finding->server = g_strdup(the->name);
    finding_count(finding, count, the->asked);
    finding->replies = count - by_reset;
    return finding;
}

static void add_failure(struct whyrst_diagnosis *diagnosis, struct proxy_case *the)
{
    const struct proxy_stats *stats = the->stats;
    uint32_t count = stats->of[PROXY_OWN].count + the->denied;
    enum whyrst_confidence sure =
        stats->of[PROXY_OWN].count >= 2 * LEAST ? WHYRST_CONFIDENCE_HIGH : WHYRST_CONFIDENCE_MEDIUM;
    struct whyrst_finding *finding =
        add(diagnosis, the, WHYRST_FINDING_PROXY_FAILURE, sure, count, stats->resets);

    finding_text(finding, "The proxy %s denies or fails requests itself: %u of %u", the->name,
                 count, the->asked);
    add_replies(the, finding, PROXY_OWN);
    if (stats->resets) {
        finding_sender(finding, WHYRST_SENDER_SERVER);
        finding_evidence(finding, "%u reset instead of an answer", stats->resets);
    }
    if (the->denied) {
        add_replies(the, finding, PROXY_UNCLEAR);
        finding_evidence(finding, proxy_tunnels(stats)
                                      ? "for targets that it reaches at other times"
                                      : "for whatever target was asked for");
        add_frames(the, finding, PROXY_UNCLEAR);
    }
    add_frames(the, finding, PROXY_OWN);
}

/* It may be either. */
static void add_doubt(struct whyrst_diagnosis *diagnosis, struct proxy_case *the, uint32_t count)
{
    struct whyrst_finding *finding =
        add(diagnosis, the, WHYRST_FINDING_PROXY_FAILURE, WHYRST_CONFIDENCE_LOW, count, 0);

    finding_text(finding, "The proxy %s or what lies behind it fails: %u of %u requests", the->name,
                 count, the->asked);
    add_replies(the, finding, PROXY_UNCLEAR);
    finding_evidence(finding,
                     "the reply does not say whose failure it is, nor does a comparison of "
                     "targets");
    add_frames(the, finding, PROXY_UNCLEAR);
}

/* The targets with most failures. */
static void add_targets(const struct whyrst_diagnosis *diagnosis, const struct proxy_case *the,
                        struct whyrst_finding *finding)
{
    const struct tunnel_cell *last = NULL;

    for (unsigned n = 0; n < TARGETS_TOLD; n++) {
        const struct tunnel_cell *most = NULL;

        for (guint i = 0; i < the->count; i++) {
            const struct tunnel_cell *cell = the->cells[i];
            bool later = !last || cell->results[PROXY_TARGET] < last->results[PROXY_TARGET] ||
                         (cell->results[PROXY_TARGET] == last->results[PROXY_TARGET] &&
                          memcmp(&cell->key, &last->key, sizeof cell->key) > 0);

            if (cell->key.target && cell->results[PROXY_TARGET] && later &&
                (!most || cell->results[PROXY_TARGET] > most->results[PROXY_TARGET])) {
                most = cell;
            }
        }
        if (!most) {
            return;
        }
        last = most;
        finding_evidence(finding, "%s: %u failed, %u tunnels stood",
                         names_text(diagnosis->whole->targets, most->key.target),
                         most->results[PROXY_TARGET],
                         most->results[PROXY_TUNNEL] + most->results[PROXY_BROKEN] +
                             most->results[PROXY_DROPPED]);
    }
}

static void add_target(struct whyrst_diagnosis *diagnosis, struct proxy_case *the)
{
    const struct proxy_stats *stats = the->stats;
    uint32_t said = stats->of[PROXY_TARGET].count;
    bool certain = said >= 2 * LEAST || (the->best && the->p < CHANCE / 10);
    struct whyrst_finding *finding =
        add(diagnosis, the, WHYRST_FINDING_PROXY_TARGET,
            certain ? WHYRST_CONFIDENCE_HIGH : WHYRST_CONFIDENCE_MEDIUM, said + the->blamed,
            the->broken);

    finding_text(finding, "The proxy %s works, but targets fail: %u of %u requests", the->name,
                 said + the->blamed, the->asked);
    add_replies(the, finding, PROXY_TARGET);
    add_targets(diagnosis, the, finding);
    add_frames(the, finding, PROXY_TARGET);
    if (!the->best) {
        return;
    }
    finding->p = MIN(the->p, 1);
    finding->has_others = true;
    finding->other_resets = the->other_bad;
    finding->other_connections = (uint64_t)the->other_bad + the->other_good;
    add_replies(the, finding, PROXY_UNCLEAR);
    finding_evidence(finding, "%s: %u of %u failed; other targets in that time: %u of %u",
                     names_text(diagnosis->whole->targets, the->best->key.target),
                     unclear(the->best), unclear(the->best) + the->best->results[PROXY_TUNNEL],
                     the->other_bad, the->other_bad + the->other_good);
    if (the->broken) {
        finding_evidence(finding, "%u tunnels were reset: the target's end, passed on",
                         the->broken);
    }
    add_frames(the, finding, the->broken < the->blamed ? PROXY_UNCLEAR : PROXY_BROKEN);
}

void proxy_tell_replies(struct whyrst_diagnosis *diagnosis, struct whyrst_endpoint *row)
{
    const struct proxy_stats *stats = row->stats->proxy;
    char **texts = g_new0(char *, PROXY_REPLIES + 1);
    char text[80];

    row->reply_count = 0;
    for (unsigned i = 0; i < PROXY_REPLIES && stats->replies[i].count; i++) {
        proxy_reply_text(text, sizeof text, stats->replies[i].kind, stats->replies[i].reply);
        texts[row->reply_count++] = g_strdup_printf("%s: %u", text, stats->replies[i].count);
    }
    row->replies = texts;
    g_ptr_array_add(diagnosis->texts, texts);
}

void find_proxy(struct whyrst_diagnosis *diagnosis, struct whyrst_endpoint *row)
{
    const struct proxy_stats *stats = row->stats->proxy;
    g_autoptr(GPtrArray) cells = targets_of(diagnosis, row->stats);
    struct proxy_case the = {.stats = stats,
                             .name = endpoint_name(row),
                             .cells = (const struct tunnel_cell **)cells->pdata,
                             .count = cells->len};
    uint32_t doubt;

    for (unsigned i = PROXY_TUNNEL; i < PROXY_RESULT_COUNT; i++) {
        the.asked += stats->of[i].count;
    }
    for (guint i = 0; i < the.count; i++) {
        try_target(&the, the.cells[i]);
    }
    try_proxy(&the);
    doubt = stats->of[PROXY_UNCLEAR].count - (the.blamed - the.broken) - the.denied;
    row->stats->proxy->health = (struct proxy_health){
        .own = stats->of[PROXY_OWN].count + stats->of[PROXY_DROPPED].count + the.denied +
               faults_of(row->stats)->refused_by[WHYRST_SENDER_SERVER],
        .target = stats->of[PROXY_TARGET].count + the.blamed,
        .unclear = doubt + stats->of[PROXY_BROKEN].count - the.broken,
    };
    if (is_noteworthy(diagnosis, &the, stats->of[PROXY_TARGET].count + the.blamed)) {
        add_target(diagnosis, &the);
        row->state = row->state == WHYRST_FINDING_COUNT ? WHYRST_FINDING_PROXY_TARGET : row->state;
    }
    if (is_noteworthy(diagnosis, &the, stats->of[PROXY_OWN].count + the.denied)) {
        add_failure(diagnosis, &the);
        row->state = row->state == WHYRST_FINDING_COUNT ? WHYRST_FINDING_PROXY_FAILURE : row->state;
    } else if (is_noteworthy(diagnosis, &the, doubt)) {
        add_doubt(diagnosis, &the, doubt);
        row->state = row->state == WHYRST_FINDING_COUNT ? WHYRST_FINDING_PROXY_FAILURE : row->state;
    }
}
