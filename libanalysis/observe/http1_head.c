/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of HTTP/1.x heads (RFC 9112 sections 2 to 7). A line's bytes end with its LF, unless cut.
 */
#include "observe/http1.h"

#include <string.h>

#include <glib.h>

#include "bytes/cursor.h"

enum field {
    FIELD_OTHER,
    FIELD_CONTENT_LENGTH,
    FIELD_TRANSFER_ENCODING,
    FIELD_EXPECT,
};

static const char *const method_names[] = {
    [HTTP1_METHOD_NONE] = "",
    [HTTP1_METHOD_OTHER] = "",
    [HTTP1_METHOD_HEAD] = "HEAD",
    [HTTP1_METHOD_CONNECT] = "CONNECT",
    [HTTP1_METHOD_KNOWN] = "GET",
    "POST",
    "PUT",
    "DELETE",
    "OPTIONS",
    "PATCH",
    "TRACE",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
    "REPORT",
    "SEARCH",
    "PURGE",
    "MKCALENDAR",
    "BIND",
    "REBIND",
    "UNBIND",
    "MERGE",
    "NOTIFY",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "M-SEARCH",
    "SOURCE",
};

/** struct text - borrowed characters */
struct text {
    const char *at;
    size_t length;
};

static bool text_is(struct text text, const char *word)
{
    return text.length == strlen(word) && g_ascii_strncasecmp(text.at, word, text.length) == 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct text trimmed(struct text text)
{
    while (text.length > 0 && is_blank(text.at[0])) {
        text.at++;
        text.length--;
    }
    while (text.length > 0 &&
           (is_blank(text.at[text.length - 1]) || text.at[text.length - 1] == '\r' ||
            text.at[text.length - 1] == '\n')) {
        text.length--;
    }
    return text;
}

/** The text before @separator, which is taken off @rest together with it. */
static struct text split(struct text *rest, char separator)
{
    const char *end = memchr(rest->at, separator, rest->length);
    struct text head = {rest->at, end ? (size_t)(end - rest->at) : rest->length};
    size_t taken = end ? head.length + 1 : head.length;

    rest->at += taken;
    rest->length -= taken;
    return head;
}

/** RFC 9110 section 5.6.2. */
static bool is_token_character(uint8_t c)
{
    return g_ascii_isalnum(c) || (c != 0 && strchr("!#$%&'*+-.^_`|~", c));
}

static uint8_t method_number(struct text name)
{
    for (uint8_t i = HTTP1_METHOD_HEAD; i < G_N_ELEMENTS(method_names); i++) {
        if (name.length == strlen(method_names[i]) &&
            memcmp(name.at, method_names[i], name.length) == 0) {
            return i;
        }
    }
    return HTTP1_METHOD_OTHER;
}

const char *http1_method_name(uint8_t method)
{
    return method < G_N_ELEMENTS(method_names) ? method_names[method] : "";
}

/** Length of the method before its space; 0: none (yet), then @more says whether one may come. */
static size_t method_length(const uint8_t *bytes, size_t length, bool *more)
{
    struct cursor c = cursor_make(bytes, length);

    *more = false;
    for (size_t n = 0; cursor_left(&c) > 0; n++) {
        uint8_t byte = cursor_u8(&c);

        if (byte == ' ') {
            return n;
        }
        if (!is_token_character(byte) || n >= HTTP1_METHOD_MAX) {
            return 0;
        }
    }
    *more = true;
    return 0;
}

/** RFC 9112 section 3.2: origin, absolute and asterisk form; CONNECT has the authority form. */
static bool is_target_start(uint8_t method, uint8_t first)
{
    if (method == HTTP1_METHOD_CONNECT) {
        return g_ascii_isalnum(first) || first == '[';
    }
    return first == '/' || first == '*' || first == 'h' || first == 'H';
}

/** Whether a line that has its end names HTTP/1.x as its version. */
static bool has_version(struct text line)
{
    static const char version[] = "HTTP/1.";
    size_t n = sizeof version - 1;
    struct text t = trimmed(line);

    return t.length > n + 2 && t.at[t.length - n - 2] == ' ' &&
           memcmp(t.at + t.length - n - 1, version, n) == 0 && g_ascii_isdigit(t.at[t.length - 1]);
}

/** Whether a line holds bytes that no request line has, its line end apart. */
static bool has_control(struct text line)
{
    for (size_t i = 0; i < line.length; i++) {
        if (g_ascii_iscntrl(line.at[i]) && line.at[i] != '\r' && line.at[i] != '\n') {
            return true;
        }
    }
    return false;
}

enum http1_line http1_request_line(const uint8_t *bytes, size_t length)
{
    const uint8_t *end = length ? memchr(bytes, '\n', length) : NULL;
    struct text line = {(const char *)bytes, end ? (size_t)(end - bytes) + 1 : length};
    bool more;
    size_t method = method_length(bytes, length, &more);
    struct text name = {line.at, method};
    struct text rest = {line.at + method + 1, 0};
    enum http1_line result = HTTP1_LINE_PARTIAL;

    if (method == 0) {
        return more ? HTTP1_LINE_PARTIAL : HTTP1_LINE_NO;
    }
    rest.length = line.length - method - 1;
    if (rest.length > 0 && method_number(name) != HTTP1_METHOD_OTHER &&
        is_target_start(method_number(name), (uint8_t)rest.at[0])) {
        result = HTTP1_LINE_BEGUN;
    } else if (has_control(rest)) {
        return HTTP1_LINE_NO;
    }
    if (end) {
        result = has_version(rest) ? HTTP1_LINE_YES : HTTP1_LINE_NO;
    }
    return result;
}

const char *http1_read_target(const uint8_t *bytes, size_t length, size_t *target_length)
{
    struct text line = trimmed((struct text){(const char *)bytes, length});
    struct text target;

    split(&line, ' ');
    target = split(&line, ' ');
    *target_length = target.length;
    return target.at;
}

uint8_t http1_read_method(const uint8_t *bytes, size_t length, char other[HTTP1_METHOD_MAX + 1])
{
    bool more;
    struct text name = {(const char *)bytes, method_length(bytes, length, &more)};
    uint8_t number = method_number(name);

    if (number == HTTP1_METHOD_OTHER) {
        memcpy(other, name.at, name.length);
        other[name.length] = '\0';
    }
    return number;
}

unsigned http1_read_status(const uint8_t *bytes, size_t length)
{
    static const char version[] = "HTTP/1.";
    size_t n = sizeof version - 1;
    struct cursor c = cursor_make(bytes, length);
    const uint8_t *name = cursor_take(&c, n);
    uint8_t minor = cursor_u8(&c);
    uint8_t space = cursor_u8(&c);
    unsigned status = 0;

    if (!name || memcmp(name, version, n) != 0 || !g_ascii_isdigit(minor) || space != ' ') {
        return 0;
    }
    for (int i = 0; i < 3; i++) {
        uint8_t digit = cursor_u8(&c);

        if (!g_ascii_isdigit(digit)) {
            return 0;
        }
        status = status * 10 + (unsigned)(digit - '0');
    }
    return status >= 100 && !g_ascii_isdigit(cursor_u8(&c)) ? status : 0;
}

static bool read_number(struct text text, uint64_t *number)
{
    *number = 0;
    if (text.length == 0 || text.length > 18) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        if (!g_ascii_isdigit(text.at[i])) {
            return false;
        }
        *number = *number * 10 + (uint64_t)(text.at[i] - '0');
    }
    return true;
}

