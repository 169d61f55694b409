/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagnose/names.h"

#include <string.h>

#include "bytes/hash.h"
#include "diagnose/heavy.h"
#include "limits.h"

#define FIRST_SIZE 64u

void names_init(struct names *names)
{
    *names = (struct names){.texts = g_ptr_array_new_with_free_func(g_free)};
}

void names_clear(struct names *names)
{
    g_free(names->slots);
    g_ptr_array_unref(names->texts);
}

static uint64_t hash_of(const char *text)
{
    return hash_bytes(text, strlen(text));
}

/* The slot of @text, or the free one where it belongs. */
static uint32_t slot_of(const struct names *names, const char *text, uint64_t hash)
{
    uint32_t slot = (uint32_t)hash & (names->size - 1);

    while (names->slots[slot].number &&
           (names->slots[slot].tag != hash >> 32 || strcmp(names->slots[slot].text, text) != 0)) {
        slot = (slot + 1) & (names->size - 1);
    }
    return slot;
}

static void put(struct names *names, uint32_t slot, uint64_t hash, uint32_t number)
{
    names->slots[slot] = (struct name_slot){
        .text = names_text(names, number), .number = number, .tag = (uint32_t)(hash >> 32)};
}

/* Room for one more. */
static void make_room(struct names *names)
{
    if (2 * (names->texts->len + 1) <= names->size) {
        return;
    }
    names->size = MAX(FIRST_SIZE, 2 * names->size);
    g_free(names->slots);
    names->slots = g_new0(struct name_slot, names->size);
    for (guint i = 0; i < names->texts->len; i++) {
        const char *text = g_ptr_array_index(names->texts, i);
        uint64_t hash = hash_of(text);

        put(names, slot_of(names, text, hash), hash, i + 1);
    }
}

uint32_t names_number(struct names *names, const char *text)
{
    uint64_t hash;
    uint32_t slot;

    if (!text || !text[0]) {
        return 0;
    }
    make_room(names);
    hash = hash_of(text);
    slot = slot_of(names, text, hash);
    if (names->slots[slot].number) {
        return names->slots[slot].number;
    }
    if (names->texts->len >= LIMIT_NAMES) {
        names->refused++;
        return 0;
    }
    g_ptr_array_add(names->texts, g_strdup(text));
    put(names, slot, hash, names->texts->len);
    return names->texts->len;
}

const char *names_text(const struct names *names, uint32_t number)
{
    return number ? g_ptr_array_index(names->texts, number - 1) : NULL;
}
