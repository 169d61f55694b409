/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "explain.h"
#include "input.h"
#include "loader.h"
#include "wiretap.h"

#define NS_DIGITS   9u
#define MAX_JOBS    256
#define NS_A_SECOND UINT64_C(1000000000)

static const char description[] =
    "Says of every TCP reset (RST) in packet captures when in its connection it came, who sent\n"
    "it and why, how the connection ended, and which TLS client (JA4) it concerned: as a table\n"
    "with a summary, as a page of HTML, or for programs as NDJSON, CSV or an SQLite database.";

static const char epilogue[] =
    "Captures:\n"
    "  pcap and pcapng, also from pipes; every other format and compression that Wireshark\n"
    "  reads (gzip, zstd, lz4, snoop, ERF, netmon...). \"-\" is standard input. Several captures\n"
    "  are analysed one by one and reported in the order given; with --continue they are one\n"
    "  capture, in the order of their first packets, and a directory stands for its files.\n"
    "\n"
    "Filters:\n"
    "  Values are separated by commas, and an option may be repeated: any value may match, but\n"
    "  every filter given has to. Filters do not change the analysis, only what is shown.\n"
    "\n"
    "Examples:\n"
    "  whyrst shop.pcapng\n"
    "      Which connections were reset, when in their life and why; and a summary.\n"
    "  whyrst --summary *.pcap\n"
    "      Only the totals, over all captures.\n"
    "  whyrst --origin tls-phase,mid-request --host 192.0.2.0/24 --port 443 shop.pcapng\n"
    "      Resets of that network's TLS handshakes and unfinished requests.\n"
    "  whyrst --format=ndjson shop.pcapng |\n"
    "    jq -c 'select(.type==\"rst\") | [.frame, .origin, .cause, .evidence]'\n"
    "      One JSON object per line; \"frame\" is Wireshark's frame.number.\n"
    "  whyrst --format=csv --connections -o conns.csv shop.pcapng\n"
    "      One row per reset and per connection.\n"
    "  whyrst --format=html -o report.html *.pcap\n"
    "      One page to look around in and to pass on; it needs a browser and nothing else.\n"
    "  whyrst --format=sqlite -o resets.db *.pcap\n"
    "      Tables to ask in SQL; further runs add to them, without duplicates.\n"
    "  whyrst --continue /var/tmp/ring/\n"
    "      Connections that span the files of tcpdump -C, -G, -W or of dumpcap's ring buffer.\n"
    "  whyrst --explain no-socket\n"
    "      What a cause means, what shows it, and what to do about it.\n"
    "  tcpdump -i eth0 -w - tcp | whyrst --format=ndjson -\n"
    "      Reports while it captures.\n"
    "\n"
    "Exit status:\n"
    "  0  all captures were read to their end\n"
    "  1  some could not be read or were cut short; what was readable has been reported\n"
    "  2  wrong usage";

/* What GOption fills in, before it is checked. */
struct raw_options {
    char **inputs;
    char *format;
    char *idle_threshold;
    char *alert_rate;
    char **filters[FILTER_COUNT];
    char *max_connections;
    char *jobs;
    char *explain;
    gboolean connections, continued, summary, progress, no_progress, sandbox, no_sandbox, fields,
        version, help;
};

/* Decimal seconds as nanoseconds, exactly: more than nine decimals are refused, not rounded. */
static bool parse_seconds(const char *text, int64_t *ns)
{
    const char *point = strchr(text, '.');
    g_autofree char *whole = point ? g_strndup(text, (gsize)(point - text)) : g_strdup(text);
    g_autofree char *fraction = g_strdup(point && point[1] ? point + 1 : "0");
    guint64 seconds, rest;
    size_t digits = strlen(fraction);

    if (digits > NS_DIGITS ||
        !g_ascii_string_to_unsigned(whole, 10, 0, INT64_MAX / NS_A_SECOND - 1, &seconds, NULL) ||
        !g_ascii_string_to_unsigned(fraction, 10, 0, NS_A_SECOND - 1, &rest, NULL)) {
        return false;
    }
    for (; digits < NS_DIGITS; digits++) {
        rest *= 10;
    }
    *ns = (int64_t)(seconds * NS_A_SECOND + rest);
    return *ns > 0;
}

/* A percentage, with "%" or without, as a share. */
static bool parse_percent(const char *text, double *share)
{
    char *end;
    double percent = g_ascii_strtod(text, &end);

    *share = percent / 100;
    return end != text && (!*end || strcmp(end, "%") == 0) && percent > 0 && percent < 100;
}

