/* SPDX-License-Identifier: GPL-2.0-or-later */
/** JA4, the TLS client fingerprint, by FoxIO's specification (technical_details/JA4.md). */
#ifndef OBSERVE_JA4_H
#define OBSERVE_JA4_H

#include <glib.h>

#include "bytes/names.h"
#include "observe/client_hello.h"

/** Length of a JA4: "t13d1516h2" + "_" + 12 + "_" + 12 digits. */
#define JA4_LENGTH 36

/** struct ja4_cache - what was hashed before, as struct ja4_form; never forgets, is bounded;
 *  @texts: where to number the JA4s, the owner's; may be NULL */
struct ja4_cache {
    GHashTable *entries;
    struct names *texts;
    uint64_t seed;
    uint64_t
        refused; /**< fingerprints not remembered, because the cache was full or they too long */
};

void ja4_cache_init(struct ja4_cache *cache);
void ja4_cache_clear(struct ja4_cache *cache);

/**
 * Writes the JA4 of @hello to @ja4, its number among the cache's texts to @number. Returns its raw
 * form (JA4_r, a GRefString), which lives as long as the cache, or NULL when it is not remembered
 * (limits.h: LIMIT_JA4_CACHE, LIMIT_JA4_RAW).
 */
char *ja4_of(struct ja4_cache *cache, const struct client_hello *hello, char ja4[JA4_LENGTH + 1],
             uint32_t *number);

#endif
