/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is reset in the TLS handshake: a JA4, or a server name?
 *
 * Per server, from the cells of (client, name, JA4). A JA4 is blocked when nearly all of its
 * ClientHellos are reset and those of other JA4s, with the same names and in the same time, are
 * answered; not when it is one client's only one (the address may be meant). A name is blocked when
 * nearly all of its ClientHellos are reset whatever the JA4, and the same JA4s are answered under
 * other names. Where neither comparison can be made, nothing is claimed.
 */
#include <string.h>

#include "diagnose/diagnosis.h"

/* Resets that make a case, connections to compare with, the share of resets that is "nearly all"
 * and that of "hardly any", and the chance (corrected for the number of tests) not to be one. */
#define LEAST       3
#define LEAST_OTHER 3
#define NEARLY_ALL  0.8
#define HARDLY_ANY  0.1
#define CHANCE      0.001

/** struct group - the cells of one server */
struct group {
    struct whyrst_diagnosis *diagnosis;
    const struct hello_cell **cells;
    guint count;
    uint64_t tests; /* of the whole diagnosis */
};

static int by_server(const void *a, const void *b)
{
    const struct hello_cell *x = *(const struct hello_cell *const *)a;
    const struct hello_cell *y = *(const struct hello_cell *const *)b;

    return memcmp(&x->key, &y->key, sizeof x->key);
}

static bool is_blocked(const struct score *score)
{
    return score->failed >= LEAST && score_rate(score) >= NEARLY_ALL;
}

/* All of a JA4 (name 0) or of a name (JA4 0), or of both. */
static void sum(const struct group *group, uint32_t name, uint32_t ja4, struct score *score)
{
    memset(score, 0, sizeof *score);
    for (guint i = 0; i < group->count; i++) {
        const struct hello_key *key = &group->cells[i]->key;

        if ((!name || key->name == name) && (!ja4 || key->ja4 == ja4)) {
            score_merge(score, &group->cells[i]->score);
        }
    }
}

/* Its clients have other JA4s that this server answers, or there are several of them. */
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
    return others->good && others->first_good_ns <= failed->last_failed_ns &&
           others->last_good_ns >= failed->first_failed_ns;
}

static enum whyrst_confidence confidence_of(double p, const struct score *score,
                                            const struct score *others)
{
    bool clear = p < CHANCE / 10 && score_rate(score) > 0.95 && others->failed == 0;

    return clear ? WHYRST_CONFIDENCE_HIGH : WHYRST_CONFIDENCE_MEDIUM;
}

static void fill(struct whyrst_finding *finding, const struct hello_key *key,
                 const struct score *score, const struct score *others, double p)
{
    char text[80];

    endpoint_text(text, sizeof text, key->server.version, key->server.address, key->server.port,
                  true);
    finding->server = g_strdup(text);
    finding_count(finding, score->failed, (uint64_t)score->failed + score->good);
    finding_sender(finding, score_sender(score));
    finding->has_others = true;
    finding->other_resets = others->failed;
    finding->other_connections = (uint64_t)others->failed + others->good;
    finding->p = p;
    finding->first_ns = score->first_failed_ns;
    finding->last_ns = score->last_failed_ns;
    finding->places = score->frames;
}

/* The other JA4s with the names that @ja4 was reset under; @ja4s gets how many. */
static void compare_ja4(const struct group *group, uint32_t ja4, struct score *own,
                        struct score *others, unsigned *ja4s, uint32_t *name)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

    memset(own, 0, sizeof *own);
    memset(others, 0, sizeof *others);
    *name = 0;
    for (guint i = 0; i < group->count; i++) {
        const struct hello_key *key = &group->cells[i]->key;
        struct score of_name, of_both, all;

        if (key->ja4 != ja4 || !group->cells[i]->score.failed ||
            !g_hash_table_add(seen, GUINT_TO_POINTER(key->name + 1))) {
            continue;
        }
        *name = g_hash_table_size(seen) == 1 ? key->name : 0;
        sum(group, key->name, ja4, &of_both);
        sum(group, key->name, 0, &of_name);
        all = of_name;
        if (key->name == 0 || all.failed + all.good > of_both.failed + of_both.good) {
            score_merge(own, &of_both);
        }
    }
    g_hash_table_remove_all(seen);
    *ja4s = 0;
    for (guint i = 0; i < group->count; i++) {
        const struct hello_cell *cell = group->cells[i];
        struct score under, whole;

        sum(group, cell->key.name, ja4, &under);
        if (cell->key.ja4 == ja4 || !under.failed) {
            continue;
        }
        sum(group, 0, cell->key.ja4, &whole);
        if (is_blocked(&whole)) {
            continue; /* another blocked one is nothing to compare with */
        }
        score_merge(others, &cell->score);
        *ja4s += g_hash_table_add(seen, GUINT_TO_POINTER(cell->key.ja4));
    }
}