static void print_version(void)
{
    const char *wireshark = wiretap_version();

    printf("whyrst %s\n", WHYRST_VERSION);
    if (wireshark) {
        printf(
            "Formats other than pcap and pcapng: by libwiretap of Wireshark %s, where installed\n",
            wireshark);
    } else {
        printf("Formats: pcap and pcapng only (built without Wireshark's libwiretap)\n");
    }
    printf("Licence: GPL-2.0-or-later; there is no warranty.\n");
}

/* A database always has the connections: its views compare with them. */
static char *take_database(struct options *options, const struct raw_options *raw)
{
    if (!loader_is_available()) {
        return g_strdup("--format=sqlite: this whyrst was built without SQLite");
    }
    if (!options->output || strcmp(options->output, "-") == 0) {
        return g_strdup("--format=sqlite: needs -o FILE, the database to write to");
    }
    if (raw->summary) {
        return g_strdup("--summary: --format=sqlite has none");
    }
    options->connections = options->engine.connection_records = true;
    return NULL;
}

/* Checks and takes over what GOption has read; returns what is wrong (g_free), or NULL. */
static char *take_formats(struct options *options, const struct raw_options *raw)
{
    const char *name = raw->format ? raw->format : "table";

    options->database = strcmp(name, "sqlite") == 0;
    options->format = options->database ? &writer_ndjson : writer_format_find(name);
    if (!options->format) {
        return g_strdup_printf(
            "--format: \"%s\" is not valid; it takes one of table, ndjson, csv, html, sqlite",
            name);
    }
    if (options->database) {
        return take_database(options, raw);
    }
    if (raw->summary && !options->format->for_people && options->format != &writer_ndjson) {
        return g_strdup_printf("--summary: --format=%s has none", options->format->name);
    }
    options->connections = raw->connections || options->format == &writer_html;
    options->summary_only = raw->summary;
    options->engine.connection_records = options->connections || options->format->for_people;
    return NULL;
}

/* What a connection takes with its place in the table and, of some, the state of TLS or HTTP. */
#define CONNECTION_BYTES 512u

/* So many that the captures read at a time together take half of the memory at most. */
static uint64_t default_connections(unsigned jobs)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    long size = sysconf(_SC_PAGESIZE);

    return pages > 0 && size > 0
               ? (uint64_t)pages * (uint64_t)size / 2 / jobs / CONNECTION_BYTES + 1
               : 0; /* the library's */
}

static char *take_numbers(struct options *options, const struct raw_options *raw)
{
    guint64 jobs = MIN(g_get_num_processors(), MAX_JOBS);

    if (raw->idle_threshold &&
        !parse_seconds(raw->idle_threshold, &options->engine.idle_threshold_ns)) {
        return g_strdup_printf("--idle-threshold: \"%s\" is not valid; it takes seconds above 0, "
                               "such as 3 or 0.5",
                               raw->idle_threshold);
    }
    if (raw->alert_rate && !parse_percent(raw->alert_rate, &options->diagnosis.alert_rate)) {
        return g_strdup_printf(
            "--alert-rate: \"%s\" is not valid; it takes a percentage above 0 and "
            "below 100, such as 2",
            raw->alert_rate);
    }
    if (raw->jobs && !g_ascii_string_to_unsigned(raw->jobs, 10, 1, MAX_JOBS, &jobs, NULL)) {
        return g_strdup_printf("-j: \"%s\" is not valid; it takes 1 to %d", raw->jobs, MAX_JOBS);
    }
    options->jobs = (unsigned)jobs;
    options->engine.max_connections = default_connections(options->jobs);
    if (raw->max_connections &&
        !g_ascii_string_to_unsigned(raw->max_connections, 10, 1, UINT64_MAX,
                                    &options->engine.max_connections, NULL)) {
        return g_strdup_printf("--max-connections: \"%s\" is not valid; it takes a number above 0",
                               raw->max_connections);
    }
    return NULL;
}

static char *take_filters(struct options *options, const struct raw_options *raw)
{
    char *message = NULL;

    for (unsigned id = 0; id < FILTER_COUNT; id++) {
        for (char **values = raw->filters[id]; values && *values && !message; values++) {
            message = filter_add(options->filter, (enum filter_id)id, *values);
        }
    }
    return message;
}

