/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/hosts.h"

#include <glib.h>

#include "flow/table.h"
#include "limits.h"

struct hosts {
    struct flow_table *table;
    uint64_t forgotten;
    struct recent_syn syns[LIMIT_RECENT_SYNS];
};

struct hosts *hosts_new(uint64_t seed)
{
    struct hosts *hosts = g_new0(struct hosts, 1);

    hosts->table = flow_table_new(sizeof(struct host), 0, seed);
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
        hosts->forgotten += flow_table_count(hosts->table);
        release_bursts(hosts);
        flow_table_clear(hosts->table);
    }
    return flow_table_add(hosts->table, &end, hash);
}

uint64_t hosts_forgotten(const struct hosts *hosts)
{
    return hosts->forgotten;
}

/* Not keyed, so that what is pushed out does not depend on the run; an attacker gains nothing. */
static uint64_t hash_end(const struct flow_key *key, unsigned side)
{
    uint64_t words[2];
    uint64_t h = (uint64_t)key->port[side] << 8 | key->version;

    memcpy(words, key->address[side], sizeof words);
    h = (h ^ words[0]) * UINT64_C(0x9e3779b97f4a7c15);
    h = ((h ^ h >> 32) ^ words[1]) * UINT64_C(0xd6e8feb86659fd93);
    return h ^ h >> 32;
}

/* Of whom side @side speaks to. */
static uint32_t hash_to(const struct flow_key *key, unsigned side)
{
    return (uint32_t)(hash_end(key, !side) >> 33);
}

void hosts_note_syn(struct hosts *hosts, const struct flow_key *key, unsigned side, uint32_t seq,
                    uint32_t frame)
{
    uint64_t hash = hash_end(key, side);
    uint32_t tag = (uint32_t)(hash >> 32);
    uint32_t to = hash_to(key, side);
    struct recent_syn *syn = &hosts->syns[hash % LIMIT_RECENT_SYNS];
    bool again = syn->frame && syn->tag == tag && syn->seq == seq;

    *syn = (struct recent_syn){.tag = tag,
                               .to = to,
                               .seq = seq,
                               .frame = frame,
                               .several = again && (syn->several || syn->to != to)};
}

const struct recent_syn *hosts_find_syn_elsewhere(const struct hosts *hosts,
                                                  const struct flow_key *key, unsigned side)
{
    uint64_t hash = hash_end(key, side);
    const struct recent_syn *syn = &hosts->syns[hash % LIMIT_RECENT_SYNS];

    return syn->frame && !syn->several && syn->tag == (uint32_t)(hash >> 32) &&
                   syn->to != hash_to(key, side)
               ? syn
               : NULL;
}
