/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter.h"

#include <arpa/inet.h>
#include <string.h>

#include <glib.h>

#include <whyrst/causes.h>

/** struct filter_value - one value; which members count is the filter's business */
struct filter_value {
    char *text;
    GPatternSpec *pattern;
    int family; /* AF_INET, AF_INET6, or AF_UNSPEC for a name */
    uint8_t address[16];
    unsigned prefix; /* bits of @address that count */
    unsigned first, last;
};

struct filter {
    GPtrArray *values[FILTER_COUNT]; /* NULL: not given */
};

static bool has_field(const struct whyrst_record *record, enum whyrst_field field)
{
    static const unsigned bits[] = {
        [WHYRST_RECORD_RST] = WHYRST_ON_RST,
        [WHYRST_RECORD_CLOSE] = WHYRST_ON_CLOSE,
        [WHYRST_RECORD_CONNECTION] = WHYRST_ON_CONNECTION,
    };

    return whyrst_field_info(field)->bits & bits[whyrst_record_kind(record)];
}

/* Words: the value is one of a list of names. */

static bool equals(const struct whyrst_record *record, enum whyrst_field field,
                   const struct filter_value *wanted)
{
    struct whyrst_value value;

    if (!has_field(record, field)) {
        return true;
    }
    return whyrst_record_get(record, field, &value) && strcmp(value.string, wanted->text) == 0;
}

static bool match_origin(const struct whyrst_record *record, const struct filter_value *wanted)
{
    return equals(record, WHYRST_FIELD_ORIGIN, wanted);
}

static bool match_cause(const struct whyrst_record *record, const struct filter_value *wanted)
{
    return equals(record, WHYRST_FIELD_CAUSE, wanted);
}

static bool match_sender(const struct whyrst_record *record, const struct filter_value *wanted)
{
    return equals(record, WHYRST_FIELD_SENDER, wanted);
}

static const char *origin_name(unsigned i)
{
    return i < WHYRST_ORIGIN_COUNT ? whyrst_origin_name((enum whyrst_origin)i) : NULL;
}

static const char *cause_name(unsigned i)
{
    return i < whyrst_cause_count() ? whyrst_cause_info(i)->name : NULL;
}

static const char *sender_name(unsigned i)
{
    return i < WHYRST_SENDER_COUNT ? whyrst_sender_name((enum whyrst_sender)i) : NULL;
}

/* Patterns: * and ? as in a shell. */

static bool matches_pattern(const struct whyrst_record *record, enum whyrst_field field,
                            GPatternSpec *pattern)
{
    struct whyrst_value value;

    return whyrst_record_get(record, field, &value) &&
           g_pattern_spec_match_string(pattern, value.string);
}

static bool parse_pattern(struct filter_value *value)
{
    value->pattern = g_pattern_spec_new(value->text);
    return true;
}

static bool match_ja4(const struct whyrst_record *record, const struct filter_value *wanted)
{
    return matches_pattern(record, WHYRST_FIELD_JA4, wanted->pattern) ||
           matches_pattern(record, WHYRST_FIELD_JA4_RETRY, wanted->pattern);
}

/* Hosts: an address, a network, or a server name as TLS clients ask for it. */

static bool parse_prefix(struct filter_value *value, const char *text)
{
    guint64 bits;

    if (!g_ascii_string_to_unsigned(text, 10, 0, value->prefix, &bits, NULL)) {
        return false;
    }
    value->prefix = (unsigned)bits;
    return true;
}

static bool parse_host(struct filter_value *value)
{
    g_auto(GStrv) parts = g_strsplit(value->text, "/", 2);
    g_autofree char *name = g_ascii_strdown(value->text, -1);

    if (inet_pton(AF_INET, parts[0], value->address) == 1) {
        value->family = AF_INET;
        value->prefix = 32;
    } else if (inet_pton(AF_INET6, parts[0], value->address) == 1) {
        value->family = AF_INET6;
        value->prefix = 128;
    } else {
        value->family = AF_UNSPEC;
        value->pattern = g_pattern_spec_new(name);
        return !parts[1] && !strchr(parts[0], ':');
    }
    return !parts[1] || parse_prefix(value, parts[1]);
}

static bool address_matches(const struct whyrst_record *record, enum whyrst_field field,
                            const struct filter_value *wanted)
{
    struct whyrst_value value;
    uint8_t address[16];
    unsigned bytes = wanted->prefix / 8;
    unsigned rest = wanted->prefix % 8;

    if (!whyrst_record_get(record, field, &value) ||
        inet_pton(wanted->family, value.string, address) != 1) {
        return false;
    }
    return memcmp(address, wanted->address, bytes) == 0 &&
           (rest == 0 || (address[bytes] ^ wanted->address[bytes]) >> (8 - rest) == 0);
}

static bool match_host(const struct whyrst_record *record, const struct filter_value *wanted)
{
    struct whyrst_value value;
    g_autofree char *name = NULL;

    if (wanted->family != AF_UNSPEC) {
        return address_matches(record, WHYRST_FIELD_CLIENT_IP, wanted) ||
               address_matches(record, WHYRST_FIELD_SERVER_IP, wanted);
    }
    if (!whyrst_record_get(record, WHYRST_FIELD_SNI, &value)) {
        return false;
    }
    name = g_ascii_strdown(value.string, -1);
    return g_pattern_spec_match_string(wanted->pattern, name);
}

