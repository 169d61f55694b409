/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagnose/endpoint.h"

#include <math.h>
#include <string.h>

#include <glib.h>

#include "bytes/strbuf.h"
#include "diagnose/hashes.h"
#include "diagnose/stats.h"
#include "verdict/words.h"

#define CLIENT_BITS 64u

const struct endpoint_faults endpoint_no_faults;

uint64_t endpoint_hash(const void *data)
{
    const struct endpoint_key *key = data;

    return key->kind == ENDPOINT_NAME ? hash_number(key->name)
                                      : hash_server(key->version, key->address, key->port);
}

static void free_faults(struct endpoint_faults *faults)
{
    if (faults) {
        frames_clear(&faults->bad_frames);
        frames_clear(&faults->reset_frames);
        moments_clear(&faults->ends);
        g_free(faults->rst_times);
        g_free(faults->idle);
        g_free(faults);
    }
}

static struct endpoint_faults *make_faults(struct endpoint_stats *stats)
{
    if (!stats->faults) {
        stats->faults = g_new0(struct endpoint_faults, 1);
    }
    return stats->faults;
}

void endpoint_release(void *entry)
{
    struct endpoint_stats *stats = entry;

    free_faults(stats->faults);
    proxy_free(stats->proxy);
    g_free(stats->texts);
    if (stats->closes) {
        frames_clear(&stats->closes->frames);
        g_free(stats->closes->idle);
        g_free(stats->closes);
    }
    timeline_clear(&stats->starts);
}

/* Of no client (0), one or more of either side. */
static uint32_t join_clients(uint32_t a, uint32_t b)
{
    return a == b || b == 0 ? a : a == 0 ? b : SEVERAL_CLIENTS;
}

uint64_t endpoint_clients(const struct endpoint_stats *stats)
{
    uint64_t least = stats->client == SEVERAL_CLIENTS ? 2 : 1;
    int set = __builtin_popcountll(stats->clients);

    if (set == 0 || set == CLIENT_BITS) {
        return set ? 4 * CLIENT_BITS : 0;
    }
    /* Linear counting: as many bits stay unset as so many clients leave unset on average. */
    return MAX(least,
               (uint64_t)lround(-(double)CLIENT_BITS * log(1.0 - (double)set / CLIENT_BITS)));
}

bool endpoint_is_loopback(const struct endpoint_key *key)
{
    static const uint8_t one[16] = {[15] = 1};

    return key->version == 4 ? key->address[0] == 127 : memcmp(key->address, one, sizeof one) == 0;
}

bool endpoint_is_same_host(const struct endpoint_key *a, const struct endpoint_key *b)
{
    return a->version == b->version && memcmp(a->address, b->address, sizeof a->address) == 0;
}

enum whyrst_sender endpoint_sender(const uint32_t by[WHYRST_SENDER_COUNT])
{
    unsigned best = WHYRST_SENDER_UNKNOWN;

    for (unsigned i = 0; i < WHYRST_SENDER_COUNT; i++) {
        best = by[i] > by[best] ? i : best;
    }
    return (enum whyrst_sender)best;
}

uint32_t endpoint_bad(const struct endpoint_stats *stats)
{
    uint32_t sum = 0;

    for (unsigned i = 0; i < TROUBLE_COUNT; i++) {
        sum += faults_of(stats)->troubles[i];
    }
    return sum;
}

static void note_span(int64_t *first, int64_t *last, int64_t time_ns)
{
    *first = *first == 0 ? time_ns : MIN(*first, time_ns);
    *last = *last == 0 ? time_ns : MAX(*last, time_ns);
}

static void add_bad(struct endpoint_stats *stats, enum trouble trouble, int64_t start_ns,
                    struct place place)
{
    struct endpoint_faults *faults = make_faults(stats);

    faults->troubles[trouble]++;
    note_span(&faults->first_bad_ns, &faults->last_bad_ns, start_ns);
    frames_add(&faults->bad_frames, place);
}