/* Two readers of one pipe would each get pieces of it. Returns what is wrong (g_free), or NULL. */
static char *find_pipe_twice(char **inputs)
{
    struct stat a, b;

    for (char **input = inputs; *input; input++) {
        bool is_pipe = input_stat(*input, &a) && (S_ISFIFO(a.st_mode) || S_ISSOCK(a.st_mode));

        for (char **other = inputs; is_pipe && other < input; other++) {
            if (input_stat(*other, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino) {
                return strcmp(*input, *other) == 0
                           ? g_strdup_printf("%s is a pipe, which can be read only once", *input)
                           : g_strdup_printf(
                                 "%s is the same pipe as %s, which can be read only once", *input,
                                 *other);
            }
        }
    }
    return NULL;
}

static char *take_inputs(struct options *options, struct raw_options *raw)
{
    unsigned from_stdin = 0;
    char *message;

    if (!raw->inputs || !raw->inputs[0]) {
        return g_strdup("no capture given; \"whyrst --help\" shows examples");
    }
    for (char **input = raw->inputs; *input; input++) {
        from_stdin += strcmp(*input, "-") == 0;
    }
    if (from_stdin > 1) {
        return g_strdup("standard input (-) can be read only once");
    }
    message = find_pipe_twice(raw->inputs);
    if (!message) {
        options->inputs = g_steal_pointer(&raw->inputs);
    }
    return message;
}

static char *take(struct options *options, struct raw_options *raw)
{
    char *message = take_formats(options, raw);

    if (!message) {
        message = take_numbers(options, raw);
    }
    if (!message) {
        message = take_filters(options, raw);
    }
    if (!message) {
        message = take_inputs(options, raw);
    }
    options->continued = raw->continued;
    options->sandbox = raw->no_sandbox ? SANDBOX_OFF
                       : raw->sandbox  ? SANDBOX_REQUIRED
                                       : SANDBOX_IF_POSSIBLE;
    options->progress = raw->progress || (!raw->no_progress && isatty(STDERR_FILENO));
    return message;
}

static void raw_clear(struct raw_options *raw)
{
    g_strfreev(raw->inputs);
    g_free(raw->format);
    g_free(raw->idle_threshold);
    g_free(raw->alert_rate);
    g_free(raw->max_connections);
    g_free(raw->jobs);
    g_free(raw->explain);
    for (unsigned id = 0; id < FILTER_COUNT; id++) {
        g_strfreev(raw->filters[id]);
    }
}

/*
 * GOption wants a space between a short option and its value; people type -j4. Returns a copy of
 * the arguments (g_strfreev) with that spelled out.
 */
static char **spell_out(char **argv)
{
    char **copy = g_strdupv(argv);

    for (char **arg = copy; *arg && strcmp(*arg, "--") != 0; arg++) {
        if (g_str_has_prefix(*arg, "-j") && g_ascii_isdigit((*arg)[2])) {
            char *spelled = g_strconcat("--jobs=", *arg + 2, NULL);

            g_free(*arg);
            *arg = spelled;
        }
    }
    return copy;
}

/* What is asked for instead of an analysis; false if nothing is. */
static bool print(const struct raw_options *raw, const char *help, char **message)
{
    if (raw->help) {
        fputs(help, stdout);
    } else if (raw->version) {
        print_version();
    } else if (raw->fields) {
        explain_fields();
    } else if (raw->explain) {
        *message = explain(raw->explain);
    } else {
        return false;
    }
    return true;
}

static bool parse(struct options *options, struct raw_options *raw, char **argv, char **message)
{
    const GOptionEntry entries[] = {
        {"format", 'f', 0, G_OPTION_ARG_STRING, &raw->format,
         "What to write: table (default), ndjson, csv, html or sqlite", "FORMAT"},
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &options->output,
         "Write to FILE instead of standard output", "FILE"},
        {"summary", 's', 0, G_OPTION_ARG_NONE, &raw->summary, "Write only the summary", NULL},
        {"connections", 0, 0, G_OPTION_ARG_NONE, &raw->connections,
         "Write a record per connection, too", NULL},
        {"origin", 0, 0, G_OPTION_ARG_STRING_ARRAY, &raw->filters[FILTER_ORIGIN],
         "Only resets that hit these phases of a connection", "ORIGIN,..."},
        {"cause", 0, 0, G_OPTION_ARG_STRING_ARRAY, &raw->filters[FILTER_CAUSE],
         "Only resets of these causes", "CAUSE,..."},
        {"sender", 0, 0, G_OPTION_ARG_STRING_ARRAY, &raw->filters[FILTER_SENDER],
         "Only resets sent by client, server, middlebox or unknown", "SENDER,..."},
        {"ja4", 0, 0, G_OPTION_ARG_STRING_ARRAY, &raw->filters[FILTER_JA4],
         "Only TLS clients of these JA4 fingerprints; * and ? match as in a shell", "JA4,..."},
        {"host", 0, 0, G_OPTION_ARG_STRING_ARRAY, &raw->filters[FILTER_HOST],
         "Only these client or server addresses, networks or server names (SNI)", "HOST,..."},
        {"port", 0, 0, G_OPTION_ARG_STRING_ARRAY, &raw->filters[FILTER_PORT],
         "Only these client or server ports or ranges of ports", "PORT,..."},
        {"idle-threshold", 0, 0, G_OPTION_ARG_STRING, &raw->idle_threshold,
         "Silence that makes a reset an idle-timeout (default 3)", "SECONDS"},
        {"alert-rate", 0, 0, G_OPTION_ARG_STRING, &raw->alert_rate,
         "Share of its connections that an endpoint may reset before it is flagged (default 2)",
         "PERCENT"},
        {"continue", 0, 0, G_OPTION_ARG_NONE, &raw->continued,
         "The captures (or directories of them) are one that was written to several files", NULL},
        {"max-connections", 0, 0, G_OPTION_ARG_STRING, &raw->max_connections,
         "Connections kept at once, for each capture (default: as many as fit into half of the memory)",
         "N"},
        {"jobs", 'j', 0, G_OPTION_ARG_STRING, &raw->jobs,
         "Captures analysed at a time (default: one per processor)", "N"},
        {"progress", 0, 0, G_OPTION_ARG_NONE, &raw->progress,
         "Show progress on standard error even if that is no terminal", NULL},
        {"no-progress", 0, 0, G_OPTION_ARG_NONE, &raw->no_progress, "Show no progress", NULL},
        {"sandbox", 0, 0, G_OPTION_ARG_NONE, &raw->sandbox,
         "Do not run without a sandbox (default: with one where the kernel allows it)", NULL},
        {"no-sandbox", 0, 0, G_OPTION_ARG_NONE, &raw->no_sandbox, "Run without a sandbox", NULL},
        {"explain", 0, 0, G_OPTION_ARG_STRING, &raw->explain,
         "Explain a cause and quit; \"list\" lists them", "CAUSE"},
        {"fields", 0, 0, G_OPTION_ARG_NONE, &raw->fields,
         "Describe the fields of NDJSON and CSV and quit", NULL},
        {"version", 'V', 0, G_OPTION_ARG_NONE, &raw->version, "Show the version and quit", NULL},
        {"help", 'h', 0, G_OPTION_ARG_NONE, &raw->help, "Show this help and quit", NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &raw->inputs, NULL, NULL},
        {0},
    };
    GOptionContext *context = g_option_context_new("CAPTURE...");
    char **spelled = spell_out(argv);
    g_autofree char *help = NULL;
    GError *error = NULL;
    bool good;

    /* GOption's own --help quits with success even if nobody got the help. */
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_summary(context, description);
    g_option_context_set_description(context, epilogue);
    g_option_context_add_main_entries(context, entries, NULL);
    good = g_option_context_parse_strv(context, &spelled, &error);
    help = g_option_context_get_help(context, TRUE, NULL);
    g_option_context_free(context);
    g_strfreev(spelled);
    if (!good) {
        *message = g_strdup(error->message);
        g_error_free(error);
        return false;
    }
    if (print(raw, help, message)) {
        return false;
    }
    *message = take(options, raw);
    return !*message;
}

bool options_parse(struct options *options, char **argv, enum exit_status *status)
{
    struct raw_options raw = {0};
    char *message = NULL;
    bool proceed;

    *options = (struct options){.filter = filter_new()};
    proceed = parse(options, &raw, argv, &message);
    raw_clear(&raw);
    *status = message ? EXIT_USAGE : EXIT_ALL_READ;
    if (message) {
        fprintf(stderr, "whyrst: %s\n", message);
        g_free(message);
    }
    return proceed;
}

void options_clear(struct options *options)
{
    g_strfreev(options->inputs);
    g_free(options->output);
    filter_free(options->filter);
}
