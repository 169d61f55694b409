/* SPDX-License-Identifier: GPL-2.0-or-later */
/** A hash of bytes, not keyed: the same in every run. */
#ifndef BYTES_HASH_H
#define BYTES_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** Folds the product of two words, in which every bit reaches every other. */
static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t hash_bytes(const void *bytes, size_t length)
{
    const uint8_t *p = bytes;
    uint64_t hash = length;
    uint64_t words[2];

    for (; length >= sizeof words; p += sizeof words, length -= sizeof words) {
        memcpy(words, p, sizeof words);
        hash = hash_mix(words[0] ^ UINT64_C(0x9e3779b97f4a7c15),
                        words[1] ^ hash ^ UINT64_C(0xe7037ed1a0b428db));
    }
    memset(words, 0, sizeof words);
    if (length == sizeof words[0]) { /* many keys are a few words: no call */
        memcpy(words, p, sizeof words[0]);
    } else if (length > 0) {
        memcpy(words, p, length);
    }
    return hash_mix(words[0] ^ hash ^ UINT64_C(0xbf58476d1ce4e5b9),
                    words[1] ^ UINT64_C(0x94d049bb133111eb));
}

/** Of what has the hash @hash, and @more. */
static inline uint64_t hash_with(uint64_t hash, uint64_t more)
{
    return hash_mix(hash ^ UINT64_C(0xbf58476d1ce4e5b9), more ^ UINT64_C(0x94d049bb133111eb));
}

/** Of an address (IPv4: 4 bytes, then zeros) and what comes with it. Twice: of IPv4 addresses in a
 *  row, a single product is a row, too. */
static inline uint64_t hash_address(const uint8_t address[16], uint64_t more)
{
    uint64_t words[2];

    memcpy(words, address, sizeof words);
    return hash_with(hash_mix(words[0] ^ UINT64_C(0x9e3779b97f4a7c15),
                              words[1] ^ more ^ UINT64_C(0xe7037ed1a0b428db)),
                     words[0]);
}

#endif
