/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A banned address fails from a moment on without exception, while other addresses are served in
 * the same time; or until it is let in again. A server that is down is no ban; nor is a client that
 * fails now and then wherever it connects. Several may be banned, a network maybe: they are no fair
 * comparison for one another.
 */
#include <math.h>
#include <string.h>

#include "diagnose/clients.h"
#include "diagnose/limit.h"
#include "diagnose/network.h"

#define SECOND INT64_C(1000000000)

#define LEAST_CLIENTS 2

/* Failures of another client that make it one with the same trouble. */
#define LEAST_SHARED 2

/* Banned clients whose addresses are told. */
#define CLIENTS_TOLD 5

/* Connections accepted within a second before the first that failed. */
#define LEAST_BURST 5

/* Failures and seconds that make a ban which ended; and those of a long one. */
#define LEAST_SPELL    5
#define LEAST_SPELL_NS (2 * SECOND)
#define LONG_SPELL_NS  (10 * SECOND)

/* Limits on attempts are looked for within this time, and for as long as the failures last. */
#define SHORT_NS (60 * SECOND)

/* Connections that began after the first failure and were accepted. */
static uint32_t good_since(const struct pair *pair)
{
    uint32_t count, good = 0;
    struct moment *moments = moments_sorted(&pair->moments, &count);

    for (uint32_t i = 0; i < count; i++) {
        good += !moments[i].failed && moments[i].time_ns > pair->score.failures->first_ns;
    }
    g_free(moments);
    return good;
}

static bool is_alone(const struct census *census, const struct server_key *server)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(census->failing, server)) == 1;
}

/* A client that fails now and then at other servers, where no other client does, fails several
 * times in a row at some of them, which is no ban. Servers that bar it as well, without exception,
 * say nothing of the kind. */
static bool is_failing_anywhere(const struct census *census, const struct pair *own)
{
    uint64_t servers = 0, failed = 0, good = 0;

    for (size_t i = 0; i < census->pairs->count; i++) {
        const struct pair *pair = heavy_entry(census->pairs, i);

        if (pair == own || pair->server.version != own->server.version ||
            memcmp(pair->client, own->client, sizeof own->client) != 0) {
            continue;
        }
        servers++;
        if (pair->score.failed && is_alone(census, &pair->server)) {
            failed += pair->score.failed;
            good += good_since(pair);
        }
    }
    return good > 0 &&
           pow((double)failed / (double)(failed + good), own->score.failed) * (double)servers >
               CLIENT_CHANCE;
}

/* How long a client was kept out, that was accepted before and after: its failures are one run,
 * which neither chance nor a limit makes. 0 = no such spell. */
static int64_t spell_ns(const struct pair *pair, uint64_t tests)
{
    uint32_t count, first = 0, next, failed = pair->score.failed;
    struct moment *moments = moments_sorted(&pair->moments, &count);
    g_autofree bool *below = g_new(bool, count + 1);
    int64_t ns = 0;

    limit_below(moments, count, INT64_MAX, below);
    while (first < count && !moments[first].failed) {
        first++;
    }
    for (next = first; next < count && moments[next].failed;) {
        next++;
    }
    if (next < count && first > 0 && next - first == failed && failed >= LEAST_SPELL &&
        stats_run(count, failed, failed) * (double)tests <= CLIENT_CHANCE && below[first]) {
        ns = moments[next].time_ns - moments[first].time_ns;
    }
    g_free(moments);
    return ns >= LEAST_SPELL_NS ? ns : 0;
}

/* Whether a limit that counts refused attempts, too, may be what the client ran into: after it had
 * been accepted it never came more slowly than while it was. @burst gets how many were accepted
 * within a second before. */
static bool may_be_limit(const struct pair *pair, uint32_t *burst)
{
    const struct failures *failures = pair->score.failures;
    uint32_t count;
    struct moment *moments = moments_sorted(&pair->moments, &count);
    g_autofree bool *below = g_new(bool, count + 1);
    bool slower = false;

    limit_below(moments, count, MAX(failures->last_ns - failures->first_ns, SHORT_NS), below);
    for (uint32_t i = 0; i < count; i++) {
        slower |= moments[i].failed && below[i];
        *burst += !moments[i].failed && failures->first_ns - moments[i].time_ns < SECOND;
    }
    g_free(moments);
    return pair->score.good > 0 && !slower;
}