static void note_forgotten(struct endpoint_faults *faults, uint32_t count, int64_t shortest_ns)
{
    if (count > 0) {
        faults->forgotten_ns =
            faults->forgotten ? MIN(faults->forgotten_ns, shortest_ns) : shortest_ns;
        faults->forgotten += count;
    }
}

/* No timer ends what was silent for longer before. */
static bool outlived(int64_t idle_ns, int64_t survived_ns)
{
    return survived_ns > idle_ns + MAX(idle_ns / 50, TIMER_NEAR_NS);
}

static void add_reset(struct endpoint_stats *stats, const struct outcome *outcome, uint64_t client,
                      struct place place)
{
    struct moment moment = {.time_ns = outcome->end_ns,
                            .age_ms = outcome_age_ms(outcome),
                            .failed = true,
                            .mark = (uint16_t)client,
                            .origin = (uint8_t)outcome->origin};
    struct endpoint_faults *faults = make_faults(stats);

    faults->by[outcome->sender]++;
    faults->origins[outcome->origin]++;
    sample_add(&faults->rst_times, (uint64_t)place.file << 32 | place.frame,
               MAX(outcome->end_ns - outcome->start_ns, 0));
    /* Of what is counted as a connection: a stray RST is no share of them. */
    if (!outcome->established || !outcome->by_server ||
        outcome->origin == WHYRST_ORIGIN_AFTER_FIN) {
        return;
    }
    faults->resets++;
    faults->lone += outcome->lone;
    faults->retry[outcome->retry]++;
    note_span(&faults->first_reset_ns, &faults->last_reset_ns, outcome->end_ns);
    frames_add(&faults->reset_frames, place);
    if (strcmp(outcome->cause, "process-exit") == 0) {
        moment.kind = MOMENT_EXIT;
    } else if (strcmp(outcome->cause, "no-socket") == 0 && outcome->idle_ns < 0) {
        moment.kind = MOMENT_LOST;
    }
    faults->ends.left = stats->starts.left;
    moments_add(&faults->ends, LIMIT_ENDS, moment);
    if (outcome->idle_ns >= 0 && outcome->prompted) {
        note_forgotten(faults, 1, outcome->idle_ns);
    } else if (outcome->idle_ns >= 0 && !outlived(outcome->idle_ns, outcome->survived_ns)) {
        sample_add(&faults->idle, (uint64_t)place.file << 32 | place.frame, outcome->idle_ns);
    }
}

/* Nothing accepted the connection. */
static bool is_absence(enum outcome_end end)
{
    return end == OUTCOME_REFUSED || end == OUTCOME_UNANSWERED || end == OUTCOME_UNREACHABLE;
}

/* Which of CLIENT_BITS clients the one with this @hash is, which has a connection. */
static uint8_t note_client(struct endpoint_stats *stats, uint64_t hash, struct place place)
{
    uint8_t number = (uint8_t)(hash >> 58);

    stats->file = place.file + 1;
    place_note(&stats->first, place);
    stats->clients |= UINT64_C(1) << number;
    stats->client = join_clients(stats->client, (uint32_t)hash | 1);
    return number;
}

/* Where the SYN had to be repeated it is not known since when the server accepted. */
static void note_start(struct endpoint_stats *stats, const struct outcome *outcome, uint8_t client)
{
    if (outcome->established && outcome->syn_again) {
        stats->starts.served |= UINT64_C(1) << client;
    } else if (outcome->established || is_absence(outcome->end)) {
        timeline_add(&stats->starts, outcome->start_ns, client, outcome->established);
    }
}

void endpoint_add_syn(struct endpoint_stats *stats, const struct lone_syn *syn, uint64_t hash,
                      struct place place)
{
    uint8_t client = note_client(stats, hash, place);

    stats->attempts++;
    if (syn->unanswered) {
        timeline_add(&stats->starts, syn->time_ns, client, false);
        add_bad(stats, TROUBLE_UNANSWERED, syn->time_ns, place);
    }
}

void endpoint_add(struct endpoint_stats *stats, const struct outcome *outcome, uint64_t hash,
                  struct place place)
{
    uint8_t client = note_client(stats, hash, place);

