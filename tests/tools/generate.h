/* SPDX-License-Identifier: GPL-2.0-or-later */
/** What the parts of whyrst-generate share: a capture to write to, and ClientHellos. */
#ifndef GENERATE_H
#define GENERATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

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

#define FIN 0x01u
#define SYN 0x02u
#define RST 0x04u
#define PSH 0x08u
#define ACK 0x10u

#define MSS       1460u
#define FRAME_MAX 2048u

/** struct writer - bytes appended to a frame */
struct writer {
    uint8_t *at;
};

static inline void put(struct writer *w, const void *data, size_t length)
{
    memcpy(w->at, data, length);
    w->at += length;
}

static inline void put8(struct writer *w, unsigned value)
{
    *w->at++ = (uint8_t)value;
}

static inline void put16(struct writer *w, uint32_t value)
{
    put8(w, value >> 8);
    put8(w, value);
}

static inline void put32(struct writer *w, uint32_t value)
{
    put16(w, value >> 16);
    put16(w, value);
}

/**
 * struct frame_fields - a TCP segment; of two, [0] is the source's
 * @id:      IPv4 identification
 * @address: IPv4 address, or the end of an IPv6 one
 * @ms:      what the timestamp option says
 * @length:  bytes of payload
 */
struct frame_fields {
    bool ipv6;
    bool vlan;
    bool timestamps;
    uint8_t ttl;
    uint8_t flags;
    uint16_t id;
    uint16_t window;
    uint16_t port[2];
    uint32_t address[2];
    uint32_t seq;
    uint32_t ack;
    uint32_t ms;
    uint32_t length;
};

/** Each makes an Ethernet frame in @frame, with room for FRAME_MAX, and returns its length. */
size_t frame_segment(uint8_t *frame, const struct frame_fields *f, const uint8_t *payload);
size_t frame_udp(uint8_t *frame, const uint8_t *payload, uint32_t length);
size_t frame_arp(uint8_t *frame);

#define HELLO_STYLES 4u
#define HELLO_MAX    2048u

/** Makes the ClientHellos' templates. */
void hello_prepare(void);
/** The TLS record with the ClientHello of client number @number in one of the styles; its length.
 *  @into has room for HELLO_MAX. */
size_t hello_make(uint8_t *into, unsigned style, uint64_t number);

#endif
