/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tunnels over UDP, told by their well-known ports as Wireshark does by default. */
#include "decode/packet.h"

/* https://www.iana.org/assignments/service-names-port-numbers */
#define PORT_L2TP        1701
#define PORT_GTP_U       2152
#define PORT_GTP_OLD     3386 /* GTP version 0 */
#define PORT_TEREDO      3544
#define PORT_ESP         4500
#define PORT_GRE         4754 /* RFC 8086 */
#define PORT_VXLAN       4789
#define PORT_VXLAN_GPE   4790
#define PORT_AYIYA       5072
#define PORT_CAPWAP      5247
#define PORT_GENEVE      6081
#define PORT_MPLS        6635 /* RFC 7510 */
#define PORT_VXLAN_LINUX 8472 /* Linux's VXLAN before 4789 was assigned */

/* Below are services; a tunnel does not begin there. */
#define PORT_SERVICES 1024

static void not_tcp(struct packet *p)
{
    packet_stop(p, WHYRST_SKIP_NOT_TCP);
}

/** L2TP version 2 (RFC 2661): a data message holds PPP. */
static void decode_l2tp(struct packet *p)
{
    const uint16_t control = 0x8000, has_length = 0x4000, has_sequence = 0x0800,
                   has_offset = 0x0200;
    struct cursor c = packet_header(p, 2);
    uint16_t flags = cursor_be16(&c);
    size_t bytes = 4; /* tunnel, session */

    if (c.failed || (flags & control) || (flags & 0x000f) != 2) {
        not_tcp(p);
        return;
    }
    bytes += flags & has_length ? 2 : 0;
    bytes += flags & has_sequence ? 4 : 0;
    if (!packet_take(p, bytes)) {
        return;
    }
    if (flags & has_offset) {
        c = packet_header(p, 2);
        if (!packet_take(p, cursor_be16(&c))) {
            return;
        }
    }
    decode_ppp(p);
}

/** The extension headers of GTP-U (3GPP TS 29.281 section 5.2): length in 4 bytes, next type last.
 */
static bool skip_gtp_extensions(struct packet *p, uint8_t next)
{
    while (next) {
        struct cursor c = packet_peek(p, 1);
        size_t length = cursor_u8(&c) * 4u;

        if (length == 0) {
            packet_stop(p, WHYRST_SKIP_MALFORMED);
            return false;
        }
        c = packet_header(p, length);
        if (!cursor_skip(&c, length - 1)) {
            return false;
        }
        next = cursor_u8(&c);
    }
    return true;
}

/** GTP (3GPP TS 29.281, version 0: 3GPP TS 29.060): only G-PDUs carry packets. */
static void decode_gtp(struct packet *p)
{
    const uint8_t protocol_gtp = 0x10, has_optional = 0x07, has_extension = 0x04, g_pdu = 255;
    struct cursor c = packet_peek(p, 2);
    uint8_t flags = cursor_u8(&c);
    uint8_t next = 0;

    if (!(flags & protocol_gtp) || cursor_u8(&c) != g_pdu || c.failed || flags >> 5 > 1) {
        not_tcp(p);
        return;
    }
    if (!packet_take(p, flags >> 5 == 0 ? 20 : 8)) {
        return;
    }
    if (flags >> 5 == 1 && (flags & has_optional)) {
        c = packet_header(p, 4);
        (void)cursor_skip(&c, 3);
        next = flags & has_extension ? cursor_u8(&c) : 0;
        if (c.failed || !skip_gtp_extensions(p, next)) {
            return;
        }
    }
    decode_ip(p);
}

/** Teredo (RFC 4380 section 5.1.1): perhaps authentication and origin, then IPv6. */
static void decode_teredo(struct packet *p)
{
    const uint16_t origin = 0x0000, authentication = 0x0001;
    struct cursor c = packet_peek(p, 4);

    if (cursor_be16(&c) == authentication) {
        size_t client = cursor_u8(&c);
        size_t value = cursor_u8(&c);

        if (!packet_take(p, 4 + client + value + 9)) {
            return;
        }
    }
    c = packet_peek(p, 2);
    if (cursor_be16(&c) == origin && !packet_take(p, 8)) {
        return;
    }
    decode_ipv6(p);
}

