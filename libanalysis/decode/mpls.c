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

/** Whether an Ethernet frame that we know how to read on begins @skip bytes from here. */
static bool looks_like_ethernet(const struct packet *p, size_t skip)
{
    struct cursor c = packet_peek(p, skip + 14);
    uint16_t type;

    (void)cursor_skip(&c, skip + 12);
    type = cursor_be16(&c);
    switch (type) {
    case 0x0800:
    case 0x0806:
    case 0x8100:
    case 0x86dd:
    case 0x8847:
    case 0x8864:
    case 0x88a8:
        return true;
    default:
        return !c.failed && type < 0x0600 && type + skip + 14 <= p->wire;
    }
}

static void decode_pseudowire(struct packet *p)
{
    struct cursor c = packet_peek(p, 1);
    uint8_t nibble = cursor_u8(&c) >> 4;

    if (nibble == CHANNEL_HEADER && !looks_like_ethernet(p, 0)) {
        packet_stop(p, WHYRST_SKIP_NOT_IP);
    } else if (nibble == 0 && !looks_like_ethernet(p, 0)) {
        if (packet_take(p, 4)) {
            decode_ethernet(p);
        }
    } else {
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
