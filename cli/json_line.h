/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * One line of NDJSON, member by member, as report/ndjson.c writes it.
 *
 * Works within the line's own bytes: keys and values are ended by NULs put into it.
 */
#ifndef CLI_JSON_LINE_H
#define CLI_JSON_LINE_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct json_line - an object under way
 * @at:   the next byte to read; NULL after the object's end or a mistake
 * @bad:  the line is no object as ndjson.c writes it
 */
struct json_line {
    char *at;
    bool bad;
};

/**
 * struct json_member - one of its members
 * @value: of a string, its text: quotes and backslashes bare, control characters still as \uXXXX
 * (so that they harm no terminal); of a list or an object its JSON; else the number
 * @is_decimal: it is a number with a point
 */
struct json_member {
    const char *key;
    const char *value;
    size_t length;
    bool is_decimal;
};

/** Begins with @text, a line without its newline, NUL-terminated. */
void json_line_open(struct json_line *line, char *text);
/** The next member; false at the end, and when the line is @bad. */
bool json_line_next(struct json_line *line, struct json_member *member);

#endif
