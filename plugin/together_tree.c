/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Statistics > TCP Resets > Findings, Endpoint health, By JA4 and outcome: in tshark -2 -z
 * rst_findings,tree, rst_endpoints,tree and rst_outcome,tree. Lines whose count is 0 are left out.
 */
#include "together.h"

#include <string.h>

#include <epan/tap.h>

/* The name of each tree's first lines, by which they are found again. */
#define FINDINGS "Findings, and the connections that show them"
#define SERVERS  "Servers"
#define NAMES    "Server names"
#define HELLOS   "ClientHellos"
#define UNKNOWN  "Known when the whole capture has been read (tshark: -2)"

/* A window with more lines than this is of no use, and takes minutes to open. */
#define MOST_ROWS 500u
#define OTHERS    "Others, not shown one by one"

/* Lines in the order of their names, not of their counts: these begin with their rank. */
#define BY_NAME (ST_SORT_COL_NAME << ST_FLG_SRTCOL_SHIFT)

/* Adds @count to the line @name below @parent, which has lines of its own; returns the line. */
static int add(stats_tree *tree, const char *name, int parent, uint64_t count)
{
    return count ? increase_stat_node(tree, name, parent, TRUE, (int)MIN(count, INT_MAX)) : 0;
}

static uint64_t endpoint_count(const struct whyrst_endpoint *endpoint,
                               enum whyrst_endpoint_field field)
{
    struct whyrst_value value;

    return whyrst_endpoint_get(endpoint, field, &value) ? value.integer : 0;
}

static double endpoint_percent(const struct whyrst_endpoint *endpoint,
                               enum whyrst_endpoint_field field)
{
    struct whyrst_value value;

    return whyrst_endpoint_get(endpoint, field, &value) ? 100 * value.number : 0;
}

static uint64_t ja4_count(const struct whyrst_ja4 *ja4, enum whyrst_ja4_field field)
{
    struct whyrst_value value;

    return whyrst_ja4_get(ja4, field, &value) ? value.integer : 0;
}

static int create_root(stats_tree *tree, const char *name)
{
    return stats_tree_create_node(tree, name, 0, STAT_DT_INT, TRUE);
}

/* Before the end: one line that says so. */
static tap_packet_status tell_unknown(stats_tree *tree)
{
    set_stat_node(tree, UNKNOWN, 0, TRUE, 0);
    return TAP_PACKET_REDRAW;
}

static void init_endpoints(stats_tree *tree)
{
    create_root(tree, SERVERS);
    create_root(tree, NAMES);
}

/* What became of attempts; the others are established. */
static const struct {
    enum whyrst_endpoint_field field;
    const char *name;
} failures[] = {
    {WHYRST_ENDPOINT_FIELD_REFUSED, "Refused (RST)"},
    {WHYRST_ENDPOINT_FIELD_UNANSWERED, "Unanswered"},
    {WHYRST_ENDPOINT_FIELD_UNREACHABLE, "Unreachable (ICMP error)"},
    {WHYRST_ENDPOINT_FIELD_ABORTED, "Handshake reset"},
};

/* Attempts whose fate is open count; so do connections whose SYN was not captured. */
static uint64_t all_connections(const struct whyrst_endpoint *endpoint)
{
    uint64_t sum = endpoint_count(endpoint, WHYRST_ENDPOINT_FIELD_CONNECTIONS);

    for (unsigned i = 0; i < G_N_ELEMENTS(failures); i++) {
        sum += endpoint_count(endpoint, failures[i].field);
    }
    return MAX(sum, endpoint_count(endpoint, WHYRST_ENDPOINT_FIELD_ATTEMPTS));
}

static void add_attempts(stats_tree *tree, const struct whyrst_endpoint *endpoint, int line)
{
    add(tree, "Attempts (SYN captured)", line,
        endpoint_count(endpoint, WHYRST_ENDPOINT_FIELD_ATTEMPTS));
    for (unsigned i = 0; i < G_N_ELEMENTS(failures); i++) {
        add(tree, failures[i].name, line, endpoint_count(endpoint, failures[i].field));
    }
}

/* The share of connections that were reset in the server's name, and how exact it is. */
static void add_rate(stats_tree *tree, const struct whyrst_endpoint *endpoint, int line)
{
    char name[96];

    g_snprintf(name, sizeof name, "Reset in the server's name: %.1f %% (95 %%: %.1f to %.1f)",
               endpoint_percent(endpoint, WHYRST_ENDPOINT_FIELD_RESET_RATE),
               endpoint_percent(endpoint, WHYRST_ENDPOINT_FIELD_RATE_LOW),
               endpoint_percent(endpoint, WHYRST_ENDPOINT_FIELD_RATE_HIGH));
    add(tree, name, line, endpoint_count(endpoint, WHYRST_ENDPOINT_FIELD_RESETS));
}

