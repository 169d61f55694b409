/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line: arguments, one a line. What is accepted is complete and within its bounds, what
 * is refused is wrong usage; filters take any record. Those that show help leave the process, so
 * they are left out.
 */
#include <string.h>

#include <glib.h>

#include "fuzz.h"
#include "../../cli/options.h"

static struct whyrst_record *records[2];

static void add(struct whyrst_engine *engine, bool answer, uint8_t flags, uint32_t ack)
{
    struct whyrst_segment segment = {
        .time_ns = 1000 + answer,
        .frame = 1u + answer,
        .ip_version = 4,
        .source = {10, 0, 0, answer ? 2 : 1},
        .destination = {10, 0, 0, answer ? 1 : 2},
        .source_port = answer ? 443 : 40000,
        .destination_port = answer ? 40000 : 443,
        .ack = ack,
        .flags = flags,
        .ttl = 64,
    };

    whyrst_engine_add(engine, &segment);
}

static void make_records(void)
{
    const struct whyrst_options options = {.connection_records = true};
    struct whyrst_engine *engine = whyrst_engine_new(&options);

    add(engine, false, WHYRST_TCP_SYN, 0);
    add(engine, true, WHYRST_TCP_RST | WHYRST_TCP_ACK, 1);
    whyrst_engine_finish(engine);
    for (size_t i = 0; i < G_N_ELEMENTS(records); i++) {
        records[i] = whyrst_engine_next(engine);
        require(records[i] != NULL);
    }
    whyrst_engine_free(engine);
}

/** --help and its kin end the process; "-sh" is a cluster with -h in it. */
static bool shows_help(const char *argument)
{
    if (g_str_has_prefix(argument, "--")) {
        return g_str_has_prefix(argument, "--help");
    }
    return argument[0] == '-' && strpbrk(argument, "h?");
}

static void check(const struct options *options)
{
    require(options->inputs && options->inputs[0]);
    require(options->format && options->filter);
    require(options->jobs >= 1 && options->jobs <= 256);
    require(options->engine.idle_threshold_ns >= 0);
    require(options->engine.max_connections <= INT64_MAX);
    require(!options->summary_only || options->format->for_people || options->format->close);
    for (size_t i = 0; i < G_N_ELEMENTS(records); i++) {
        (void)filter_matches(options->filter, records[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = g_strndup((const char *)data, size);
    char **lines = g_strsplit(text, "\n", 64);
    GPtrArray *argv = g_ptr_array_new();
    struct options options;
    enum exit_status status;

    if (!records[0]) {
        make_records();
    }
    g_ptr_array_add(argv, (gpointer) "whyrst");
    for (char **line = lines; *line; line++) {
        if (!shows_help(*line)) {
            g_ptr_array_add(argv, *line);
        }
    }
    g_ptr_array_add(argv, NULL);
    if (options_parse(&options, (char **)argv->pdata, &status)) {
        check(&options);
    } else {
        require(status == EXIT_ALL_READ || status == EXIT_USAGE);
    }
    options_clear(&options);
    g_ptr_array_free(argv, TRUE);
    g_strfreev(lines);
    g_free(text);
    return 0;
}