/* Ports: a number or a range. */

static bool parse_port(struct filter_value *value)
{
    g_auto(GStrv) parts = g_strsplit(value->text, "-", 2);
    guint64 first, last;

    if (!g_ascii_string_to_unsigned(parts[0], 10, 0, G_MAXUINT16, &first, NULL)) {
        return false;
    }
    last = first;
    if (parts[1] && !g_ascii_string_to_unsigned(parts[1], 10, first, G_MAXUINT16, &last, NULL)) {
        return false;
    }
    value->first = (unsigned)first;
    value->last = (unsigned)last;
    return true;
}

static bool match_port(const struct whyrst_record *record, const struct filter_value *wanted)
{
    static const enum whyrst_field fields[] = {WHYRST_FIELD_CLIENT_PORT, WHYRST_FIELD_SERVER_PORT};
    struct whyrst_value value;

    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
        if (whyrst_record_get(record, fields[i], &value) && value.integer >= wanted->first &&
            value.integer <= wanted->last) {
            return true;
        }
    }
    return false;
}

/* One row per filter: @name gives the valid words, or @parse takes the value and @valid names it.
 */
static const struct {
    const char *option;
    const char *(*name)(unsigned i);
    bool (*parse)(struct filter_value *value);
    const char *valid;
    bool (*match)(const struct whyrst_record *record, const struct filter_value *wanted);
} filters[FILTER_COUNT] = {
    [FILTER_ORIGIN] = {"--origin", origin_name, NULL, NULL, match_origin},
    [FILTER_CAUSE] = {"--cause", cause_name, NULL, NULL, match_cause},
    [FILTER_SENDER] = {"--sender", sender_name, NULL, NULL, match_sender},
    [FILTER_JA4] = {"--ja4", NULL, parse_pattern, "a fingerprint, or a pattern such as t13d*",
                    match_ja4},
    [FILTER_HOST] =
        {"--host", NULL, parse_host,
         "an IPv4 or IPv6 address, a network such as 10.0.0.0/8, or a server name (SNI)",
         match_host},
    [FILTER_PORT] = {"--port", NULL, parse_port, "a port (443) or a range of ports (8000-8999)",
                     match_port},
};

static void value_free(gpointer data)
{
    struct filter_value *value = data;

    g_clear_pointer(&value->pattern, g_pattern_spec_free);
    g_free(value->text);
    g_free(value);
}

struct filter *filter_new(void)
{
    return g_new0(struct filter, 1);
}

void filter_free(struct filter *filter)
{
    for (unsigned i = 0; i < FILTER_COUNT; i++) {
        g_clear_pointer(&filter->values[i], g_ptr_array_unref);
    }
    g_free(filter);
}

static bool is_known_word(enum filter_id id, const char *text)
{
    const char *name;

    for (unsigned i = 0; (name = filters[id].name(i)); i++) {
        if (strcmp(name, text) == 0) {
            return true;
        }
    }
    return false;
}

static char *valid_words(enum filter_id id)
{
    GString *words = g_string_new("one of ");
    const char *name;

    for (unsigned i = 0; (name = filters[id].name(i)); i++) {
        g_string_append_printf(words, "%s%s", i ? ", " : "", name);
    }
    return g_string_free(words, FALSE);
}

static char *add_value(struct filter *filter, enum filter_id id, const char *text)
{
    struct filter_value *value = g_new0(struct filter_value, 1);

    value->text = g_strstrip(g_strdup(text));
    g_ptr_array_add(filter->values[id], value);
    if (!*value->text || (filters[id].name && !is_known_word(id, value->text)) ||
        (filters[id].parse && !filters[id].parse(value))) {
        g_autofree char *words = filters[id].name ? valid_words(id) : NULL;
        const char *valid = words ? words : filters[id].valid;

        return g_strdup_printf("%s: \"%s\" is not valid; it takes %s", filters[id].option, text,
                               valid);
    }
    return NULL;
}

char *filter_add(struct filter *filter, enum filter_id id, const char *values)
{
    g_auto(GStrv) parts = g_strsplit(values, ",", -1);
    char *message = NULL;

    if (!filter->values[id]) {
        filter->values[id] = g_ptr_array_new_with_free_func(value_free);
    }
    if (!parts[0]) {
        return add_value(filter, id, "");
    }
    for (char **part = parts; *part && !message; part++) {
        message = add_value(filter, id, *part);
    }
    return message;
}

bool filter_matches(const struct filter *filter, const struct whyrst_record *record)
{
    for (unsigned id = 0; id < FILTER_COUNT; id++) {
        const GPtrArray *values = filter->values[id];
        bool matches = !values;

        for (guint i = 0; values && i < values->len && !matches; i++) {
            matches = filters[id].match(record, g_ptr_array_index(values, i));
        }
        if (!matches) {
            return false;
        }
    }
    return true;
}
