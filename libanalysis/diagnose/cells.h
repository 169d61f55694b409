/* SPDX-License-Identifier: GPL-2.0-or-later */
/** What is compared across connections: clients of a server, and ClientHellos of a server. */
#ifndef DIAGNOSE_CELLS_H
#define DIAGNOSE_CELLS_H

#include "diagnose/frames.h"
#include "diagnose/heavy.h"
#include "diagnose/moments.h"
#include "diagnose/outcome.h"

/** struct server_key - a server's address and port */
struct server_key {
    uint8_t version;
    uint8_t zero[5];
    uint16_t port;
    uint8_t address[16];
};

/** struct failures - more about failures; @by: how many of each sender */
struct failures {
    uint32_t by[WHYRST_SENDER_COUNT];
    int64_t first_ns;
    int64_t last_ns;
    struct frames frames;
};

/** struct score - failures and successes of a kind; @split_failed, @split_good: of these, with
 *  ClientHellos of several segments; @failures is there when there are any: most scores have none
 */
struct score {
    uint32_t failed;
    uint32_t good;
    uint32_t split_failed;
    uint32_t split_good;
    int64_t first_good_ns;
    int64_t last_good_ns;
    struct failures *failures;
};

/** struct pair - a client's connections to a server */
struct pair {
    struct server_key server;
    uint8_t client[16];
    struct score score;
    struct moments moments;
    uint32_t hellos; /* failures after a ClientHello, which may be about that */
    uint32_t asked;  /* failures after the client has sent something, which may be about that */
};

/** struct hello_key - names and JA4s by their numbers */
struct hello_key {
    struct server_key server;
    uint8_t client[16];
    uint32_t name;
    uint32_t ja4;
};

/** struct hello_cell - ClientHellos of one client with one name and JA4, reset or answered */
struct hello_cell {
    struct hello_key key;
    struct score score;
};

/** struct tunnel_key - a proxy, and a target by its number */
struct tunnel_key {
    struct server_key proxy;
    uint32_t target;
    uint32_t zero;
};

/** struct tunnel_cell - what became of requests for one target of a proxy, and when tunnels stood
 * and whoever's failures came */
struct tunnel_cell {
    struct tunnel_key key;
    uint32_t results[PROXY_RESULT_COUNT];
    int64_t first_good_ns;
    int64_t last_good_ns;
    int64_t first_unclear_ns;
    int64_t last_unclear_ns;
};

/** Hashes of keys of the tables of pairs, ClientHellos and tunnels. */
uint64_t pair_hash(const void *key);
uint64_t hello_hash(const void *key);
uint64_t tunnel_hash(const void *key);
struct server_key server_key_of(const struct outcome *outcome);
/** Whether a block or limit might be behind the connection's end: reset or refused in the server's
 *  name while the client had not got what it wanted. */
bool outcome_is_failure(const struct outcome *outcome);
/** Whether the client got something. */
bool outcome_is_good(const struct outcome *outcome);
/** Adds a failure, or a success when @failed is false. */
void score_add(struct score *score, const struct outcome *outcome, bool failed, struct place place);
/** Adds @other, whose files follow @files others. */
void score_merge(struct score *score, const struct score *other, uint32_t files);
void score_clear(struct score *score);
/** Counts a request to a proxy; adds another cell's counts. */
void tunnel_add(struct tunnel_cell *cell, const struct outcome *outcome);
void tunnel_merge(struct tunnel_cell *cell, const struct tunnel_cell *other);
/** The sender of most failures that have a known one. */
enum whyrst_sender score_sender(const struct score *score);
double score_rate(const struct score *score);

#endif