    stats->last_word_ns = MAX(stats->last_word_ns, outcome->server_ns);
    stats->attempts += outcome->attempt;
    stats->handshakes += outcome->attempt && outcome->established;
    stats->connections += outcome->established;
    if (outcome->accepted && !is_absence(outcome->end)) {
        note_span(&stats->first_good_ns, &stats->last_good_ns, outcome->start_ns);
    }
    if (stats->key.kind == ENDPOINT_SERVER) {
        proxy_add(&stats->proxy, outcome, place.file);
        note_start(stats, outcome, client);
    }
    switch (outcome->end) {
    case OUTCOME_OPEN:
        break;
    case OUTCOME_FIN:
        stats->fins++;
        break;
    case OUTCOME_RESET:
        add_reset(stats, outcome, hash, place);
        break;
    case OUTCOME_REFUSED:
        add_bad(stats, TROUBLE_REFUSED, outcome->start_ns, place);
        stats->faults->refused_by[outcome->sender]++;
        break;
    case OUTCOME_ABORTED:
        make_faults(stats)->aborted++;
        break;
    case OUTCOME_UNANSWERED:
        add_bad(stats, TROUBLE_UNANSWERED, outcome->start_ns, place);
        break;
    case OUTCOME_UNREACHABLE:
        add_bad(stats, TROUBLE_UNREACHABLE, outcome->start_ns, place);
        stats->faults->icmp[outcome->unreachable]++;
        break;
    }
}

static struct silent_closes *closes_of(struct endpoint_stats *stats)
{
    if (!stats->closes) {
        stats->closes = g_new0(struct silent_closes, 1);
    }
    return stats->closes;
}

void endpoint_add_close(struct endpoint_stats *stats, int64_t idle_ns, int64_t survived_ns,
                        int64_t time_ns, struct place place)
{
    struct silent_closes *closes;

    if (outlived(idle_ns, survived_ns)) {
        return;
    }
    closes = closes_of(stats);
    sample_add(&closes->idle, (uint64_t)place.file << 32 | place.frame, idle_ns);
    frames_add(&closes->frames, place);
    note_span(&closes->first_ns, &closes->last_ns, time_ns);
}

static void merge_span(int64_t *first, int64_t *last, int64_t other_first, int64_t other_last)
{
    if (other_first) {
        note_span(first, last, other_first);
        note_span(first, last, other_last);
    }
}

static void merge_faults(struct endpoint_stats *stats, const struct endpoint_faults *other,
                         uint32_t files)
{
    struct endpoint_faults *faults = make_faults(stats);

    faults->aborted += other->aborted;
    faults->resets += other->resets;
    faults->lone += other->lone;
    for (unsigned i = 0; i < TROUBLE_COUNT; i++) {
        faults->troubles[i] += other->troubles[i];
    }
    for (unsigned i = 0; i < WHYRST_SENDER_COUNT; i++) {
        faults->by[i] += other->by[i];
        faults->refused_by[i] += other->refused_by[i];
    }
    for (unsigned i = 0; i < WHYRST_ORIGIN_COUNT; i++) {
        faults->origins[i] += other->origins[i];
    }
    for (unsigned i = 0; i < RETRY_COUNT; i++) {
        faults->retry[i] += other->retry[i];
    }
    for (unsigned i = 0; i < WHYRST_UNREACHABLE_COUNT; i++) {
        faults->icmp[i] += other->icmp[i];
    }
    merge_span(&faults->first_bad_ns, &faults->last_bad_ns, other->first_bad_ns,
               other->last_bad_ns);
    merge_span(&faults->first_reset_ns, &faults->last_reset_ns, other->first_reset_ns,
               other->last_reset_ns);
    frames_merge(&faults->bad_frames, &other->bad_frames, files);
    frames_merge(&faults->reset_frames, &other->reset_frames, files);
    note_forgotten(faults, other->forgotten, other->forgotten_ns);
    sample_merge(&faults->rst_times, other->rst_times);
    sample_merge(&faults->idle, other->idle);
    if (stats->starts.left) {
        faults->ends.left = stats->starts.left;
        moments_merge(&faults->ends, LIMIT_ENDS, &other->ends);
    }
}