/* The ClientHellos that failed are also other clients', which were answered. */
static bool is_ja4_known_good(const struct whyrst_diagnosis *diagnosis, const struct pair *pair)
{
    const struct heavy *hellos = &diagnosis->whole->hellos;

    for (size_t i = 0; i < hellos->count; i++) {
        const struct hello_cell *own = heavy_entry(hellos, i);
        bool known = false;

        if (!own->score.failed ||
            memcmp(&own->key.server, &pair->server, sizeof pair->server) != 0 ||
            memcmp(own->key.client, pair->client, sizeof pair->client) != 0) {
            continue;
        }
        for (size_t j = 0; j < hellos->count && !known; j++) {
            const struct hello_cell *other = heavy_entry(hellos, j);

            known = other->score.good && (!own->score.split_failed || other->score.split_good) &&
                    other->key.ja4 == own->key.ja4 && other->key.name == own->key.name &&
                    memcmp(&other->key.server, &pair->server, sizeof pair->server) == 0 &&
                    memcmp(other->key.client, pair->client, sizeof pair->client) != 0;
        }
        if (!known) {
            return false;
        }
    }
    return true;
}

/** struct ban - one client that fails; @spell_ns: until it was let in again, @limit: see
 * may_be_limit(); @alike: clients that failed in the same spell, too; @asked: for what it failed */
struct ban {
    const struct pair *pair;
    const struct others *others;
    double p;
    int64_t spell_ns;
    bool limit;
    uint32_t burst;
    guint alike;
    enum asked asked;
};

/* How many others failed during the client's failures, and were not accepted then: they may share
 * what lies behind the address, and was down. */
static guint count_alike(const struct crowd *crowd, guint own)
{
    const struct failures *spell = crowd->pairs[own]->score.failures;
    guint alike = 0;

    for (guint i = 0; i < crowd->count; i++) {
        uint32_t count, failed = 0, good = 0;
        const struct moment *moments = moments_kept(&crowd->pairs[i]->moments, &count);

        for (uint32_t m = 0; m < count && i != own; m++) {
            bool inside =
                moments[m].time_ns >= spell->first_ns && moments[m].time_ns <= spell->last_ns;

            failed += inside && moments[m].failed;
            good += inside && !moments[m].failed;
        }
        alike += failed >= LEAST_SHARED && good == 0;
    }
    return alike;
}

/* Whether it is one, with what is to be told of it. */
static bool is_ban(const struct whyrst_diagnosis *diagnosis, const struct census *census,
                   struct ban *ban)
{
    const struct pair *pair = ban->pair;
    const struct others *others = ban->others;
    bool again = good_since(pair) > 0;

    ban->spell_ns = again ? spell_ns(pair, census->suspects) : 0;
    if ((again && ban->spell_ns == 0) || others->clients < LEAST_CLIENTS ||
        others->good < CLIENT_LEAST || (pair->hellos && !is_ja4_known_good(diagnosis, pair))) {
        return false;
    }
    ban->limit = !again && may_be_limit(pair, &ban->burst);
    ban->p = MIN(stats_fisher(pair->score.failed, 0, others->failed, others->good) *
                     (double)census->suspects,
                 1);
    return ban->p <= CLIENT_CHANCE * 10 && !is_failing_anywhere(census, pair);
}

/* Nobody bans within a second, but limits are hit so. */
static bool is_cut_off(const struct ban *ban)
{
    return ban->limit && ban->burst >= LEAST_BURST;
}

static enum whyrst_confidence confidence_of(const struct ban *ban)
{
    if (is_cut_off(ban) || ban->asked == ASKED_UNKNOWN ||
        (ban->spell_ns && (ban->spell_ns < LONG_SPELL_NS || ban->alike))) {
        return WHYRST_CONFIDENCE_LOW;
    }
    return ban->spell_ns || ban->limit || ban->asked || ban->others->failed ||
                   ban->p >= CLIENT_CHANCE
               ? WHYRST_CONFIDENCE_MEDIUM
               : WHYRST_CONFIDENCE_HIGH;
}

static struct block *explain(struct whyrst_diagnosis *diagnosis, const struct ban *ban,
                             const char *client)
{
    const struct pair *pair = ban->pair;
    const struct others *others = ban->others;
    struct block *block =
        blocks_add(diagnosis->blocks, is_cut_off(ban) ? ACROSS_RATE : ACROSS_ADDRESS,
                   confidence_of(ban), &pair->server, &pair->score);

    memcpy(block->client, pair->client, sizeof block->client);
    g_snprintf(block->across->contrast, sizeof block->across->contrast,
               "%s: %u of %u failed; %u other client%s in that time: %u of %u", client,
               pair->score.failed, pair->score.failed, others->clients,
               others->clients == 1 ? "" : "s", others->failed, others->failed + others->good);
    return block;
}

/* What it asks for, or says of itself, may be the reason. */
static void tell_asked(struct whyrst_finding *finding, enum asked asked)
{
    if (asked == ASKED_UNKNOWN) {
        finding_evidence(finding, "failed after asking for what the packets do not show to be "
                                  "answered to anybody: that may be the reason, not the address");
    } else if (asked == ASKED_KNOWN) {
        finding_evidence(finding, "failed after asking for what is answered otherwise: what else "
                                  "its requests say (credentials, User-Agent) looks the same");
    }
}

