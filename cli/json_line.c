/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "json_line.h"

#include <string.h>

void json_line_open(struct json_line *line, char *text)
{
    line->bad = *text != '{';
    line->at = line->bad ? NULL : text + 1;
}

static bool fail(struct json_line *line)
{
    line->at = NULL;
    line->bad = true;
    return false;
}

/* Takes the string whose opening quote has been read; it becomes its own text. */
static char *take_string(struct json_line *line, size_t *length)
{
    char *from = line->at, *to = from;
    char *text = from;

    while (*from != '"') {
        if (*from == '\0') {
            fail(line);
            return NULL;
        }
        if (*from == '\\' && (from[1] == '"' || from[1] == '\\')) {
            from++;
        }
        *to++ = *from++;
    }
    line->at = from + 1;
    *to = '\0';
    *length = (size_t)(to - text);
    return text;
}

/* The end of a list or object that begins at @text; NULL without one. */
static char *skip_nested(char *text)
{
    unsigned depth = 0;
    bool quoted = false;

    for (; *text; text++) {
        if (quoted && *text == '\\' && text[1]) {
            text++;
        } else if (quoted) {
            quoted = *text != '"';
        } else if (*text == '"') {
            quoted = true;
        } else if (*text == '[' || *text == '{') {
            depth++;
        } else if ((*text == ']' || *text == '}') && --depth == 0) {
            return text + 1;
        }
    }
    return NULL;
}

static bool take_value(struct json_line *line, struct json_member *member)
{
    char *text = line->at;
    char *end;
    char after;

    member->is_decimal = false;
    if (*text == '"') {
        line->at++;
        member->value = take_string(line, &member->length);
        if (!member->value) {
            return false;
        }
        after = *line->at++;
    } else {
        end = *text == '[' || *text == '{' ? skip_nested(text) : text + strcspn(text, ",}");
        if (!end || end == text) {
            return fail(line);
        }
        after = *end;
        *end = '\0';
        member->is_decimal = *text != '[' && *text != '{' && strchr(text, '.');
        member->value = text;
        member->length = (size_t)(end - text);
        line->at = end + 1;
    }
    if (after == '}') {
        line->bad = *line->at != '\0';
        line->at = NULL;
        return !line->bad;
    }
    return after == ',' || fail(line);
}

bool json_line_next(struct json_line *line, struct json_member *member)
{
    size_t length;

    if (!line->at) {
        return false;
    }
    if (*line->at++ != '"') {
        return fail(line);
    }
    member->key = take_string(line, &length);
    if (!member->key || *line->at++ != ':') {
        return fail(line);
    }
    return take_value(line, member);
}
