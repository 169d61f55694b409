/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counting connections. The tables are too large for the cache, and each connection counts in up to
 * five of them: it waits until there are some more, so that the memory of all their entries is on
 * its way before the first is looked at.
 */
#include <string.h>

#include <glib.h>

#include "diagnose/hashes.h"
#include "diagnose/tables.h"
#include "limits.h"

/** As many as first-level caches have room for, with what is fetched for them. */
#define WAITING 16u

/* A hash of what every capture of the connection shows: its SYN's number and its two ends, of which
 * @pair is a hash. */
static uint64_t identity_of(uint64_t pair, uint32_t isn, uint16_t client_port)
{
    return hash_with(pair, (uint64_t)isn << 32 | client_port);
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
 * struct waiting - a connection that waits to be counted, the keys of the entries in which it
 * counts, and their tags, see heavy_seek()
 * @stats:      @server's entry, as long as none is added; NULL = none known
 * @client_hash: hash_client() of its client
 * @target:     number of the proxy's target
 * @mark:       see struct moment
 * @failed:     as outcome_is_failure() says
 * @has_pair:   it failed, or went well
 * @has_hello:  its ClientHello was reset (@hello_failed) or answered: only these are compared
 */
struct waiting {
    struct outcome outcome;
    struct endpoint_key server;
    const struct endpoint_stats *stats;
    struct endpoint_key named;
    struct pair_key pair;
    struct hello_key hello;
    uint64_t client_hash;
    uint32_t server_tag;
    uint32_t named_tag;
    uint32_t pair_tag;
    uint32_t hello_tag;
    uint32_t target;
    uint16_t mark;
    bool failed;
    bool has_pair;
    bool has_hello;
    bool hello_failed;
};

uint16_t tables_hello_mark(uint64_t ja4, uint64_t name)
{
    return (uint16_t)(hash_with(ja4, name) >> 48) | 1;
}

/* Whether @text has a number, as those have that there was room for, and others not. */
static void note_number(struct tables *tables, const char *text, uint32_t number)
{
    tables->unnamed += number == 0 && text && text[0];
}

static uint64_t hash_of(const struct tables *tables, const char *text, uint32_t number)
{
    return number ? names_hash(tables->names, number) : names_hash_text(text);
}

/* @pair: hash of its ends. */
static void seek_hello(struct tables *tables, struct waiting *w, uint64_t pair)
{
    const struct outcome *outcome = &w->outcome;

    note_number(tables, outcome->ja4, outcome->ja4_number);
    w->hello_failed = w->failed && outcome->origin == WHYRST_ORIGIN_TLS_PHASE;
    w->has_hello = w->hello_failed || outcome->tls_answered;
    if (w->has_hello) {
        w->hello = (struct hello_key){.server = server_key_of(outcome),
                                      .name = outcome->sni_number,
                                      .ja4 = outcome->ja4_number};
        memcpy(w->hello.client, outcome->client, sizeof w->hello.client);
        w->hello_tag = heavy_seek(&tables->hellos, hash_hello(pair, w->hello.name, w->hello.ja4));
        w->mark = tables_hello_mark(hash_of(tables, outcome->ja4, outcome->ja4_number),
                                    hash_of(tables, outcome->sni, outcome->sni_number));
    }
}

/* What can be known before the entries, and of the texts, which may be gone when it is counted. */
static void seek(struct tables *tables, struct waiting *w)
{
    const struct outcome *outcome = &w->outcome;
    uint64_t server = hash_server(outcome->version, outcome->server, outcome->server_port);
    uint64_t pair;

    w->client_hash = hash_client(outcome->client);
    pair = hash_pair(server, w->client_hash);
    w->server = endpoint_key_of(outcome->version, outcome->server, outcome->server_port);
    w->server_tag = heavy_seek(&tables->endpoints, server);
    w->failed = outcome_is_failure(outcome);
    w->has_pair = w->failed || outcome_is_good(outcome);
    w->has_hello = false;
    w->mark = outcome->request_mark;
    if (w->has_pair) {
        w->pair.server = server_key_of(outcome);
        memcpy(w->pair.client, outcome->client, sizeof w->pair.client);
        w->pair_tag = heavy_seek(&tables->pairs, pair);
    }
    note_number(tables, outcome->sni, outcome->sni_number);
    if (outcome->sni_number) {
        w->named = (struct endpoint_key){.kind = ENDPOINT_NAME, .name = outcome->sni_number};
        w->named_tag = heavy_seek(&tables->endpoints, hash_number(outcome->sni_number));
    }
    if (outcome->hello) {
        seek_hello(tables, w, pair);
    }
    if (outcome->proxy != PROXY_NONE) {
        w->target = names_number(tables->targets, outcome->proxy_target);
        note_number(tables, outcome->proxy_target, w->target);
    }
    if (outcome->attempt) {
        sketch_add(&tables->sketch, identity_of(pair, outcome->isn, outcome->client_port));
    }
}

static void fetch(const struct tables *tables, struct waiting *w)
{
    w->stats = heavy_fetch(&tables->endpoints, w->server_tag);
    if (w->has_pair) {
        heavy_fetch(&tables->pairs, w->pair_tag);
    }
    if (w->outcome.sni_number) {
        heavy_fetch(&tables->endpoints, w->named_tag);
    }
    if (w->has_hello) {
        heavy_fetch(&tables->hellos, w->hello_tag);
    }
}

/* The client had said nothing that a server might dislike. */
static bool is_unasked(enum whyrst_origin origin)
{
    return origin == WHYRST_ORIGIN_REFUSED_HANDSHAKE || origin == WHYRST_ORIGIN_ABORTED_HANDSHAKE ||
           origin == WHYRST_ORIGIN_BEFORE_DATA;
}

static void add_pair(struct tables *tables, const struct waiting *w, struct place place)
{
    const struct outcome *outcome = &w->outcome;
    struct pair *pair = heavy_take(&tables->pairs, &w->pair, w->pair_tag);

    score_add(&pair->score, outcome, w->failed, place);
    pair->hellos += w->failed && outcome->hello;
    pair->asked += w->failed && !is_unasked(outcome->origin);
    pair->moments.left = &tables->moments_left;
    moments_add(&pair->moments, LIMIT_MOMENTS_EACH,
                (struct moment){.time_ns = outcome->start_ns,
                                .age_ms = outcome_age_ms(outcome),
                                .mark = w->mark,
                                .split = w->has_hello && outcome->hello_split,
                                .origin = outcome->origin,
                                .failed = w->failed});
}

static void add_hello(struct tables *tables, const struct waiting *w, struct place place)
{
    struct ja4_key ja4 = {.ja4 = w->outcome.ja4_number};

    if (ja4.ja4) {
        ja4_add(heavy_get(&tables->ja4s, &ja4), &w->outcome, place);
    }
    if (w->has_hello) {
        struct hello_cell *cell = heavy_take(&tables->hellos, &w->hello, w->hello_tag);

        score_add(&cell->score, &w->outcome, w->hello_failed, place);
    }
}

static void add_tunnel(struct tables *tables, const struct waiting *w)
{
    struct tunnel_key key = {.proxy = server_key_of(&w->outcome), .target = w->target};

    tunnel_add(heavy_get(&tables->tunnels, &key), &w->outcome);
}

static struct endpoint_stats *take_endpoint(struct tables *tables, const struct endpoint_key *key,
                                            uint32_t tag)
{
    struct endpoint_stats *stats = heavy_take(&tables->endpoints, key, tag);

    stats->starts.left = &tables->moments_left;
    return stats;
}

static void count(struct tables *tables, const struct waiting *w)
{
    struct place place = {.frame = (uint32_t)w->outcome.frame};

    endpoint_add(take_endpoint(tables, &w->server, w->server_tag), &w->outcome, w->client_hash,
                 place);
    if (w->outcome.sni_number) {
        endpoint_add(take_endpoint(tables, &w->named, w->named_tag), &w->outcome, w->client_hash,
                     place);
    }
    if (w->has_pair) {
        add_pair(tables, w, place);
    }
    if (w->outcome.hello) {
        add_hello(tables, w, place);
    }
    if (w->outcome.proxy != PROXY_NONE) {
        add_tunnel(tables, w);
    }
}

void tables_settle(struct tables *tables)
{
    for (uint32_t i = 0; i < tables->waiting_count; i++) {
        fetch(tables, &tables->waiting[i]);
    }
    for (uint32_t i = 0; i < tables->waiting_count; i++) {
        const struct endpoint_stats *stats = tables->waiting[i].stats;

        if (stats) {
            endpoint_prefetch(stats);
        }
    }
    for (uint32_t i = 0; i < tables->waiting_count; i++) {
        count(tables, &tables->waiting[i]);
    }
    tables->waiting_count = 0;
}

struct outcome *tables_next(struct tables *tables)
{
    if (!tables->waiting) {
        tables->waiting = g_new0(struct waiting, WAITING);
    }
    if (tables->waiting_count == WAITING) {
        tables_settle(tables);
    }
    return &tables->waiting[tables->waiting_count].outcome;
}

void tables_add(struct tables *tables)
{
    struct waiting *w = &tables->waiting[tables->waiting_count++];
    const struct outcome *outcome = &w->outcome;

    seek(tables, w);
    tables_note_time(tables, outcome->start_ns, outcome->end_ns);
    tables->connections++;
}

void tables_add_syn(struct tables *tables, const struct lone_syn *syn)
{
    struct endpoint_key key = endpoint_key_of(4, syn->server, syn->server_port);
    struct endpoint_stats *stats = heavy_get(&tables->endpoints, &key);
    uint64_t client = hash_client(syn->client);

    sketch_add(&tables->sketch,
               identity_of(hash_pair(endpoint_hash(&key), client), syn->isn, syn->client_port));
    tables_note_time(tables, syn->time_ns, syn->time_ns);
    tables->connections++;
    stats->starts.left = &tables->moments_left;
    endpoint_add_syn(stats, syn, client, (struct place){.frame = syn->frame});
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