/* Let in again: a backend of its own that was down for a while looks the same when it is short. */
static void tell(struct whyrst_finding *finding, const struct ban *ban)
{
    uint32_t failed = ban->pair->score.failed, good = ban->others->good;

    if (is_cut_off(ban)) {
        finding_text(finding,
                     "%s cut %s off after %u connections within a second: %u failed since, %u of "
                     "other clients went well in that time",
                     finding->server, finding->client, ban->burst, failed, good);
    } else if (ban->spell_ns) {
        finding->seconds_ns = ban->spell_ns;
        finding_text(finding,
                     "%s did not let %s in for %.1f s: %u connections in a row failed, %u of other "
                     "clients went well in that time",
                     finding->server, finding->client, (double)ban->spell_ns / SECOND, failed,
                     good);
        finding_evidence(finding, "let in again: a ban that ended, or what lies behind the address "
                                  "and serves this client was down");
    } else {
        finding_text(finding,
                     "%s does not let %s in: %u connections failed, %u of other clients "
                     "went well in that time",
                     finding->server, finding->client, failed, good);
    }
    if (ban->limit) {
        finding_evidence(finding, "accepted before, and it never asked for less since: a limit "
                                  "that counts refused connections and a ban look the same");
    }
    if (ban->spell_ns && ban->alike) {
        finding_evidence(finding,
                         "%u other client%s failed in the same time as well: what lies "
                         "behind the address and serves them may have been down",
                         ban->alike, ban->alike == 1 ? "" : "s");
    }
    tell_asked(finding, ban->asked);
}

void find_ban(struct whyrst_diagnosis *diagnosis, struct crowd *crowd, guint own,
              const struct others *others, const struct census *census)
{
    const struct pair *pair = crowd->pairs[own];
    struct ban ban = {.pair = pair, .others = others};
    struct whyrst_finding *finding;
    char client[48];

    if (!is_ban(diagnosis, census, &ban)) {
        return;
    }
    ban.alike = count_alike(crowd, own);
    ban.asked = asked_of(crowd, own);
    endpoint_text(client, sizeof client, pair->server.version, pair->client, 0, false);
    finding = client_finding(diagnosis, pair, explain(diagnosis, &ban, client),
                             is_cut_off(&ban) ? WHYRST_FINDING_RATE_LIMIT : WHYRST_FINDING_IP_BLOCK,
                             pair->score.failed, (uint64_t)pair->score.failed + pair->score.good);
    finding->p = ban.p;
    finding->has_others = true;
    finding->other_resets = others->failed;
    finding->other_connections = (uint64_t)others->failed + others->good;
    tell(finding, &ban);
}

/* It fails without exception from its first failure on. */
static bool is_shut_out(const struct pair *pair)
{
    return pair->score.failed >= CLIENT_LEAST &&
           pair->score.last_good_ns < pair->score.failures->first_ns;
}

/** struct shut_out - clients that are not let in
 * @failed, @good: of their connections; @known: how many of them were accepted before
 * @asked:   what most can be said of their requests; @limit: a limit may explain all of some
 */
struct shut_out {
    guint count;
    uint32_t failed;
    uint32_t good;
    uint32_t known;
    enum asked asked;
    bool limit;
    struct others others;
    double p;
};

/* Makes those that are shut out @crowd's own. */
static void choose(struct crowd *crowd, struct shut_out *shut)
{
    for (guint i = 0; i < crowd->count; i++) {
        const struct pair *pair = crowd->pairs[i];
        uint32_t burst = 0;

        crowd->roles[i] = CLIENT_OTHER;
        if (is_shut_out(pair)) {
            crowd->roles[i] = CLIENT_OWN;
            shut->count++;
            shut->failed += pair->score.failed;
            shut->good += pair->score.good;
            shut->known += pair->score.good > 0;
            shut->asked = MAX(shut->asked, asked_of(crowd, i));
            shut->limit |= may_be_limit(pair, &burst);
        }
    }
}

/* Whoever picks those that fail out of a mixture finds bans in any: there are so many ways to. */
static bool are_banned(const struct whyrst_diagnosis *diagnosis, const struct crowd *crowd,
                       struct shut_out *shut, uint64_t tests)
{
    if (shut->count < 2 || shut->count + LEAST_CLIENTS > crowd->count) {
        return false;
    }
    shut->others = find_others(crowd);
    shut->p = MIN(stats_fisher(shut->failed, 0, shut->others.failed, shut->others.good) *
                      exp(stats_log_choose(crowd->count, shut->count)) * (double)tests,
                  1);
    if (shut->others.clients < LEAST_CLIENTS || shut->others.good < CLIENT_LEAST ||
        shut->p > CLIENT_CHANCE || others_fail_too(&shut->others)) {
        return false;
    }
    for (guint i = 0; i < crowd->count; i++) {
        if (crowd->roles[i] == CLIENT_OWN && crowd->pairs[i]->hellos &&
            !is_ja4_known_good(diagnosis, crowd->pairs[i])) {
            return false;
        }
    }
    return true;
}

