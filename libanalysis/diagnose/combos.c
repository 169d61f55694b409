/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagnose/combos.h"

#include <string.h>

#include "diagnose/servers.h"

static guint hash_combo(gconstpointer data)
{
    const struct combo *combo = data;

    return server_hash(&combo->server) ^ combo->name * 2654435761u ^ combo->ja4 * 40503u;
}

static gboolean equal_combos(gconstpointer a, gconstpointer b)
{
    const struct combo *x = a, *y = b;

    return x->name == y->name && x->ja4 == y->ja4 && server_equal(&x->server, &y->server);
}

static void add_cell(struct combo *combo, const struct hello_cell *cell)
{
    if (cell->score.failed && combo->score.failed == 0) {
        memcpy(combo->client, cell->key.client, sizeof combo->client);
    } else if (cell->score.failed) {
        combo->several |= memcmp(combo->client, cell->key.client, sizeof combo->client) != 0;
    }
    score_merge(&combo->score, &cell->score, 0);
}

static void free_combo(gpointer data)
{
    struct combo *combo = data;

    score_clear(&combo->score);
    g_free(combo);
}

static void free_score(gpointer data)
{
    struct score *score = data;

    score_clear(score);
    g_free(score);
}

GPtrArray *combos_new(const struct hello_cell *const *cells, guint count)
{
    GPtrArray *combos = g_ptr_array_new_with_free_func(free_combo);
    g_autoptr(GHashTable) known = g_hash_table_new(hash_combo, equal_combos);

    for (guint i = 0; i < count; i++) {
        struct combo key = {
            .server = cells[i]->key.server, .name = cells[i]->key.name, .ja4 = cells[i]->key.ja4};
        struct combo *combo = g_hash_table_lookup(known, &key);

        if (!combo) {
            combo = g_memdup2(&key, sizeof key);
            g_ptr_array_add(combos, combo);
            g_hash_table_add(known, combo);
        }
        add_cell(combo, cells[i]);
    }
    return combos;
}

/* Two letters of JA4 say which TLS version the client offers at most, two which ALPN first. */
static bool have_trait(const char *a, const char *b, enum combo_trait trait)
{
    const size_t least = (size_t)trait + 2;

    return a && b && strlen(a) > least && strlen(b) > least && memcmp(a + trait, b + trait, 2) == 0;
}

bool combos_are_trait(const GPtrArray *combos, GHashTable *servers, GHashTable *picked,
                      const struct names *names, uint32_t ja4, enum combo_trait trait, bool *alike)
{
    const char *own = names_text(names, ja4);

    for (guint i = 0; i < combos->len; i++) {
        const struct combo *combo = g_ptr_array_index(combos, i);

        if (combo->ja4 == ja4 || !g_hash_table_contains(servers, &combo->server) ||
            !have_trait(own, names_text(names, combo->ja4), trait)) {
            continue;
        }
        if (!g_hash_table_contains(picked, GUINT_TO_POINTER(combo->ja4 + 1))) {
            return false;
        }
        *alike = true;
    }
    return true;
}

static bool is_of(const struct combo *combo, uint32_t name, uint32_t ja4)
{
    return (!name || combo->name == name) && (!ja4 || combo->ja4 == ja4);
}

GHashTable *combos_failed_at(const GPtrArray *combos, uint32_t name, uint32_t ja4)
{
    GHashTable *servers = g_hash_table_new(server_hash, server_equal);

    for (guint i = 0; i < combos->len; i++) {
        struct combo *combo = g_ptr_array_index(combos, i);

        if (is_of(combo, name, ja4) && combo->score.failed) {
            g_hash_table_add(servers, &combo->server);
        }
    }
    return servers;
}

GHashTable *combos_failures(const GPtrArray *combos, bool names)
{
    GHashTable *failures = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < combos->len; i++) {
        const struct combo *combo = g_ptr_array_index(combos, i);
        gpointer number = GUINT_TO_POINTER(names ? combo->name : combo->ja4);
        guint sum = GPOINTER_TO_UINT(g_hash_table_lookup(failures, number));

        if (combo->score.failed) {
            g_hash_table_insert(failures, number, GUINT_TO_POINTER(sum + combo->score.failed));
        }
    }
    return failures;
}

GHashTable *combos_scores(const GPtrArray *combos, GHashTable *servers, bool names)
{
    GHashTable *scores = g_hash_table_new_full(NULL, NULL, NULL, free_score);

    for (guint i = 0; i < combos->len; i++) {
        const struct combo *combo = g_ptr_array_index(combos, i);
        gpointer key = GUINT_TO_POINTER((names ? combo->name : combo->ja4) + 1);
        struct score *score = g_hash_table_lookup(scores, key);

        if (!g_hash_table_contains(servers, &combo->server)) {
            continue;
        }
        if (!score) {
            score = g_new0(struct score, 1);
            g_hash_table_insert(scores, key, score);
        }
        score_merge(score, &combo->score, 0);
    }
    return scores;
}