static void find_ja4(const struct group *group, const struct hello_key *key)
{
    struct whyrst_diagnosis *diagnosis = group->diagnosis;
    const char *ja4 = names_text(&diagnosis->whole->names, key->ja4);
    struct whyrst_finding *finding;
    struct score own, others;
    struct block *block;
    unsigned ja4s;
    uint32_t name;
    double p;

    compare_ja4(group, key->ja4, &own, &others, &ja4s, &name);
    if (!ja4 || !is_blocked(&own) || others.good < LEAST_OTHER ||
        score_rate(&others) > HARDLY_ANY || !overlaps(&own, &others) ||
        !is_about_ja4(group, key->ja4)) {
        return;
    }
    p = MIN(stats_fisher(own.failed, own.good, others.failed, others.good) * (double)group->tests,
            1);
    if (p > CHANCE) {
        return;
    }
    block = blocks_add(diagnosis->blocks, ACROSS_FINGERPRINT, confidence_of(p, &own, &others),
                       &key->server, &own);
    block->ja4 = g_strdup(ja4);
    g_snprintf(block->across->contrast, sizeof block->across->contrast,
               "%s: %u of %u reset after ClientHello; %u other JA4%s: %u of %u", ja4, own.failed,
               own.failed + own.good, ja4s, ja4s == 1 ? "" : "s", others.failed,
               others.failed + others.good);
    finding = finding_add(diagnosis->findings, WHYRST_FINDING_TLS_FINGERPRINT_BLOCK,
                          block->across->confidence);
    fill(finding, key, &own, &others, p);
    finding->ja4 = g_strdup(ja4);
    finding->sni = g_strdup(names_text(&diagnosis->whole->names, name));
    finding_text(finding, "%s resets the TLS client %s: %u of %u connections, others %u of %u",
                 finding->server, ja4, own.failed, own.failed + own.good, others.failed,
                 others.failed + others.good);
    finding_evidence(finding, "%s", block->across->contrast);
}

/* The JA4s that were reset under @name, under the server's other names. */
static void compare_name(const struct group *group, uint32_t name, struct score *others,
                         unsigned *ja4s)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

    memset(others, 0, sizeof *others);
    for (guint i = 0; i < group->count; i++) {
        const struct hello_cell *cell = group->cells[i];
        struct score under;

        sum(group, name, cell->key.ja4, &under);
        if (!under.failed) {
            continue;
        }
        if (cell->key.name != name) {
            score_merge(others, &cell->score);
        } else {
            g_hash_table_add(seen, GUINT_TO_POINTER(cell->key.ja4));
        }
    }
    *ja4s = g_hash_table_size(seen);
}

static void find_name(const struct group *group, const struct hello_key *key)
{
    struct whyrst_diagnosis *diagnosis = group->diagnosis;
    const char *name = names_text(&diagnosis->whole->names, key->name);
    struct whyrst_finding *finding;
    struct score own, others;
    unsigned ja4s;
    double p;

    sum(group, key->name, 0, &own);
    compare_name(group, key->name, &others, &ja4s);
    if (!name || !is_blocked(&own) || others.good < LEAST_OTHER ||
        score_rate(&others) > HARDLY_ANY || !overlaps(&own, &others)) {
        return;
    }
    p = MIN(stats_fisher(own.failed, own.good, others.failed, others.good) * (double)group->tests,
            1);
    if (p > CHANCE) {
        return;
    }
    finding = finding_add(diagnosis->findings, WHYRST_FINDING_SNI_BLOCK,
                          ja4s > 1 ? confidence_of(p, &own, &others) : WHYRST_CONFIDENCE_LOW);
    fill(finding, key, &own, &others, p);
    finding->sni = g_strdup(name);
    finding_text(finding, "%s resets TLS connections for %s: %u of %u, under other names %u of %u",
                 finding->server, name, own.failed, own.failed + own.good, others.failed,
                 others.failed + others.good);
    finding_evidence(finding, "%u JA4%s reset under this name; under other names: %u of %u", ja4s,
                     ja4s == 1 ? "" : "s", others.failed, others.failed + others.good);
}

/* Each JA4 and each name once that shows resets. */
static void each(const struct group *group, bool names,
                 void (*find)(const struct group *group, const struct hello_key *key))
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

    guint suspects = 0;

    for (guint i = 0; i < group->count && suspects < LIMIT_SUSPECTS; i++) {
        const struct hello_cell *cell = group->cells[i];
        uint32_t number = names ? cell->key.name : cell->key.ja4;
        struct score score;

        if (!cell->score.failed || !g_hash_table_add(seen, GUINT_TO_POINTER(number))) {
            continue;
        }
        sum(group, names ? number : 0, names ? 0 : number, &score);
        if (score.failed >= LEAST) {
            suspects++;
            find(group, &cell->key);
        }
    }
}

void find_blocks(struct whyrst_diagnosis *diagnosis)
{
    const struct heavy *hellos = &diagnosis->whole->hellos;
    g_autoptr(GPtrArray) cells = g_ptr_array_new();
    uint64_t tests = 0;

    for (size_t i = 0; i < hellos->size; i++) {
        struct hello_cell *cell = heavy_at(hellos, i);

        if (cell) {
            g_ptr_array_add(cells, cell);
            tests += cell->score.failed > 0;
        }
    }
    if (tests == 0) {
        return;
    }
    if (cells->len > 0) {
        qsort(cells->pdata, cells->len, sizeof cells->pdata[0], by_server);
    }
    for (guint i = 0, end; i < cells->len; i = end) {
        const struct hello_cell *first = cells->pdata[i];
        struct group group = {.diagnosis = diagnosis,
                              .cells = (const struct hello_cell **)cells->pdata + i,
                              .tests = 2 * tests};

        for (end = i; end < cells->len; end++) {
            const struct hello_cell *cell = cells->pdata[end];

            if (memcmp(&cell->key.server, &first->key.server, sizeof first->key.server) != 0) {
                break;
            }
        }
        group.count = end - i;
        each(&group, false, find_ja4);
        each(&group, true, find_name);
    }
}