/* A network that all of them are in, and no client that is served. */
static void tell_network(const struct crowd *crowd, struct whyrst_finding *finding)
{
    struct network network = {0};
    char text[80];

    for (guint i = 0; i < crowd->count; i++) {
        if (crowd->roles[i] == CLIENT_OWN) {
            network_add(&network, crowd->pairs[i]->server.version, crowd->pairs[i]->client);
        }
    }
    for (guint i = 0; i < crowd->count; i++) {
        if (crowd->roles[i] != CLIENT_OWN && network_has(&network, crowd->pairs[i]->client)) {
            return;
        }
    }
    if (network_is_narrow(&network)) {
        network_text(&network, text, sizeof text);
        finding_evidence(finding, "all of them are in %s, no other client is", text);
    }
}

/* What each of them is, and that the crowd is to be compared without it. */
static void leave_out(struct whyrst_diagnosis *diagnosis, const struct crowd *crowd,
                      const struct shut_out *shut, struct whyrst_finding *finding)
{
    const struct others *others = &shut->others;
    guint told = 0;

    for (guint i = 0; i < crowd->count; i++) {
        const struct pair *pair = crowd->pairs[i];
        struct block *block;
        char client[48];

        if (crowd->roles[i] != CLIENT_OWN) {
            continue;
        }
        crowd->roles[i] = CLIENT_LEFT_OUT;
        block = blocks_add(diagnosis->blocks, ACROSS_ADDRESS, finding->confidence, &pair->server,
                           &pair->score);
        memcpy(block->client, pair->client, sizeof block->client);
        endpoint_text(client, sizeof client, pair->server.version, pair->client, 0, false);
        g_snprintf(block->across->contrast, sizeof block->across->contrast,
                   "%s: %u of %u failed, as of %u clients; %u others in that time: %u of %u",
                   client, pair->score.failed, pair->score.failed, shut->count, others->clients,
                   others->failed, others->failed + others->good);
        frames_merge(&finding->places, &pair->score.failures->frames, 0);
        finding->first_ns = MIN(finding->first_ns, pair->score.failures->first_ns);
        finding->last_ns = MAX(finding->last_ns, pair->score.failures->last_ns);
        if (told++ < CLIENTS_TOLD) {
            finding_evidence(finding, "%s: %u of %u failed", client, pair->score.failed,
                             pair->score.failed);
        }
    }
}

void find_bans(struct whyrst_diagnosis *diagnosis, struct crowd *crowd, const struct census *census)
{
    struct shut_out shut = {0};
    struct whyrst_finding *finding;
    const struct server_key *server = &crowd->pairs[0]->server;
    char text[80];

    choose(crowd, &shut);
    if (!are_banned(diagnosis, crowd, &shut, census->suspects)) {
        memset(crowd->roles, CLIENT_OTHER, crowd->count);
        return;
    }
    endpoint_text(text, sizeof text, server->version, server->address, server->port, true);
    finding =
        finding_add(diagnosis->findings, WHYRST_FINDING_IP_BLOCK,
                    shut.asked == ASKED_UNKNOWN ? WHYRST_CONFIDENCE_LOW : WHYRST_CONFIDENCE_MEDIUM);
    finding->server = g_strdup(text);
    finding_count(finding, shut.failed, (uint64_t)shut.failed + shut.good);
    finding->p = shut.p;
    finding->has_others = true;
    finding->other_resets = shut.others.failed;
    finding->other_connections = (uint64_t)shut.others.failed + shut.others.good;
    finding->first_ns = INT64_MAX;
    finding_text(finding,
                 "%s does not let %u clients in: %u connections failed, %u others had %u that went "
                 "well in that time",
                 text, shut.count, shut.failed, shut.others.clients, shut.others.good);
    tell_network(crowd, finding);
    leave_out(diagnosis, crowd, &shut, finding);
    finding_sender(
        finding,
        g_array_index(diagnosis->blocks, struct block, diagnosis->blocks->len - 1).across->sender);
    if (shut.count > CLIENTS_TOLD) {
        finding_evidence(finding, "and %u clients more", shut.count - CLIENTS_TOLD);
    }
    if (shut.known) {
        finding_evidence(finding, "%u of them were accepted before", shut.known);
    }
    if (shut.limit) {
        finding_evidence(finding, "some never asked for less since: a limit that counts refused "
                                  "connections looks the same");
    }
    finding_evidence(finding,
                     "a balancer that sends clients by address to a dead backend looks the same");
    tell_asked(finding, shut.asked);
}
