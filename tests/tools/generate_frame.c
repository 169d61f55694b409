/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ethernet frames. Checksums stay 0, as a capture on the sender sees them with offload. */
#include "generate.h"

#define IPV6_PREFIX "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0"

static uint32_t options_length(const struct frame_fields *f)
{
    if (f->flags & SYN) {
        return f->timestamps ? 20 : 8;
    }
    return f->timestamps && !(f->flags & RST) ? 12 : 0;
}

static void put_options(struct writer *w, const struct frame_fields *f)
{
    if (f->flags & SYN) {
        put32(w, 0x02040000u | MSS);
        if (f->timestamps) {
            put(w, "\x04\x02\x08\x0a", 4);
            put32(w, f->ms);
            put32(w, f->flags & ACK ? f->ms : 0);
        }
        put(w, "\x01\x03\x03\x07", 4);
    } else if (options_length(f)) {
        put(w, "\x01\x01\x08\x0a", 4);
        put32(w, f->ms);
        put32(w, f->ms - 1);
    }
}

static void put_ip(struct writer *w, const struct frame_fields *f, uint32_t length)
{
    if (f->ipv6) {
        put32(w, 0x60000000u | (f->address[0] & 0xfffff));
        put16(w, length);
        put8(w, 6);
        put8(w, f->ttl);
    } else {
        put16(w, 0x4500);
        put16(w, 20 + length);
        put16(w, f->id);
        put16(w, 0x4000);
        put8(w, f->ttl);
        put8(w, 6);
        put16(w, 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        put(w, IPV6_PREFIX, f->ipv6 ? 12 : 0);
        put32(w, f->address[i]);
    }
}

size_t frame_segment(uint8_t *frame, const struct frame_fields *f, const uint8_t *payload)
{
    struct writer w = {frame};
    uint32_t options = options_length(f);

    put(&w, "\x02\0\0\0\0\x01\x02\0\0\0\0\x02", 12);
    if (f->vlan) {
        put32(&w, 0x81000000u | 100);
    }
    put16(&w, f->ipv6 ? 0x86dd : 0x0800);
    put_ip(&w, f, 20 + options + f->length);
    put16(&w, f->port[0]);
    put16(&w, f->port[1]);
    put32(&w, f->seq);
    put32(&w, f->ack);
    put8(&w, (5 + options / 4) << 4);
    put8(&w, f->flags);
    put16(&w, f->window);
    put32(&w, 0);
    put_options(&w, f);
    if (f->length) {
        put(&w, payload, f->length);
    }
    return (size_t)(w.at - frame);
}

size_t frame_udp(uint8_t *frame, const uint8_t *payload, uint32_t length)
{
    struct writer w = {frame};

    put(&w, "\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0\x45\0", 16);
    put16(&w, 28 + length);
    put(&w, "\0\x01\x40\0\x40\x11\0\0\x0a\0\0\x01\x0a\0\0\x02", 16);
    put(&w, "\xc0\x01\x01\xbb", 4);
    put16(&w, 8 + length);
    put16(&w, 0);
    put(&w, payload, length);
    return (size_t)(w.at - frame);
}

size_t frame_arp(uint8_t *frame)
{
    struct writer w = {frame};

    memset(frame, 0, 60);
    put(&w, "\xff\xff\xff\xff\xff\xff\x02\0\0\0\0\x03\x08\x06\0\x01\x08\0\x06\x04\0\x01", 22);
    return 60;
}
