/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bytes/strbuf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>

struct strbuf strbuf_make(char *buffer, size_t size)
{
    buffer[0] = '\0';
    return (struct strbuf){.text = buffer, .size = size};
}

static void add_bytes(struct strbuf *s, const char *bytes, size_t n)
{
    size_t room = s->size - 1 - s->length;

    if (s->truncated || n > room) {
        s->truncated = true;
        return;
    }
    memcpy(s->text + s->length, bytes, n);
    s->length += n;
    s->text[s->length] = '\0';
}

void strbuf_add_part(struct strbuf *s, const char *text, size_t length)
{
    size_t room = s->size - 1 - s->length;

    add_bytes(s, text, MIN(length, room));
    s->truncated |= length > room;
}

void strbuf_add(struct strbuf *s, const char *text)
{
    strbuf_add_part(s, text, strlen(text));
}

void strbuf_add_number(struct strbuf *s, int64_t number)
{
    char digits[20]; /* of 2^63, and the sign */
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0) {
        digits[--at] = '-';
    }
    strbuf_add_part(s, digits + at, sizeof digits - at);
}

void strbuf_add_char(struct strbuf *s, char c)
{
    add_bytes(s, &c, 1);
}

void strbuf_addf(struct strbuf *s, const char *format, ...)
{
    va_list args;
    size_t room = s->size - s->length;
    int n;

    if (s->truncated) {
        return;
    }
    va_start(args, format);
    n = vsnprintf(s->text + s->length, room, format, args);
    va_end(args);
    if (n < 0) {
        s->text[s->length] = '\0';
        return;
    }
    s->truncated = (size_t)n >= room;
    s->length += MIN((size_t)n, room - 1);
}

void strbuf_add_wire(struct strbuf *s, const uint8_t *bytes, size_t length)
{
    static const char replacement[] = "\xEF\xBF\xBD";
    size_t i = 0;

    while (i < length && !s->truncated) {
        const char *p = (const char *)bytes + i;
        gunichar c;
        size_t ascii = 0;

        while (i + ascii < length && bytes[i + ascii] > 0 && bytes[i + ascii] < 0x80) {
            ascii++;
        }
        if (ascii > 0) { /* nearly always all of it */
            strbuf_add_part(s, p, ascii);
            i += ascii;
            continue;
        }
        c = g_utf8_get_char_validated(p, (gssize)(length - i));
        if (c == (gunichar)-1 || c == (gunichar)-2 || bytes[i] == 0) {
            add_bytes(s, replacement, sizeof replacement - 1);
            i++;
        } else {
            size_t n = (size_t)(g_utf8_next_char(p) - p);

            add_bytes(s, p, n);
            i += n;
        }
    }
}
