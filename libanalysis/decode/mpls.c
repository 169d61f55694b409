/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MPLS (RFC 3032) and what its label stack hides.
 *
 * Nothing in the stack says what follows. An IP version in the first four bits, with a length that
 * fits, is IP; otherwise it is an Ethernet frame of a pseudowire (RFC 4448), with or without a
 * control word before it.
 */
#include "decode/packet.h"

#define BOTTOM_OF_STACK 0x100u

#define CHANNEL_HEADER 1 /* first four bits of an associated channel's header (RFC 5586) */

/** Whether an IP header whose length field fits begins here. */
static bool looks_like_ip(const struct packet *p)
{
    struct cursor c = packet_peek(p, 6);
    uint32_t first = cursor_be32(&c);
    uint16_t next = cursor_be16(&c);
    uint32_t length = first & 0xffff;

    if (c.failed) {
        return false;
    }
    if (first >> 28 == 4) {
        return (first >> 24 & 0x0f) >= 5 && (length == 0 || (length >= 20 && length <= p->wire));
    }
    return first >> 28 == 6 && next + 40u <= p->wire;
}

/** The type or length of an Ethernet frame that would begin @skip bytes from here; 0 for none. */
static uint16_t type_ahead(const struct packet *p, size_t skip)
{
    struct cursor c = packet_peek(p, skip + 14);

    (void)cursor_skip(&c, skip + 12);
    return cursor_be16(&c);
}

static bool is_common_type(uint16_t type)
{
    return type == 0x0800 || type == 0x0806 || type == 0x8100 || type == 0x86dd || type == 0x8847 ||
           type == 0x8864 || type == 0x88a8;
}

/** Whether a control word, of which the first four bits are 0, comes before the frame. */
static bool has_control_word(const struct packet *p)
{
    struct cursor c = packet_peek(p, 1);
    uint16_t type = type_ahead(p, 0);
    const uint16_t shortest_llc = 3;

    if (cursor_u8(&c) >> 4 != 0 || is_common_type(type)) {
        return false;
    }
    return is_common_type(type_ahead(p, 4)) || type < shortest_llc || type + 14u > p->wire;
}

static void decode_pseudowire(struct packet *p)
{
    struct cursor c = packet_peek(p, 1);

    if (cursor_u8(&c) >> 4 == CHANNEL_HEADER && !is_common_type(type_ahead(p, 0))) {
        packet_stop(p, WHYRST_SKIP_NOT_IP);
    } else if (!has_control_word(p) || packet_take(p, 4)) {
        decode_ethernet(p);
    }
}

/** decode_mpls() - a label stack */
void decode_mpls(struct packet *p)
{
    struct cursor c;

    do {
        c = packet_header(p, 4);
        if (c.failed || !packet_enter(p)) {
            return;
        }
    } while (!(cursor_be32(&c) & BOTTOM_OF_STACK));
    if (looks_like_ip(p)) {
        decode_ip(p);
    } else {
        decode_pseudowire(p);
    }
}
