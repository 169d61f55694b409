/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hosts none of whose ports accepts a connection: refused everywhere, or silent.
 *
 * Silence on one port may be any firewall's doing. Silence is laid to the node when several ports
 * were tried, each several times, and nothing at all has come from its address since; or when the
 * last router says that it finds no such host (ICMP). From outside, a firewall that drops all that
 * goes to a host looks the same, which the evidence says.
 *
 * Users of a host try a port or two. Where many are closed somebody scans, which is one story, and
 * says little of the host.
 */
#include <stdlib.h>
#include <string.h>

#include "diagnose/diagnosis.h"

/* Connections that show something; ports that must be silent. */
#define LEAST       3
#define LEAST_PORTS 2

/* Closed ports of a host that only a scan tries, how many where none is tried more often than
 * users who are mistaken do, how often a scan tries one at most, and what it weighs against a
 * mistake. */
#define SCAN_PORTS  8
#define SCAN_MANY   64
#define SCAN_TRIES  10
#define SCAN_WEIGHT 0.1

#define PORTS_TOLD 5

#define SCANNED "so many ports are tried by a scan rather than by users of a service"

/**
 * struct node - the servers of one address and what became of connections to them
 * @rows:    all of them
 * @sum:     of those that no device answers for; @answered_for: there are others
 * @silent_ports: of these, how many are silent; @worst: most failures of one
 */
struct node {
    struct whyrst_endpoint **rows;
    guint count;
    struct endpoint_stats sum;
    bool answered_for;
    guint silent_ports;
    uint32_t worst;
};

static int by_address(const void *a, const void *b)
{
    const struct endpoint_key *x = &(*(struct whyrst_endpoint *const *)a)->stats->key;
    const struct endpoint_key *y = &(*(struct whyrst_endpoint *const *)b)->stats->key;
    int order = memcmp(x->address, y->address, sizeof x->address);

    if (x->version != y->version) {
        return (int)x->version - (int)y->version;
    }
    return order ? order : (int)x->port - (int)y->port;
}

/* ICMP errors that are about a rule, a port or the way, not about the host. */
static uint32_t told_otherwise(const struct endpoint_stats *stats)
{
    return faults_of(stats)->troubles[TROUBLE_UNREACHABLE] -
           faults_of(stats)->icmp[WHYRST_UNREACHABLE_HOST];
}

/* A device before the host, or a rule of its own, speaks for it there. */
static bool is_answered_for(const struct endpoint_stats *stats)
{
    return told_otherwise(stats) >= LEAST ||
           endpoint_sender(faults_of(stats)->refused_by) == WHYRST_SENDER_MIDDLEBOX;
}

/* Whether a port of it, or so many ports, have failed often enough to ask what the others did. */
static bool is_suspect(const struct node *node)
{
    guint failing = 0;

    for (guint i = 0; i < node->count; i++) {
        uint32_t bad = endpoint_bad(node->rows[i]->stats);

        failing += bad > 0;
        if (bad >= LEAST || failing >= SCAN_MANY) {
            return true;
        }
    }
    return false;
}

static void sum_up(struct node *node)
{
    node->sum = (struct endpoint_stats){.key = node->rows[0]->stats->key};
    for (guint i = 0; i < node->count; i++) {
        const struct endpoint_stats *stats = node->rows[i]->stats;

        if (is_answered_for(stats)) {
            node->answered_for = true;
            continue;
        }
        endpoint_merge(&node->sum, stats, 0);
        node->worst = MAX(node->worst, endpoint_bad(stats));
        node->silent_ports += faults_of(stats)->troubles[TROUBLE_UNANSWERED] >= LEAST;
    }
}

static guint hash_client(gconstpointer data)
{
    const struct pair *pair = data;
    guint hash = pair->server.version;

    for (unsigned i = 0; i < sizeof pair->client; i++) {
        hash = hash * 33 + pair->client[i];
    }
    return hash;
}

