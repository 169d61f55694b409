/* SPDX-License-Identifier: GPL-2.0-or-later */
/** What the parts of whyrst-generate share: a capture to write to, and ClientHellos. */
#ifndef GENERATE_H
#define GENERATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** struct random - a sequence that depends on its seed alone (splitmix64) */
struct random {
    uint64_t state;
};

static inline uint64_t random_next(struct random *random)
{
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/** A number below @n, by multiplication: quicker than %, and even enough. */
static inline uint32_t random_below(struct random *random, uint32_t n)
{
    return (uint32_t)((random_next(random) >> 32) * n >> 32);
}

/** struct output - a capture file under way */
struct output {
    FILE *file;
    bool pcapng;
    uint64_t packets;
    uint64_t bytes;
};

/** Opens @path ("-" = standard output) and writes the file header; false when it cannot. */
bool output_open(struct output *output, const char *path, bool pcapng);
/** One Ethernet frame of @length bytes, captured whole. */
void output_frame(struct output *output, int64_t time_ns, const uint8_t *frame, size_t length);
/** Writes what is buffered; false when anything could not be written. */
bool output_close(struct output *output);

#define HELLO_STYLES 4u
#define HELLO_MAX    2048u

/** Makes the ClientHellos' templates. */
void hello_prepare(void);
/** The TLS record with the ClientHello of client number @number in one of the styles; its length.
 *  @into has room for HELLO_MAX. */
size_t hello_make(uint8_t *into, unsigned style, uint64_t number);

#endif