/* How they ended. */
static void add_established(stats_tree *tree, const struct whyrst_endpoint *endpoint, int line)
{
    uint64_t sum = 0;
    int established =
        add(tree, "Established", line, endpoint_count(endpoint, WHYRST_ENDPOINT_FIELD_CONNECTIONS));

    add(tree, "Closed by FIN", established ? established : line,
        endpoint_count(endpoint, WHYRST_ENDPOINT_FIELD_FINS));
    if (established) {
        add_rate(tree, endpoint, established);
    }
    for (int i = WHYRST_ENDPOINT_FIELD_BY_CLIENT; i <= WHYRST_ENDPOINT_FIELD_BY_UNKNOWN; i++) {
        sum += endpoint_count(endpoint, (enum whyrst_endpoint_field)i);
    }
    int resets = add(tree, "Reset, by origin", established ? established : line, sum);
    for (int i = WHYRST_ENDPOINT_FIELD_ORIGIN_TLS_PHASE;
         resets && i <= WHYRST_ENDPOINT_FIELD_ORIGIN_UNKNOWN; i++) {
        enum whyrst_endpoint_field field = (enum whyrst_endpoint_field)i;

        add(tree, whyrst_endpoint_column(field)->help, resets, endpoint_count(endpoint, field));
    }
}

/* What it did for those who asked it to be their proxy. */
static void add_proxy(stats_tree *tree, const struct whyrst_endpoint *endpoint, int line)
{
    static const struct {
        enum whyrst_endpoint_field field;
        const char *name;
    } results[] = {
        {WHYRST_ENDPOINT_FIELD_TUNNELS, "Led to the target"},
        {WHYRST_ENDPOINT_FIELD_PROXY_FAILED, "Failed by itself"},
        {WHYRST_ENDPOINT_FIELD_TARGET_FAILED, "The target failed"},
        {WHYRST_ENDPOINT_FIELD_PROXY_UNCLEAR, "The one or the other failed"},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(results); i++) {
        uint64_t count = endpoint_count(endpoint, results[i].field);
        int proxy = add(tree, "As a proxy", line, count);

        if (proxy) {
            add(tree, results[i].name, proxy, count);
        }
    }
}

static const char *endpoint_text(const struct whyrst_endpoint *endpoint,
                                 enum whyrst_endpoint_field field)
{
    struct whyrst_value value;

    return whyrst_endpoint_get(endpoint, field, &value) ? value.string : "";
}

/*
 * "192.0.2.1:443 [dead-node] [above the alert rate]", "SNI shop.example". First lines are found by
 * their names among those of all lines: with its prefix no name from a packet is one of them.
 */
static char *endpoint_label(wmem_allocator_t *scope, const struct whyrst_endpoint *endpoint,
                            bool is_name)
{
    const char *name = endpoint_text(endpoint, WHYRST_ENDPOINT_FIELD_NAME);
    const char *state = endpoint_text(endpoint, WHYRST_ENDPOINT_FIELD_STATE);
    bool flagged = endpoint_count(endpoint, WHYRST_ENDPOINT_FIELD_FLAGGED) != 0;

    return wmem_strdup_printf(scope, "%s%s%s%s%s%s", is_name ? "SNI " : "",
                              RST_FORMAT_TEXT(scope, name), *state ? " [" : "", state,
                              *state ? "]" : "", flagged ? " [above the alert rate]" : "");
}

static tap_packet_status add_endpoint(stats_tree *tree, packet_info *pinfo,
                                      epan_dissect_t *dissection _U_, const void *data,
                                      tap_flags_t flags _U_)
{
    const struct together_row *row = data;

    if (!row) {
        return tell_unknown(tree);
    }
    if (!row->endpoint) {
        return TAP_PACKET_DONT_REDRAW;
    }
    uint64_t all = all_connections(row->endpoint);
    bool is_name = strcmp(endpoint_text(row->endpoint, WHYRST_ENDPOINT_FIELD_KIND), "sni") == 0;
    int root = add(tree, is_name ? NAMES : SERVERS, 0, all);

    if (row->rank >= MOST_ROWS) {
        add(tree, OTHERS, root, all);
    } else if (root) {
        int line = add(tree, endpoint_label(pinfo->pool, row->endpoint, is_name), root, all);
        add_attempts(tree, row->endpoint, line);
        add_established(tree, row->endpoint, line);
        add_proxy(tree, row->endpoint, line);
    }
    return TAP_PACKET_REDRAW;
}

static void init_findings(stats_tree *tree)
{
    create_root(tree, FINDINGS);
}

static const char *finding_text(const struct whyrst_finding *finding,
                                enum whyrst_finding_field field)
{
    struct whyrst_value value;

    return whyrst_finding_get(finding, field, &value) ? value.string : "";
}

static uint64_t finding_count(const struct whyrst_finding *finding, enum whyrst_finding_field field)
{
    struct whyrst_value value;

    return whyrst_finding_get(finding, field, &value) ? value.integer : 0;
}

/* "2. dead-node (high): 192.0.2.1 is dead: 13 of 13 connections failed": with its rank first, no
 * two are the same, whatever names of packets are in the text. */
