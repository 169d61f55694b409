/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Times of connections, the latest of each list, bounded over all lists. */
#ifndef DIAGNOSE_MOMENTS_H
#define DIAGNOSE_MOMENTS_H

#include <stdbool.h>
#include <stdint.h>

/** What a RST's cause says of its sender. */
enum moment_kind { MOMENT_OTHER, MOMENT_EXIT, MOMENT_LOST };

/** struct moment - when a connection failed, or was accepted; of a RST, @origin: the phase that it
 *  hit, @age_ms: how long the connection had lasted by then; @mark: of a pair, what was asked: odd
 *  for the JA4 and name of a ClientHello that was reset or answered (@split: which takes several
 *  segments), even for a request in clear (struct observe_state), 0 = not known; of a server's
 *  RSTs, the client, few others have the same */
struct moment {
    int64_t time_ns;
    uint32_t age_ms;
    uint16_t mark;
    bool split : 1;
    uint8_t origin : 5;
    uint8_t kind : 2;
    bool failed : 1;
};

/**
 * struct moments - the latest ones of a list
 * @count: how many there were; @room: how many are kept in @items, a heap
 * @first: the first one: many lists have no other, and take no memory
 * @left:  what remains of LIMIT_MOMENTS
 */
struct moments {
    uint32_t count;
    uint32_t room;
    struct moment first;
    struct moment *items;
    uint32_t *left;
};

/** Adds a moment to a list of @most at most, a power of two; @moments->left must be set. */
void moments_add(struct moments *moments, uint32_t most, struct moment moment);
void moments_clear(struct moments *moments);
/** Adds those that @other has kept. */
void moments_merge(struct moments *moments, uint32_t most, const struct moments *other);
/** Those kept, in no order; @count gets how many. */
const struct moment *moments_kept(const struct moments *moments, uint32_t *count);
/** Those kept, in the order of time (g_free); @count gets how many. */
struct moment *moments_sorted(const struct moments *moments, uint32_t *count);

#endif
