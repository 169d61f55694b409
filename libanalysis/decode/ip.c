/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv4 (RFC 791), IPv6 and its extension headers (RFC 8200), and what they carry. */
#include "decode/fragments.h"
#include "decode/ip_header.h"
#include "decode/packet.h"

/* https://www.iana.org/assignments/protocol-numbers */
#define PROTOCOL_HOP_BY_HOP  0
#define PROTOCOL_ICMP        1
#define PROTOCOL_IPV4        4
#define PROTOCOL_UDP         17
#define PROTOCOL_IPV6        41
#define PROTOCOL_ROUTING     43
#define PROTOCOL_FRAGMENT    44
#define PROTOCOL_GRE         47
#define PROTOCOL_ESP         50
#define PROTOCOL_AH          51
#define PROTOCOL_ICMPV6      58
#define PROTOCOL_DESTINATION 60
#define PROTOCOL_ETHERIP     97
#define PROTOCOL_MPLS        137
#define PROTOCOL_SHIM6       140

/* Option of the hop-by-hop header that holds a jumbogram's length (RFC 2675). */
#define OPTION_JUMBO 0xc2

uint32_t whyrst_decode_ip(struct whyrst_segment *segment, const uint8_t *data, uint32_t captured)
{
    struct cursor c = cursor_make(data, captured);
    uint8_t version = cursor_u8(&c) >> 4;

    if (version == 4 && captured >= IPV4_MIN) {
        return fill_ipv4(segment, data);
    }
    return version == 6 && captured >= IPV6_SIZE ? fill_ipv6(segment, data) : 0;
}

/** The IP version that the next byte claims; 0 when there is none. */
static unsigned version_of(const struct packet *p)
{
    struct cursor c = packet_peek(p, 1);

    return cursor_u8(&c) >> 4;
}

/** decode_ip() - IPv4 or IPv6, by the version in the header */
void decode_ip(struct packet *p)
{
    switch (version_of(p)) {
    case 4:
        decode_ipv4(p);
        break;
    case 6:
        decode_ipv6(p);
        break;
    default:
        packet_stop(p, packet_left(p) ? WHYRST_SKIP_NOT_IP : WHYRST_SKIP_TRUNCATED);
        break;
    }
}

/** A fragment: goes on with the whole datagram when this was the last piece missing. */
static void decode_fragment(struct packet *p, const struct fragment *fragment)
{
    if (p->quoted) {
        packet_stop(p, WHYRST_SKIP_NOT_TCP);
        return;
    }
    if (p->cut || packet_left(p) < p->wire) {
        /* Cut short, it can never be put together; as in Wireshark, the first fragment is then
         * taken for what it begins with. */
        if (fragment->offset == 0) {
            decode_ip_protocol(p, fragment->protocol);
        } else {
            packet_stop(p, WHYRST_SKIP_TRUNCATED);
        }
        return;
    }
    if (fragments_add(p, fragment)) {
        decode_ip_protocol(p, fragment->protocol);
    }
}

/** Takes the IPv4 header off; false, and stopped, when it makes no sense. */
static bool take_ipv4(struct packet *p, struct fragment *fragment)
{
    struct cursor c = cursor_make(p->c.at, IPV4_MIN);
    uint32_t header = fill_ipv4(&p->segments[p->count], p->c.at);
    uint32_t total, place;

    (void)cursor_skip(&c, 2);
    total = cursor_be16(&c);
    fragment->id = cursor_be16(&c);
    place = cursor_be16(&c);
    (void)cursor_skip(&c, 1);
    fragment->protocol = cursor_u8(&c);
    fragment->offset = (place & IPV4_OFFSET) * 8;
    fragment->more = (place & IPV4_MORE_FRAGMENTS) != 0;
    /* Length 0: captured before segmentation offload set it. */
    total = total ? total : p->wire;
    if (!header || total < header) {
        packet_stop(p, WHYRST_SKIP_MALFORMED);
        return false;
    }
    p->cut = total > p->wire;
    packet_bound(p, total);
    return packet_take(p, header) != NULL;
}

/** decode_ipv4() - an IPv4 header */
void decode_ipv4(struct packet *p)
{
    struct fragment fragment;
    unsigned version = version_of(p);

    if (version == 6) {
        decode_ipv6(p);
    } else if (packet_left(p) < IPV4_MIN) {
        packet_stop(p, p->wire < IPV4_MIN ? WHYRST_SKIP_MALFORMED : WHYRST_SKIP_TRUNCATED);
    } else if (version != 4) {
        packet_stop(p, WHYRST_SKIP_MALFORMED);
    } else if (take_ipv4(p, &fragment)) {
        if (fragment.offset || fragment.more) {
            decode_fragment(p, &fragment);
        } else {
            decode_ip_protocol(p, fragment.protocol);
        }
    }
}

