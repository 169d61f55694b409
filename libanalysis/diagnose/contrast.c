/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several may be blocked at once. They are no fair comparison for one another, so those that look
 * blocked are left out of it; but whoever picks the failures out of a mixture finds "blocks" in
 * any. So all that were picked, taken together, must differ from the rest by more than the number
 * of ways to pick as many would make likely.
 */
#include "diagnose/contrast.h"

#include <math.h>

/* Connections to compare with, the share of resets that is "nearly all" and that of "hardly any".
 */
#define LEAST_OTHER 3
#define NEARLY_ALL  0.8
#define HARDLY_ANY  0.1

/* Resets of a block that was not always there. */
#define LEAST_SPELL 5

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
    const struct names *names = group->diagnosis->whole->names;
    uint16_t mark =
        tables_hello_mark(names_hash(names, combo->ja4), names_hash(names, combo->name));

    score_merge(role == CLIENT_OWN ? &contrast->own : &contrast->others, &combo->score, 0);
    g_hash_table_insert(contrast->marks, GUINT_TO_POINTER(mark), GUINT_TO_POINTER(role + 1));
}

static guint role_by_mark(const struct moment *moment, const void *marks)
{
    return GPOINTER_TO_UINT(
        g_hash_table_lookup((GHashTable *)marks, GUINT_TO_POINTER(moment->mark)));
}

/* Of a pair: its connections that @role_of knows. */
static void add_events(const struct pair *pair,
                       guint (*role_of)(const struct moment *moment, const void *data),
                       const void *data, GArray *events)
{
    uint32_t count;
    const struct moment *moments = moments_kept(&pair->moments, &count);

    for (uint32_t i = 0; i < count; i++) {
        guint role = role_of(&moments[i], data);
        struct event event = {moments[i].time_ns, role - 1,
                              moments[i].failed && moments[i].origin == WHYRST_ORIGIN_TLS_PHASE};

        if (role) {
            g_array_append_val(events, event);
        }
    }
}

/* From the first of the own that was reset to the last; @events are sorted. */
static struct spell find_spell(const GArray *events)
{
    struct spell spell = {.first_ns = INT64_MAX, .last_ns = INT64_MIN};
    uint32_t since = 0; /* answered since the latest that was reset */

    for (guint i = 0; i < events->len; i++) {
        const struct event *event = &g_array_index(events, struct event, i);

        if (event->pair != CLIENT_OWN) {
            continue;
        }
        if (!event->failed) {
            since++;
            continue;
        }
        *(spell.failed ? &spell.good : &spell.before) += since;
        spell.failed++;
        spell.first_ns = MIN(spell.first_ns, event->time_ns);
        spell.last_ns = event->time_ns;
        since = 0;
    }
    spell.after = since;
    return spell;
}

struct others contrast_meanwhile(const struct group *group, GHashTable *servers,
                                 guint (*role_of)(const struct moment *moment, const void *data),
                                 const void *data, struct spell *spell)
{
    /* "Pairs" are those compared here. */
    static const uint8_t roles[] = {[CLIENT_OTHER] = CLIENT_OTHER, [CLIENT_OWN] = CLIENT_OWN};
    const struct heavy *pairs = &group->diagnosis->whole->pairs;
    g_autoptr(GArray) events = g_array_new(FALSE, FALSE, sizeof(struct event));

    for (size_t i = 0; i < pairs->count; i++) {
        const struct pair *pair = heavy_entry(pairs, i);

        if (g_hash_table_contains(servers, &pair->server)) {
            add_events(pair, role_of, data, events);
        }
    }
    events_sort(events);
    *spell = find_spell(events);
    return others_between(events, roles, G_N_ELEMENTS(roles), spell->first_ns, spell->last_ns);
}

/* Nearly all were reset for a time, or since a moment: then only those of that time count. Of the
 * others, too; it is one of as many times as there are pairs of its connections. */
static bool is_blocked_for_a_time(const struct group *group, struct contrast *contrast)
{
    struct score *own = &contrast->own;
    const struct spell *spell = &contrast->spell;
    const struct score inside = {.failed = spell->failed, .good = spell->good};
    double pairs = ((double)own->failed + own->good) * ((double)own->failed + own->good) / 2;

    if (spell->failed != own->failed || spell->failed < LEAST_SPELL || !is_blocked(&inside)) {
        return false;
    }
    contrast->p = MIN(stats_fisher(spell->failed, spell->good, contrast->meanwhile.failed,
                                   contrast->meanwhile.good) *
                          pairs * group->tests,
                      1);
    own->good = spell->good;
    return contrast->p < CONTRAST_CHANCE;
}

/* Chance, and whoever picks several out of a mixture, make no such block. */
static bool is_no_chance(const struct group *group, struct contrast *contrast)
{
    const struct score *others = &contrast->others;

    contrast->p = MIN(test(&contrast->own, others) * group->tests, 1);
    return contrast->p < CONTRAST_CHANCE &&
           (!is_blocked(&contrast->own) ||
            test(&contrast->picked, others) *
                    exp(stats_log_choose(contrast->candidates, contrast->blocked)) <
                CONTRAST_CHANCE);
}

bool contrast_is_clear(const struct group *group, struct contrast *contrast)
{
    const struct score *own = &contrast->own, *others = &contrast->others;

    if (own->failed < CONTRAST_LEAST || others->good < LEAST_OTHER ||
        score_rate(others) > HARDLY_ANY || !overlaps(own, others) ||
        !is_no_chance(group, contrast)) {
        return false;
    }
    contrast->meanwhile = contrast_meanwhile(group, contrast->servers, role_by_mark,
                                             contrast->marks, &contrast->spell);
    if (others_fail_too(&contrast->meanwhile)) {
        return false;
    }
    contrast->passing = !is_blocked(own);
    return !contrast->passing || is_blocked_for_a_time(group, contrast);
}

bool contrast_may_be_size(const struct score *own, const struct score *others)
{
    return own->split_failed >= NEARLY_ALL * own->failed &&
           own->split_good + others->split_good <= HARDLY_ANY * own->split_failed;
}

enum whyrst_confidence contrast_confidence(const struct contrast *contrast)
{
    bool clear = contrast->meanwhile.good >= LEAST_OTHER && contrast->p < CONTRAST_CHANCE / 10 &&
                 score_rate(&contrast->own) > 0.95 && contrast->others.failed == 0 &&
                 !contrast->passing;

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
    const struct names *known = group->diagnosis->whole->names;
    GHashTable *picked;
    bool several = false;

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
    contrast->version = combos_are_trait(group->combos, contrast->servers, picked, known, ja4,
                                         COMBO_VERSION, &contrast->alike);
    contrast->alpn = combos_are_trait(group->combos, contrast->servers, picked, known, ja4,
                                      COMBO_ALPN, &several) &&
                     several;
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
