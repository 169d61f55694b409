/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong with one endpoint: down, refusing, silent, resetting too much. */
#include <math.h>
#include <string.h>

#include "diagnose/diagnosis.h"

/* Fewer connections show nothing. */
#define LEAST 3

/* Clients that are served beside one that is not. */
#define OTHER_CLIENTS 2

/* Standard deviations below the number of runs that chance makes. */
#define FLAPPING_SIGMA 4

/* Servers that are asked whether they accepted meanwhile. */
#define MOST_OTHERS 1024u

/* The most likely that refusals in a row may be by chance. */
#define MOST_CHANCE 0.001

static uint32_t accepted(const struct endpoint_stats *stats)
{
    return stats->connections + faults_of(stats)->aborted;
}

/* A loopback address is another host in each capture. */
static bool is_several_hosts(const struct endpoint_stats *stats)
{
    return endpoint_is_loopback(&stats->key) && stats->several;
}

/* The busiest other port of the same host that accepts connections, or NULL. */
static const struct whyrst_endpoint *open_port(const struct whyrst_diagnosis *diagnosis,
                                               const struct endpoint_key *key)
{
    const struct whyrst_endpoint *best = NULL;

    for (guint i = 0; i < diagnosis->servers; i++) {
        const struct whyrst_endpoint *row =
            &g_array_index(diagnosis->rows, struct whyrst_endpoint, i);
        const struct endpoint_stats *stats = row->stats;

        if (accepted(stats) > 0 && endpoint_is_same_host(&stats->key, key) &&
            (!best || accepted(stats) > accepted(best->stats) ||
             (accepted(stats) == accepted(best->stats) &&
              stats->key.port < best->stats->key.port))) {
            best = row;
        }
    }
    return best;
}

/* A finding about @row's connections without handshake. */
static struct whyrst_finding *add_bad(struct whyrst_diagnosis *diagnosis,
                                      struct whyrst_endpoint *row, enum whyrst_finding_kind kind,
                                      enum whyrst_confidence confidence)
{
    struct whyrst_finding *finding = finding_add(diagnosis->findings, kind, confidence);
    const struct endpoint_stats *stats = row->stats;
    const struct endpoint_faults *faults = faults_of(stats);

    finding->server = g_strdup(endpoint_name(row));
    finding_count(finding, endpoint_bad(stats), stats->attempts);
    finding->first_ns = faults->first_bad_ns;
    finding->last_ns = faults->last_bad_ns;
    frames_merge(&finding->places, &faults->bad_frames, 0);
    if (faults->troubles[TROUBLE_REFUSED]) {
        finding_sender(finding, endpoint_sender(faults->refused_by));
    }
    row->state = kind;
    return finding;
}

