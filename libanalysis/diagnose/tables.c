/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagnose/tables.h"

#include <string.h>

#include <glib.h>

#include "limits.h"

static void release_pair(void *entry)
{
    struct pair *pair = entry;

    score_clear(&pair->score);
    moments_clear(&pair->moments);
}

static void release_hello(void *entry)
{
    struct hello_cell *cell = entry;

    score_clear(&cell->score);
}

void tables_init(struct tables *tables, struct names *names)
{
    *tables = (struct tables){.names = names ? names_ref(names) : names_new(),
                              .targets = names_new(),
                              .moments_left = LIMIT_MOMENTS};
    heavy_init(&tables->endpoints, sizeof(struct endpoint_stats), sizeof(struct endpoint_key),
               LIMIT_ENDPOINTS, endpoint_hash, endpoint_release);
    heavy_init(&tables->pairs, sizeof(struct pair),
               sizeof(struct server_key) + sizeof((struct pair *)0)->client, LIMIT_PAIRS, pair_hash,
               release_pair);
    heavy_init(&tables->hellos, sizeof(struct hello_cell), sizeof(struct hello_key), LIMIT_HELLOS,
               hello_hash, release_hello);
    heavy_init(&tables->ja4s, sizeof(struct ja4_stats), sizeof(struct ja4_key), LIMIT_JA4S,
               ja4_hash, NULL);
    heavy_init(&tables->tunnels, sizeof(struct tunnel_cell), sizeof(struct tunnel_key),
               LIMIT_TUNNELS, tunnel_hash, NULL);
}

void tables_clear(struct tables *tables)
{
    g_free(tables->waiting);
    names_unref(tables->names);
    names_unref(tables->targets);
    heavy_clear(&tables->endpoints);
    heavy_clear(&tables->pairs);
    heavy_clear(&tables->hellos);
    heavy_clear(&tables->tunnels);
    heavy_clear(&tables->ja4s);
}

void tables_note_time(struct tables *tables, int64_t first_ns, int64_t last_ns)
{
    tables->first_ns = tables->connections ? MIN(tables->first_ns, first_ns) : first_ns;
    tables->last_ns = tables->connections ? MAX(tables->last_ns, last_ns) : last_ns;
}

/* A number for @text, if there is one and room for it. */
static uint32_t number_in(struct tables *tables, struct names *names, const char *text)
{
    uint32_t number = names_number(names, text);

    tables->unnamed += number == 0 && text;
    return number;
}

static void merge_endpoints(struct tables *tables, const struct tables *other, uint32_t files)
{
    for (size_t i = 0; i < other->endpoints.size; i++) {
        const struct endpoint_stats *from = heavy_at(&other->endpoints, i);
        struct endpoint_key key;
        struct endpoint_stats *to;

        if (!from) {
            continue;
        }
        key = from->key;
        key.name = number_in(tables, tables->names, names_text(other->names, from->key.name));
        to = heavy_add(&tables->endpoints, &key, heavy_weight(&other->endpoints, i));
        to->starts.left = &tables->moments_left;
        endpoint_merge(to, from, files);
    }
}

static void merge_pairs(struct tables *tables, const struct tables *other, uint32_t files)
{
    for (size_t i = 0; i < other->pairs.size; i++) {
        const struct pair *from = heavy_at(&other->pairs, i);
        struct pair *to;

        if (!from) {
            continue;
        }
        to = heavy_add(&tables->pairs, &from->server, heavy_weight(&other->pairs, i));
        score_merge(&to->score, &from->score, files);
        to->hellos += from->hellos;
        to->asked += from->asked;
        to->moments.left = &tables->moments_left;
        moments_merge(&to->moments, LIMIT_MOMENTS_EACH, &from->moments);
    }
}

static void merge_hellos(struct tables *tables, const struct tables *other, uint32_t files)
{
    for (size_t i = 0; i < other->hellos.size; i++) {
        const struct hello_cell *from = heavy_at(&other->hellos, i);
        struct hello_key key;
        struct hello_cell *to;

        if (!from) {
            continue;
        }
        key = from->key;
        key.name = number_in(tables, tables->names, names_text(other->names, from->key.name));
        key.ja4 = number_in(tables, tables->names, names_text(other->names, from->key.ja4));
        to = heavy_add(&tables->hellos, &key, heavy_weight(&other->hellos, i));
        score_merge(&to->score, &from->score, files);
    }
}

static void merge_ja4s(struct tables *tables, const struct tables *other, uint32_t files)
{
    for (size_t i = 0; i < other->ja4s.size; i++) {
        const struct ja4_stats *from = heavy_at(&other->ja4s, i);
        struct ja4_key key;
        struct ja4_stats *to;

        if (!from) {
            continue;
        }
        key = from->key;
        key.ja4 = number_in(tables, tables->names, names_text(other->names, from->key.ja4));
        if (key.ja4) {
            to = heavy_add(&tables->ja4s, &key, heavy_weight(&other->ja4s, i));
            ja4_merge(to, from, files);
        }
    }
}

static void merge_tunnels(struct tables *tables, const struct tables *other)
{
    for (size_t i = 0; i < other->tunnels.size; i++) {
        const struct tunnel_cell *from = heavy_at(&other->tunnels, i);
        struct tunnel_key key;
        struct tunnel_cell *to;

        if (!from) {
            continue;
        }
        key = from->key;
        key.target =
            number_in(tables, tables->targets, names_text(other->targets, from->key.target));
        to = heavy_add(&tables->tunnels, &key, heavy_weight(&other->tunnels, i));
        tunnel_merge(to, from);
    }
}

void tables_merge(struct tables *tables, const struct tables *other, uint32_t files)
{
    if (other->connections) {
        tables_note_time(tables, other->first_ns, other->last_ns);
    }
    sketch_merge(&tables->sketch, &other->sketch);
    tables->connections += other->connections;
    merge_endpoints(tables, other, files);
    merge_pairs(tables, other, files);
    merge_hellos(tables, other, files);
    merge_ja4s(tables, other, files);
    merge_tunnels(tables, other);
    tables->endpoints.dropped += other->endpoints.dropped;
    tables->pairs.dropped += other->pairs.dropped;
    tables->hellos.dropped += other->hellos.dropped;
    tables->ja4s.dropped += other->ja4s.dropped;
    tables->tunnels.dropped += other->tunnels.dropped;
    tables->unnamed += other->unnamed;
}

void tables_merge_sums(struct tables *tables, const struct tables *other, uint32_t files)
{
    merge_endpoints(tables, other, files);
    merge_ja4s(tables, other, files);
    tables->endpoints.dropped += tables_dropped(other);
}

size_t tables_bytes(const struct tables *tables)
{
    return tables->endpoints.size *
               (sizeof(struct endpoint_stats) + sizeof(struct endpoint_faults)) +
           tables->pairs.size * sizeof(struct pair) +
           tables->hellos.size * sizeof(struct hello_cell) +
           tables->ja4s.size * sizeof(struct ja4_stats) +
           tables->tunnels.size * sizeof(struct tunnel_cell) +
           (LIMIT_MOMENTS - tables->moments_left) * sizeof(struct timeline_item);
}

uint64_t tables_dropped(const struct tables *tables)
{
    return tables->endpoints.dropped + tables->pairs.dropped + tables->hellos.dropped +
           tables->ja4s.dropped + tables->tunnels.dropped + tables->unnamed;
}
