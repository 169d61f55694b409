/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is reset in the TLS handshake: a JA4, or a server name?
 *
 * A JA4 is blocked when nearly all of its ClientHellos are reset and those of other JA4s, with the
 * same names, at the same servers and in the same time, are answered; not when it is one client's
 * only one (the address may be meant). A name is blocked when nearly all of its ClientHellos are
 * reset whatever the JA4, and the same JA4s are answered under other names of the same servers.
 * Where neither comparison can be made, nothing is claimed.
 *
 * First each server is looked at by itself, then names over all their servers: a name behind many
 * addresses may have too few connections with each.
 *
 * Several may be blocked at once. They are no fair comparison for one another, so those that look
 * blocked are left out of it; but whoever picks the failures out of a mixture finds "blocks" in
 * any. So all that were picked, taken together, must differ from the rest by more than the number
 * of ways to pick as many would make likely.
 */
#include <math.h>
#include <string.h>

#include "diagnose/combos.h"
#include "diagnose/diagnosis.h"
#include "diagnose/servers.h"

/* Resets that make a case, connections to compare with, the share of resets that is "nearly all"
 * and that of "hardly any", and the chance (corrected for the number of tests) not to be one. */
#define LEAST       3
#define LEAST_OTHER 3
#define NEARLY_ALL  0.8
#define HARDLY_ANY  0.1
#define CHANCE      0.001

/**
 * struct group - ClientHellos that are compared
 * @cells:  those of one server, or of one name; NULL: of all
 * @combos: the same, summed up
 * @wide:   of several servers, each of which has been looked at by itself
 * @tests:  of the whole diagnosis
 */
struct group {
    struct whyrst_diagnosis *diagnosis;
    const struct hello_cell *const *cells;
    guint count;
    const GPtrArray *combos;
    bool wide;
    double tests;
};

/**
 * struct contrast - a JA4 or a name against others
 * @servers:    where it failed; @first: the first of them
 * @own, @others: its ClientHellos, and those it is compared with
 * @blocked:    it and the others that look blocked as well: how many, and all together
 * @candidates: of which these were picked
 * @variety:    JA4s that @others, or, of a name, @own consists of
 * @name:       the only name that a JA4 was reset under, or 0
 * @version:    all JA4s with this one's TLS version are blocked, several, and no other
 */
struct contrast {
    GHashTable *servers;
    struct server_key first;
    struct score own;
    struct score others;
    struct score picked;
    guint blocked;
    guint candidates;
    guint variety;
    uint32_t name;
    bool version;
    double p;
};

static bool is_blocked(const struct score *score)
{
    return score->failed >= LEAST && score_rate(score) >= NEARLY_ALL;
}

