/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RSTs are rows, connections only counts: what a connection shares with others is its server, name,
 * JA4 and close type. Strings repeat, hence the dictionary. Both are bounded.
 */
#include "report/html_data.h"

#include <inttypes.h>
#include <string.h>

#include <glib.h>

#include "report/counters.h"
#include "report/html.h"
#include "report/text.h"

/* Different connections counted apart, of some 200 bytes each. */
#define GROUPS_MAX 20000u

struct group {
    char *server, *sni, *ja4;
    const char *close_type;
    uint64_t port;
    uint64_t connections, with_resets;
};

struct html_data {
    struct output out;
    GHashTable *dictionary; /* string -> its number */
    GHashTable *groups;     /* key -> struct group */
    const char *file;       /* the one that rows are of, NULL before the first */
    uint64_t rows_left;
    uint64_t rows_omitted;
    uint64_t connections_omitted;
};

/* What the page says of figures of captures, after the number. */
static void describe_losses(struct output *out)
{
    bool first = true;

    for (unsigned i = 0; i < WHYRST_COUNTER_COUNT; i++) {
        if (counter_kinds[i].loss) {
            output_text(out, first ? "" : ",");
            text_json(out, counter_kinds[i].name);
            output_char(out, ':');
            text_json(out, counter_kinds[i].note);
            first = false;
        }
    }
}

void html_data_describe(struct output *out)
{
    static const char *const types[] = {
        [WHYRST_TYPE_STRING] = "text",  [WHYRST_TYPE_INTEGER] = "integer",
        [WHYRST_TYPE_FRAME] = "frame",  [WHYRST_TYPE_DURATION] = "seconds",
        [WHYRST_TYPE_TIME] = "time",    [WHYRST_TYPE_ADDRESS] = "text",
        [WHYRST_TYPE_STRINGS] = "list",
    };
    char text[TEXT_MAX];
    bool first = true;

    output_text(out, "{\"version\":\"" WHYRST_VERSION "\",\"dictionary\":");
    output_bytes(out, text, text_integer(text, HTML_DICTIONARY));
    output_text(out, ",\"fields\":[");
    for (unsigned i = 0; i < WHYRST_FIELD_COUNT; i++) {
        const struct whyrst_field_info *info = whyrst_field_info((enum whyrst_field)i);
        const char *const texts[] = {info->name, types[info->type], info->title, info->help};

        if (!(info->bits & WHYRST_ON_RST)) {
            continue;
        }
        for (unsigned j = 0; j < G_N_ELEMENTS(texts); j++) {
            output_text(out, j ? "," : first ? "[" : ",[");
            text_json(out, texts[j]);
        }
        output_char(out, ']');
        first = false;
    }
    output_text(out, "],\"losses\":{");
    describe_losses(out);
    output_text(out, "}}\n");
}

static void free_group(void *data)
{
    struct group *group = data;

    g_free(group->server);
    g_free(group->sni);
    g_free(group->ja4);
    g_free(group);
}

struct html_data *html_data_new(uint64_t rows_max, bool (*drain)(void *, const char *, size_t),
                                void *context)
{
    struct html_data *data = g_new0(struct html_data, 1);

    output_init(&data->out, drain, context);
    data->dictionary = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    data->groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_group);
    data->rows_left = rows_max;
    return data;
}

void html_data_free(struct html_data *data)
{
    output_flush(&data->out);
    output_clear(&data->out);
    g_hash_table_unref(data->dictionary);
    g_hash_table_unref(data->groups);
    g_free(data);
}

struct output *html_data_output(struct html_data *data)
{
    return &data->out;
}

static void write_number(struct output *out, uint64_t number)
{
    char text[TEXT_MAX];

    output_bytes(out, text, text_integer(text, number));
}

static void write_string(struct html_data *data, const char *string)
{
    unsigned number = GPOINTER_TO_UINT(g_hash_table_lookup(data->dictionary, string));

    if (number) {
        write_number(&data->out, number);
        return;
    }
    text_json(&data->out, string);
    if (g_hash_table_size(data->dictionary) == HTML_DICTIONARY) {
        g_hash_table_remove_all(data->dictionary);
    }
    number = g_hash_table_size(data->dictionary) + 1;
    g_hash_table_insert(data->dictionary, g_strdup(string), GUINT_TO_POINTER(number));
}

static void write_strings(struct html_data *data, const struct whyrst_value *value)
{
    output_char(&data->out, '[');
    for (size_t i = 0; i < value->count; i++) {
        output_text(&data->out, i ? "," : "");
        write_string(data, value->strings[i]);
    }
    output_char(&data->out, ']');
}

static void write_value(struct html_data *data, const struct whyrst_value *value)
{
    struct output *out = &data->out;
    char text[TEXT_MAX];

    switch (value->type) {
    case WHYRST_TYPE_STRING:
    case WHYRST_TYPE_ADDRESS:
        write_string(data, value->string);
        return;
    case WHYRST_TYPE_STRINGS:
        write_strings(data, value);
        return;
    case WHYRST_TYPE_TIME:
        output_text(out, value->time_ns < 0 ? "-" : "");
        write_number(
            out, (uint64_t)(value->time_ns < 0 ? -(value->time_ns / 1000) : value->time_ns / 1000));
        return;
    case WHYRST_TYPE_INTEGER:
    case WHYRST_TYPE_FRAME:
    case WHYRST_TYPE_DURATION:
        output_bytes(out, text, text_value(text, value));
        return;
    case WHYRST_TYPE_NUMBER:
    case WHYRST_TYPE_NUMBERS:
        return; /* no record has them */
    }
}

