/* SPDX-License-Identifier: GPL-2.0-or-later */
/** What all fuzz targets share. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/** The target: aborts when @data makes the library break a promise. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** An invariant; unlike assert() and g_assert() it cannot be compiled away. */
static inline void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

/** Touches every byte, so that a sanitizer sees those out of bounds. */
static inline uint32_t sum_bytes(const uint8_t *bytes, uint32_t length)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < length; i++) {
        sum = sum * 31 + bytes[i];
    }
    return sum;
}

#endif
