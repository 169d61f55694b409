/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/text.h"

#include <string.h>

#include <glib.h>

#define NS_PER_SECOND INT64_C(1000000000)
#define REPLACEMENT   "\xEF\xBF\xBD" /* U+FFFD */
#define ELLIPSIS      "\xE2\x80\xA6" /* U+2026 */

/* Writes a number below 100 as two digits. */
static void put_pair(char *buffer, unsigned number)
{
    static const char pairs[] = "0001020304050607080910111213141516171819"
                                "2021222324252627282930313233343536373839"
                                "4041424344454647484950515253545556575859"
                                "6061626364656667686970717273747576777879"
                                "8081828384858687888990919293949596979899";

    memcpy(buffer, pairs + (size_t)number * 2, 2);
}

size_t text_integer(char *buffer, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    size_t length;

    if (number < 10) { /* most counts */
        buffer[0] = (char)('0' + number);
        buffer[1] = '\0';
        return 1;
    }
    while (number >= 100) {
        at -= 2;
        put_pair(digits + at, (unsigned)(number % 100));
        number /= 100;
    }
    if (number >= 10) {
        at -= 2;
        put_pair(digits + at, (unsigned)number);
    } else {
        digits[--at] = (char)('0' + number);
    }
    length = sizeof digits - at;
    memcpy(buffer, digits + at, length);
    buffer[length] = '\0';
    return length;
}

size_t text_grouped(char *buffer, uint64_t number)
{
    char digits[TEXT_MAX];
    size_t count = text_integer(digits, number);
    size_t length = 0;

    for (size_t i = 0; i < count; i++) {
        if (i && (count - i) % 3 == 0) {
            buffer[length++] = ',';
        }
        buffer[length++] = digits[i];
    }
    buffer[length] = '\0';
    return length;
}

/* Writes @number as exactly @count digits. */
static void put_digits(char *buffer, unsigned number, unsigned count)
{
    for (; count >= 2; number /= 100) {
        count -= 2;
        put_pair(buffer + count, number % 100);
    }
    if (count) {
        buffer[0] = (char)('0' + number % 10);
    }
}

size_t text_seconds(char *buffer, int64_t ns)
{
    uint64_t magnitude = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    unsigned fraction = (unsigned)(magnitude % (uint64_t)NS_PER_SECOND);
    unsigned digits = 9;
    size_t length = 0;

    if (ns < 0) {
        buffer[length++] = '-';
    }
    length += text_integer(buffer + length, magnitude / (uint64_t)NS_PER_SECOND);
    while (digits && fraction % 1000 == 0) {
        fraction /= 1000;
        digits -= 3;
    }
    if (digits) {
        buffer[length++] = '.';
        put_digits(buffer + length, fraction, digits);
        length += digits;
    }
    buffer[length] = '\0';
    return length;
}

/*
 * Year, month and day of a day counted from 1970-01-01, by counting in 400-year cycles of years
 * that begin in March, so that leap days come last.
 */
static void civil_date(int64_t day, unsigned *year, unsigned *month, unsigned *month_day)
{
    const int64_t shifted = day + 719468; /* days from 0000-03-01 to 1970-01-01 */
    const unsigned cycle = (unsigned)(shifted / 146097);
    const unsigned in_cycle = (unsigned)(shifted % 146097);
    const unsigned cycle_year =
        (in_cycle - in_cycle / 1460 + in_cycle / 36524 - in_cycle / 146096) / 365;
    const unsigned in_year = in_cycle - (365 * cycle_year + cycle_year / 4 - cycle_year / 100);
    const unsigned from_march = (5 * in_year + 2) / 153;

    *month_day = in_year - (153 * from_march + 2) / 5 + 1;
    *month = from_march < 10 ? from_march + 3 : from_march - 9;
    *year = cycle * 400 + cycle_year + (*month <= 2);
}

size_t text_time(char *buffer, int64_t ns)
{
    static const char pattern[] = "0000-00-00T00:00:00.000000000Z";
    int64_t seconds = ns / NS_PER_SECOND;
    int64_t fraction = ns % NS_PER_SECOND;
    int64_t day;
    unsigned year, month, month_day, of_day;

    if (fraction < 0) {
        fraction += NS_PER_SECOND;
        seconds--;
    }
    day = seconds / 86400;
    if (seconds % 86400 < 0) {
        day--;
    }
    of_day = (unsigned)(seconds - day * 86400);
    civil_date(day, &year, &month, &month_day);
    memcpy(buffer, pattern, sizeof pattern);
    put_digits(buffer, year, 4);
    put_digits(buffer + 5, month, 2);
    put_digits(buffer + 8, month_day, 2);
    put_digits(buffer + 11, of_day / 3600, 2);
    put_digits(buffer + 14, of_day / 60 % 60, 2);
    put_digits(buffer + 17, of_day % 60, 2);
    put_digits(buffer + 20, (unsigned)fraction, 9);
    return sizeof pattern - 1;
}

