/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * Values as text: numbers, times, and strings that may have come from the wire.
 *
 * Numbers and times are formatted without printf, since millions of records may be written.
 */
#ifndef REPORT_TEXT_H
#define REPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <whyrst/record.h>

#include "bytes/strbuf.h"
#include "report/output.h"

/** Room for any value that the text_*() functions below put into a buffer, final NUL included. */
#define TEXT_MAX 40u

/** Writes @number in decimal; returns its length. The buffer holds TEXT_MAX bytes, as below. */
size_t text_integer(char *buffer, uint64_t number);
/** Writes @number in decimal with "," between groups of three digits. */
size_t text_grouped(char *buffer, uint64_t number);
/** Writes nanoseconds as exact decimal seconds with 0, 3, 6 or 9 digits: as many as it takes. */
size_t text_seconds(char *buffer, int64_t ns);
/** Writes a time as RFC 3339, UTC, with nine digits: "2026-05-19T08:15:02.118204511Z". */
size_t text_time(char *buffer, int64_t ns);
/** Writes an INTEGER, FRAME, DURATION or TIME value by one of the above. */
size_t text_value(char *buffer, const struct whyrst_value *value);

/** Characters that break terminals or tables may take this many bytes once escaped. */
#define TEXT_PIECE_MAX 8u

/**
 * Takes one character off @text and writes a harmless form of it into @piece (TEXT_PIECE_MAX
 * bytes); returns how many bytes that takes. Control characters and those that reorder or hide text
 * become \uXXXX, bytes that are no valid UTF-8 become U+FFFD. @columns (if not NULL) gets the width
 * on a terminal.
 */
size_t text_take(const char **text, char *piece, unsigned *columns);

/** How many of the @length bytes of @text, from its start, are printable ASCII other than quotes
 * and backslashes. */
size_t text_plain(const char *text, size_t length);

/** Writes a JSON string, quotes included; always valid UTF-8 without control characters. */
void text_json(struct output *out, const char *text);
/** Writes a value as JSON: text and times in quotes, lists in brackets. */
void text_json_value(struct output *out, const struct whyrst_value *value);

/** struct text_key - a JSON object's key with its punctuation, ready to copy: all of one size takes
 *  no loop */
struct text_key {
    char text[32];
    size_t length;
};

/** Of a literal, as initializer; TEXT_KEY_FITS() sees to it that it fits. */
#define TEXT_KEY(name)                                                                             \
    {                                                                                              \
        ",\"" name "\":", sizeof(",\"" name "\":") - 1                                             \
    }
#define TEXT_KEY_FITS(name)                                                                        \
    _Static_assert(sizeof(",\"" name "\":") <= sizeof((struct text_key *)0)->text, "a longer key")

/** Writes the key of an object's second or later member; its value follows. */
static inline void text_json_key(struct output *out, const struct text_key *key)
{
    memcpy(output_room(out, sizeof key->text), key->text, sizeof key->text);
    out->length += key->length;
}
/** Adds the harmless form of @text, cut to @columns with an ellipsis when longer; 0 is no limit. */
void text_safe(struct strbuf *s, const char *text, unsigned columns);
/** Writes a harmless @text, indented, in lines of at most @width columns, broken at spaces. */
void text_wrapped(struct output *out, const char *text, unsigned indent, unsigned width);
/** Width of a harmless @text on a terminal. */
unsigned text_columns(const char *text);

#endif
