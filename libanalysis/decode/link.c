/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Link types whose header is a few fixed bytes, or that have none
 * (https://www.tcpdump.org/linktypes.html).
 */
#include "decode/packet.h"

/* Address families by their value on the system that captured: IPv6 differs. */
#define FAMILY_IPV4         2
#define FAMILY_IPV6_LINUX   10
#define FAMILY_IPV6_WINDOWS 23
#define FAMILY_IPV6_BSD     24 /* NetBSD, OpenBSD */
#define FAMILY_IPV6_FREEBSD 28
#define FAMILY_IPV6_DARWIN  30

/* Below, an EtherType field is a length (IEEE 802.3). */
#define ETHERTYPE_MIN 0x0600

/* Values of the protocol field of Linux cooked captures that are no EtherType. */
#define SLL_LLC 0x0004

/* Hardware type of linux/if_arp.h that says what follows a cooked header; else the protocol does.
 */
#define ARPHRD_RADIOTAP 803

/* PPP in HDLC framing begins with these address and control bytes (RFC 1662). */
#define PPP_FRAMING 0xff03

static void decode_family(struct packet *p, uint32_t family)
{
    switch (family) {
    case FAMILY_IPV4:
        decode_ipv4(p);
        break;
    case FAMILY_IPV6_LINUX:
    case FAMILY_IPV6_WINDOWS:
    case FAMILY_IPV6_BSD:
    case FAMILY_IPV6_FREEBSD:
    case FAMILY_IPV6_DARWIN:
        decode_ipv6(p);
        break;
    default:
        if (family >= ETHERTYPE_MIN && family <= UINT16_MAX) {
            decode_ethertype(p, (uint16_t)family);
        } else {
            packet_stop(p, WHYRST_SKIP_NOT_IP);
        }
        break;
    }
}

/** A 32-bit family in the byte order of the system that captured: small numbers tell which. */
static uint32_t either_order(uint32_t family)
{
    return family & 0xffff0000 ? __builtin_bswap32(family) : family;
}

/** The 16-bit value that the next two bytes would be. */
static uint16_t ahead(const struct packet *p, size_t offset)
{
    struct cursor c = packet_peek(p, offset + 2);

    (void)cursor_skip(&c, offset);
    return cursor_be16(&c);
}

/** decode_null() - BSD loopback: a family in host (LINKTYPE_NULL) or network order (_LOOP) */
void decode_null(struct packet *p)
{
    struct cursor c;

    if (ahead(p, 0) == PPP_FRAMING) {
        decode_ppp(p);
        return;
    }
    c = packet_header(p, 4);
    if (!c.failed) {
        decode_family(p, either_order(cursor_be32(&c)));
    }
}

/**
 * decode_raw() - an IP packet without link header
 *
 * Linux PPP and ISDN drivers of old put PPP framing, or ten zeros, before it; Wireshark, too, looks
 * for these.
 */
void decode_raw(struct packet *p)
{
    static const size_t framings[] = {0, 6, 1};
    struct cursor c = packet_peek(p, 1);
    uint8_t version = cursor_u8(&c) >> 4;

    if (version == 4 || version == 6) {
        decode_ip(p);
        return;
    }
    for (size_t i = 0; i < sizeof framings / sizeof framings[0]; i++) {
        if (ahead(p, framings[i]) == PPP_FRAMING) {
            (void)packet_take(p, framings[i]);
            decode_ppp(p);
            return;
        }
    }
    c = packet_peek(p, 10);
    if (cursor_be64(&c) == 0 && cursor_be16(&c) == 0 && packet_take(p, 10)) {
        decode_ip(p);
    }
}

static void decode_cooked(struct packet *p, uint16_t hardware, uint16_t protocol)
{
    if (hardware == ARPHRD_RADIOTAP) {
        decode_radiotap(p);
    } else if (protocol == SLL_LLC) {
        decode_llc(p);
    } else {
        decode_ethertype(p, protocol);
    }
}

/** decode_sll() - Linux cooked capture */
void decode_sll(struct packet *p)
{
    struct cursor c = packet_header(p, 16);
    uint16_t hardware;

    (void)cursor_skip(&c, 2); /* packet type */
    hardware = cursor_be16(&c);
    (void)cursor_skip(&c, 10); /* address */
    if (!c.failed) {
        decode_cooked(p, hardware, cursor_be16(&c));
    }
}

/** decode_sll2() - Linux cooked capture, version 2 */
void decode_sll2(struct packet *p)
{
    struct cursor c = packet_header(p, 20);
    uint16_t protocol = cursor_be16(&c);

    (void)cursor_skip(&c, 6); /* reserved, interface index */
    if (!c.failed) {
        decode_cooked(p, cursor_be16(&c), protocol);
    }
}

/** decode_enc() - OpenBSD's view into IPsec: family, SPI, flags */
void decode_enc(struct packet *p)
{
    struct cursor c = packet_header(p, 12);

    if (!c.failed) {
        decode_family(p, either_order(cursor_be32(&c)));
    }
}

/** decode_pflog() - OpenBSD's packet filter log: a header of its own length, rounded up to 4 */
void decode_pflog(struct packet *p)
{
    struct cursor c = packet_peek(p, 2);
    size_t length = (cursor_u8(&c) + 3u) & ~3u;
    uint8_t family = cursor_u8(&c);

    if (packet_take(p, length)) {
        decode_family(p, family);
    }
}

/** The value of an NFLOG attribute's 16-bit field, whose byte order the capture does not tell. */
static uint16_t nflog_u16(struct cursor *c, bool big)
{
    uint16_t value = cursor_be16(c);

    return big ? value : __builtin_bswap16(value);
}

/** Walks the attributes to the packet; false when they do not add up in this byte order. */
static bool nflog_packet(struct packet *p, bool big)
{
    const uint16_t payload = 9; /* NFULA_PAYLOAD of linux/netfilter/nfnetlink_log.h */
    struct packet rest = *p;

    while (packet_left(&rest) >= 4) {
        struct cursor c = packet_header(&rest, 4);
        uint16_t length = nflog_u16(&c, big);
        uint16_t type = nflog_u16(&c, big);

        if (length < 4) {
            return false;
        }
        if (type == payload) {
            packet_bound(&rest, length - 4);
            p->c = rest.c;
            p->wire = rest.wire;
            return true;
        }
        if (!packet_take(&rest, ((length + 3u) & ~3u) - 4)) {
            return false;
        }
    }
    return false;
}

/** decode_nflog() - Linux netfilter log: family, then attributes, one of which is the packet */
void decode_nflog(struct packet *p)
{
    struct cursor c = packet_header(p, 4);

    if (c.failed) {
        return;
    }
    if (nflog_packet(p, false) || nflog_packet(p, true)) {
        decode_ip(p);
    } else {
        packet_stop(p, WHYRST_SKIP_NOT_IP);
    }
}

/** decode_token_ring() - IEEE 802.5: access and frame control, addresses, perhaps a route */
void decode_token_ring(struct packet *p)
{
    struct cursor c = packet_header(p, 14);
    uint8_t control, source;

    (void)cursor_skip(&c, 1);
    control = cursor_u8(&c);
    (void)cursor_skip(&c, 6);
    source = cursor_u8(&c);
    if (c.failed || (control & 0xc0) != 0x40) {
        return;
    }
    if (source & 0x80) { /* routing information present; its length is in the low five bits */
        c = packet_peek(p, 1);
        if (!packet_take(p, cursor_u8(&c) & 0x1f)) {
            return;
        }
    }
    decode_llc(p);
}

/** decode_fddi() - ANSI X3.139: frame control, addresses */
void decode_fddi(struct packet *p)
{
    struct cursor c = packet_header(p, 13);

    if ((cursor_u8(&c) & 0xf0) == 0x50) { /* LLC, asynchronous */
        decode_llc(p);
    }
}

/** decode_ip_over_fc() - RFC 2625: two 8-byte addresses, then LLC */
void decode_ip_over_fc(struct packet *p)
{
    if (packet_take(p, 16)) {
        decode_llc(p);
    }
}

/** decode_ip_over_1394() - Apple's: two 8-byte addresses, then an EtherType */
void decode_ip_over_1394(struct packet *p)
{
    struct cursor c = packet_header(p, 18);

    if (cursor_skip(&c, 16)) {
        decode_ethertype(p, cursor_be16(&c));
    }
}

/** decode_sunatm() - SunATM: flags, VPI, VCI; of interest with LLC encapsulation only */
void decode_sunatm(struct packet *p)
{
    struct cursor c = packet_header(p, 4);
    const uint8_t llc = 2;

    if ((cursor_u8(&c) & 0x0f) == llc) {
        decode_llc(p);
    }
}

/** decode_ipoib() - RFC 4391: a global routing header, then an EtherType and two reserved bytes */
void decode_ipoib(struct packet *p)
{
    struct cursor c = packet_header(p, 44);

    if (cursor_skip(&c, 40)) {
        decode_ethertype(p, cursor_be16(&c));
    }
}
