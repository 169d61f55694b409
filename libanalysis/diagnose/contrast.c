/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several may be blocked at once. They are no fair comparison for one another, so those that look
 * blocked are left out of it; but whoever picks the failures out of a mixture finds "blocks" in
 * any. So all that were picked, taken together, must differ from the rest by more than the number
 * of ways to pick as many would make likely.
 */
#include "diagnose/contrast.h"

#include <math.h>

/* Connections to compare with, the share of resets that is "nearly all" and that of "hardly any",
 * and the chance (corrected for the number of tests) not to be one. */
#define LEAST_OTHER 3
#define NEARLY_ALL  0.8
#define HARDLY_ANY  0.1
#define CHANCE      0.001

static bool is_blocked(const struct score *score)
{
    return score->failed >= CONTRAST_LEAST && score_rate(score) >= NEARLY_ALL;
}

/* Both happened in the same time: the server was not just another one then. */
static bool overlaps(const struct score *failed, const struct score *others)
{
    return others->good && others->first_good_ns <= failed->failures->last_ns &&
           others->last_good_ns >= failed->failures->first_ns;
}

static double test(const struct score *own, const struct score *others)
{
    return stats_fisher(own->failed, own->good, others->failed, others->good);
}

/* Takes part in the comparison, as one of @role's. */
static void compare(const struct group *group, struct contrast *contrast, const struct combo *combo,
                    enum client_role role)
{
    const struct names *names = &group->diagnosis->whole->names;
    uint16_t mark =
        tables_hello_mark(names_text(names, combo->ja4), names_text(names, combo->name));

    score_merge(role == CLIENT_OWN ? &contrast->own : &contrast->others, &combo->score, 0);
    g_hash_table_insert(contrast->marks, GUINT_TO_POINTER(mark), GUINT_TO_POINTER(role + 1));
}

static void add_events(const struct contrast *contrast, const struct pair *pair, GArray *events)
{
    uint32_t count;
    g_autofree struct moment *moments = moments_sorted(&pair->moments, &count);

    for (uint32_t i = 0; i < count; i++) {
        guint role = GPOINTER_TO_UINT(
            g_hash_table_lookup(contrast->marks, GUINT_TO_POINTER(moments[i].mark)));
        struct event event = {moments[i].time_ns, role - 1,
                              moments[i].failed && moments[i].origin == WHYRST_ORIGIN_TLS_PHASE};

        if (role) {
            g_array_append_val(events, event);
        }
    }
}

/* Server and time may be the reason as well: those compared must be answered while it is reset. */
static struct others look_meanwhile(const struct group *group, const struct contrast *contrast)
{
    static const uint8_t roles[] = {CLIENT_OTHER, CLIENT_OWN};
    const struct heavy *pairs = &group->diagnosis->whole->pairs;
    g_autoptr(GArray) events = g_array_new(FALSE, FALSE, sizeof(struct event));
    int64_t first_ns = INT64_MAX, last_ns = INT64_MIN;

    for (size_t i = 0; i < pairs->size; i++) {
        const struct pair *pair = heavy_at(pairs, i);

        if (pair && g_hash_table_contains(contrast->servers, &pair->server)) {
            add_events(contrast, pair, events);
        }
    }
    events_sort(events);
    for (guint i = 0; i < events->len; i++) {
        const struct event *event = &g_array_index(events, struct event, i);

        if (event->failed && roles[event->pair] == CLIENT_OWN) {
            first_ns = MIN(first_ns, event->time_ns);
            last_ns = event->time_ns;
        }
    }
    return others_between(events, roles, G_N_ELEMENTS(roles), first_ns, last_ns);
}

bool contrast_is_clear(const struct group *group, struct contrast *contrast)
{
    const struct score *own = &contrast->own, *others = &contrast->others;

    if (!is_blocked(own) || others->good < LEAST_OTHER || score_rate(others) > HARDLY_ANY ||
        !overlaps(own, others)) {
        return false;
    }
    contrast->p = MIN(test(own, others) * group->tests, 1);
    if (contrast->p >= CHANCE ||
        test(&contrast->picked, others) *
                exp(stats_log_choose(contrast->candidates, contrast->blocked)) >=
            CHANCE) {
        return false;
    }
    contrast->meanwhile = look_meanwhile(group, contrast);
    return !others_fail_too(&contrast->meanwhile);
}

enum whyrst_confidence contrast_confidence(const struct contrast *contrast)
{
    bool clear = contrast->meanwhile.good >= LEAST_OTHER && contrast->p < CHANCE / 10 &&
                 score_rate(&contrast->own) > 0.95 && contrast->others.failed == 0;

