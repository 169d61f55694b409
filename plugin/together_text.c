/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tshark -z rst,findings, -z rst,endpoints and -z rst,ja4: tables of what all connections together
 * say, printed when the capture has been read, in one pass or two.
 */
#include "together.h"

#include <stdio.h>
#include <string.h>

#include <epan/stat_tap_ui.h>
#include <epan/tap.h>
#include <wsutil/report_message.h>

#include "results.h"
#include "settings.h"

/** struct column - a title and the first and last of the fields in it: of several, the sum's parts
 */
struct column {
    const char *title;
    int field;
    int last;
};

typedef bool (*get_function)(const void *row, int field, struct whyrst_value *value);
typedef const void *(*row_function)(const struct whyrst_diagnosis *diagnosis, size_t index);
typedef const struct whyrst_column *(*name_function)(int field);

/** struct table - what is printed */
struct table {
    const char *argument; /* of -z */
    const char *title;
    bool has_rates;
    bool has_flags;
    const struct column *columns;
    unsigned column_count;
    row_function row;
    get_function get;
    name_function name;
};

static bool get_finding(const void *row, int field, struct whyrst_value *value)
{
    return whyrst_finding_get(row, (enum whyrst_finding_field)field, value);
}

static bool get_endpoint(const void *row, int field, struct whyrst_value *value)
{
    return whyrst_endpoint_get(row, (enum whyrst_endpoint_field)field, value);
}

static bool get_ja4(const void *row, int field, struct whyrst_value *value)
{
    return whyrst_ja4_get(row, (enum whyrst_ja4_field)field, value);
}

static const void *finding_at(const struct whyrst_diagnosis *diagnosis, size_t index)
{
    return whyrst_diagnosis_finding(diagnosis, index);
}

static const void *endpoint_at(const struct whyrst_diagnosis *diagnosis, size_t index)
{
    return whyrst_diagnosis_endpoint(diagnosis, index);
}

static const void *ja4_at(const struct whyrst_diagnosis *diagnosis, size_t index)
{
    return whyrst_diagnosis_ja4(diagnosis, index);
}

static const struct whyrst_column *finding_column(int field)
{
    return whyrst_finding_column((enum whyrst_finding_field)field);
}

static const struct whyrst_column *endpoint_column(int field)
{
    return whyrst_endpoint_column((enum whyrst_endpoint_field)field);
}

static const struct whyrst_column *ja4_column(int field)
{
    return whyrst_ja4_column((enum whyrst_ja4_field)field);
}

#define F(name) WHYRST_FINDING_FIELD_##name
#define E(name) WHYRST_ENDPOINT_FIELD_##name
#define J(name) WHYRST_JA4_FIELD_##name

static const struct column finding_columns[] = {
    {"Rank", F(RANK), F(RANK)},
    {"Kind", F(KIND), F(KIND)},
    {"Confidence", F(CONFIDENCE), F(CONFIDENCE)},
    {"Sender", F(SENDER), F(SENDER)},
    {"Connections", F(RESETS), F(RESETS)},
    {"Of", F(CONNECTIONS), F(CONNECTIONS)},
    {"Finding", F(TEXT), F(TEXT)},
    {"Frames", F(FRAMES), F(FRAMES)},
    {"What to do", F(ADVICE), F(ADVICE)},
};

static const struct column endpoint_columns[] = {
    {"Endpoint", E(NAME), E(NAME)},
    {"Attempts", E(ATTEMPTS), E(ATTEMPTS)},
    {"Refused", E(REFUSED), E(REFUSED)},
    {"Unanswered", E(UNANSWERED), E(UNANSWERED)},
    {"Unreachable", E(UNREACHABLE), E(UNREACHABLE)},
    {"Aborted", E(ABORTED), E(ABORTED)},
    {"Established", E(CONNECTIONS), E(CONNECTIONS)},
    {"FIN", E(FINS), E(FINS)},
    {"Resets", E(RESETS), E(RESETS)},
    {"Rate", E(RESET_RATE), E(RESET_RATE)},
    {"From", E(RATE_LOW), E(RATE_LOW)},
    {"To", E(RATE_HIGH), E(RATE_HIGH)},
    {"Flagged", E(FLAGGED), E(FLAGGED)},
    {"State", E(STATE), E(STATE)},
    {"Resets of any side, by origin", E(ORIGIN_TLS_PHASE), E(ORIGIN_UNKNOWN)},
    {"As a proxy", E(TUNNELS), E(PROXY_UNCLEAR)},
};

static const struct column ja4_columns[] = {
    {"JA4", J(JA4), J(JA4)},
    {"Connections", J(CONNECTIONS), J(CONNECTIONS)},
    {"Handshakes", J(HANDSHAKES), J(HANDSHAKES)},
    {"TLS reset", J(TLS_PHASE), J(TLS_PHASE)},
    {"Alert", J(ALERTS), J(ALERTS)},
    {"Later reset", J(RESET_LATER), J(RESET_LATER)},
    {"FIN", J(FINS), J(FINS)},
    {"Open", J(OPEN), J(OPEN)},
    {"TLS reset rate", J(TLS_PHASE_RATE), J(TLS_PHASE_RATE)},
    {"From", J(RATE_LOW), J(RATE_LOW)},
    {"To", J(RATE_HIGH), J(RATE_HIGH)},
};

