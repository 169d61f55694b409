/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Sequence numbers compare modulo 2^32 (RFC 9293 section 3.4). */
#ifndef BYTES_SEQ_H
#define BYTES_SEQ_H

#include <stdbool.h>
#include <stdint.h>

/** Distance from @from to @to: negative when @to is older. */
static inline int32_t seq_diff(uint32_t to, uint32_t from)
{
    return (int32_t)(to - from);
}

static inline bool seq_before(uint32_t a, uint32_t b)
{
    return seq_diff(a, b) < 0;
}

static inline bool seq_after(uint32_t a, uint32_t b)
{
    return seq_diff(a, b) > 0;
}

static inline uint32_t seq_max(uint32_t a, uint32_t b)
{
    return seq_after(a, b) ? a : b;
}

#endif
