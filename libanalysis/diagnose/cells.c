/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagnose/cells.h"

#include <string.h>

#include <glib.h>

#include "diagnose/hashes.h"

static uint64_t hash_of(const struct server_key *server)
{
    return hash_server(server->version, server->address, server->port);
}

uint64_t pair_hash(const void *key)
{
    const struct pair *pair = key; /* what it begins with */

    return hash_pair(hash_of(&pair->server), hash_client(pair->client));
}

uint64_t hello_hash(const void *key)
{
    const struct hello_key *hello = key;

    return hash_hello(hash_pair(hash_of(&hello->server), hash_client(hello->client)), hello->name,
                      hello->ja4);
}

uint64_t tunnel_hash(const void *key)
{
    const struct tunnel_key *tunnel = key;

    return hash_with(hash_of(&tunnel->proxy), tunnel->target);
}

struct server_key server_key_of(const struct outcome *outcome)
{
    struct server_key key = {.version = outcome->version, .port = outcome->server_port};

    memcpy(key.address, outcome->server, sizeof key.address);
    return key;
}

bool outcome_is_failure(const struct outcome *outcome)
{
    if (!outcome->by_server && outcome->sender != WHYRST_SENDER_MIDDLEBOX) {
        return false; /* the client's own doing */
    }
    if (outcome->tls_alert || outcome->told_why || outcome->stalled) {
        return false; /* the server says what it does not like, or has waited for long enough */
    }
    switch (outcome->origin) {
    case WHYRST_ORIGIN_REFUSED_HANDSHAKE:
    case WHYRST_ORIGIN_ABORTED_HANDSHAKE:
    case WHYRST_ORIGIN_BEFORE_DATA:
    case WHYRST_ORIGIN_TLS_PHASE:
    case WHYRST_ORIGIN_MID_REQUEST:
    case WHYRST_ORIGIN_AWAITING_RESPONSE:
        return true;
    default:
        return false;
    }
}

bool outcome_is_good(const struct outcome *outcome)
{
    return !outcome_is_failure(outcome) &&
           (outcome->answered || (outcome->established && outcome->end == OUTCOME_FIN));
}

static void note(int64_t *first, int64_t *last, int64_t time_ns)
{
    *first = *first == 0 ? time_ns : MIN(*first, time_ns);
    *last = *last == 0 ? time_ns : MAX(*last, time_ns);
}

static struct failures *failures_of(struct score *score)
{
    if (!score->failures) {
        score->failures = g_new0(struct failures, 1);
    }
    return score->failures;
}

void score_add(struct score *score, const struct outcome *outcome, bool failed, struct place place)
{
    struct failures *failures;

    if (!failed) {
        score->good++;
        score->split_good += outcome->hello_split;
        note(&score->first_good_ns, &score->last_good_ns, outcome->start_ns);
        return;
    }
    failures = failures_of(score);
    score->failed++;
    score->split_failed += outcome->hello_split;
    failures->by[outcome->sender]++;
    note(&failures->first_ns, &failures->last_ns, outcome->end_ns);
    frames_add(&failures->frames, place);
}

static void merge_failures(struct failures *failures, const struct failures *other, uint32_t files)
{
    for (unsigned i = 0; i < WHYRST_SENDER_COUNT; i++) {
        failures->by[i] += other->by[i];
    }
    note(&failures->first_ns, &failures->last_ns, other->first_ns);
    note(&failures->first_ns, &failures->last_ns, other->last_ns);
    frames_merge(&failures->frames, &other->frames, files);
}

void score_merge(struct score *score, const struct score *other, uint32_t files)
{
    score->failed += other->failed;
    score->good += other->good;
    score->split_failed += other->split_failed;
    score->split_good += other->split_good;
    if (other->failures) {
        merge_failures(failures_of(score), other->failures, files);
    }
    if (other->good) {
        note(&score->first_good_ns, &score->last_good_ns, other->first_good_ns);
        note(&score->first_good_ns, &score->last_good_ns, other->last_good_ns);
    }
}

void score_clear(struct score *score)
{
    if (score->failures) {
        frames_clear(&score->failures->frames);
        g_free(score->failures);
    }
    *score = (struct score){0};
}

void tunnel_add(struct tunnel_cell *cell, const struct outcome *outcome)
{
    cell->results[outcome->proxy]++;
    if (outcome->proxy == PROXY_TUNNEL) {
        note(&cell->first_good_ns, &cell->last_good_ns, outcome->start_ns);
    } else if (outcome->proxy == PROXY_UNCLEAR || outcome->proxy == PROXY_BROKEN) {
        note(&cell->first_unclear_ns, &cell->last_unclear_ns, outcome->start_ns);
    }
}

void tunnel_merge(struct tunnel_cell *cell, const struct tunnel_cell *other)
{
    for (unsigned i = 0; i < PROXY_RESULT_COUNT; i++) {
        cell->results[i] += other->results[i];
    }
    if (other->first_good_ns) {
        note(&cell->first_good_ns, &cell->last_good_ns, other->first_good_ns);
        note(&cell->first_good_ns, &cell->last_good_ns, other->last_good_ns);
    }
    if (other->first_unclear_ns) {
        note(&cell->first_unclear_ns, &cell->last_unclear_ns, other->first_unclear_ns);
        note(&cell->first_unclear_ns, &cell->last_unclear_ns, other->last_unclear_ns);
    }
}

enum whyrst_sender score_sender(const struct score *score)
{
    unsigned best = WHYRST_SENDER_UNKNOWN;
    uint32_t most = 0;

    for (unsigned i = 0; score->failures && i < WHYRST_SENDER_COUNT; i++) {
        if (i != WHYRST_SENDER_UNKNOWN && score->failures->by[i] > most) {
            best = i;
            most = score->failures->by[i];
        }
    }
    return (enum whyrst_sender)best;
}

double score_rate(const struct score *score)
{
    uint32_t all = score->failed + score->good;

    return all ? (double)score->failed / all : 0;
}
