/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose failure a proxy's answer is. Some replies say it: SOCKS 5 has codes for what the proxy met
 * on its way to the target, HTTP has 502 and 504; 407 and the like are the proxy's word. Others do
 * not: "general failure" of SOCKS 5, "rejected or failed" of SOCKS 4, 500 and 503 are given by
 * proxies for targets that they cannot resolve or reach as well as for troubles of their own.
 * find_proxies.c then compares targets.
 */
#include "diagnose/proxy.h"

#include <string.h>

#include <glib.h>

#include "bytes/strbuf.h"
#include "diagnose/outcome.h"

/* RFC 9110 section 15, RFC 6585, RFC 1928 section 6, RFC 1929, SOCKS 4 (Ying-Da Lee). */
static const struct {
    uint8_t kind;
    uint8_t result;
    bool proves; /* only a proxy says this */
    uint16_t reply;
    const char *text;
} replies[] = {
    {OBSERVE_PROXY_HTTP, PROXY_OWN, false, 400, "bad request"},
    {OBSERVE_PROXY_HTTP, PROXY_OWN, false, 403, "forbidden"},
    {OBSERVE_PROXY_HTTP, PROXY_UNCLEAR, false, 404, "not found"},
    {OBSERVE_PROXY_HTTP, PROXY_OWN, false, 405, "method not allowed"},
    {OBSERVE_PROXY_HTTP, PROXY_OWN, true, 407, "asks for a login"},
    {OBSERVE_PROXY_HTTP, PROXY_OWN, false, 429, "too many requests"},
    {OBSERVE_PROXY_HTTP, PROXY_UNCLEAR, false, 500, "internal error"},
    {OBSERVE_PROXY_HTTP, PROXY_OWN, false, 501, "not implemented"},
    {OBSERVE_PROXY_HTTP, PROXY_TARGET, true, 502, "bad gateway"},
    {OBSERVE_PROXY_HTTP, PROXY_UNCLEAR, false, 503, "unavailable"},
    {OBSERVE_PROXY_HTTP, PROXY_TARGET, true, 504, "gateway timeout"},
    {OBSERVE_PROXY_HTTP, PROXY_OWN, false, 505, "HTTP version"},
    {OBSERVE_PROXY_HTTP, PROXY_OWN, false, 511, "asks for a login to the network"},
    {OBSERVE_PROXY_SOCKS4, PROXY_UNCLEAR, true, 91, "rejected or failed"},
    {OBSERVE_PROXY_SOCKS4, PROXY_OWN, true, 92, "no identd at the client"},
    {OBSERVE_PROXY_SOCKS4, PROXY_OWN, true, 93, "another user by identd"},
    {OBSERVE_PROXY_SOCKS5, PROXY_UNCLEAR, true, 1, "general failure"},
    {OBSERVE_PROXY_SOCKS5, PROXY_OWN, true, 2, "not allowed by its rules"},
    {OBSERVE_PROXY_SOCKS5, PROXY_TARGET, true, 3, "network unreachable"},
    {OBSERVE_PROXY_SOCKS5, PROXY_TARGET, true, 4, "host unreachable"},
    {OBSERVE_PROXY_SOCKS5, PROXY_TARGET, true, 5, "connection refused"},
    {OBSERVE_PROXY_SOCKS5, PROXY_TARGET, true, 6, "TTL expired"},
    {OBSERVE_PROXY_SOCKS5, PROXY_OWN, true, 7, "command not supported"},
    {OBSERVE_PROXY_SOCKS5, PROXY_OWN, true, 8, "address type not supported"},
    {OBSERVE_PROXY_SOCKS5, PROXY_OWN, true, OBSERVE_SOCKS5_NO_METHOD, "no way to log in"},
    {OBSERVE_PROXY_SOCKS5, PROXY_OWN, true, OBSERVE_SOCKS5_LOGIN, "login refused"},
};

static size_t find(uint8_t kind, uint16_t reply)
{
    size_t i = 0;

    while (i < G_N_ELEMENTS(replies) && (replies[i].kind != kind || replies[i].reply != reply)) {
        i++;
    }
    return i;
}

enum proxy_result proxy_reply_means(enum observe_proxy_kind kind, uint16_t reply)
{
    size_t i = find((uint8_t)kind, reply);

    if (i < G_N_ELEMENTS(replies)) {
        return (enum proxy_result)replies[i].result;
    }
    /* RFC 9110 section 15: an unknown code counts as x00 of its class; a redirect is the proxy's.
     */
    return kind == OBSERVE_PROXY_HTTP && reply < 500 ? PROXY_OWN : PROXY_UNCLEAR;
}

const char *proxy_reply_text(char *text, size_t size, uint8_t kind, uint16_t reply)
{
    static const char *const names[] = {[OBSERVE_PROXY_HTTP] = "HTTP",
                                        [OBSERVE_PROXY_SOCKS4] = "SOCKS4 reply",
                                        [OBSERVE_PROXY_SOCKS5] = "SOCKS5 reply"};
    size_t i = find(kind, reply);
    struct strbuf s = strbuf_make(text, size);

    strbuf_add(&s, names[kind]);
    if (reply < OBSERVE_SOCKS5_NO_METHOD || kind == OBSERVE_PROXY_HTTP) {
        strbuf_addf(&s, " %u", reply);
    }
    if (i < G_N_ELEMENTS(replies)) {
        strbuf_addf(&s, " (%s)", replies[i].text);
    }
    return text;
}