    if (contrast->meanwhile.good == 0) {
        return WHYRST_CONFIDENCE_LOW;
    }
    return clear ? WHYRST_CONFIDENCE_HIGH : WHYRST_CONFIDENCE_MEDIUM;
}

/* Which of @scores look blocked; only they are left in it. */
static void pick(struct contrast *contrast, GHashTable *scores)
{
    GHashTableIter iter;
    gpointer value;

    contrast->candidates = g_hash_table_size(scores);
    g_hash_table_iter_init(&iter, scores);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        if (is_blocked(value)) {
            score_merge(&contrast->picked, value, 0);
            contrast->blocked++;
        } else {
            g_hash_table_iter_remove(&iter);
        }
    }
}

static void begin(const struct group *group, uint32_t name, uint32_t ja4, struct contrast *contrast,
                  GHashTable **picked)
{
    *contrast = (struct contrast){.servers = combos_failed_at(group->combos, name, ja4),
                                  .marks = g_hash_table_new(NULL, NULL)};
    *picked = combos_scores(group->combos, contrast->servers, name != 0);
    pick(contrast, *picked);
}

void contrast_clear(struct contrast *contrast)
{
    g_hash_table_unref(contrast->servers);
    g_hash_table_unref(contrast->marks);
    score_clear(&contrast->own);
    score_clear(&contrast->others);
    score_clear(&contrast->picked);
}

/* Under which names @ja4 was reset; of each, whether others say it, too. */
static GHashTable *names_of(const struct group *group, uint32_t ja4)
{
    GHashTable *names = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < group->combos->len; i++) {
        const struct combo *combo = g_ptr_array_index(group->combos, i);

        if (combo->ja4 == ja4 && combo->score.failed) {
            g_hash_table_insert(names, GUINT_TO_POINTER(combo->name + 1), NULL);
        }
    }
    for (guint i = 0; i < group->combos->len; i++) {
        const struct combo *combo = g_ptr_array_index(group->combos, i);
        gpointer key = GUINT_TO_POINTER(combo->name + 1);

        if ((combo->ja4 != ja4 || !combo->name) && g_hash_table_contains(names, key)) {
            g_hash_table_insert(names, key, GINT_TO_POINTER(1));
        }
    }
    return names;
}

void contrast_ja4(const struct group *group, uint32_t ja4, struct contrast *contrast)
{
    g_autoptr(GHashTable) names = names_of(group, ja4);
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    GHashTable *picked;

    begin(group, 0, ja4, contrast, &picked);
    for (guint i = 0; i < group->combos->len; i++) {
        const struct combo *combo = g_ptr_array_index(group->combos, i);
        gpointer number = GUINT_TO_POINTER(combo->ja4 + 1), shared;

        if (!g_hash_table_lookup_extended(names, GUINT_TO_POINTER(combo->name + 1), NULL,
                                          &shared)) {
            continue;
        }
        if (combo->ja4 == ja4) {
            if (shared) {
                compare(group, contrast, combo, CLIENT_OWN);
            }
            contrast->name = g_hash_table_size(names) == 1 ? combo->name : 0;
        } else if (!g_hash_table_contains(picked, number) &&
                   g_hash_table_contains(contrast->servers, &combo->server)) {
            compare(group, contrast, combo, CLIENT_OTHER);
            contrast->variety += g_hash_table_add(seen, number);
        }
    }
    contrast->version = combos_are_version(group->combos, contrast->servers, picked,
                                           &group->diagnosis->whole->names, ja4, &contrast->alike);
    g_hash_table_unref(picked);
}

void contrast_name(const struct group *group, uint32_t name, struct contrast *contrast)
{
    g_autoptr(GHashTable) ja4s = g_hash_table_new(NULL, NULL);
    GHashTable *picked;

    begin(group, name, 0, contrast, &picked);
    for (guint i = 0; i < group->combos->len; i++) {
        const struct combo *combo = g_ptr_array_index(group->combos, i);

        if (combo->name == name && combo->score.failed) {
            contrast->variety += g_hash_table_add(ja4s, GUINT_TO_POINTER(combo->ja4 + 1));
        }
    }
    for (guint i = 0; i < group->combos->len; i++) {
        const struct combo *combo = g_ptr_array_index(group->combos, i);

        if (combo->name == name) {
            compare(group, contrast, combo, CLIENT_OWN);
        } else if (g_hash_table_contains(ja4s, GUINT_TO_POINTER(combo->ja4 + 1)) &&
                   !g_hash_table_contains(picked, GUINT_TO_POINTER(combo->name + 1)) &&
                   g_hash_table_contains(contrast->servers, &combo->server)) {
            compare(group, contrast, combo, CLIENT_OTHER);
        }
    }
    g_hash_table_unref(picked);
}
