/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagnose/names.h"

#include <string.h>

#include "diagnose/heavy.h"
#include "limits.h"

static guint hash_text(gconstpointer text)
{
    return (guint)heavy_hash(text, strlen(text));
}

void names_init(struct names *names)
{
    *names = (struct names){.numbers = g_hash_table_new(hash_text, g_str_equal),
                            .texts = g_ptr_array_new_with_free_func(g_free)};
}

void names_clear(struct names *names)
{
    g_hash_table_unref(names->numbers);
    g_ptr_array_unref(names->texts);
}

uint32_t names_find(const struct names *names, const char *text)
{
    return text && text[0] ? GPOINTER_TO_UINT(g_hash_table_lookup(names->numbers, text)) : 0;
}

uint32_t names_number(struct names *names, const char *text)
{
    uint32_t number = names_find(names, text);
    char *copy;

    if (number || !text || !text[0]) {
        return number;
    }
    if (names->texts->len >= LIMIT_NAMES) {
        names->refused++;
        return 0;
    }
    copy = g_strdup(text);
    g_ptr_array_add(names->texts, copy);
    g_hash_table_insert(names->numbers, copy, GUINT_TO_POINTER(names->texts->len));
    return names->texts->len;
}

const char *names_text(const struct names *names, uint32_t number)
{
    return number ? g_ptr_array_index(names->texts, number - 1) : NULL;
}
