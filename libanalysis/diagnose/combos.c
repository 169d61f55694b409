/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagnose/combos.h"

#include <string.h>

static guint hash_bytes(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    guint hash = 5381;

    for (size_t i = 0; i < size; i++) {
        hash = hash * 33 + bytes[i];
    }
    return hash;
}

static guint hash_server(gconstpointer server)
{
    return hash_bytes(server, sizeof(struct server_key));
}

static gboolean equal_servers(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(struct server_key)) == 0;
}

static guint hash_combo(gconstpointer data)
{
    const struct combo *combo = data;

    return hash_server(&combo->server) ^ combo->name * 2654435761u ^ combo->ja4 * 40503u;
}

static gboolean equal_combos(gconstpointer a, gconstpointer b)
{
    const struct combo *x = a, *y = b;

    return x->name == y->name && x->ja4 == y->ja4 && equal_servers(&x->server, &y->server);
}

static void add_cell(struct combo *combo, const struct hello_cell *cell)
{
    if (cell->score.failed && combo->score.failed == 0) {
        memcpy(combo->client, cell->key.client, sizeof combo->client);
    } else if (cell->score.failed) {
        combo->several |= memcmp(combo->client, cell->key.client, sizeof combo->client) != 0;
    }
    score_merge(&combo->score, &cell->score);
}

GPtrArray *combos_new(const struct hello_cell *const *cells, guint count)
{
    GPtrArray *combos = g_ptr_array_new_with_free_func(g_free);
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

static bool is_of(const struct combo *combo, uint32_t name, uint32_t ja4)
{
    return (!name || combo->name == name) && (!ja4 || combo->ja4 == ja4);
}

GHashTable *combos_failed_at(const GPtrArray *combos, uint32_t name, uint32_t ja4)
{
    GHashTable *servers = g_hash_table_new(hash_server, equal_servers);

    for (guint i = 0; i < combos->len; i++) {
        struct combo *combo = g_ptr_array_index(combos, i);

        if (is_of(combo, name, ja4) && combo->score.failed) {
            g_hash_table_add(servers, &combo->server);
        }
    }
    return servers;
}

void combos_sum(const GPtrArray *combos, uint32_t name, uint32_t ja4, struct score *score)
{
    memset(score, 0, sizeof *score);
    for (guint i = 0; i < combos->len; i++) {
        const struct combo *combo = g_ptr_array_index(combos, i);

        if (is_of(combo, name, ja4)) {
            score_merge(score, &combo->score);
        }
    }
}

GHashTable *combos_scores(const GPtrArray *combos, GHashTable *servers, bool names)
{
    GHashTable *scores = g_hash_table_new_full(NULL, NULL, NULL, g_free);

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
        score_merge(score, &combo->score);
    }
    return scores;
}
