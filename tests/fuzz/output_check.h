/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * Strict readers of what the writers write, apart from any code of theirs: JSON by RFC 8259, CSV by
 * RFC 4180, text for terminals.
 */
#ifndef OUTPUT_CHECK_H
#define OUTPUT_CHECK_H

#include <string.h>

#include <glib.h>

#include "fuzz.h"

/** No control characters but line feeds, nothing that reorders text, and valid UTF-8. */
static inline void require_harmless(const char *text, size_t length)
{
    require(g_utf8_validate(text, (gssize)length, NULL));
    for (const char *p = text; p < text + length; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);

        require(c == '\n' || (c >= 0x20 && (c < 0x7f || c > 0x9f)));
        require((c < 0x202a || c > 0x202e) && (c < 0x2066 || c > 0x2069));
    }
}

/** Reads a JSON string at @p into @into (may be NULL); returns what follows it. */
static inline const char *json_string(const char *p, GString *into)
{
    require(*p++ == '"');
    while (*p != '"') {
        gunichar c;

        require((uint8_t)*p >= 0x20 && *p != 0x7f);
        if (*p != '\\') {
            c = g_utf8_get_char(p);
            p = g_utf8_next_char(p);
        } else if (p[1] == 'u') {
            c = 0;
            for (int i = 2; i < 6; i++) {
                require(g_ascii_isxdigit(p[i]));
                c = c << 4 | (gunichar)g_ascii_xdigit_value(p[i]);
            }
            p += 6;
        } else {
            require(p[1] == '"' || p[1] == '\\');
            c = (gunichar)p[1];
            p += 2;
        }
        if (into) {
            g_string_append_unichar(into, c);
        }
    }
    return p + 1;
}

static inline const char *json_digits(const char *p)
{
    require(g_ascii_isdigit(*p));
    while (g_ascii_isdigit(*p)) {
        p++;
    }
    return p;
}

static inline const char *json_number(const char *p)
{
    p += *p == '-';
    require(*p != '0' || !g_ascii_isdigit(p[1]));
    p = json_digits(p);
    return *p == '.' ? json_digits(p + 1) : p;
}

/** A value of what the writers use: objects, arrays, strings, numbers; nested at most @depth. */
static inline const char *json_value(const char *p, int depth)
{
    char close = *p == '{' ? '}' : ']';
    bool is_object = *p == '{';

    require(depth > 0);
    if (*p == '"') {
        return json_string(p, NULL);
    }
    if (*p != '{' && *p != '[') {
        return json_number(p);
    }
    for (p++; *p != close; p += *p == ',' && p[1] != close) {
        if (is_object) {
            p = json_string(p, NULL);
            require(*p++ == ':');
        }
        p = json_value(p, depth - 1);
        require(*p == ',' || *p == close);
        require(*p == close || p[1] != close);
    }
    return p + 1;
}

/** Lines, each of one JSON object; returns how many. */
static inline size_t require_ndjson(const GString *text)
{
    const char *p = text->str;
    size_t lines = 0;

    require_harmless(text->str, text->len);
    while (*p) {
        require(*p == '{');
        p = json_value(p, 3);
        require(*p++ == '\n');
        lines++;
    }
    require(p == text->str + text->len);
    return lines;
}

/** A CSV cell at @p; returns the character that ends it, which is "," or a line's end. */
static inline const char *csv_cell(const char *p)
{
    if (*p != '"') {
        p += strcspn(p, ",\"\r\n");
        require(*p == ',' || *p == '\r');
        return p;
    }
    for (p++; *p != '"' || p[1] == '"'; p += *p == '"' ? 2 : 1) {
        require((uint8_t)*p >= 0x20);
    }
    return p + 1;
}

/** Rows of equally many cells; returns how many. */
static inline size_t require_csv(const GString *text)
{
    const char *p = text->str;
    size_t columns = 0;
    size_t rows = 0;

    require(g_utf8_validate(text->str, (gssize)text->len, NULL));
    while (*p) {
        size_t cells = 1;

        for (p = csv_cell(p); *p == ','; cells++) {
            p = csv_cell(p + 1);
        }
        require(*p++ == '\r' && *p++ == '\n');
        require(rows == 0 || cells == columns);
        columns = cells;
        rows++;
    }
    require(p == text->str + text->len);
    return rows;
}

#endif
