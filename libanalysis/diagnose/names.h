/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Texts (server names, JA4s) as small numbers, so that keys have a fixed size. */
#ifndef DIAGNOSE_NAMES_H
#define DIAGNOSE_NAMES_H

#include <stdint.h>

#include <glib.h>

/** struct name_slot - a text, its number, 0 = free, and half of its hash */
struct name_slot {
    const char *text;
    uint32_t number;
    uint32_t tag;
};

/**
 * struct names - number 0 stands for no text, and for those beyond LIMIT_NAMES (@refused)
 * @slots: an open hash table of @size, at most half of them used
 */
struct names {
    struct name_slot *slots;
    uint32_t size;
    GPtrArray *texts;
    uint64_t refused;
};

void names_init(struct names *names);
void names_clear(struct names *names);
/** The number of @text (NULL or "": 0), given when it is new. */
uint32_t names_number(struct names *names, const char *text);
/** The text of @number, NULL of 0. */
const char *names_text(const struct names *names, uint32_t number);

#endif