/* Nothing was ever accepted here. */
static void find_closed(struct whyrst_diagnosis *diagnosis, struct whyrst_endpoint *row)
{
    const struct endpoint_stats *stats = row->stats;
    const struct endpoint_faults *faults = faults_of(stats);
    const struct whyrst_endpoint *other = open_port(diagnosis, &stats->key);
    enum whyrst_confidence sure =
        stats->attempts >= 2 * LEAST ? WHYRST_CONFIDENCE_HIGH : WHYRST_CONFIDENCE_MEDIUM;
    struct whyrst_finding *finding;

    if (faults->troubles[TROUBLE_UNREACHABLE] >= LEAST) {
        finding = add_bad(diagnosis, row, WHYRST_FINDING_UNREACHABLE, sure);
        finding_text(finding, "ICMP errors answer connections to %s: %u of %u", endpoint_name(row),
                     faults->troubles[TROUBLE_UNREACHABLE], stats->attempts);
    } else if (faults->troubles[TROUBLE_REFUSED] == 0) {
        finding = add_bad(diagnosis, row, WHYRST_FINDING_UNANSWERED, sure);
        finding_text(finding, "%s answers nothing: %u of %u connections got no answer",
                     endpoint_name(row), endpoint_bad(stats), stats->attempts);
    } else if (endpoint_is_loopback(&stats->key)) {
        finding = add_bad(diagnosis, row, WHYRST_FINDING_LOOPBACK_TRAP, sure);
        finding_text(finding, "Nothing listens at %s on this host: %u of %u connections refused",
                     endpoint_name(row), endpoint_bad(stats), stats->attempts);
        if (other && !is_several_hosts(other->stats) && !is_several_hosts(stats)) {
            finding_evidence(finding, "or another port was meant: %s accepted %u connections",
                             endpoint_name(other), other->stats->connections);
        }
    } else if (endpoint_sender(faults->refused_by) == WHYRST_SENDER_MIDDLEBOX) {
        finding = add_bad(diagnosis, row, WHYRST_FINDING_REJECTED, sure);
        finding_text(finding, "A device before %s rejects connections: %u of %u",
                     endpoint_name(row), endpoint_bad(stats), stats->attempts);
    } else if (other) {
        finding = add_bad(diagnosis, row, WHYRST_FINDING_WRONG_PORT, sure);
        finding_text(finding, "Nothing listens at %s: %u of %u connections refused, %s accepts",
                     endpoint_name(row), endpoint_bad(stats), stats->attempts,
                     endpoint_name(other));
        finding_evidence(finding, "%s accepted %u connections", endpoint_name(other),
                         accepted(other->stats));
    } else {
        return; /* all of the host is dead, see find_nodes.c */
    }
    finding_troubles(finding, stats);
}

/* Its own packets were not captured: nobody knows whether it was silent. */
static bool is_one_way(const struct endpoint_stats *stats)
{
    return accepted(stats) > 0 && stats->last_word_ns == 0;
}

/* Nothing at all came back. */
static bool is_silent(const struct endpoint_stats *stats)
{
    return faults_of(stats)->troubles[TROUBLE_UNANSWERED] == endpoint_bad(stats);
}

/* Whether another server accepted in that time: silence of all is the way's, or the client's own.
 */
static bool others_accept(const struct whyrst_diagnosis *diagnosis,
                          const struct whyrst_endpoint *row, int64_t from_ns, int64_t to_ns)
{
    for (guint i = 0; i < MIN(diagnosis->servers, MOST_OTHERS); i++) {
        const struct whyrst_endpoint *other =
            &g_array_index(diagnosis->rows, struct whyrst_endpoint, i);

        if (other != row && timeline_accepts(&other->stats->starts, from_ns, to_ns)) {
            return true;
        }
    }
    return false;
}

/* How many of its times down were its own, as far as they are told. */
static uint32_t own_downs(const struct whyrst_diagnosis *diagnosis,
                          const struct whyrst_endpoint *row, const struct runs *runs)
{
    uint32_t own = 0;

    if (!is_silent(row->stats)) {
        return runs->downs;
    }
    for (uint32_t i = 0; i < MIN(runs->downs, TIMELINE_DOWNS); i++) {
        own += others_accept(diagnosis, row, runs->down[i].first_ns, runs->down[i].last_ns);
    }
    return own;
}

#define ONE_CLIENT "only one client was seen: a limit or a ban of it looks the same"
#define NO_OTHERS  "nothing else was accepted meanwhile: the way there may have been down"

/* What comes and goes for one of several clients only is no service. */
static bool is_of_one_client(const struct timeline *starts)
{
    return (starts->barred | starts->served) != starts->barred &&
           __builtin_popcountll(starts->barred) == 1;
}

static double runs_by_chance(const struct runs *runs)
{
    double good = runs->accepted, bad = runs->refused;

    return 2 * good * bad / MAX(good + bad, 1) + 1;
}

/*
 * Down and up again, several times: connections fail in runs, and longer ones than where failures
 * fall among the others at random (the Wald-Wolfowitz test, by its normal approximation).
 */