static char *finding_label(wmem_allocator_t *scope, const struct whyrst_finding *finding)
{
    return wmem_strdup_printf(
        scope, "%02u. %s (%s): %s", (unsigned)finding_count(finding, WHYRST_FINDING_FIELD_RANK),
        finding_text(finding, WHYRST_FINDING_FIELD_KIND),
        finding_text(finding, WHYRST_FINDING_FIELD_CONFIDENCE),
        RST_FORMAT_TEXT(scope, finding_text(finding, WHYRST_FINDING_FIELD_TEXT)));
}

/* Lines of text below the finding: they count the connections that it is about. */
static void add_reasons(stats_tree *tree, wmem_allocator_t *scope,
                        const struct whyrst_finding *finding, int line, uint64_t count)
{
    struct whyrst_value value;

    if (whyrst_finding_get(finding, WHYRST_FINDING_FIELD_EVIDENCE, &value)) {
        for (size_t i = 0; i < value.count; i++) {
            add(tree,
                wmem_strdup_printf(scope, "Evidence: %s", RST_FORMAT_TEXT(scope, value.strings[i])),
                line, count);
        }
    }
    if (whyrst_finding_get(finding, WHYRST_FINDING_FIELD_FRAMES, &value)) {
        char *frames = together_numbers(scope, &value); /* as a display filter to copy */

        add(tree, wmem_strdup_printf(scope, "Frames: frame.number in {%s}", frames), line, count);
    }
    add(tree,
        wmem_strdup_printf(scope, "What to do: %s",
                           finding_text(finding, WHYRST_FINDING_FIELD_ADVICE)),
        line, count);
}

static tap_packet_status add_finding(stats_tree *tree, packet_info *pinfo,
                                     epan_dissect_t *dissection _U_, const void *data,
                                     tap_flags_t flags _U_)
{
    const struct together_row *row = data;

    if (!row) {
        return tell_unknown(tree);
    }
    if (!row->finding) {
        return TAP_PACKET_DONT_REDRAW;
    }
    uint64_t count = finding_count(row->finding, WHYRST_FINDING_FIELD_RESETS);
    int root = add(tree, FINDINGS, 0, count);
    int line = add(tree, finding_label(pinfo->pool, row->finding), root, count);
    add_reasons(tree, pinfo->pool, row->finding, line, count);
    return TAP_PACKET_REDRAW;
}

static void init_outcomes(stats_tree *tree)
{
    create_root(tree, HELLOS);
}

static tap_packet_status add_ja4(stats_tree *tree, packet_info *pinfo _U_,
                                 epan_dissect_t *dissection _U_, const void *data,
                                 tap_flags_t flags _U_)
{
    static const struct {
        enum whyrst_ja4_field field;
        const char *name;
    } outcomes[] = {
        {WHYRST_JA4_FIELD_HANDSHAKES, "TLS handshake completed"},
        {WHYRST_JA4_FIELD_TLS_PHASE, "Reset in the TLS handshake"},
        {WHYRST_JA4_FIELD_ALERTS, "Alert in the TLS handshake"},
        {WHYRST_JA4_FIELD_RESET_LATER, "Reset later"},
        {WHYRST_JA4_FIELD_FINS, "Closed by FIN"},
        {WHYRST_JA4_FIELD_OPEN, "Still open"},
    };
    const struct together_row *row = data;
    struct whyrst_value name;

    if (!row) {
        return tell_unknown(tree);
    }
    if (!row->ja4 || !whyrst_ja4_get(row->ja4, WHYRST_JA4_FIELD_JA4, &name)) {
        return TAP_PACKET_DONT_REDRAW;
    }
    uint64_t all = ja4_count(row->ja4, WHYRST_JA4_FIELD_CONNECTIONS);
    int root = add(tree, HELLOS, 0, all);
    int line = add(tree, row->rank < MOST_ROWS ? name.string : OTHERS, root, all);
    for (unsigned i = 0; i < G_N_ELEMENTS(outcomes); i++) {
        add(tree, outcomes[i].name, line, ja4_count(row->ja4, outcomes[i].field));
    }
    return TAP_PACKET_REDRAW;
}

/**
 * together_tree_register - registers the trees: in tshark -z NAME,tree
 */
void together_tree_register(void)
{
    stats_tree_register_plugin(TOGETHER_TAP, "rst_findings",
                               "TCP Resets" RST_MENU_SEPARATOR "Findings", BY_NAME, add_finding,
                               init_findings, NULL);
    stats_tree_register_plugin(TOGETHER_TAP, "rst_endpoints",
                               "TCP Resets" RST_MENU_SEPARATOR "Endpoint health", 0, add_endpoint,
                               init_endpoints, NULL);
    stats_tree_register_plugin(TOGETHER_TAP, "rst_outcome",
                               "TCP Resets" RST_MENU_SEPARATOR "By JA4 and outcome", 0, add_ja4,
                               init_outcomes, NULL);
}
