/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagnose/tables.h"

#include <string.h>

#include <glib.h>

#include "bytes/hash.h"
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

void tables_init(struct tables *tables)
{
    *tables = (struct tables){.moments_left = LIMIT_MOMENTS};
    names_init(&tables->names);
    names_init(&tables->targets);
    heavy_init(&tables->endpoints, sizeof(struct endpoint_stats), sizeof(struct endpoint_key),
               LIMIT_ENDPOINTS, endpoint_release);
    heavy_init(&tables->pairs, sizeof(struct pair),
               sizeof(struct server_key) + sizeof((struct pair *)0)->client, LIMIT_PAIRS,
               release_pair);
    heavy_init(&tables->hellos, sizeof(struct hello_cell), sizeof(struct hello_key), LIMIT_HELLOS,
               release_hello);
    heavy_init(&tables->ja4s, sizeof(struct ja4_stats), sizeof(struct ja4_key), LIMIT_JA4S, NULL);
    heavy_init(&tables->tunnels, sizeof(struct tunnel_cell), sizeof(struct tunnel_key),
               LIMIT_TUNNELS, NULL);
}

void tables_clear(struct tables *tables)
{
    names_clear(&tables->names);
    names_clear(&tables->targets);
    heavy_clear(&tables->endpoints);
    heavy_clear(&tables->pairs);
    heavy_clear(&tables->hellos);
    heavy_clear(&tables->tunnels);
    heavy_clear(&tables->ja4s);
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

/* A hash of what every capture of the connection shows: its SYN's number and its two ends. */
static uint64_t identity_of(uint32_t isn, uint16_t client_port, const uint8_t client[16],
                            uint16_t server_port, const uint8_t server[16], bool is_ipv4)
{
    uint64_t ends[4];
    uint64_t hash = (uint64_t)isn << 32 | (uint32_t)client_port << 16 | server_port;

    memcpy(ends, client, 16);
    memcpy(ends + 2, server, 16);
    hash = mix(mix(hash, ends[0]), ends[2]);
    return is_ipv4 ? mix(hash, 0) : mix(mix(hash, ends[1]), ends[3]);
}

static void note_time(struct tables *tables, int64_t first_ns, int64_t last_ns)
{
    tables->first_ns = tables->connections ? MIN(tables->first_ns, first_ns) : first_ns;
    tables->last_ns = tables->connections ? MAX(tables->last_ns, last_ns) : last_ns;
}

static struct endpoint_key endpoint_key_of(uint8_t version, const uint8_t address[16],
                                           uint16_t port)
{
    struct endpoint_key key = {.kind = ENDPOINT_SERVER, .version = version, .port = port};

    memcpy(key.address, address, sizeof key.address);
    return key;
}

/** struct pair_key - what a pair's entry begins with */
struct pair_key {
    struct server_key server;
    uint8_t client[16];
};

/**
 * struct counted - the entries in which a connection counts, and their tags, see heavy_seek()
 * @name, @ja4: their numbers
 * @failed:     as outcome_is_failure() says
 * @has_pair:   it failed, or went well
 * @has_hello:  its ClientHello was reset (@hello_failed) or answered: only these are compared
 */
struct counted {
    struct endpoint_key server;
    struct endpoint_key named;
    struct pair_key pair;
    struct hello_key hello;
    uint32_t server_tag;
    uint32_t named_tag;
    uint32_t pair_tag;
    uint32_t hello_tag;
    uint32_t name;
    uint32_t ja4;
    bool failed;
    bool has_pair;
    bool has_hello;
    bool hello_failed;
};

uint16_t tables_hello_mark(const char *ja4, const char *name)
{
    uint64_t hash = hash_bytes(ja4 ? ja4 : "", ja4 ? strlen(ja4) : 0);

    hash = mix(hash, hash_bytes(name ? name : "", name ? strlen(name) : 0));
    return (uint16_t)(hash >> 48) | 1;
}

static void seek_hello(struct tables *tables, const struct outcome *outcome,
                       struct counted *counted)
{
    counted->ja4 = names_number(&tables->names, outcome->ja4);
    counted->hello_failed = counted->failed && outcome->origin == WHYRST_ORIGIN_TLS_PHASE;
    counted->has_hello = counted->hello_failed || outcome->tls_answered;
    if (counted->has_hello) {
        counted->hello = (struct hello_key){
            .server = server_key_of(outcome), .name = counted->name, .ja4 = counted->ja4};
        memcpy(counted->hello.client, outcome->client, sizeof counted->hello.client);
        counted->hello_tag = heavy_seek(&tables->hellos, &counted->hello);
    }
}

/* The tables are too large for the cache: the memory of all entries is asked for before the first
 * is looked at. */
static void seek(struct tables *tables, const struct outcome *outcome, struct counted *counted)
{
    *counted = (struct counted){
        .server = endpoint_key_of(outcome->version, outcome->server, outcome->server_port),
        .failed = outcome_is_failure(outcome)};
    counted->server_tag = heavy_seek(&tables->endpoints, &counted->server);
    counted->has_pair = counted->failed || outcome_is_good(outcome);
    if (counted->has_pair) {
        counted->pair.server = server_key_of(outcome);
        memcpy(counted->pair.client, outcome->client, sizeof counted->pair.client);
        counted->pair_tag = heavy_seek(&tables->pairs, &counted->pair);
    }
    counted->name = names_number(&tables->names, outcome->sni);
    if (counted->name) {
        counted->named = (struct endpoint_key){.kind = ENDPOINT_NAME, .name = counted->name};
        counted->named_tag = heavy_seek(&tables->endpoints, &counted->named);
    }
    if (outcome->hello) {
        seek_hello(tables, outcome, counted);
    }
}

static void fetch(const struct tables *tables, const struct counted *counted)
{
    heavy_fetch(&tables->endpoints, counted->server_tag);
    if (counted->has_pair) {
        heavy_fetch(&tables->pairs, counted->pair_tag);
    }
    if (counted->name) {
        heavy_fetch(&tables->endpoints, counted->named_tag);
    }
    if (counted->has_hello) {
        heavy_fetch(&tables->hellos, counted->hello_tag);
    }
}

/* The client had said nothing that a server might dislike. */
static bool is_unasked(enum whyrst_origin origin)
{
    return origin == WHYRST_ORIGIN_REFUSED_HANDSHAKE || origin == WHYRST_ORIGIN_ABORTED_HANDSHAKE ||
           origin == WHYRST_ORIGIN_BEFORE_DATA;
}

static void add_pair(struct tables *tables, const struct counted *counted,
                     const struct outcome *outcome, struct place place)
{
    bool failed = counted->failed;
    struct pair *pair = heavy_take(&tables->pairs, &counted->pair, counted->pair_tag);

    score_add(&pair->score, outcome, failed, place);
    pair->hellos += failed && outcome->hello;
    pair->asked += failed && !is_unasked(outcome->origin);
    pair->moments.left = &tables->moments_left;
    moments_add(&pair->moments, LIMIT_MOMENTS_EACH,
                (struct moment){.time_ns = outcome->start_ns,
                                .age_ms = outcome_age_ms(outcome),
                                .mark = counted->has_hello
                                            ? tables_hello_mark(outcome->ja4, outcome->sni)
                                            : outcome->request_mark,
                                .split = counted->has_hello && outcome->hello_split,
                                .origin = outcome->origin,
                                .failed = failed});
}

static void add_hello(struct tables *tables, const struct counted *counted,
                      const struct outcome *outcome, struct place place)
{
    struct ja4_key ja4 = {.ja4 = counted->ja4};

    if (counted->ja4) {
        ja4_add(heavy_get(&tables->ja4s, &ja4), outcome, place);
    }
    if (counted->has_hello) {
        struct hello_cell *cell = heavy_take(&tables->hellos, &counted->hello, counted->hello_tag);

        score_add(&cell->score, outcome, counted->hello_failed, place);
    }
}

static void add_tunnel(struct tables *tables, const struct outcome *outcome)
{
    struct tunnel_key key = {.proxy = server_key_of(outcome)};

    if (outcome->proxy == PROXY_NONE) {
        return;
    }
    key.target = names_number(&tables->targets, outcome->proxy_target);
    tunnel_add(heavy_get(&tables->tunnels, &key), outcome);
}

static struct endpoint_stats *take_endpoint(struct tables *tables, const struct endpoint_key *key,
                                            uint32_t tag)
{
    struct endpoint_stats *stats = heavy_take(&tables->endpoints, key, tag);

    stats->left = &tables->moments_left;
    return stats;
}

void tables_add(struct tables *tables, const struct outcome *outcome, uint32_t file)
{
    struct place place = {.file = file, .frame = (uint32_t)outcome->frame};
    struct counted counted;

    seek(tables, outcome, &counted);
    fetch(tables, &counted);
    if (outcome->attempt) {
        sketch_add(&tables->sketch,
                   identity_of(outcome->isn, outcome->client_port, outcome->client,
                               outcome->server_port, outcome->server, outcome->version == 4));
    }
    note_time(tables, outcome->start_ns, outcome->end_ns);
    tables->connections++;
    endpoint_add(take_endpoint(tables, &counted.server, counted.server_tag), outcome, place);
    if (counted.name) {
        endpoint_add(take_endpoint(tables, &counted.named, counted.named_tag), outcome, place);
    }
    if (counted.has_pair) {
        add_pair(tables, &counted, outcome, place);
    }
    if (outcome->hello) {
        add_hello(tables, &counted, outcome, place);
    }
    add_tunnel(tables, outcome);
}

void tables_add_syn(struct tables *tables, const struct lone_syn *syn, uint32_t file)
{
    struct endpoint_key key = endpoint_key_of(4, syn->server, syn->server_port);
    struct endpoint_stats *stats = heavy_get(&tables->endpoints, &key);

    sketch_add(&tables->sketch, identity_of(syn->isn, syn->client_port, syn->client,
                                            syn->server_port, syn->server, true));
    note_time(tables, syn->time_ns, syn->time_ns);
    tables->connections++;
    stats->left = &tables->moments_left;
    endpoint_add_syn(stats, syn, (struct place){.file = file, .frame = syn->frame});
}

void tables_add_close(struct tables *tables, const struct flow_key *key, unsigned side,
                      int64_t idle_ns, int64_t survived_ns, int64_t time_ns, struct place place)
{
    struct endpoint_key server = {
        .kind = ENDPOINT_SERVER, .version = key->version, .port = key->port[side]};

    memcpy(server.address, key->address[side], sizeof server.address);
    endpoint_add_close(heavy_get(&tables->endpoints, &server), idle_ns, survived_ns, time_ns,
                       place);
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
        key.name = names_number(&tables->names, names_text(&other->names, from->key.name));
        to = heavy_add(&tables->endpoints, &key, heavy_weight(&other->endpoints, i));
        to->left = &tables->moments_left;
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
        key.name = names_number(&tables->names, names_text(&other->names, from->key.name));
        key.ja4 = names_number(&tables->names, names_text(&other->names, from->key.ja4));
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
        key.ja4 = names_number(&tables->names, names_text(&other->names, from->key.ja4));
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
        key.target = names_number(&tables->targets, names_text(&other->targets, from->key.target));
        to = heavy_add(&tables->tunnels, &key, heavy_weight(&other->tunnels, i));
        tunnel_merge(to, from);
    }
}

void tables_merge(struct tables *tables, const struct tables *other, uint32_t files)
{
    if (other->connections) {
        note_time(tables, other->first_ns, other->last_ns);
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
    tables->names.refused += other->names.refused;
    tables->targets.refused += other->targets.refused;
}

void tables_merge_sums(struct tables *tables, const struct tables *other, uint32_t files)
{
    merge_endpoints(tables, other, files);
    merge_ja4s(tables, other, files);
    tables->endpoints.dropped += tables_dropped(other);
}

size_t tables_bytes(const struct tables *tables)
{
    return tables->endpoints.size * sizeof(struct endpoint_stats) +
           tables->pairs.size * sizeof(struct pair) +
           tables->hellos.size * sizeof(struct hello_cell) +
           tables->ja4s.size * sizeof(struct ja4_stats) +
           tables->tunnels.size * sizeof(struct tunnel_cell) +
           (LIMIT_MOMENTS - tables->moments_left) * sizeof(struct timeline_item);
}

uint64_t tables_dropped(const struct tables *tables)
{
    return tables->endpoints.dropped + tables->pairs.dropped + tables->hellos.dropped +
           tables->ja4s.dropped + tables->tunnels.dropped + tables->names.refused +
           tables->targets.refused;
}
