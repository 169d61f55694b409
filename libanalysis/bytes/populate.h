/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Memory that is soon used from its beginning to its end. */
#ifndef BYTES_POPULATE_H
#define BYTES_POPULATE_H

#include <stddef.h>
#include <stdint.h>

#include <sys/mman.h>

#define POPULATE_STEP 65536u
#define POPULATE_PAGE 4096u

/**
 * Before the @length bytes at @at of a chunk of @size are used for the first time: where they reach
 * the next 64 kB, the kernel is asked for these as a whole, which takes half as long as a fault for
 * each page. A wish, that Linux grants since 5.14.
 */
static inline void populate_next(uint8_t *chunk, size_t size, size_t at, size_t length)
{
#ifdef MADV_POPULATE_WRITE
    size_t step = (at + length - 1) / POPULATE_STEP * POPULATE_STEP;
    size_t end = step + POPULATE_STEP < size ? step + POPULATE_STEP : size;
    uint8_t *first;

    if (size < POPULATE_STEP || at > step) {
        return;
    }
    first = chunk + step - (uintptr_t)(chunk + step) % POPULATE_PAGE;
    (void)madvise(first, (size_t)(chunk + end - first) / POPULATE_PAGE * POPULATE_PAGE,
                  MADV_POPULATE_WRITE);
#else
    (void)chunk, (void)size, (void)at, (void)length;
#endif
}

#endif
