/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Memory that is asked for before it is needed. */
#ifndef BYTES_PREFETCH_H
#define BYTES_PREFETCH_H

#include <stddef.h>

/** Asks for each cache line of @size bytes at @memory, which may be NULL. */
static inline void prefetch_all(const void *memory, size_t size)
{
    for (size_t at = 0; memory && at < size; at += 64) {
        __builtin_prefetch((const char *)memory + at);
    }
}

#endif