/** AYIYA (draft-massar-v6ops-ayiya): identity and signature of stated lengths, then a packet. */
static void decode_ayiya(struct packet *p)
{
    const uint8_t forward = 1;
    struct cursor c = packet_header(p, 8);
    uint8_t identity = cursor_u8(&c) >> 4;
    size_t signature = (cursor_u8(&c) >> 4) * 4u;
    uint8_t operation = cursor_u8(&c) & 0x0f;
    uint8_t next = cursor_u8(&c);

    if (c.failed || !packet_take(p, (1u << identity) + signature)) {
        return;
    }
    if (operation == forward) {
        decode_ip_protocol(p, next);
    } else {
        not_tcp(p);
    }
}

/** ESP in UDP (RFC 3948): but for keep-alives and IKE behind a marker, encrypted. */
static void decode_esp(struct packet *p)
{
    struct cursor c = packet_peek(p, 4);
    bool marker = cursor_be32(&c) == 0;

    packet_stop(p, marker ? WHYRST_SKIP_NOT_TCP : WHYRST_SKIP_ENCRYPTED);
}

/** VXLAN (RFC 7348). */
static void decode_vxlan(struct packet *p)
{
    const uint8_t has_network = 0x08;
    struct cursor c = packet_header(p, 8);

    if (c.failed) {
        return;
    }
    if (cursor_u8(&c) & has_network) {
        decode_ethernet(p);
    } else {
        not_tcp(p);
    }
}

/** VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe): the header's fourth byte says what follows. */
static void decode_vxlan_gpe(struct packet *p)
{
    struct cursor c = packet_header(p, 8);

    (void)cursor_skip(&c, 3);
    switch (cursor_u8(&c)) {
    case 1:
    case 2:
        decode_ip(p);
        break;
    case 3:
        decode_ethernet(p);
        break;
    default:
        not_tcp(p);
        break;
    }
}

/** Geneve (RFC 8926): options, then what an EtherType says. */
static void decode_geneve(struct packet *p)
{
    struct cursor c = packet_header(p, 8);
    size_t options = (cursor_u8(&c) & 0x3f) * 4u;
    uint16_t type;

    (void)cursor_skip(&c, 1);
    type = cursor_be16(&c);
    if (!c.failed && packet_take(p, options)) {
        decode_ethertype(p, type);
    }
}

/** The handler of a tunnel's port, or NULL. */
static void (*handler_of(uint16_t port))(struct packet *)
{
    switch (port) {
    case PORT_L2TP:
        return decode_l2tp;
    case PORT_GTP_U:
    case PORT_GTP_OLD:
        return decode_gtp;
    case PORT_TEREDO:
        return decode_teredo;
    case PORT_ESP:
        return decode_esp;
    case PORT_GRE:
        return decode_gre;
    case PORT_VXLAN:
    case PORT_VXLAN_LINUX:
        return decode_vxlan;
    case PORT_VXLAN_GPE:
        return decode_vxlan_gpe;
    case PORT_AYIYA:
        return decode_ayiya;
    case PORT_CAPWAP:
        return decode_capwap;
    case PORT_GENEVE:
        return decode_geneve;
    case PORT_MPLS:
        return decode_mpls;
    default:
        return NULL;
    }
}

/** decode_udp() - a UDP header (RFC 768); the lower port decides first, as in Wireshark */
void decode_udp(struct packet *p)
{
    struct cursor c = packet_header(p, 8);
    uint16_t source = cursor_be16(&c);
    uint16_t destination = cursor_be16(&c);
    uint16_t length = cursor_be16(&c);
    uint16_t low = source < destination ? source : destination;
    uint16_t high = source < destination ? destination : source;
    void (*handler)(struct packet *) = handler_of(low);

    if (!handler && low >= PORT_SERVICES) {
        handler = handler_of(high);
    }
    if (c.failed) {
        return;
    }
    if (!handler) {
        not_tcp(p);
        return;
    }
    if (!packet_enter(p)) {
        return;
    }
    if (length >= 8) {
        packet_bound(p, length - 8);
    }
    handler(p);
}