/* A tunnel that was reset in the proxy's name. Some ends a proxy has of itself, and passes on from
 * nobody; an idle timer's is no failure. */
static enum proxy_result broken_by(const struct outcome *outcome)
{
    if (strcmp(outcome->cause, "process-exit") == 0 || strcmp(outcome->cause, "no-socket") == 0) {
        return PROXY_DROPPED;
    }
    return outcome->origin == WHYRST_ORIGIN_AFTER_FIN ||
                   outcome->origin == WHYRST_ORIGIN_IDLE_TIMEOUT
               ? PROXY_TUNNEL
               : PROXY_BROKEN;
}

void proxy_judge(struct outcome *outcome, const struct observe_proxy *asked)
{
    bool reset = outcome->end == OUTCOME_RESET && outcome->by_server &&
                 outcome->sender == WHYRST_SENDER_SERVER;

    if (!asked) {
        return;
    }
    outcome->proxy_kind = (uint8_t)asked->kind;
    outcome->proxy_reply = asked->reply;
    outcome->proxy_target = asked->target;
    outcome->proxy_frame = asked->frame ? asked->frame : outcome->frame;
    if (asked->granted) {
        outcome->proxy = reset ? broken_by(outcome) : PROXY_TUNNEL;
        outcome->proxy_frame = reset ? outcome->frame : outcome->proxy_frame;
    } else if (asked->answered) {
        outcome->proxy = proxy_reply_means(asked->kind, asked->reply);
    } else {
        outcome->proxy = reset ? PROXY_OWN : PROXY_PENDING;
        outcome->proxy_kind = 0; /* no reply */
    }
}

uint32_t proxy_tunnels(const struct proxy_stats *stats)
{
    return stats->of[PROXY_TUNNEL].count + stats->of[PROXY_BROKEN].count +
           stats->of[PROXY_DROPPED].count;
}

static bool is_proof(const struct outcome *outcome)
{
    size_t i = find(outcome->proxy_kind, outcome->proxy_reply);

    return (outcome->proxy >= PROXY_TUNNEL && outcome->proxy <= PROXY_DROPPED) ||
           (i < G_N_ELEMENTS(replies) && replies[i].proves);
}

/* The replies that came first keep their places. */
static void count_reply(struct proxy_stats *stats, struct proxy_reply reply)
{
    for (unsigned i = 0; i < PROXY_REPLIES; i++) {
        struct proxy_reply *known = &stats->replies[i];

        if (known->count == 0) {
            *known = reply;
            return;
        }
        if (known->kind == reply.kind && known->reply == reply.reply) {
            known->count += reply.count;
            return;
        }
    }
}

static void note_time(struct proxy_tally *tally, int64_t first_ns, int64_t last_ns)
{
    tally->first_ns = tally->first_ns ? MIN(tally->first_ns, first_ns) : first_ns;
    tally->last_ns = MAX(tally->last_ns, last_ns);
}

void proxy_add(struct proxy_stats **stats, const struct outcome *outcome, uint32_t file)
{
    struct proxy_tally *tally;

    if (outcome->proxy == PROXY_NONE) {
        return;
    }
    if (!*stats) {
        *stats = g_new0(struct proxy_stats, 1);
    }
    tally = &(*stats)->of[outcome->proxy];
    tally->count++;
    note_time(tally, outcome->start_ns, outcome->start_ns);
    frames_add(&tally->frames,
               (struct place){.file = file, .frame = (uint32_t)outcome->proxy_frame});
    (*stats)->proven |= is_proof(outcome);
    if (outcome->proxy == PROXY_OWN && !outcome->proxy_kind) {
        (*stats)->resets++;
    } else if (outcome->proxy >= PROXY_OWN && outcome->proxy <= PROXY_UNCLEAR) {
        count_reply(*stats, (struct proxy_reply){.kind = outcome->proxy_kind,
                                                 .reply = outcome->proxy_reply,
                                                 .count = 1});
    }
}

void proxy_merge(struct proxy_stats **stats, const struct proxy_stats *other, uint32_t files)
{
    if (!other) {
        return;
    }
    if (!*stats) {
        *stats = g_new0(struct proxy_stats, 1);
    }
    (*stats)->proven |= other->proven;
    (*stats)->resets += other->resets;
    (*stats)->health.own += other->health.own;
    (*stats)->health.target += other->health.target;
    (*stats)->health.unclear += other->health.unclear;
    for (unsigned i = 0; i < PROXY_RESULT_COUNT; i++) {
        struct proxy_tally *tally = &(*stats)->of[i];

        if (other->of[i].count) {
            tally->count += other->of[i].count;
            note_time(tally, other->of[i].first_ns, other->of[i].last_ns);
            frames_merge(&tally->frames, &other->of[i].frames, files);
        }
    }
    for (unsigned i = 0; i < PROXY_REPLIES && other->replies[i].count; i++) {
        count_reply(*stats, other->replies[i]);
    }
}

void proxy_free(struct proxy_stats *stats)
{
    for (unsigned i = 0; stats && i < PROXY_RESULT_COUNT; i++) {
        frames_clear(&stats->of[i].frames);
    }
    g_free(stats);
}
