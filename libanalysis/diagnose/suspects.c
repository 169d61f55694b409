/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagnose/suspects.h"

#include <string.h>

#include "diagnose/contrast.h"

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
}

void suspects_at_servers(const struct failing *failing, struct servers *servers)
{
    GHashTableIter iter;
    gpointer server, count;

    g_hash_table_iter_init(&iter, failing->servers);
    while (g_hash_table_iter_next(&iter, &server, &count)) {
        if (GPOINTER_TO_UINT(count) >= CONTRAST_LEAST) {
            servers_add(servers, server);
        }
    }
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

int suspects_by_server(const void *a, const void *b)
{
    const struct hello_cell *x = *(const struct hello_cell *const *)a;
    const struct hello_cell *y = *(const struct hello_cell *const *)b;

    return memcmp(&x->key, &y->key, sizeof x->key);
}

GPtrArray *suspects_cells(const struct heavy *hellos, const struct servers *servers,
                          const uint64_t *names)
{
    GPtrArray *cells = g_ptr_array_new();

    for (size_t i = 0; g_hash_table_size(servers->keys) > 0 && i < hellos->count; i++) {
        struct hello_cell *cell = heavy_entry(hellos, i);

        if ((names && names[cell->key.name] >= CONTRAST_LEAST) ||
            servers_have(servers, &cell->key.server)) {
            g_ptr_array_add(cells, cell);
        }
    }
    if (cells->len > 0) {
        qsort(cells->pdata, cells->len, sizeof cells->pdata[0], suspects_by_server);
    }
    return cells;
}
