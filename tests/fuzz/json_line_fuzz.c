/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line that the process which writes databases gets from the sandboxed analysis. Keys and values
 * lie in the line, one after the other, and end in it; what is no object is called bad.
 */
#include <string.h>

#include <glib.h>

#include "fuzz.h"
#include "../../cli/json_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = g_strndup((const char *)data, size); /* to the first NUL, as lines have none */
    const char *end = text + strlen(text);
    const char *at = text;
    struct json_member member;
    struct json_line line;

    json_line_open(&line, text);
    while (json_line_next(&line, &member)) {
        require(member.key > at && member.value > member.key);
        require(strlen(member.key) < (size_t)(member.value - member.key));
        require(strlen(member.value) == member.length);
        at = member.value + member.length;
        require(at <= end);
    }
    require(line.at == NULL);
    require(!line.bad || !json_line_next(&line, &member));
    g_free(text);
    return 0;
}
