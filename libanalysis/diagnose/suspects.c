/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagnose/suspects.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/contrast.h"

/* Cells of one server beyond these are compared without a look at whether that is worth it. */
#define MOST_LOOKED_AT 256u

void suspects_count(const struct tables *tables, struct failing *failing)
{
    const struct heavy *hellos = &tables->hellos;

    *failing = (struct failing){.servers = g_hash_table_new(server_hash, server_equal),
                                .names = g_new0(uint64_t, tables->names->count + 1)};
    for (size_t i = 0; i < hellos->count; i++) {
        const struct hello_cell *cell = heavy_entry(hellos, i);
        gpointer server = (gpointer)&cell->key.server;
        guint sum;

        if (!cell->score.failed) {
            continue;
        }
        sum = GPOINTER_TO_UINT(g_hash_table_lookup(failing->servers, server));
        sum = MIN(sum, CONTRAST_LEAST) + MIN(cell->score.failed, CONTRAST_LEAST);
        g_hash_table_insert(failing->servers, server, GUINT_TO_POINTER(sum));
        failing->names[cell->key.name] += cell->score.failed;
        failing->tests += 2;
    }
    failing->names[0] = 0; /* none, or one of those that have no number */
    for (uint32_t i = 1; i <= tables->names->count; i++) {
        failing->most = MAX(failing->most, failing->names[i]);
    }
}

int suspects_by_server(const void *a, const void *b)
{
    const struct hello_cell *x = *(const struct hello_cell *const *)a;
    const struct hello_cell *y = *(const struct hello_cell *const *)b;

    return memcmp(&x->key, &y->key, sizeof x->key);
}

/** struct place_of_server - the @count cells of a server, from @first on */
struct place_of_server {
    const struct server_key *server;
    guint first;
    guint count;
};

static gint compare_places(gconstpointer a, gconstpointer b)
{
    const struct place_of_server *x = a, *y = b;

    return memcmp(x->server, y->server, sizeof *x->server);
}

/* Servers with resets enough (struct place_of_server), in their order. */
static GArray *places_of(const struct failing *failing)
{
    GArray *places = g_array_new(FALSE, FALSE, sizeof(struct place_of_server));
    GHashTableIter iter;
    gpointer server, count;

    g_hash_table_iter_init(&iter, failing->servers);
    while (g_hash_table_iter_next(&iter, &server, &count)) {
        struct place_of_server place = {.server = server};

        if (GPOINTER_TO_UINT(count) >= CONTRAST_LEAST) {
            g_array_append_val(places, place);
        }
    }
    g_array_sort(places, compare_places);
    return places;
}

/* Most resets among @cells that have a JA4, a name or several segments in common. */
static uint64_t most_alike(const struct hello_cell *const *cells, guint count)
{
    uint64_t most = 0, split = 0;

    for (guint i = 0; i < count; i++) {
        uint64_t ja4 = 0, name = 0;

        for (guint j = i; cells[i]->score.failed && j < count; j++) {
            ja4 += cells[j]->key.ja4 == cells[i]->key.ja4 ? cells[j]->score.failed : 0;
            name += cells[j]->key.name == cells[i]->key.name ? cells[j]->score.failed : 0;
        }
        split += cells[i]->score.split_failed;
        most = MAX(MAX(most, split), MAX(ja4, name));
    }
    return most;
}

/*
 * Whether resets at a server can be told from chance at all. Fisher's test has its lowest result
 * where one side has all of them and no answer, and the other side all answers: one of as many ways
 * to choose them. No part of them has a lower one.
 */
static bool may_be_clear(const struct hello_cell *const *cells, guint count, double tests)
{
    uint64_t failed, good = 0;

    if (count > MOST_LOOKED_AT) {
        return true;
    }
    for (guint i = 0; i < count; i++) {
        good += cells[i]->score.good;
    }
    failed = most_alike(cells, count);
    /* A little less than it: rounding must not decide here. */
    return failed >= CONTRAST_LEAST &&
           0.999 * tests * exp(-stats_log_choose(failed + good, failed)) < CONTRAST_CHANCE;
}

/* Where each cell belongs: 1 + its number in @places, or 0. */
static uint32_t *sort_out(const struct heavy *hellos, GArray *places)
{
    g_autoptr(GHashTable) known = g_hash_table_new(server_hash, server_equal);
    uint32_t *numbers = g_new(uint32_t, hellos->count);

    for (guint i = 0; i < places->len; i++) {
        gpointer server = (gpointer)g_array_index(places, struct place_of_server, i).server;

        g_hash_table_insert(known, server, GUINT_TO_POINTER(i + 1));
    }
    for (size_t i = 0; i < hellos->count; i++) {
        const struct hello_cell *cell = heavy_entry(hellos, i);

        numbers[i] = GPOINTER_TO_UINT(g_hash_table_lookup(known, &cell->key.server));
        if (numbers[i]) {
            g_array_index(places, struct place_of_server, numbers[i] - 1).count++;
        }
    }
    return numbers;
}

/* The cells of all places, in the order of these. */
static const struct hello_cell **gather(const struct heavy *hellos, GArray *places)
{
    g_autofree uint32_t *numbers = sort_out(hellos, places);
    const struct hello_cell **cells;
    guint sum = 0;

    for (guint i = 0; i < places->len; i++) {
        struct place_of_server *place = &g_array_index(places, struct place_of_server, i);

        place->first = sum;
        sum += place->count;
        place->count = 0;
    }
    cells = g_new(const struct hello_cell *, sum);
    for (size_t i = 0; i < hellos->count; i++) {
        if (numbers[i]) {
            struct place_of_server *place =
                &g_array_index(places, struct place_of_server, numbers[i] - 1);

            cells[place->first + place->count++] = heavy_entry(hellos, i);
        }
    }
    return cells;
}

GPtrArray *suspects_at_servers(const struct heavy *hellos, const struct failing *failing)
{
    g_autoptr(GArray) places = places_of(failing);
    g_autofree const struct hello_cell **cells = gather(hellos, places);
    GPtrArray *found = g_ptr_array_new();

    for (guint i = 0; i < places->len; i++) {
        struct place_of_server place = g_array_index(places, struct place_of_server, i);

        if (may_be_clear(cells + place.first, place.count, failing->tests)) {
            qsort(cells + place.first, place.count, sizeof cells[0], suspects_by_server);
            for (guint j = 0; j < place.count; j++) {
                g_ptr_array_add(found, (gpointer)cells[place.first + j]);
            }
        }
    }
    return found;
}

void suspects_of_names(const struct heavy *hellos, const uint64_t *names, struct servers *servers)
{
    for (size_t i = 0; i < hellos->count; i++) {
        const struct hello_cell *cell = heavy_entry(hellos, i);

        if (cell->score.failed && names[cell->key.name] >= CONTRAST_LEAST) {
            servers_add(servers, &cell->key.server);
        }
    }
}

GPtrArray *suspects_cells(const struct heavy *hellos, const struct servers *servers,
                          const uint64_t *names)
{
    GPtrArray *cells = g_ptr_array_new();

    for (size_t i = 0; g_hash_table_size(servers->keys) > 0 && i < hellos->count; i++) {
        struct hello_cell *cell = heavy_entry(hellos, i);

        if (names[cell->key.name] >= CONTRAST_LEAST || servers_have(servers, &cell->key.server)) {
            g_ptr_array_add(cells, cell);
        }
    }
    if (cells->len > 0) {
        qsort(cells->pdata, cells->len, sizeof cells->pdata[0], suspects_by_server);
    }
    return cells;
}
