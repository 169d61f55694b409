/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bytes/names.h"

#include <string.h>

#include "bytes/hash.h"
#include "limits.h"

#define FIRST_SIZE 64u
#define CHUNK      1024u

struct names *names_new(void)
{
    struct names *names = g_atomic_rc_box_new0(struct names);

    names->chunk = g_string_chunk_new(CHUNK);
    return names;
}

struct names *names_ref(struct names *names)
{
    return g_atomic_rc_box_acquire(names);
}

static void clear(gpointer data)
{
    struct names *names = data;

    g_string_chunk_free(names->chunk);
    g_free(names->names);
    g_free(names->slots);
}

void names_unref(struct names *names)
{
    g_atomic_rc_box_release_full(names, clear);
}

uint64_t names_hash_text(const char *text)
{
    return text ? hash_bytes(text, strlen(text)) : hash_bytes("", 0);
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
    if (2 * (names->count + 1) <= names->size) {
        return;
    }
    names->size = MAX(FIRST_SIZE, 2 * names->size);
    names->names = g_renew(struct name, names->names, names->size / 2);
    g_free(names->slots);
    names->slots = g_new0(struct name_slot, names->size);
    for (uint32_t i = 0; i < names->count; i++) {
        const struct name *name = &names->names[i];

        put(names, slot_of(names, name->text, name->hash), name->hash, i + 1);
    }
}

uint32_t names_number(struct names *names, const char *text)
{
    return names_take(names, text, names_hash_text(text));
}

uint64_t names_seek(const struct names *names, const char *text)
{
    uint64_t hash = names_hash_text(text);

    if (names->size > 0) {
        __builtin_prefetch(&names->slots[(uint32_t)hash & (names->size - 1)]);
    }
    return hash;
}

void names_fetch(const struct names *names, uint64_t hash)
{
    if (names->size > 0) {
        __builtin_prefetch(names->slots[(uint32_t)hash & (names->size - 1)].text);
    }
}

uint32_t names_take(struct names *names, const char *text, uint64_t hash)
{
    uint32_t slot;

    if (!text || !text[0]) {
        return 0;
    }
    make_room(names);
    slot = slot_of(names, text, hash);
    if (names->slots[slot].number) {
        return names->slots[slot].number;
    }
    if (names->count >= LIMIT_NAMES) {
        return 0;
    }
    names->names[names->count++] =
        (struct name){.text = g_string_chunk_insert(names->chunk, text), .hash = hash};
    put(names, slot, hash, names->count);
    return names->count;
}

const char *names_text(const struct names *names, uint32_t number)
{
    return number ? names->names[number - 1].text : NULL;
}

uint64_t names_hash(const struct names *names, uint32_t number)
{
    return number ? names->names[number - 1].hash : names_hash_text(NULL);
}