static gboolean equal_client(gconstpointer a, gconstpointer b)
{
    const struct pair *x = a, *y = b;

    return x->server.version == y->server.version &&
           memcmp(x->client, y->client, sizeof x->client) == 0;
}

/* The latest pair of each client that was served: a host that is a client lives. */
static GHashTable *served_clients(const struct whyrst_diagnosis *diagnosis)
{
    GHashTable *served = g_hash_table_new(hash_client, equal_client);
    const struct heavy *pairs = &diagnosis->whole->pairs;

    for (size_t i = 0; i < pairs->count; i++) {
        const struct pair *pair = heavy_entry(pairs, i);
        const struct pair *known = g_hash_table_lookup(served, pair);

        if (!known || known->score.last_good_ns < pair->score.last_good_ns) {
            g_hash_table_replace(served, (gpointer)pair, (gpointer)pair);
        }
    }
    return served;
}

/* Whether a packet came from the node since its first connection that failed. */
static bool has_spoken(const struct whyrst_diagnosis *diagnosis, const struct node *node,
                       GHashTable **served)
{
    const struct endpoint_stats *sum = &node->sum;
    struct pair key = {.server = {.version = sum->key.version}};
    const struct pair *client;

    if (!*served) {
        *served = served_clients(diagnosis); /* few captures have a node that is silent */
    }
    memcpy(key.client, sum->key.address, sizeof key.client);
    client = g_hash_table_lookup(*served, &key);
    return MAX(sum->last_word_ns, sum->last_good_ns) >= faults_of(sum)->first_bad_ns ||
           (client && client->score.last_good_ns >= faults_of(sum)->first_bad_ns);
}

static bool is_silent(const struct whyrst_diagnosis *diagnosis, const struct node *node,
                      GHashTable **served)
{
    const struct endpoint_stats *sum = &node->sum;
    uint32_t missing = faults_of(sum)->icmp[WHYRST_UNREACHABLE_HOST];

    return faults_of(sum)->troubles[TROUBLE_REFUSED] == 0 && told_otherwise(sum) == 0 &&
           !node->answered_for && (missing >= LEAST || node->silent_ports >= LEAST_PORTS) &&
           !has_spoken(diagnosis, node, served);
}

/* Its own kernel refuses, and nothing was ever accepted. */
static bool is_refusing(const struct node *node)
{
    if (faults_of(&node->sum)->troubles[TROUBLE_REFUSED] == 0) {
        return false;
    }
    for (guint i = 0; i < node->count; i++) {
        if (node->rows[i]->stats->last_good_ns) {
            return false;
        }
    }
    return true;
}

/* Whether a port takes part in the node's being dead. */
static bool is_part(const struct endpoint_stats *stats)
{
    return endpoint_bad(stats) > 0 && !is_answered_for(stats);
}

/* Names the ports that @is_one; returns how many there are. */
static guint tell_ports(const struct node *node, struct whyrst_finding *finding,
                        bool (*is_one)(const struct endpoint_stats *stats))
{
    g_autoptr(GString) ports = g_string_new(NULL);
    guint told = 0, failing = 0;

    for (guint i = 0; i < node->count; i++) {
        if (!is_one(node->rows[i]->stats)) {
            continue;
        }
        failing++;
        if (told < PORTS_TOLD) {
            g_string_append_printf(ports, "%s%u", told++ ? ", " : "",
                                   node->rows[i]->stats->key.port);
        }
    }
    if (failing > 1) {
        finding_evidence(finding, "%u ports tried: %s%s", failing, ports->str,
                         failing > told ? "..." : "");
    }
    if (failing >= SCAN_PORTS) {
        finding_evidence(finding, SCANNED);
    }
    return failing;
}

static guint count_ports(const struct node *node,
                         bool (*is_one)(const struct endpoint_stats *stats))
{
    guint count = 0;

    for (guint i = 0; i < node->count; i++) {
        count += is_one(node->rows[i]->stats);
    }
    return count;
}

