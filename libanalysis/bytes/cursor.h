/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * A bounds-checked reader over borrowed bytes.
 *
 * Reading past the end yields zeros and sets @failed for good, so that a parser may read a whole
 * structure and check once. No other code of the library indexes wire bytes.
 */
#ifndef BYTES_CURSOR_H
#define BYTES_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

static inline struct cursor cursor_make(const uint8_t *data, size_t length)
{
    return (struct cursor){.at = data, .end = length ? data + length : data, .failed = false};
}

static inline size_t cursor_left(const struct cursor *c)
{
    return (size_t)(c->end - c->at);
}

/** Takes @n bytes: their address, or NULL (and failed) when fewer are left. */
static inline const uint8_t *cursor_take(struct cursor *c, size_t n)
{
    const uint8_t *p = c->at;

    if (c->failed || cursor_left(c) < n) {
        c->failed = true;
        return NULL;
    }
    c->at = n ? p + n : p;
    return p;
}

static inline bool cursor_skip(struct cursor *c, size_t n)
{
    (void)cursor_take(c, n);
    return !c->failed;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 1);

    return p ? p[0] : 0;
}

static inline uint16_t cursor_be16(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 2);

    return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

static inline uint32_t cursor_be24(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 3);

    return p ? (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2] : 0;
}

static inline uint32_t cursor_be32(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 4);

    return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

static inline uint64_t cursor_be64(struct cursor *c)
{
    uint64_t high = cursor_be32(c);

    return high << 32 | cursor_be32(c);
}

/** A cursor over the next @n bytes, which this one skips; failed when fewer are left. */
static inline struct cursor cursor_sub(struct cursor *c, size_t n)
{
    const uint8_t *p = cursor_take(c, n);
    struct cursor sub = cursor_make(p, p ? n : 0);

    sub.failed = !p;
    return sub;
}

#endif
