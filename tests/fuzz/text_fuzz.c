/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes from the wire as text: the first byte is the width of a column, the others are the bytes.
 * What comes out is valid UTF-8 without control characters in JSON, CSV and on terminals, and says
 * in JSON what went in.
 */
#include <string.h>

#include "bytes/strbuf.h"
#include "output_check.h"
#include "report/text.h"

static bool append(void *context, const char *data, size_t length)
{
    g_string_append_len(context, data, (gssize)length);
    return true;
}

/* What @write writes of @text. */
static GString *written(void (*write)(struct output *out, const char *text), const char *text)
{
    GString *string = g_string_new(NULL);
    struct output out;

    output_init(&out, append, string);
    write(&out, text);
    output_flush(&out);
    output_clear(&out);
    return string;
}

static void check_json(const char *text)
{
    GString *json = written(text_json, text);
    GString *back = g_string_new(NULL);

    require_harmless(json->str, json->len);
    require(*json_string(json->str, back) == '\0');
    require(!g_utf8_validate(text, -1, NULL) || strcmp(back->str, text) == 0);
    g_string_free(json, TRUE);
    g_string_free(back, TRUE);
}

static void check_safe(const char *text, unsigned columns)
{
    size_t room = strlen(text) * TEXT_PIECE_MAX + TEXT_PIECE_MAX;
    char *buffer = g_malloc(room);
    struct strbuf s = strbuf_make(buffer, room);

    text_safe(&s, text, columns);
    require(!s.truncated && strlen(buffer) == s.length);
    require_harmless(buffer, s.length);
    require(!strchr(buffer, '\n'));
    require(columns == 0 || text_columns(buffer) <= columns);
    g_free(buffer);
}

static void check_numbers(const uint8_t *bytes, size_t length)
{
    char text[TEXT_MAX];
    char grouped[TEXT_MAX];
    int64_t number = 0;

    memcpy(&number, bytes, MIN(length, sizeof number));
    require(text_integer(text, (uint64_t)number) == strlen(text));
    require(g_ascii_strtoull(text, NULL, 10) == (uint64_t)number);
    require(text_grouped(grouped, (uint64_t)number) == strlen(grouped));
    require(strlen(grouped) == strlen(text) + (strlen(text) - 1) / 3);
    require(text_seconds(text, number) == strlen(text));
    require(*json_number(text) == '\0');
    require(text_time(text, number) == 30 && strlen(text) == 30);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *raw;
    char wire[256];
    struct strbuf s = strbuf_make(wire, size ? 1u + data[0] : 1u);

    if (size < 1) {
        return 0;
    }
    raw =
        g_strndup((const char *)data + 1, size - 1); /* as a file's name: up to a NUL, any bytes */
    strbuf_add_wire(&s, data + 1, size - 1);
    require(strlen(wire) == s.length && s.length < s.size && g_utf8_validate(wire, -1, NULL));
    require(s.truncated || s.length >= size - 1);
    check_json(wire);
    check_json(raw);
    check_safe(wire, data[0]);
    check_safe(raw, data[0]);
    check_numbers(data + 1, size - 1);
    g_free(raw);
    return 0;
}