/* Its clients have other JA4s that are answered here, or there are several of them. */
static bool is_about_ja4(const struct group *group, uint32_t ja4)
{
    const uint8_t *first = NULL;

    for (guint i = 0; i < group->count; i++) {
        const struct hello_key *key = &group->cells[i]->key;

        if (key->ja4 != ja4 || !group->cells[i]->score.failed) {
            continue;
        }
        if (first && memcmp(first, key->client, sizeof key->client) != 0) {
            return true;
        }
        first = key->client;
    }
    for (guint i = 0; first && i < group->count; i++) {
        const struct hello_key *key = &group->cells[i]->key;

        if (key->ja4 != ja4 && group->cells[i]->score.good &&
            memcmp(first, key->client, sizeof key->client) == 0) {
            return true;
        }
    }
    return false;
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

/* Whether the contrast is large enough not to be chance; its p gets the chance. */
static bool is_clear(const struct group *group, struct contrast *contrast)
{
    const struct score *own = &contrast->own, *others = &contrast->others;

    if (!is_blocked(own) || others->good < LEAST_OTHER || score_rate(others) > HARDLY_ANY ||
        !overlaps(own, others)) {
        return false;
    }
    contrast->p = MIN(test(own, others) * group->tests, 1);
    return contrast->p < CHANCE &&
           test(&contrast->picked, others) *
                   exp(stats_log_choose(contrast->candidates, contrast->blocked)) <
               CHANCE;
}

static enum whyrst_confidence confidence_of(const struct contrast *contrast)
{
    bool clear = contrast->p < CHANCE / 10 && score_rate(&contrast->own) > 0.95 &&
                 contrast->others.failed == 0;

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

static void contrast_begin(const struct group *group, uint32_t name, uint32_t ja4,
                           struct contrast *contrast, GHashTable **picked)
{
    *contrast = (struct contrast){.servers = combos_failed_at(group->combos, name, ja4)};
    *picked = combos_scores(group->combos, contrast->servers, name != 0);
    pick(contrast, *picked);
}

static void contrast_end(struct contrast *contrast)
{
    g_hash_table_unref(contrast->servers);
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

/* The other JA4s with the names that @ja4 was reset under. */
static void compare_ja4(const struct group *group, uint32_t ja4, struct contrast *contrast)
{
    g_autoptr(GHashTable) names = names_of(group, ja4);
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    GHashTable *picked;

    contrast_begin(group, 0, ja4, contrast, &picked);
    for (guint i = 0; i < group->combos->len; i++) {
        const struct combo *combo = g_ptr_array_index(group->combos, i);
        gpointer number = GUINT_TO_POINTER(combo->ja4 + 1), shared;

        if (!g_hash_table_lookup_extended(names, GUINT_TO_POINTER(combo->name + 1), NULL,
                                          &shared)) {
            continue;
        }
        if (combo->ja4 == ja4) {
            if (shared) {
                score_merge(&contrast->own, &combo->score, 0);
            }
            contrast->name = g_hash_table_size(names) == 1 ? combo->name : 0;
        } else if (!g_hash_table_contains(picked, number) &&
                   g_hash_table_contains(contrast->servers, &combo->server)) {
            score_merge(&contrast->others, &combo->score, 0);
            contrast->variety += g_hash_table_add(seen, number);
        }
    }
    contrast->version = combos_are_version(group->combos, contrast->servers, picked,
                                           &group->diagnosis->whole->names, ja4);
    g_hash_table_unref(picked);
}

/* The JA4s that were reset under @name, under the servers' other names. */
static void compare_name(const struct group *group, uint32_t name, struct contrast *contrast)
{
    g_autoptr(GHashTable) ja4s = g_hash_table_new(NULL, NULL);
    GHashTable *picked;

    contrast_begin(group, name, 0, contrast, &picked);
    for (guint i = 0; i < group->combos->len; i++) {
        const struct combo *combo = g_ptr_array_index(group->combos, i);

        if (combo->name == name && combo->score.failed) {
            contrast->variety += g_hash_table_add(ja4s, GUINT_TO_POINTER(combo->ja4 + 1));
        }
    }
    for (guint i = 0; i < group->combos->len; i++) {
        const struct combo *combo = g_ptr_array_index(group->combos, i);

        if (combo->name == name) {
            score_merge(&contrast->own, &combo->score, 0);
        } else if (g_hash_table_contains(ja4s, GUINT_TO_POINTER(combo->ja4 + 1)) &&
                   !g_hash_table_contains(picked, GUINT_TO_POINTER(combo->name + 1)) &&
                   g_hash_table_contains(contrast->servers, &combo->server)) {
            score_merge(&contrast->others, &combo->score, 0);
        }
    }
    g_hash_table_unref(picked);
}

/* Whether findings about one server each tell most of it. */
static bool is_told(const struct group *group, enum whyrst_finding_kind kind, const char *sni,
                    const char *ja4, uint32_t failed)
{
    const struct whyrst_diagnosis *diagnosis = group->diagnosis;
    uint64_t told = 0;

    for (guint i = diagnosis->first_finding; group->wide && i < diagnosis->findings->len; i++) {
        const struct whyrst_finding *finding = g_ptr_array_index(diagnosis->findings, i);

        if (finding->kind == kind && (!ja4 || g_strcmp0(finding->ja4, ja4) == 0) &&
            (!sni || g_strcmp0(finding->sni, sni) == 0)) {
            told += finding->resets;
        }
    }
    return told * 5 >= (uint64_t)failed * 4;
}

/* "192.0.2.1:443" or "20 servers"; the finding's server is set where it is one. */
static char *fill(struct whyrst_finding *finding, const struct contrast *contrast)
{
    guint servers = g_hash_table_size(contrast->servers);
    GHashTableIter iter;
    gpointer key;
    char text[80];

    g_hash_table_iter_init(&iter, contrast->servers);
    g_hash_table_iter_next(&iter, &key, NULL);
    if (servers == 1) {
        const struct server_key *server = key;

        endpoint_text(text, sizeof text, server->version, server->address, server->port, true);
        finding->server = g_strdup(text);
    } else {
        g_snprintf(text, sizeof text, "%u servers", servers);
    }
    finding_count(finding, contrast->own.failed,
                  (uint64_t)contrast->own.failed + contrast->own.good);
    finding_sender(finding, score_sender(&contrast->own));
    finding->has_others = true;
    finding->other_resets = contrast->others.failed;
    finding->other_connections = (uint64_t)contrast->others.failed + contrast->others.good;
    finding->p = contrast->p;
    finding->first_ns = contrast->own.failures->first_ns;
    finding->last_ns = contrast->own.failures->last_ns;
    frames_merge(&finding->places, &contrast->own.failures->frames, 0);
    return g_strdup(text);
}

/* RSTs of @ja4 are explained by it: at each server where it failed. */
static struct across *explain(const struct group *group, const struct contrast *contrast,
                              const char *ja4)
{
    GArray *blocks = group->diagnosis->blocks;
    struct across *across = NULL;
    GHashTableIter iter;
    gpointer server;

    g_hash_table_iter_init(&iter, contrast->servers);
    while (g_hash_table_iter_next(&iter, &server, NULL)) {
        struct block *block =
            blocks_add(blocks, ACROSS_FINGERPRINT, confidence_of(contrast), server, &contrast->own);

        block->ja4 = g_strdup(ja4);
        block->sni =
            group->wide
                ? g_strdup(names_text(&group->diagnosis->whole->names, group->cells[0]->key.name))
                : NULL;
        across = block->across;
        g_snprintf(across->contrast, sizeof across->contrast,
                   "%s: %u of %u reset after ClientHello; %u other JA4%s: %u of %u", ja4,
                   contrast->own.failed, contrast->own.failed + contrast->own.good,
                   contrast->variety, contrast->variety == 1 ? "" : "s", contrast->others.failed,
                   contrast->others.failed + contrast->others.good);
    }
    return across;
}

static void add_ja4(const struct group *group, const struct contrast *contrast, const char *ja4)
{
    const struct score *own = &contrast->own, *others = &contrast->others;
    struct whyrst_finding *finding =
        finding_add(group->diagnosis->findings, WHYRST_FINDING_TLS_FINGERPRINT_BLOCK,
                    contrast->version ? WHYRST_CONFIDENCE_LOW : confidence_of(contrast));
    g_autofree char *server = fill(finding, contrast);

    finding->ja4 = g_strdup(ja4);
    finding->sni = g_strdup(names_text(&group->diagnosis->whole->names, contrast->name));
    finding_text(finding, "%s reset%s the TLS client %s: %u of %u connections, others %u of %u",
                 server, finding->server ? "s" : "", ja4, own->failed, own->failed + own->good,
                 others->failed, others->failed + others->good);
    if (contrast->version) {
        finding_evidence(finding, "all JA4s of this TLS version are reset and no other: the server "
                                  "may want another version of whoever comes");
    } else {
        finding_evidence(finding, "%s", explain(group, contrast, ja4)->contrast);
    }
}

static void find_ja4(const struct group *group, uint32_t number)
{
    const char *ja4 = names_text(&group->diagnosis->whole->names, number);
    struct contrast contrast;

    if (!ja4) {
        return; /* of several that had no room */
    }
    compare_ja4(group, number, &contrast);
    if (is_clear(group, &contrast) && is_about_ja4(group, number) &&
        !is_told(group, WHYRST_FINDING_TLS_FINGERPRINT_BLOCK, NULL, ja4, contrast.own.failed)) {
        add_ja4(group, &contrast, ja4);
    }
    contrast_end(&contrast);
}

static void add_name(const struct group *group, const struct contrast *contrast, const char *name)
{
    const struct score *own = &contrast->own, *others = &contrast->others;
    struct whyrst_finding *finding =
        finding_add(group->diagnosis->findings, WHYRST_FINDING_SNI_BLOCK,
                    contrast->variety > 1 ? confidence_of(contrast) : WHYRST_CONFIDENCE_LOW);
    g_autofree char *server = fill(finding, contrast);

    finding->sni = g_strdup(name);
    finding_text(finding, "%s reset%s TLS connections for %s: %u of %u, under other names %u of %u",
                 server, finding->server ? "s" : "", name, own->failed, own->failed + own->good,
                 others->failed, others->failed + others->good);
    finding_evidence(finding, "%u JA4%s reset under this name; under other names: %u of %u",
                     contrast->variety, contrast->variety == 1 ? "" : "s", others->failed,
                     others->failed + others->good);
    if (contrast->blocked > 1) {
        finding_evidence(finding, "%u other name%s reset there as well", contrast->blocked - 1,
                         contrast->blocked == 2 ? " is" : "s are");
    }
}

static void find_name(const struct group *group, uint32_t number)
{
    const char *name = names_text(&group->diagnosis->whole->names, number);
    struct contrast contrast;

    if (!name) {
        return;
    }
    compare_name(group, number, &contrast);
    if (is_clear(group, &contrast) &&
        !is_told(group, WHYRST_FINDING_SNI_BLOCK, name, NULL, contrast.own.failed)) {
        add_name(group, &contrast, name);
    }
    contrast_end(&contrast);
}

/* Each JA4 or name that shows LEAST resets. */
static void each(const struct group *group, bool names,
                 void (*find)(const struct group *group, uint32_t number))
{
    g_autoptr(GHashTable) failed = combos_failures(group->combos, names);
    guint suspects = 0;

    for (guint i = 0; i < group->combos->len && suspects < LIMIT_SUSPECTS; i++) {
        const struct combo *combo = g_ptr_array_index(group->combos, i);
        uint32_t number = names ? combo->name : combo->ja4;

        if (number && combo->score.failed &&
            GPOINTER_TO_UINT(g_hash_table_lookup(failed, GUINT_TO_POINTER(number))) >= LEAST) {
            g_hash_table_remove(failed, GUINT_TO_POINTER(number)); /* once */
            suspects++;
            find(group, number);
        }
    }
}

static int by_server(const void *a, const void *b)
{
    const struct hello_cell *x = *(const struct hello_cell *const *)a;
    const struct hello_cell *y = *(const struct hello_cell *const *)b;

    return memcmp(&x->key, &y->key, sizeof x->key);
}

/* Numbers of names depend on the order of captures: within a name, the order of servers. */
static int by_name(const void *a, const void *b)
{
    const struct hello_cell *x = *(const struct hello_cell *const *)a;
    const struct hello_cell *y = *(const struct hello_cell *const *)b;

    return x->key.name != y->key.name ? (x->key.name > y->key.name) - (x->key.name < y->key.name)
                                      : by_server(a, b);
}

static bool are_together(const struct hello_cell *a, const struct hello_cell *b, bool names)
{
    return names ? a->key.name == b->key.name
                 : memcmp(&a->key.server, &b->key.server, sizeof a->key.server) == 0;
}

/* Sorted cells, by server or by name: each group with resets enough. */
static void find_in_groups(struct whyrst_diagnosis *diagnosis, GPtrArray *cells, bool names,
                           double tests)
{
    for (guint i = 0, end; i < cells->len; i = end) {
        struct group group = {.diagnosis = diagnosis,
                              .cells = (const struct hello_cell *const *)cells->pdata + i,
                              .wide = names,
                              .tests = tests};
        g_autoptr(GPtrArray) combos = NULL;
        uint64_t failed = 0;

        for (end = i; end < cells->len && are_together(group.cells[0], cells->pdata[end], names);
             end++) {
            failed += group.cells[end - i]->score.failed;
        }
        group.count = end - i;
        if (failed < LEAST || (names && !group.cells[0]->key.name)) {
            continue;
        }
        group.combos = combos = combos_new(group.cells, group.count);
        each(&group, false, find_ja4);
        if (!names) {
            each(&group, true, find_name);
        }
    }
}

/* Cells that failed, and those they may be compared with: of the same servers or names. Each that
 * failed is two tests, of its name and of its JA4. */
static GPtrArray *choose_cells(const struct tables *tables, double *tests)
{
    const struct heavy *hellos = &tables->hellos;
    GPtrArray *cells = g_ptr_array_new();
    g_autofree bool *names = g_new0(bool, tables->names.texts->len + 1);
    struct servers servers;

    servers_init(&servers);
    for (size_t i = 0; i < hellos->size; i++) {
        const struct hello_cell *cell = heavy_at(hellos, i);

        if (cell && cell->score.failed) {
            servers_add(&servers, &cell->key.server);
            names[cell->key.name] = true;
            *tests += 2;
        }
    }
    names[0] = false; /* none, or one of those that have no number */
    for (size_t i = 0; *tests > 0 && i < hellos->size; i++) {
        struct hello_cell *cell = heavy_at(hellos, i);

        if (cell && (names[cell->key.name] || servers_have(&servers, &cell->key.server))) {
            g_ptr_array_add(cells, cell);
        }
    }
    servers_clear(&servers);
    return cells;
}

void find_blocks(struct whyrst_diagnosis *diagnosis)
{
    struct group all = {.diagnosis = diagnosis, .wide = true};
    g_autoptr(GPtrArray) cells = choose_cells(diagnosis->whole, &all.tests);
    g_autoptr(GPtrArray) combos = NULL;

    if (cells->len == 0) {
        return;
    }
    qsort(cells->pdata, cells->len, sizeof cells->pdata[0], by_server);
    find_in_groups(diagnosis, cells, false, all.tests);
    all.combos = combos = combos_new((const struct hello_cell *const *)cells->pdata, cells->len);
    each(&all, true, find_name);
    qsort(cells->pdata, cells->len, sizeof cells->pdata[0], by_name);
    find_in_groups(diagnosis, cells, true, all.tests);
}