static enum whyrst_confidence confidence_of(const struct node *node, bool certain)
{
    if (count_ports(node, is_part) >= SCAN_PORTS) {
        return WHYRST_CONFIDENCE_LOW;
    }
    return certain && endpoint_bad(&node->sum) >= 2 * LEAST ? WHYRST_CONFIDENCE_HIGH
                                                            : WHYRST_CONFIDENCE_MEDIUM;
}

static void add(struct whyrst_diagnosis *diagnosis, const struct node *node)
{
    const struct endpoint_stats *sum = &node->sum;
    const struct endpoint_faults *faults = faults_of(sum);
    uint32_t missing = faults->icmp[WHYRST_UNREACHABLE_HOST];
    bool certain = faults->troubles[TROUBLE_REFUSED] > 0 || missing > 0;
    struct whyrst_finding *finding =
        finding_add(diagnosis->findings, WHYRST_FINDING_DEAD_NODE, confidence_of(node, certain));
    char name[80];

    endpoint_text(name, sizeof name, sum->key.version, sum->key.address, sum->key.port,
                  node->count == 1);
    finding->server = g_strdup(name);
    finding_count(finding, endpoint_bad(sum), sum->attempts);
    finding->first_ns = faults->first_bad_ns;
    finding->last_ns = faults->last_bad_ns;
    frames_merge(&finding->places, &faults->bad_frames, 0);
    if (faults->troubles[TROUBLE_REFUSED]) {
        finding_sender(finding, WHYRST_SENDER_SERVER);
        finding_text(finding, "%s is dead: %u of %u connections failed", name, endpoint_bad(sum),
                     sum->attempts);
    } else if (sum->last_good_ns) {
        finding_text(finding,
                     "%s went silent: nothing has come from it since, %u connections failed", name,
                     endpoint_bad(sum));
    } else {
        finding_text(finding,
                     "%s is dead or cut off: nothing comes from it, %u of %u connections "
                     "failed",
                     name, endpoint_bad(sum), sum->attempts);
    }
    finding_troubles(finding, sum);
    tell_ports(node, finding, is_part);
    if (!certain) {
        finding_evidence(finding, "silence alone: a firewall that drops everything looks the same");
    }
    for (guint i = 0; i < node->count; i++) {
        if (is_part(node->rows[i]->stats)) {
            node->rows[i]->state = WHYRST_FINDING_DEAD_NODE;
        }
    }
}

static bool is_closed(const struct endpoint_stats *stats)
{
    return faults_of(stats)->troubles[TROUBLE_REFUSED] && !stats->last_good_ns &&
           endpoint_bad(stats) <= SCAN_TRIES && !is_answered_for(stats);
}

static bool is_dropped(const struct endpoint_stats *stats)
{
    return faults_of(stats)->troubles[TROUBLE_UNANSWERED] && !stats->last_good_ns &&
           endpoint_bad(stats) <= SCAN_TRIES &&
           faults_of(stats)->troubles[TROUBLE_UNANSWERED] == endpoint_bad(stats);
}

/* Many ports of a host that lives, in one finding. */
static void find_scan(struct whyrst_diagnosis *diagnosis, const struct node *node,
                      enum whyrst_finding_kind kind,
                      bool (*is_one)(const struct endpoint_stats *stats))
{
    struct endpoint_stats sum = {.key = node->rows[0]->stats->key};
    struct whyrst_finding *finding;
    char name[80];
    guint ports;

    if (count_ports(node, is_one) < (node->worst >= LEAST ? SCAN_PORTS : SCAN_MANY)) {
        return;
    }
    for (guint i = 0; i < node->count; i++) {
        if (is_one(node->rows[i]->stats)) {
            endpoint_merge(&sum, node->rows[i]->stats, 0);
            node->rows[i]->state = kind;
        }
    }
    endpoint_text(name, sizeof name, sum.key.version, sum.key.address, 0, false);
    finding = finding_add(diagnosis->findings, kind, WHYRST_CONFIDENCE_LOW);
    finding->server = g_strdup(name);
    finding_count(finding, endpoint_bad(&sum), sum.attempts);
    finding->weight *= SCAN_WEIGHT;
    finding->first_ns = faults_of(&sum)->first_bad_ns;
    finding->last_ns = faults_of(&sum)->last_bad_ns;
    frames_merge(&finding->places, &faults_of(&sum)->bad_frames, 0);
    finding_troubles(finding, &sum);
    ports = tell_ports(node, finding, is_one);
    if (kind == WHYRST_FINDING_WRONG_PORT) {
        finding_sender(finding, endpoint_sender(faults_of(&sum)->refused_by));
        finding_text(finding, "Nothing listens at %u ports of %s: %u of %u connections refused",
                     ports, name, endpoint_bad(&sum), sum.attempts);
    } else {
        finding_text(finding, "%u ports of %s answer nothing: %u of %u connections got no answer",
                     ports, name, endpoint_bad(&sum), sum.attempts);
    }
    endpoint_release(&sum);
}