static bool find_flapping(struct whyrst_diagnosis *diagnosis, struct whyrst_endpoint *row,
                          const struct runs *runs)
{
    const struct endpoint_stats *stats = row->stats;
    double mean = runs_by_chance(runs);
    double variance = (mean - 1) * (mean - 2) / MAX((double)runs->accepted + runs->refused - 1, 1);
    uint32_t own;
    bool lone;
    struct whyrst_finding *finding;

    if (runs->downs < 2 || runs->count < 4 ||
        mean - runs->count < FLAPPING_SIGMA * sqrt(MAX(variance, 0)) ||
        is_of_one_client(&row->stats->starts) ||
        findings_explain(diagnosis, row, endpoint_bad(stats))) {
        return false;
    }
    own = own_downs(diagnosis, row, runs);
    if (own < 2) {
        return false;
    }
    lone = __builtin_popcountll(stats->starts.served | stats->starts.barred) == 1;
    finding = add_bad(diagnosis, row, WHYRST_FINDING_FLAPPING,
                      own > 2 && !lone ? WHYRST_CONFIDENCE_HIGH : WHYRST_CONFIDENCE_MEDIUM);
    finding_text(finding, "%s comes and goes: down %u times, %u of %u connections failed",
                 endpoint_name(row), runs->downs, endpoint_bad(stats), stats->attempts);
    finding_evidence(finding,
                     "failed and accepted connections come in %u runs, %.0f would be chance",
                     runs->count, mean);
    finding_troubles(finding, stats);
    if (lone) {
        finding_evidence(finding, ONE_CLIENT);
    }
    return true;
}

/* Whether it accepted, and from a moment on nothing. Where it had failed before, too, most failures
 * must be those since, and in a row by no chance. */
static bool is_down(const struct endpoint_stats *stats, const struct runs *runs)
{
    const struct run *last = &runs->last;

    if (stats->connections < LEAST || last->count < LEAST ||
        last->first_ns <= stats->last_good_ns) {
        return false;
    }
    return last->count == runs->refused ||
           (timeline_is_down(last) && last->count * 5 >= runs->refused * 4 &&
            stats_run(runs->accepted + runs->refused, runs->refused, last->count) <= MOST_CHANCE);
}

/* A device before the host refused whatever failed: a rule, a limit, a forwarding that is gone. Of
 * the service itself that tells nothing. */
static bool is_rejected(const struct endpoint_stats *stats)
{
    return faults_of(stats)->troubles[TROUBLE_REFUSED] == endpoint_bad(stats) &&
           endpoint_sender(faults_of(stats)->refused_by) == WHYRST_SENDER_MIDDLEBOX;
}

static void find_down(struct whyrst_diagnosis *diagnosis, struct whyrst_endpoint *row,
                      const struct run *last)
{
    const struct endpoint_stats *stats = row->stats;
    bool rejected = is_rejected(stats);
    bool strangers = stats->starts.barred && !(stats->starts.barred & stats->starts.served);
    bool alone = is_silent(stats) && !others_accept(diagnosis, row, last->first_ns, last->last_ns);
    struct whyrst_finding *finding =
        add_bad(diagnosis, row, rejected ? WHYRST_FINDING_REJECTED : WHYRST_FINDING_SERVICE_DOWN,
                strangers || alone ? WHYRST_CONFIDENCE_LOW : WHYRST_CONFIDENCE_MEDIUM);

    finding->first_ns = last->first_ns;
    finding_text(finding,
                 rejected ? "A device before %s rejects connections from a moment on: %u accepted "
                            "before, all %u since rejected"
                          : "%s went down: %u connections accepted before, all %u since failed",
                 endpoint_name(row), stats->connections, last->count);
    if (last->count < endpoint_bad(stats)) {
        finding_count(finding, last->count, stats->attempts);
        finding_evidence(finding, "%u others had failed before", endpoint_bad(stats) - last->count);
    }
    if (strangers) {
        finding_evidence(finding, "no client that was accepted before has tried since");
    }
    if (alone) {
        finding_evidence(finding, NO_OTHERS);
    }
    finding_troubles(finding, stats);
}

