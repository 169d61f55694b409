/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/hosts.h"

#include <glib.h>

#include "flow/table.h"
#include "limits.h"

struct hosts {
    struct flow_table *table;
};

struct hosts *hosts_new(uint64_t seed)
{
    struct hosts *hosts = g_new0(struct hosts, 1);

    hosts->table = flow_table_new(sizeof(struct host), seed);
    return hosts;
}

static void release_bursts(struct hosts *hosts)
{
    for (uint32_t i = 0; i < flow_table_positions(hosts->table); i++) {
        struct host *host = flow_table_at(hosts->table, i);

        if (host && host->burst) {
            g_rc_box_release(host->burst);
        }
    }
}

void hosts_free(struct hosts *hosts)
{
    if (hosts) {
        release_bursts(hosts);
        flow_table_free(hosts->table);
        g_free(hosts);
    }
}

struct host *hosts_get(struct hosts *hosts, const struct flow_key *key, unsigned side, bool port,
                       bool make)
{
    struct flow_key end = {.version = key->version, .port = {port ? key->port[side] : 0}};
    struct host *host;
    uint32_t hash;

    memcpy(end.address[0], key->address[side], sizeof end.address[0]);
    hash = flow_table_hash(hosts->table, &end);
    host = flow_table_find(hosts->table, &end, hash);
    if (host || !make) {
        return host;
    }
    if (flow_table_count(hosts->table) >= LIMIT_HOSTS) {
        release_bursts(hosts);
        flow_table_clear(hosts->table);
    }
    return flow_table_add(hosts->table, &end, hash);
}
