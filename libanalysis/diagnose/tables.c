/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagnose/tables.h"

#include <string.h>

#include <glib.h>

#include "limits.h"

void tables_init(struct tables *tables)
{
    *tables = (struct tables){0};
    names_init(&tables->names);
    heavy_init(&tables->endpoints, sizeof(struct endpoint_stats), sizeof(struct endpoint_key),
               LIMIT_ENDPOINTS, endpoint_release);
}

void tables_clear(struct tables *tables)
{
    names_clear(&tables->names);
    heavy_clear(&tables->endpoints);
}

static struct endpoint_key server_key(const struct outcome *outcome)
{
    struct endpoint_key key = {
        .kind = ENDPOINT_SERVER, .version = outcome->version, .port = outcome->server_port};

    memcpy(key.address, outcome->server, sizeof key.address);
    return key;
}

void tables_add(struct tables *tables, const struct outcome *outcome, uint32_t file)
{
    struct place place = {.file = file, .frame = (uint32_t)outcome->frame};
    struct endpoint_key key = server_key(outcome);
    uint32_t name = names_number(&tables->names, outcome->sni);

    tables->connections++;
    endpoint_add(heavy_get(&tables->endpoints, &key), outcome, place);
    if (name) {
        struct endpoint_key named = {.kind = ENDPOINT_NAME, .name = name};

        endpoint_add(heavy_get(&tables->endpoints, &named), outcome, place);
    }
}

static void move_frames(struct frames *frames, uint32_t files)
{
    for (uint32_t i = 0; i < frames->count; i++) {
        frames->places[i].file += files;
    }
}

static void merge_endpoints(struct tables *tables, const struct tables *other, uint32_t files)
{
    for (size_t i = 0; i < other->endpoints.size; i++) {
        const struct endpoint_stats *from = heavy_at(&other->endpoints, i);
        struct endpoint_stats moved, *to;

        if (!from) {
            continue;
        }
        moved = *from;
        moved.key.name = names_number(&tables->names, names_text(&other->names, from->key.name));
        move_frames(&moved.bad_frames, files);
        move_frames(&moved.reset_frames, files);
        to = heavy_get(&tables->endpoints, &moved.key);
        to->entry.weight += from->entry.weight - 1;
        endpoint_merge(to, &moved);
    }
}

void tables_merge(struct tables *tables, const struct tables *other, uint32_t files)
{
    tables->connections += other->connections;
    merge_endpoints(tables, other, files);
    tables->endpoints.dropped += other->endpoints.dropped;
}

uint64_t tables_dropped(const struct tables *tables)
{
    return tables->endpoints.dropped + tables->names.refused;
}