void endpoint_merge(struct endpoint_stats *stats, const struct endpoint_stats *other,
                    uint32_t files)
{
    uint32_t file = other->file ? other->file + files : 0;

    stats->state = stats->state ? stats->state : other->state;
    stats->several |= other->several || (stats->file && stats->file != file);
    stats->file = stats->file ? stats->file : file;
    place_note(&stats->first, place_moved(other->first, files));
    stats->clients |= other->clients;
    stats->client = join_clients(stats->client, other->client);
    stats->attempts += other->attempts;
    stats->handshakes += other->handshakes;
    stats->connections += other->connections;
    stats->fins += other->fins;
    stats->last_word_ns = MAX(stats->last_word_ns, other->last_word_ns);
    merge_span(&stats->first_good_ns, &stats->last_good_ns, other->first_good_ns,
               other->last_good_ns);
    proxy_merge(&stats->proxy, other->proxy, files);
    if (other->closes) {
        struct silent_closes *closes = closes_of(stats);

        sample_merge(&closes->idle, other->closes->idle);
        frames_merge(&closes->frames, &other->closes->frames, files);
        merge_span(&closes->first_ns, &closes->last_ns, other->closes->first_ns,
                   other->closes->last_ns);
    }
    if (stats->starts.left) {
        timeline_merge(&stats->starts, &other->starts);
    }
    if (other->faults) {
        merge_faults(stats, other->faults, files);
    }
}

/* "192.0.2.1:443", "[2001:db8::1]:443", of an address in words. */
static void add_port(char *text, size_t size, uint8_t version, const char *address, uint16_t port)
{
    struct strbuf s = strbuf_make(text, size);

    strbuf_add(&s, version != 4 ? "[" : "");
    strbuf_add(&s, address);
    strbuf_add(&s, version != 4 ? "]:" : ":");
    strbuf_add_number(&s, port);
}

void endpoint_text(char *text, size_t size, uint8_t version, const uint8_t address[16],
                   uint16_t port, bool with_port)
{
    char words[48];
    struct strbuf s = strbuf_make(words, sizeof words);

    words_address(&s, version, address);
    if (with_port) {
        add_port(text, size, version, words, port);
    } else {
        g_strlcpy(text, words, size);
    }
}

bool endpoint_is_proxy(const struct whyrst_endpoint *row)
{
    return row->stats->key.kind == ENDPOINT_SERVER && row->stats->proxy &&
           row->stats->proxy->proven;
}

static const struct endpoint_texts *texts_of(struct endpoint_stats *stats)
{
    const struct endpoint_key *key = &stats->key;

    if (!stats->texts) {
        struct endpoint_texts *texts = g_new0(struct endpoint_texts, 1);

        endpoint_text(texts->address, sizeof texts->address, key->version, key->address, 0, false);
        add_port(texts->name, sizeof texts->name, key->version, texts->address, key->port);
        stats->texts = texts;
    }
    return stats->texts;
}

const char *endpoint_name(const struct whyrst_endpoint *row)
{
    return row->sni ? row->sni : texts_of(row->stats)->name;
}

const char *endpoint_address(const struct whyrst_endpoint *row)
{
    return row->sni ? "" : texts_of(row->stats)->address;
}

void endpoint_row(struct whyrst_endpoint *row, struct endpoint_stats *stats,
                  const struct names *names, double alert_rate)
{
    uint32_t resets = faults_of(stats)->resets;

    *row = (struct whyrst_endpoint){
        .stats = stats,
        .sni = names_text(names, stats->key.name),
        .flagged = resets && stats_share(resets, stats->connections).low > alert_rate,
        .state = stats->state ? (enum whyrst_finding_kind)(stats->state - 1) : WHYRST_FINDING_COUNT,
    };
}
