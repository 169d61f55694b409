/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Texts (server names, JA4s) as small numbers, so that keys have a fixed size. */
#ifndef BYTES_NAMES_H
#define BYTES_NAMES_H

#include <stdint.h>

#include <glib.h>

/** struct name - a text, of the chunk, and its hash */
struct name {
    const char *text;
    uint64_t hash;
};

/** struct name_slot - a text, its number, 0 = free, and half of its hash */
struct name_slot {
    const char *text;
    uint32_t number;
    uint32_t tag;
};

/**
 * struct names - number 0 stands for no text, and for those beyond LIMIT_NAMES
 * @slots: an open hash table of @size, at most half of them used
 * @names: @count of them, the first with number 1; there is memory for @size / 2
 * @chunk: their texts, close together: nearly each new connection compares one
 */
struct names {
    struct name_slot *slots;
    uint32_t size;
    uint32_t count;
    struct name *names;
    GStringChunk *chunk;
};

/** New ones, with one owner; another owner; and one less: the last frees them. Only one thread at a
 *  time may add to them, owners may be in several. */
struct names *names_new(void);
struct names *names_ref(struct names *names);
void names_unref(struct names *names);
/** The number of @text (NULL or "": 0), given when it is new and there is room. */
uint32_t names_number(struct names *names, const char *text);
/** The same in steps, so that memory may be on its way meanwhile: @text's hash, then what it is
 * most likely compared with, then the number. */
uint64_t names_seek(const struct names *names, const char *text);
void names_fetch(const struct names *names, uint64_t hash);
uint32_t names_take(struct names *names, const char *text, uint64_t hash);
/** The text of @number, NULL of 0. It lives as long as @names. */
const char *names_text(const struct names *names, uint32_t number);
/** The hash of @text, whether it has a number or not; NULL is the same as "". */
uint64_t names_hash_text(const char *text);
/** That of @number's text. */
uint64_t names_hash(const struct names *names, uint32_t number);

#endif