/** The length in the jumbo option of the hop-by-hop header that comes next, or 0. */
static uint32_t jumbo_length(const struct packet *p)
{
    struct cursor c = packet_peek(p, 8);

    (void)cursor_skip(&c, 2);
    if (cursor_u8(&c) == OPTION_JUMBO && cursor_u8(&c) == 4) {
        return cursor_be32(&c);
    }
    return 0;
}

/** decode_ipv6() - an IPv6 header */
void decode_ipv6(struct packet *p)
{
    struct cursor c;
    uint32_t length;
    uint8_t next;

    if (packet_left(p) < IPV6_SIZE) {
        packet_stop(p, p->wire < IPV6_SIZE ? WHYRST_SKIP_MALFORMED : WHYRST_SKIP_TRUNCATED);
        return;
    }
    if (version_of(p) != 6) {
        packet_stop(p, WHYRST_SKIP_MALFORMED);
        return;
    }
    c = cursor_make(p->c.at, IPV6_SIZE);
    (void)fill_ipv6(&p->segments[p->count], p->c.at);
    (void)cursor_skip(&c, 4);
    length = cursor_be16(&c);
    next = cursor_u8(&c);
    (void)packet_take(p, IPV6_SIZE);
    if (length == 0 && next == PROTOCOL_HOP_BY_HOP) {
        length = jumbo_length(p);
    } else if (length == 0 && p->wire > UINT16_MAX) {
        /* Linux "BIG TCP": a segment larger than the field, seen before segmentation offload. */
        length = p->wire;
    }
    p->cut = length > p->wire;
    packet_bound(p, length);
    decode_ip_protocol(p, next);
}

/** An extension header whose length counts @unit bytes, of which @extra are not counted. */
static void decode_extension(struct packet *p, unsigned unit, unsigned extra)
{
    struct cursor c = packet_peek(p, 2);
    uint8_t next = cursor_u8(&c);
    uint32_t length = cursor_u8(&c) * unit + extra;

    if (packet_take(p, length)) {
        decode_ip_protocol(p, next);
    }
}

/** The fragment header (RFC 8200 section 4.5). */
static void decode_fragment_header(struct packet *p)
{
    struct cursor c = packet_header(p, 8);
    struct fragment fragment;
    uint16_t place;

    fragment.protocol = cursor_u8(&c);
    (void)cursor_skip(&c, 1);
    place = cursor_be16(&c);
    fragment.id = cursor_be32(&c);
    fragment.offset = place & 0xfff8u;
    fragment.more = place & 1;
    if (c.failed) {
        return;
    }
    if (fragment.offset || fragment.more) {
        decode_fragment(p, &fragment);
    } else {
        /* An atomic fragment is whole (RFC 6946). */
        decode_ip_protocol(p, fragment.protocol);
    }
}

/** EtherIP (RFC 3378): two bytes of version, then an Ethernet frame. */
static void decode_etherip(struct packet *p)
{
    if (packet_take(p, 2)) {
        decode_ethernet(p);
    }
}

/** What an IP header or extension header says comes next, but for TCP. */
static void decode_other_protocol(struct packet *p, uint8_t protocol)
{
    switch (protocol) {
    case PROTOCOL_UDP:
        decode_udp(p);
        break;
    case PROTOCOL_ICMP:
        decode_icmp(p);
        break;
    case PROTOCOL_ICMPV6:
        decode_icmpv6(p);
        break;
    case PROTOCOL_IPV4:
    case PROTOCOL_IPV6:
        decode_ip(p);
        break;
    case PROTOCOL_GRE:
        decode_gre(p);
        break;
    case PROTOCOL_ETHERIP:
        decode_etherip(p);
        break;
    case PROTOCOL_MPLS:
        decode_mpls(p);
        break;
    case PROTOCOL_HOP_BY_HOP:
    case PROTOCOL_ROUTING:
    case PROTOCOL_DESTINATION:
    case PROTOCOL_SHIM6:
        decode_extension(p, 8, 8);
        break;
    case PROTOCOL_AH:
        decode_extension(p, 4, 8); /* RFC 4302 section 2.2 */
        break;
    case PROTOCOL_FRAGMENT:
        decode_fragment_header(p);
        break;
    case PROTOCOL_ESP:
        packet_stop(p, WHYRST_SKIP_ENCRYPTED);
        break;
    default:
        packet_stop(p, WHYRST_SKIP_NOT_TCP);
        break;
    }
}

/** decode_ip_protocol() - what an IP header or extension header says comes next */
void decode_ip_protocol(struct packet *p, uint8_t protocol)
{
    if (!packet_enter(p)) {
        return;
    }
    if (protocol == PROTOCOL_TCP) {
        decode_tcp(p);
    } else {
        decode_other_protocol(p, protocol);
    }
}