size_t text_value(char *buffer, const struct whyrst_value *value)
{
    switch (value->type) {
    case WHYRST_TYPE_DURATION:
        return text_seconds(buffer, value->time_ns);
    case WHYRST_TYPE_TIME:
        return text_time(buffer, value->time_ns);
    default:
        return text_integer(buffer, value->integer);
    }
}

/* Control characters, and those that reorder or hide the text around them. */
static bool is_harmful(gunichar c)
{
    static const struct {
        gunichar from, to;
    } ranges[] = {
        {0x00, 0x1f},     /* C0 controls */
        {0x7f, 0x9f},     /* DEL and C1 controls */
        {0x61c, 0x61c},   /* Arabic letter mark */
        {0x200b, 0x200f}, /* zero width, direction marks */
        {0x2028, 0x202e}, /* line and paragraph separators, direction overrides */
        {0x2060, 0x206f}, /* invisible operators, direction isolates */
        {0xfeff, 0xfeff}, /* byte order mark */
        {0xfff9, 0xfffb}, /* interlinear annotation */
    };

    for (size_t i = 0; i < G_N_ELEMENTS(ranges); i++) {
        if (c >= ranges[i].from && c <= ranges[i].to) {
            return true;
        }
    }
    return false;
}

static unsigned width_of(gunichar c)
{
    if (g_unichar_iszerowidth(c)) {
        return 0;
    }
    return g_unichar_iswide(c) ? 2 : 1;
}

static size_t put_escape(char *piece, gunichar c)
{
    static const char hex[] = "0123456789abcdef";

    memcpy(piece, "\\u", 2);
    for (unsigned i = 0; i < 4; i++) {
        piece[2 + i] = hex[c >> (12 - 4 * i) & 0xf];
    }
    return 6;
}

size_t text_take(const char **text, char *piece, unsigned *columns)
{
    const char *p = *text;
    unsigned ignored;
    unsigned *width = columns ? columns : &ignored;
    gunichar c = g_utf8_get_char_validated(p, -1);
    size_t length;

    *width = 1;
    if (c == (gunichar)-1 || c == (gunichar)-2) {
        *text = p + 1;
        memcpy(piece, REPLACEMENT, 3);
        return 3;
    }
    length = (size_t)(g_utf8_next_char(p) - p);
    *text = p + length;
    if (is_harmful(c)) {
        *width = 6;
        return put_escape(piece, c);
    }
    if (columns) {
        *columns = width_of(c);
    }
    memcpy(piece, p, length);
    return length;
}

static bool is_plain(char c)
{
    static const bool plain[256] = {
        [' ' ... '!'] = true,
        ['#' ... '['] = true,
        [']' ... '~'] = true,
    };

    return plain[(uint8_t)c];
}

/* Eight bytes at once: all strings that are written pass here. */
#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The high bit of each byte that is zero (a byte above one such may be marked as well). */
static uint64_t zero_bytes(uint64_t word)
{
    return (word - EACH(1)) & ~word & EACH(0x80);
}

/* The high bit of each byte that is no plain character, first in the lowest byte that has one. */
static uint64_t special_bytes(uint64_t word)
{
    uint64_t low = (word - EACH(' ')) & ~word; /* below a space */
    uint64_t high = word | (word + EACH(1));   /* DEL and above */

    return ((low | high) & EACH(0x80)) | zero_bytes(word ^ EACH('"')) |
           zero_bytes(word ^ EACH('\\'));
}

size_t text_plain(const char *text, size_t length)
{
    size_t at = 0;

    while (length - at >= 8) {
        uint64_t word;

        memcpy(&word, text + at, sizeof word);
        if (special_bytes(word)) {
            break;
        }
        at += 8;
    }
    while (at < length && is_plain(text[at])) {
        at++;
    }
    return at;
}

/* The usual case of text_json(), in one go: short and plain. Else false, and nothing done. */
static bool write_plain(struct output *out, const char *text, size_t length)
{
    char *to;

    if (length > 256) {
        return false;
    }
    to = output_room(out, 256 + 2);
    for (size_t at = 0; at + 8 <= length; at += 8) {
        uint64_t word;

        memcpy(&word, text + at, sizeof word);
        if (special_bytes(word)) {
            return false;
        }
        memcpy(to + 1 + at, &word, sizeof word);
    }
    for (size_t at = length & ~(size_t)7; at < length; at++) {
        if (!is_plain(text[at])) {
            return false;
        }
        to[1 + at] = text[at];
    }
    to[0] = to[1 + length] = '"';
    out->length += length + 2;
    return true;
}

