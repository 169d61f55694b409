/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP errors quote the packet they are about (RFC 792, RFC 4443).
 *
 * The types are those that Wireshark opens far enough for the quoted TCP header to take a stream
 * number; a redirect is not one of them.
 */
#include <whyrst/decode.h>

#include "decode/packet.h"

/* Types of "destination unreachable". */
#define ICMP_UNREACHABLE   3
#define ICMPV6_UNREACHABLE 1

/** The quoted packet follows the 8-byte header. */
static void decode_quote(struct packet *p, void (*decode)(struct packet *))
{
    if (packet_take(p, 8)) {
        p->quoted = true;
        decode(p);
    }
}

/** Of a destination-unreachable by code (IPv4); the code that asks for smaller packets is none. */
static enum whyrst_unreachable unreachable(uint8_t code)
{
    static const uint8_t meanings[] = {
        WHYRST_UNREACHABLE_NETWORK,    /* 0: network */
        WHYRST_UNREACHABLE_HOST,       /* 1: host */
        WHYRST_UNREACHABLE_OTHER,      /* 2: protocol */
        WHYRST_UNREACHABLE_PORT,       /* 3: port */
        WHYRST_REACHABLE,              /* 4: fragmentation needed */
        WHYRST_UNREACHABLE_OTHER,      /* 5: source route failed */
        WHYRST_UNREACHABLE_NETWORK,    /* 6: network unknown */
        WHYRST_UNREACHABLE_HOST,       /* 7: host unknown */
        WHYRST_UNREACHABLE_OTHER,      /* 8: source isolated */
        WHYRST_UNREACHABLE_PROHIBITED, /* 9: network prohibited */
        WHYRST_UNREACHABLE_PROHIBITED, /* 10: host prohibited */
        WHYRST_UNREACHABLE_NETWORK,    /* 11: network, for this type of service */
        WHYRST_UNREACHABLE_HOST,       /* 12: host, for this type of service */
        WHYRST_UNREACHABLE_PROHIBITED, /* 13: communication prohibited */
        WHYRST_UNREACHABLE_PROHIBITED, /* 14: host precedence violation */
        WHYRST_UNREACHABLE_PROHIBITED, /* 15: precedence cutoff */
    };

    return code < sizeof meanings ? (enum whyrst_unreachable)meanings[code]
                                  : WHYRST_UNREACHABLE_OTHER;
}

/** The same of ICMPv6. */
static enum whyrst_unreachable unreachable6(uint8_t code)
{
    static const uint8_t meanings[] = {
        WHYRST_UNREACHABLE_NETWORK,    /* 0: no route */
        WHYRST_UNREACHABLE_PROHIBITED, /* 1: prohibited */
        WHYRST_UNREACHABLE_OTHER,      /* 2: beyond the scope of the source address */
        WHYRST_UNREACHABLE_HOST,       /* 3: address */
        WHYRST_UNREACHABLE_PORT,       /* 4: port */
        WHYRST_UNREACHABLE_PROHIBITED, /* 5: source address failed a policy */
        WHYRST_UNREACHABLE_PROHIBITED, /* 6: reject route */
    };

    return code < sizeof meanings ? (enum whyrst_unreachable)meanings[code]
                                  : WHYRST_UNREACHABLE_OTHER;
}

enum whyrst_unreachable whyrst_decode_unreachable(unsigned ip_version, uint8_t type, uint8_t code)
{
    if (ip_version == 4) {
        return type == ICMP_UNREACHABLE ? unreachable(code) : WHYRST_REACHABLE;
    }
    return type == ICMPV6_UNREACHABLE ? unreachable6(code) : WHYRST_REACHABLE;
}

/** decode_icmp() - an ICMP message */
void decode_icmp(struct packet *p)
{
    struct cursor c = packet_peek(p, 2);
    uint8_t type = cursor_u8(&c);

    switch (type) {
    case ICMP_UNREACHABLE:
    case 4:  /* source quench */
    case 11: /* time exceeded */
    case 12: /* parameter problem */
        p->unreachable = (uint8_t)whyrst_decode_unreachable(4, type, cursor_u8(&c));
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
    struct cursor c = packet_peek(p, 2);
    uint8_t type = cursor_u8(&c);

    switch (type) {
    case ICMPV6_UNREACHABLE:
    case 2: /* packet too big */
    case 3: /* time exceeded */
    case 4: /* parameter problem */
        p->unreachable = (uint8_t)whyrst_decode_unreachable(6, type, cursor_u8(&c));
        decode_quote(p, decode_ipv6);
        break;
    default:
        packet_stop(p, WHYRST_SKIP_NOT_TCP);
        break;
    }
}
