/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Some devices, and some servers, expect a ClientHello in one segment, and reset those that take
 * several, as those with a post-quantum key share do. Many of them have one JA4, which is not the
 * reason: so the table is made of all at once, whatever their JA4, and more than one JA4 must show
 * it, or one both ways.
 */
#include <math.h>

#include "diagnose/contrast.h"

#define LEAST      3
#define NEARLY_ALL 0.8
#define HARDLY_ANY 0.1

/** struct sizes - a server's ClientHellos of several segments, and those in one
 * @all:    both; @failed: of the JA4s of which some were reset
 * @first:  one of these JA4s; @several: it is not the only one, or is answered in one segment */
struct sizes {
    struct score all;
    uint32_t first;
    bool several;
    struct score failed;
};

static struct sizes sum_up(const struct group *group)
{
    struct sizes sizes = {0};

    for (guint i = 0; i < group->combos->len; i++) {
        const struct combo *combo = g_ptr_array_index(group->combos, i);

        score_merge(&sizes.all, &combo->score, 0);
        if (combo->score.split_failed) {
            sizes.several |= sizes.first && sizes.first != combo->ja4;
            sizes.first = combo->ja4;
            score_merge(&sizes.failed, &combo->score, 0);
        }
    }
    for (guint i = 0; i < group->combos->len; i++) {
        const struct combo *combo = g_ptr_array_index(group->combos, i);

        sizes.several |=
            combo->ja4 == sizes.first && combo->score.good - combo->score.split_good >= LEAST;
    }
    return sizes;
}

static guint role_by_size(const struct moment *moment, const void *data)
{
    (void)data;
    return moment->mark & 1 ? (moment->split ? CLIENT_OWN : CLIENT_OTHER) + 1 : 0;
}

static void add(const struct group *group, const struct sizes *sizes, double p)
{
    const struct server_key *server = &group->cells[0]->key.server;
    uint32_t failed = sizes->all.split_failed, good = sizes->all.split_good;
    uint32_t other_failed = sizes->all.failed - failed, other_good = sizes->all.good - good;
    struct whyrst_finding *finding = finding_add(
        group->diagnosis->findings, WHYRST_FINDING_SPLIT_HELLO, WHYRST_CONFIDENCE_MEDIUM);
    char text[80];

    endpoint_text(text, sizeof text, server->version, server->address, server->port, true);
    finding->server = g_strdup(text);
    finding_count(finding, failed, (uint64_t)failed + good);
    finding_sender(finding, score_sender(&sizes->failed));
    finding->has_others = true;
    finding->other_resets = other_failed;
    finding->other_connections = (uint64_t)other_failed + other_good;
    finding->p = p;
    finding->first_ns = sizes->failed.failures->first_ns;
    finding->last_ns = sizes->failed.failures->last_ns;
    frames_merge(&finding->places, &sizes->failed.failures->frames, 0);
    finding_text(finding,
                 "%s resets ClientHellos of several segments: %u of %u, of those in one %u of %u",
                 text, failed, failed + good, other_failed, other_failed + other_good);
    finding_evidence(finding,
                     "whatever the JA4: whoever reads them does not put segments together");
}

/* Nearly all of those are reset, hardly any of the others, and that is no chance: @p gets it. */
static bool are_apart(const struct group *group, const struct sizes *sizes, double *p)
{
    const struct score *all = &sizes->all;
    uint32_t other_failed = all->failed - all->split_failed;
    uint32_t other_good = all->good - all->split_good;

    if (!sizes->several || all->split_failed < LEAST || other_good < LEAST ||
        all->split_failed < NEARLY_ALL * (all->split_failed + all->split_good) ||
        other_failed > HARDLY_ANY * (other_failed + other_good)) {
        return false;
    }
    *p = stats_fisher(all->split_failed, all->split_good, other_failed, other_good) * group->tests;
    return *p < CONTRAST_CHANCE;
}

bool find_split_hellos(const struct group *group)
{
    struct sizes sizes = sum_up(group);
    bool found = false;
    double p;

    if (are_apart(group, &sizes, &p)) {
        g_autoptr(GHashTable) servers = combos_failed_at(group->combos, 0, 0);
        struct spell spell;
        struct others meanwhile = contrast_meanwhile(group, servers, role_by_size, NULL, &spell);

        found = meanwhile.good >= LEAST && !others_fail_too(&meanwhile);
        if (found) {
            add(group, &sizes, p);
        }
    }
    score_clear(&sizes.all);
    score_clear(&sizes.failed);
    return found;
}
