/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GRE (RFC 2784, RFC 2890; version 1: PPTP, RFC 2637) and ERSPAN. */
#include "decode/packet.h"

#define HAS_CHECKSUM 0x8000
#define HAS_ROUTING  0x4000
#define HAS_KEY      0x2000
#define HAS_SEQUENCE 0x1000
#define HAS_ACK      0x0080 /* version 1 only */
#define VERSION      0x0007

#define GRE_ERSPAN  0x88be /* types I and II */
#define GRE_ERSPAN3 0x22eb
#define GRE_WCCP    0x883e

/* Aruba's access points: 802.11 in 16 types, by direction and traffic class. */
#define GRE_ARUBA      0x8200
#define GRE_ARUBA_MASK 0xfe8f

#define ERSPAN3_OPTIONAL 0x01 /* of the last byte: 8 more bytes follow */

/** ERSPAN type II has 8 bytes before the mirrored frame, type I (no sequence number) none. */
static void decode_erspan(struct packet *p, uint16_t flags)
{
    if (packet_take(p, flags & HAS_SEQUENCE ? 8 : 0)) {
        decode_ethernet(p);
    }
}

/** ERSPAN type III: 12 bytes, perhaps 8 more, before a mirrored Ethernet frame or IP packet. */
static void decode_erspan3(struct packet *p)
{
    struct cursor c = packet_header(p, 12);
    uint16_t last;

    (void)cursor_skip(&c, 10);
    last = cursor_be16(&c);
    if (c.failed || ((last & ERSPAN3_OPTIONAL) && !packet_take(p, 8))) {
        return;
    }
    if ((last >> 10 & 0x1f) == 2) { /* frame type: IP */
        decode_ip(p);
    } else {
        decode_ethernet(p);
    }
}

/** WCCP: version 2 puts a 4-byte header before the redirected packet, version 1 none. */
static void decode_wccp(struct packet *p)
{
    struct cursor c = packet_peek(p, 1);

    if (cursor_u8(&c) >> 4 == 4 || packet_take(p, 4)) {
        decode_ip(p);
    }
}

/** The source routes of RFC 1701, up to the one with length 0. */
static bool skip_routes(struct packet *p)
{
    for (;;) {
        struct cursor c = packet_header(p, 4);
        uint8_t length;

        (void)cursor_skip(&c, 3);
        length = cursor_u8(&c);
        if (c.failed || !packet_take(p, length)) {
            return false;
        }
        if (length == 0) {
            return true;
        }
    }
}

static size_t optional_bytes(uint16_t flags)
{
    size_t bytes = 0;

    bytes += flags & (HAS_CHECKSUM | HAS_ROUTING) ? 4 : 0;
    bytes += flags & HAS_KEY ? 4 : 0;
    bytes += flags & HAS_SEQUENCE ? 4 : 0;
    bytes += (flags & VERSION) == 1 && (flags & HAS_ACK) ? 4 : 0;
    return bytes;
}

/** decode_gre() - a GRE header */
void decode_gre(struct packet *p)
{
    struct cursor c = packet_header(p, 4);
    uint16_t flags = cursor_be16(&c);
    uint16_t protocol = cursor_be16(&c);

    if (c.failed || !packet_take(p, optional_bytes(flags)) ||
        ((flags & HAS_ROUTING) && !skip_routes(p))) {
        return;
    }
    switch (protocol) {
    case GRE_ERSPAN:
        decode_erspan(p, flags);
        break;
    case GRE_ERSPAN3:
        decode_erspan3(p);
        break;
    case GRE_WCCP:
        decode_wccp(p);
        break;
    default:
        if ((protocol & GRE_ARUBA_MASK) == GRE_ARUBA) {
            decode_wlan(p);
        } else if ((flags & VERSION) == 1) {
            decode_ppp(p);
        } else {
            decode_ethertype(p, protocol);
        }
        break;
    }
}