static void write_absent(struct output *out, enum whyrst_type type)
{
    bool is_string = type == WHYRST_TYPE_STRING || type == WHYRST_TYPE_ADDRESS;

    output_text(out, is_string ? "0," : "null,");
}

/* Says whose the following rows are. */
static void begin_file(struct html_data *data, const char *file)
{
    struct output *out = &data->out;

    data->file = file;
    g_hash_table_remove_all(data->dictionary);
    output_text(out, "[\"file\",");
    text_json(out, file);
    output_text(out, "]\n");
}

static void write_row(struct html_data *data, const struct whyrst_record *record)
{
    struct output *out = &data->out;
    unsigned written = 0; /* fields up to the last one that is present */
    struct whyrst_value value;

    output_char(out, '[');
    for (unsigned i = 0; i < WHYRST_FIELD_COUNT; i++) {
        enum whyrst_field field = (enum whyrst_field)i;

        if (!(whyrst_field_info(field)->bits & WHYRST_ON_RST) ||
            !whyrst_record_get(record, field, &value)) {
            continue;
        }
        if (written) {
            output_char(out, ',');
        }
        for (; written < i; written++) {
            const struct whyrst_field_info *info = whyrst_field_info((enum whyrst_field)written);

            if (info->bits & WHYRST_ON_RST) {
                write_absent(out, info->type);
            }
        }
        write_value(data, &value);
        written = i + 1;
    }
    output_text(out, "]\n");
}

static const char *string_of(const struct whyrst_record *record, enum whyrst_field field)
{
    struct whyrst_value value;

    return whyrst_record_get(record, field, &value) ? value.string : "";
}

static uint64_t number_of(const struct whyrst_record *record, enum whyrst_field field)
{
    struct whyrst_value value;

    return whyrst_record_get(record, field, &value) ? value.integer : 0;
}

static void count_connection(struct html_data *data, const struct whyrst_record *record)
{
    const char *server = string_of(record, WHYRST_FIELD_SERVER_IP);
    const char *sni = string_of(record, WHYRST_FIELD_SNI);
    const char *ja4 = string_of(record, WHYRST_FIELD_JA4);
    const char *close_type = string_of(record, WHYRST_FIELD_CLOSE_TYPE);
    uint64_t port = number_of(record, WHYRST_FIELD_SERVER_PORT);
    char key[1536];
    struct group *group;

    /* A name, the only part with spaces, stands last. */
    g_snprintf(key, sizeof key, "%s %" PRIu64 " %s %s %s", server, port, close_type, ja4, sni);
    group = g_hash_table_lookup(data->groups, key);
    if (!group && g_hash_table_size(data->groups) == GROUPS_MAX) {
        data->connections_omitted++;
        return;
    }
    if (!group) {
        group = g_new(struct group, 1);
        *group = (struct group){.server = g_strdup(server),
                                .sni = g_strdup(sni),
                                .ja4 = g_strdup(ja4),
                                .close_type = close_type, /* of the library, lasts */
                                .port = port};
        g_hash_table_insert(data->groups, g_strdup(key), group);
    }
    group->connections++;
    group->with_resets += number_of(record, WHYRST_FIELD_RESETS) > 0;
}

void html_data_record(struct html_data *data, const char *file, const struct whyrst_record *record)
{
    if (whyrst_record_kind(record) == WHYRST_RECORD_CONNECTION) {
        count_connection(data, record);
        return;
    }
    if (data->rows_left == 0) {
        data->rows_omitted++;
        return;
    }
    data->rows_left--;
    if (data->file != file) {
        begin_file(data, file);
    }
    write_row(data, record);
    output_flush(&data->out);
}

static gint compare_keys(gconstpointer a, gconstpointer b)
{
    return strcmp(a, b);
}

static void write_group(struct output *out, const struct group *group)
{
    output_text(out, "[\"connections\",");
    text_json(out, group->server);
    output_char(out, ',');
    write_number(out, group->port);
    output_char(out, ',');
    text_json(out, group->sni);
    output_char(out, ',');
    text_json(out, group->ja4);
    output_char(out, ',');
    text_json(out, group->close_type);
    output_char(out, ',');
    write_number(out, group->connections);
    output_char(out, ',');
    write_number(out, group->with_resets);
    output_text(out, "]\n");
}

void html_data_totals(struct html_data *data, const char *file)
{
    GList *keys = g_list_sort(g_hash_table_get_keys(data->groups), compare_keys);

    begin_file(data, file);
    for (const GList *key = keys; key; key = key->next) {
        write_group(&data->out, g_hash_table_lookup(data->groups, key->data));
    }
    g_list_free(keys);
    if (data->rows_omitted || data->connections_omitted) {
        struct output *out = &data->out;

        output_text(out, "[\"omitted\",");
        write_number(out, data->rows_omitted);
        output_char(out, ',');
        write_number(out, data->connections_omitted);
        output_text(out, "]\n");
    }
}