/** RFC 9112 section 6.3: a list of one and the same value is that value, anything else an error. */
static void read_content_length(struct http1_fields *fields, struct text value)
{
    do {
        uint64_t number;

        if (!read_number(trimmed(split(&value, ',')), &number) ||
            (fields->has_length && fields->length != number)) {
            fields->bad_length = true;
        }
        fields->has_length = true;
        fields->length = number;
    } while (value.length > 0);
}

/** RFC 9112 section 6.1: the last coding tells whether chunks end the message. */
static void read_transfer_encoding(struct http1_fields *fields, struct text value)
{
    do {
        struct text coding = trimmed(split(&value, ','));

        if (coding.length > 0) {
            fields->coded = true;
            fields->chunked = text_is(coding, "chunked");
        }
    } while (value.length > 0);
}

static uint8_t field_of(struct text name)
{
    if (text_is(name, "content-length")) {
        return FIELD_CONTENT_LENGTH;
    }
    if (text_is(name, "transfer-encoding")) {
        return FIELD_TRANSFER_ENCODING;
    }
    return text_is(name, "expect") ? FIELD_EXPECT : FIELD_OTHER;
}

void http1_read_field(struct http1_fields *fields, const uint8_t *bytes, size_t length)
{
    struct text value = {(const char *)bytes, length};

    /* A line that begins with a blank continues the last field (RFC 9112 section 5.2). */
    if (length == 0 || !is_blank(value.at[0])) {
        fields->last = field_of(trimmed(split(&value, ':')));
    }
    value = trimmed(value);
    switch (fields->last) {
    case FIELD_CONTENT_LENGTH:
        read_content_length(fields, value);
        break;
    case FIELD_TRANSFER_ENCODING:
        read_transfer_encoding(fields, value);
        break;
    case FIELD_EXPECT:
        fields->expects |= text_is(value, "100-continue");
        break;
    default:
        break;
    }
}

bool http1_read_chunk_size(const uint8_t *bytes, size_t length, uint64_t *size)
{
    struct text rest = {(const char *)bytes, length};
    /* Extensions after a semicolon say nothing about the size (RFC 9112 section 7.1.1). */
    struct text digits = trimmed(split(&rest, ';'));

    *size = 0;
    if (digits.length == 0 || digits.length > 15) {
        return false;
    }
    for (size_t i = 0; i < digits.length; i++) {
        int digit = g_ascii_xdigit_value(digits.at[i]);

        if (digit < 0) {
            return false;
        }
        *size = *size << 4 | (uint64_t)digit;
    }
    return true;
}

bool http1_is_empty_line(const uint8_t *bytes, size_t length)
{
    struct cursor c = cursor_make(bytes, length);
    uint8_t first = cursor_u8(&c);

    return first == '\n' || (first == '\r' && cursor_u8(&c) == '\n');
}