static const struct table tables[] = {
    {"rst,findings", "Findings about TCP connections", false, false, finding_columns,
     G_N_ELEMENTS(finding_columns), finding_at, get_finding, finding_column},
    {"rst,endpoints", "Endpoints of TCP connections", true, true, endpoint_columns,
     G_N_ELEMENTS(endpoint_columns), endpoint_at, get_endpoint, endpoint_column},
    {"rst,ja4", "TCP connections by JA4 and outcome", true, false, ja4_columns,
     G_N_ELEMENTS(ja4_columns), ja4_at, get_ja4, ja4_column},
};

#define MOST_COLUMNS G_N_ELEMENTS(endpoint_columns)
G_STATIC_ASSERT(G_N_ELEMENTS(finding_columns) <= MOST_COLUMNS);
G_STATIC_ASSERT(G_N_ELEMENTS(ja4_columns) <= MOST_COLUMNS);

static char *value_text(const struct whyrst_value *value)
{
    switch (value->type) {
    case WHYRST_TYPE_STRING:
        return RST_FORMAT_TEXT(NULL, value->string);
    case WHYRST_TYPE_NUMBER:
        return wmem_strdup_printf(NULL, "%.1f %%", 100 * value->number);
    case WHYRST_TYPE_NUMBERS:
        return together_numbers(NULL, value);
    default:
        return wmem_strdup_printf(NULL, "%" G_GUINT64_FORMAT, value->integer);
    }
}

/* "tls-phase 3, idle-timeout 1": those that are not 0. */
static char *list_text(const struct table *table, const struct column *column, const void *row)
{
    GString *text = g_string_new(NULL);
    struct whyrst_value value;
    char *copy;

    for (int field = column->field; field <= column->last; field++) {
        if (table->get(row, field, &value) && value.integer) {
            g_string_append_printf(text, "%s%s %" G_GUINT64_FORMAT, text->len ? ", " : "",
                                   table->name(field)->name, value.integer);
        }
    }
    copy = wmem_strdup(NULL, text->str);
    g_string_free(text, TRUE);
    return copy;
}

static char *cell_text(const struct table *table, const struct column *column, const void *row)
{
    struct whyrst_value value;

    if (column->last > column->field) {
        return list_text(table, column, row);
    }
    return table->get(row, column->field, &value) ? value_text(&value) : wmem_strdup(NULL, "-");
}

static void print_cell(const char *text, int width)
{
    printf("%s%*s |", text, MAX(width - (int)g_utf8_strlen(text, -1), 0), "");
}

/* As wide as the widest cell of the column. */
static int column_width(const struct table *table, const struct column *column,
                        const struct whyrst_diagnosis *diagnosis)
{
    int width = (int)strlen(column->title);
    const void *row;

    for (size_t i = 0; diagnosis && (row = table->row(diagnosis, i)); i++) {
        char *text = cell_text(table, column, row);

        width = MAX(width, (int)g_utf8_strlen(text, -1));
        wmem_free(NULL, text);
    }
    return width;
}

static void print_table(const struct table *table, const struct whyrst_diagnosis *diagnosis)
{
    int widths[MOST_COLUMNS];
    const void *row;

    for (unsigned i = 0; i < table->column_count; i++) {
        widths[i] = column_width(table, &table->columns[i], diagnosis);
        print_cell(table->columns[i].title, widths[i]);
    }
    printf("\n");
    for (size_t i = 0; diagnosis && (row = table->row(diagnosis, i)); i++) {
        for (unsigned j = 0; j < table->column_count; j++) {
            char *text = cell_text(table, &table->columns[j], row);

            print_cell(text, widths[j]);
            wmem_free(NULL, text);
        }
        printf("\n");
    }
}

#define LINE "===================================================================\n"

static void draw(void *data)
{
    const struct table *table = data;
    const struct whyrst_diagnosis *diagnosis;
    unsigned number;

    if (!results_diagnosis(&diagnosis, &number)) {
        return;
    }
    printf("\n" LINE "%s%s", table->title, table->has_rates ? ". Rates have a 95 % interval" : "");
    if (table->has_flags) {
        printf("; flagged: all of it is above %g %%", 100 * settings_alert_rate());
    }
    printf(":\n");
    print_table(table, diagnosis);
    printf(LINE);
}

/* The argument of -z was met; @user is its table. */
static rst_started start(const char *argument, void *user)
{
    const struct table *table = user;
    GString *problem;

    if (strcmp(argument, table->argument) != 0) {
        report_failure("-z %s takes no filter: it is about all connections", table->argument);
        return RST_STARTED(false);
    }
    problem = register_tap_listener(TOGETHER_TAP, user, NULL, 0, NULL, NULL, draw, NULL);
    if (problem) {
        report_failure("-z %s: %s", table->argument, problem->str);
        g_string_free(problem, TRUE);
    }
    return RST_STARTED(!problem);
}

/**
 * together_text_register - registers the arguments of -z
 */
void together_text_register(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(tables); i++) {
        stat_tap_ui ui = {
            .group = REGISTER_STAT_GROUP_GENERIC,
            .cli_string = tables[i].argument,
            .tap_init_cb = start,
        };

        register_stat_tap_ui(&ui, (void *)&tables[i]);
    }
}