/* What was down is not known to have been up before. */
static void tell_outage(struct whyrst_finding *finding, struct whyrst_endpoint *row,
                        const struct run *run, bool opening)
{
    const char *silent = is_silent(row->stats) ? "answered nothing" : "was down";

    finding->seconds_ns = run->next_ns - run->first_ns;
    finding->first_ns = run->first_ns;
    finding->last_ns = run->last_ns;
    if (opening) {
        finding_text(finding,
                     "%s %s for the first %.1f s: %u connections in a row failed, others accepted "
                     "since",
                     endpoint_name(row), silent, (double)finding->seconds_ns / 1e9, run->count);
    } else {
        finding_text(finding,
                     "%s %s for %.1f s: %u connections in a row failed, others accepted before and "
                     "after",
                     endpoint_name(row), silent, (double)finding->seconds_ns / 1e9, run->count);
    }
    finding_troubles(finding, row->stats);
}

/* A service that was down once, and came up (again): nearly all refusals are one run. */
static void find_outage(struct whyrst_diagnosis *diagnosis, struct whyrst_endpoint *row,
                        const struct runs *runs)
{
    bool opening = runs->opening.count > runs->longest.count;
    const struct run *run = opening ? &runs->opening : &runs->longest;
    double chance;
    bool silent, lonely, alone;
    struct whyrst_finding *finding;

    if (run->count < LEAST || run->next_ns == 0 || !timeline_is_down(run) ||
        run->count * 5 < runs->refused * 4 || is_of_one_client(&row->stats->starts) ||
        findings_explain(diagnosis, row, endpoint_bad(row->stats))) {
        return;
    }
    chance = stats_run(runs->accepted + runs->refused, runs->refused, run->count);
    if (chance > MOST_CHANCE) {
        return;
    }
    silent = is_silent(row->stats);
    lonely = silent && __builtin_popcountll(row->stats->starts.barred) == 1;
    alone = silent && !others_accept(diagnosis, row, run->first_ns, run->last_ns);
    finding = add_bad(diagnosis, row, WHYRST_FINDING_SERVICE_DOWN,
                      lonely || alone ? WHYRST_CONFIDENCE_LOW : WHYRST_CONFIDENCE_MEDIUM);
    finding->p = chance;
    tell_outage(finding, row, run, opening);
    if (lonely) {
        finding_evidence(finding, "of one client only: its own line may have been down");
    }
    if (alone) {
        finding_evidence(finding, NO_OTHERS);
    }
}

/* Some clients are never accepted, several, and others always: failures that fall at random would
 * leave fewer ways to share out the clients than there are to pick as many connections. */
static bool is_of_some_clients(const struct endpoint_stats *stats, uint32_t count)
{
    const struct timeline *starts = &stats->starts;
    unsigned barred = (unsigned)__builtin_popcountll(starts->barred);
    unsigned served = (unsigned)__builtin_popcountll(starts->served);

    return barred > 1 && !(starts->barred & starts->served) &&
           stats_log_choose(barred + served, barred) - stats_log_choose(stats->attempts, count) <
               log(MOST_CHANCE);
}

/* A rule, or the way, keeps one or some of several clients out, without a RST. */
static void find_silence_for_some(struct whyrst_diagnosis *diagnosis, struct whyrst_endpoint *row)
{
    const struct endpoint_stats *stats = row->stats;
    const struct endpoint_faults *faults = faults_of(stats);
    uint32_t errors = faults->troubles[TROUBLE_UNREACHABLE];
    uint32_t count = faults->troubles[TROUBLE_UNANSWERED] + errors;
    bool one = is_of_one_client(&stats->starts);
    struct whyrst_finding *finding;

    if (count < 2 * LEAST || count > stats->attempts || faults->troubles[TROUBLE_REFUSED] > 0 ||
        (!one && !is_of_some_clients(stats, count)) ||
        __builtin_popcountll(stats->starts.served & ~stats->starts.barred) < OTHER_CLIENTS ||
        stats_share(count, stats->attempts).low <= diagnosis->options.alert_rate ||
        (!one && findings_explain(diagnosis, row, count))) {
        return;
    }
    finding =
        add_bad(diagnosis, row, errors ? WHYRST_FINDING_UNREACHABLE : WHYRST_FINDING_UNANSWERED,
                WHYRST_CONFIDENCE_MEDIUM);
    finding_text(finding, "Connections to %s fail for %s alone, without a RST: %u of %u",
                 endpoint_name(row), one ? "one client" : "some clients", count, stats->attempts);
    finding_troubles(finding, stats);
    finding_evidence(finding, "all of %s (see the frames); others were accepted",
                     one ? "one client" : "clients that were never accepted");
}

