/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagnose/cells.h"

#include <string.h>

#include <glib.h>

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

void score_add(struct score *score, const struct outcome *outcome, bool failed, struct place place)
{
    if (!failed) {
        score->good++;
        note(&score->first_good_ns, &score->last_good_ns, outcome->start_ns);
        return;
    }
    score->failed++;
    score->by[outcome->sender]++;
    note(&score->first_failed_ns, &score->last_failed_ns, outcome->end_ns);
    frames_add(&score->frames, place);
}

void score_merge(struct score *score, const struct score *other)
{
    score->failed += other->failed;
    score->good += other->good;
    for (unsigned i = 0; i < WHYRST_SENDER_COUNT; i++) {
        score->by[i] += other->by[i];
    }
    if (other->failed) {
        note(&score->first_failed_ns, &score->last_failed_ns, other->first_failed_ns);
        note(&score->first_failed_ns, &score->last_failed_ns, other->last_failed_ns);
    }
    if (other->good) {
        note(&score->first_good_ns, &score->last_good_ns, other->first_good_ns);
        note(&score->first_good_ns, &score->last_good_ns, other->last_good_ns);
    }
    frames_merge(&score->frames, &other->frames);
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

    for (unsigned i = 0; i < WHYRST_SENDER_COUNT; i++) {
        if (i != WHYRST_SENDER_UNKNOWN && score->by[i] > most) {
            best = i;
            most = score->by[i];
        }
    }
    return (enum whyrst_sender)best;
}

double score_rate(const struct score *score)
{
    uint32_t all = score->failed + score->good;

    return all ? (double)score->failed / all : 0;
}
