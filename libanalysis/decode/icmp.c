/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP errors quote the packet they are about (RFC 792, RFC 4443).
 *
 * The types are those that Wireshark opens far enough for the quoted TCP header to take a stream
 * number; a redirect is not one of them.
 */
#include "decode/packet.h"

/** The quoted packet follows the 8-byte header. */
static void decode_quote(struct packet *p, void (*decode)(struct packet *))
{
    if (packet_take(p, 8)) {
        p->quoted = true;
        decode(p);
    }
}

/** decode_icmp() - an ICMP message */
void decode_icmp(struct packet *p)
{
    struct cursor c = packet_peek(p, 2);

    switch (cursor_u8(&c)) {
    case 3: /* destination unreachable; code 4 asks for smaller packets */
        p->unreachable = cursor_u8(&c) != 4;
        decode_quote(p, decode_ip);
        break;
    case 4:  /* source quench */
    case 11: /* time exceeded */
    case 12: /* parameter problem */
        decode_quote(p, decode_ip);
        break;
    default:
        packet_stop(p, WHYRST_SKIP_NOT_TCP);
        break;
    }
}

/** decode_icmpv6() - an ICMPv6 message */
void decode_icmpv6(struct packet *p)
{
    struct cursor c = packet_peek(p, 1);

    switch (cursor_u8(&c)) {
    case 1: /* destination unreachable */
        p->unreachable = true;
        decode_quote(p, decode_ipv6);
        break;
    case 2: /* packet too big */
    case 3: /* time exceeded */
    case 4: /* parameter problem */
        decode_quote(p, decode_ipv6);
        break;
    default:
        packet_stop(p, WHYRST_SKIP_NOT_TCP);
        break;
    }
}