/* It refuses some, and accepts others all along. */
static void find_refusals(struct whyrst_diagnosis *diagnosis, struct whyrst_endpoint *row,
                          const struct runs *runs)
{
    const struct endpoint_stats *stats = row->stats;
    uint32_t refused = faults_of(stats)->troubles[TROUBLE_REFUSED];
    uint64_t barred = stats->starts.barred;
    double chance = runs_by_chance(runs);
    struct whyrst_finding *finding;

    if (refused < 2 * LEAST || accepted(stats) < LEAST ||
        stats_share(refused, stats->attempts).low <= diagnosis->options.alert_rate ||
        findings_explain(diagnosis, row, endpoint_bad(stats))) {
        return;
    }
    finding = add_bad(diagnosis, row, WHYRST_FINDING_REFUSAL_RATE, WHYRST_CONFIDENCE_HIGH);
    finding_count(finding, refused, stats->attempts);
    finding_text(finding, "%s%s refuses %u of %u connections (%.1f %%, at least %.1f %%)",
                 finding->sender == WHYRST_SENDER_MIDDLEBOX ? "A device before " : "",
                 endpoint_name(row), refused, stats->attempts, 100 * finding->share.rate,
                 100 * finding->share.low);
    finding_troubles(finding, stats);
    finding_evidence(finding,
                     "failed and accepted connections come in %u runs, %.0f would be chance",
                     runs->count, chance);
    if (is_of_one_client(&stats->starts)) {
        finding_evidence(finding, "all of one client (see the frames); others were accepted");
    } else if (barred & (barred - 1) & stats->starts.served && runs->count * 2 > chance) {
        finding_evidence(finding, "as by chance or by turns, for several clients: one of several "
                                  "backends behind the address, or a limit, looks the same");
    }
}

/* What its handshakes tell of a server that has accepted connections. */
static void find_absence(struct whyrst_diagnosis *diagnosis, struct whyrst_endpoint *row)
{
    const struct endpoint_stats *stats = row->stats;
    struct runs runs;

    if (is_several_hosts(stats) || is_one_way(stats) || endpoint_bad(stats) < LEAST) {
        return;
    }
    runs = timeline_runs(&stats->starts);
    if (find_flapping(diagnosis, row, &runs)) {
        return;
    }
    if (is_down(stats, &runs)) {
        find_down(diagnosis, row, &runs.last);
    } else {
        find_outage(diagnosis, row, &runs);
        find_silence_for_some(diagnosis, row);
        find_refusals(diagnosis, row, &runs);
    }
}

/* By find_nodes.c. */
static bool is_told(const struct whyrst_endpoint *row)
{
    return row->state == WHYRST_FINDING_DEAD_NODE || row->state == WHYRST_FINDING_WRONG_PORT ||
           row->state == WHYRST_FINDING_UNANSWERED;
}

void find_endpoints(struct whyrst_diagnosis *diagnosis)
{
    for (guint i = 0; i < diagnosis->servers; i++) {
        struct whyrst_endpoint *row = &g_array_index(diagnosis->rows, struct whyrst_endpoint, i);
        const struct endpoint_stats *stats = row->stats;

        if (is_told(row)) {
            ;
        } else if (stats->last_good_ns == 0 && endpoint_bad(stats) >= LEAST) {
            find_closed(diagnosis, row);
        } else {
            find_absence(diagnosis, row);
        }
        if (endpoint_is_proxy(row)) {
            find_proxy(diagnosis, row);
        }
        find_timers(diagnosis, row);
        find_rate(diagnosis, row);
    }
}