void text_json(struct output *out, const char *text)
{
    size_t length = strlen(text);
    const char *end = text + length;

    if (write_plain(out, text, length)) {
        return;
    }
    output_char(out, '"');
    for (;;) {
        size_t plain = text_plain(text, (size_t)(end - text));
        char piece[TEXT_PIECE_MAX];

        output_bytes(out, text, plain);
        text += plain;
        if (*text == '\0') {
            break;
        }
        if (*text == '"' || *text == '\\') {
            output_char(out, '\\');
            output_char(out, *text++);
        } else {
            size_t piece_length = text_take(&text, piece, NULL);

            output_bytes(out, piece, piece_length);
        }
    }
    output_char(out, '"');
}

/* Shares, mostly: six decimals will do, unless the number is so small that none would be left. */
static size_t text_number(char *buffer, double number)
{
    double micros = number * 1e6;

    if (number != 0 && (micros < 1e3 || micros > 1e15)) {
        g_ascii_formatd(buffer, TEXT_MAX, "%.4g", number);
        return strlen(buffer);
    }
    return text_seconds(buffer, (int64_t)(micros + 0.5) * 1000);
}

void text_json_value(struct output *out, const struct whyrst_value *value)
{
    char text[TEXT_MAX];

    switch (value->type) {
    case WHYRST_TYPE_STRING:
    case WHYRST_TYPE_ADDRESS:
        text_json(out, value->string);
        return;
    case WHYRST_TYPE_STRINGS:
        for (size_t i = 0; i < value->count; i++) {
            output_char(out, i ? ',' : '[');
            text_json(out, value->strings[i]);
        }
        output_text(out, value->count ? "]" : "[]");
        return;
    case WHYRST_TYPE_NUMBERS:
        for (size_t i = 0; i < value->count; i++) {
            output_char(out, i ? ',' : '[');
            output_bytes(out, text, text_integer(text, value->numbers[i]));
        }
        output_text(out, value->count ? "]" : "[]");
        return;
    case WHYRST_TYPE_NUMBER:
        output_bytes(out, text, text_number(text, value->number));
        return;
    case WHYRST_TYPE_TIME:
        output_char(out, '"');
        output_bytes(out, text, text_value(text, value));
        output_char(out, '"');
        return;
    case WHYRST_TYPE_INTEGER:
    case WHYRST_TYPE_FRAME:
    case WHYRST_TYPE_DURATION:
        output_bytes(out, text, text_value(text, value));
        return;
    }
}

/* Whether @text takes more than @columns; looks no further than it must. */
static bool is_wider(const char *text, unsigned columns)
{
    unsigned sum = 0;

    while (*text) {
        char piece[TEXT_PIECE_MAX];
        unsigned width;

        text_take(&text, piece, &width);
        sum += width;
        if (sum > columns) {
            return true;
        }
    }
    return false;
}

void text_safe(struct strbuf *s, const char *text, unsigned columns)
{
    size_t plain = text_plain(text, strlen(text));
    bool cut = columns && is_wider(text, columns);
    unsigned room = cut ? columns - 1 : 0;

    if (text[plain] == '\0' && !cut) {
        strbuf_add(s, text);
        return;
    }
    while (*text) {
        char piece[TEXT_PIECE_MAX + 1];
        unsigned width;
        size_t length = text_take(&text, piece, &width);

        if (cut && width > room) {
            strbuf_add(s, ELLIPSIS);
            return;
        }
        room -= cut ? width : 0;
        piece[length] = '\0';
        strbuf_add(s, piece);
    }
}

unsigned text_columns(const char *text)
{
    unsigned sum = (unsigned)text_plain(text, strlen(text));

    for (text += sum; *text; text = g_utf8_next_char(text)) {
        sum += width_of(g_utf8_get_char(text));
    }
    return sum;
}

void text_wrapped(struct output *out, const char *text, unsigned indent, unsigned width)
{
    unsigned column = 0; /* 0: at the start of a line */

    while (*text) {
        size_t length = strcspn(text, " ");
        char *word = g_strndup(text, length);
        unsigned columns = text_columns(word);

        if (column && column + 1 + columns > width) {
            output_char(out, '\n');
            column = 0;
        }
        for (unsigned i = column ? 1 : indent; i > 0; i--) {
            output_char(out, ' ');
        }
        column = (column ? column + 1 : indent) + columns;
        output_text(out, word);
        g_free(word);
        text += length;
        text += strspn(text, " ");
    }
    output_char(out, '\n');
}