/* By find_sweeps.c. */
static bool is_swept(const struct whyrst_endpoint *row)
{
    return row->state == WHYRST_FINDING_DEAD_NODE || row->state == WHYRST_FINDING_UNANSWERED;
}

void find_nodes(struct whyrst_diagnosis *diagnosis)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new();
    g_autoptr(GHashTable) served = NULL;

    for (guint i = 0; i < diagnosis->servers; i++) {
        struct whyrst_endpoint *row = &g_array_index(diagnosis->rows, struct whyrst_endpoint, i);

        if (!is_swept(row) && !endpoint_is_loopback(&row->stats->key)) {
            g_ptr_array_add(rows, row);
        }
    }
    g_ptr_array_sort(rows, by_address);
    for (guint i = 0; i < rows->len;) {
        struct node node = {.rows = (struct whyrst_endpoint **)&rows->pdata[i]};

        do {
            node.count++;
        } while (
            i + node.count < rows->len &&
            endpoint_is_same_host(&node.rows[0]->stats->key, &node.rows[node.count]->stats->key));
        i += node.count;
        if (!is_suspect(&node)) {
            continue;
        }
        sum_up(&node);
        if (node.worst >= LEAST && (is_refusing(&node) || is_silent(diagnosis, &node, &served))) {
            add(diagnosis, &node);
        } else {
            find_scan(diagnosis, &node, WHYRST_FINDING_WRONG_PORT, is_closed);
            find_scan(diagnosis, &node, WHYRST_FINDING_UNANSWERED, is_dropped);
        }
        endpoint_release(&node.sum);
    }
}

void finding_troubles(struct whyrst_finding *finding, const struct endpoint_stats *stats)
{
    const struct endpoint_faults *faults = faults_of(stats);
    static const char *const words[] = {
        [TROUBLE_REFUSED] = "refused by a RST",
        [TROUBLE_UNANSWERED] = "without any answer",
        [TROUBLE_UNREACHABLE] = "answered by an ICMP error",
    };
    static const char *const errors[] = {
        [WHYRST_REACHABLE] = "",
        [WHYRST_UNREACHABLE_HOST] = "host unreachable",
        [WHYRST_UNREACHABLE_NETWORK] = "network unreachable",
        [WHYRST_UNREACHABLE_PORT] = "port unreachable",
        [WHYRST_UNREACHABLE_PROHIBITED] = "prohibited",
        [WHYRST_UNREACHABLE_OTHER] = "unreachable",
    };

    for (unsigned i = 0; i < TROUBLE_UNREACHABLE; i++) {
        if (faults->troubles[i]) {
            finding_evidence(finding, "%u %s", faults->troubles[i], words[i]);
        }
    }
    for (unsigned i = 0; i < WHYRST_UNREACHABLE_COUNT; i++) {
        if (faults->icmp[i]) {
            finding_evidence(finding, "%u %s: %s", faults->icmp[i], words[TROUBLE_UNREACHABLE],
                             errors[i]);
        }
    }
}
