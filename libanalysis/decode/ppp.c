/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PPP (RFC 1661), PPPoE (RFC 2516), Cisco HDLC, Frame Relay (RFC 2427). */
#include "decode/packet.h"

#define HDLC_ALL_STATIONS 0xff
#define HDLC_UI           0x03 /* unnumbered information */
#define CHDLC_UNICAST     0x0f
#define CHDLC_MULTICAST   0x8f

/* https://www.iana.org/assignments/ppp-numbers */
#define PPP_IPV4   0x0021
#define PPP_BRIDGE 0x0031 /* RFC 3518 */
#define PPP_IPV6   0x0057
#define PPP_MPLS   0x0281
#define PPP_MPLS_M 0x0283

/* ISO/IEC TR 9577 network layer protocol identifiers. */
#define NLPID_SNAP 0x80
#define NLPID_IPV6 0x8e
#define NLPID_IPV4 0xcc
#define NLPID_PPP  0xcf

/** An address of Q.922 goes on until a byte has its low bit set. */
#define ADDRESS_MAX 4

/** Bridged frames: flags, MAC type, then (Ethernet being type 1) the frame. */
static void decode_bridged(struct packet *p)
{
    struct cursor c = packet_header(p, 2);
    bool ethernet = cursor_skip(&c, 1) && cursor_u8(&c) == 1;

    if (ethernet) {
        decode_ethernet(p);
    }
}

/** decode_ppp_protocol() - a protocol number of one or two bytes, and what it announces */
void decode_ppp_protocol(struct packet *p)
{
    struct cursor c = packet_peek(p, 1);
    /* The last byte of a number is odd, all others even (RFC 1661 section 2). */
    bool short_form = cursor_u8(&c) & 1;
    uint16_t protocol;

    if (!packet_enter(p)) {
        return;
    }
    c = packet_header(p, short_form ? 1 : 2);
    protocol = short_form ? cursor_u8(&c) : cursor_be16(&c);
    switch (protocol) {
    case PPP_IPV4:
        decode_ipv4(p);
        break;
    case PPP_IPV6:
        decode_ipv6(p);
        break;
    case PPP_MPLS:
    case PPP_MPLS_M:
        decode_mpls(p);
        break;
    case PPP_BRIDGE:
        decode_bridged(p);
        break;
    default:
        if (!c.failed) {
            packet_stop(p, WHYRST_SKIP_NOT_IP);
        }
        break;
    }
}

/** decode_ppp() - PPP, in HDLC-like framing (RFC 1662) or without it; or Cisco HDLC */
void decode_ppp(struct packet *p)
{
    struct cursor c = packet_peek(p, 2);
    uint8_t address = cursor_u8(&c);
    uint8_t control = cursor_u8(&c);

    if (address == CHDLC_UNICAST || address == CHDLC_MULTICAST) {
        decode_chdlc(p);
        return;
    }
    if (address == HDLC_ALL_STATIONS) {
        (void)packet_take(p, control == HDLC_UI ? 2 : 1);
    }
    decode_ppp_protocol(p);
}

/** decode_ppp_with_direction() - a byte says who sent it */
void decode_ppp_with_direction(struct packet *p)
{
    if (packet_take(p, 1)) {
        decode_ppp(p);
    }
}

/** decode_pppoe() - a PPPoE session's header */
void decode_pppoe(struct packet *p)
{
    struct cursor c = packet_header(p, 6);
    uint8_t code;

    (void)cursor_skip(&c, 1); /* version, type */
    code = cursor_u8(&c);
    (void)cursor_skip(&c, 2); /* session */
    if (c.failed) {
        return;
    }
    if (code == 0) {
        packet_bound(p, cursor_be16(&c));
        decode_ppp_protocol(p);
    } else {
        packet_stop(p, WHYRST_SKIP_NOT_IP); /* discovery */
    }
}

/** decode_chdlc() - Cisco HDLC: address, control, EtherType */
void decode_chdlc(struct packet *p)
{
    struct cursor c = packet_header(p, 4);

    if (cursor_skip(&c, 2)) {
        decode_ethertype(p, cursor_be16(&c));
    }
}

static void decode_nlpid(struct packet *p)
{
    struct cursor c = packet_header(p, 1);
    uint8_t nlpid = cursor_u8(&c);

    if (nlpid == 0) { /* a pad byte */
        c = packet_header(p, 1);
        nlpid = cursor_u8(&c);
    }
    switch (nlpid) {
    case NLPID_IPV4:
        decode_ipv4(p);
        break;
    case NLPID_IPV6:
        decode_ipv6(p);
        break;
    case NLPID_SNAP:
        decode_snap(p);
        break;
    case NLPID_PPP:
        decode_ppp_protocol(p);
        break;
    default:
        packet_stop(p, WHYRST_SKIP_NOT_IP);
        break;
    }
}

/** decode_frame_relay() - Q.922 address, then RFC 2427 or, without its control byte, Cisco's way */
void decode_frame_relay(struct packet *p)
{
    struct cursor c;
    uint8_t address;
    int bytes = 0;

    do {
        c = packet_header(p, 1);
        address = cursor_u8(&c);
    } while (!c.failed && !(address & 1) && ++bytes < ADDRESS_MAX);
    c = packet_peek(p, 2);
    if (cursor_u8(&c) == HDLC_UI) {
        (void)packet_take(p, 1);
        decode_nlpid(p);
        return;
    }
    c = packet_header(p, 2);
    if (!c.failed) {
        decode_ethertype(p, cursor_be16(&c));
    }
}
