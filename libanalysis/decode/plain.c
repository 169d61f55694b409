/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frame that nearly all captures consist of: Ethernet, at most one VLAN tag, IPv4 without
 * options or IPv6 without extension headers, and TCP with all of its fixed header. Nothing is
 * decided here that the general decoder would decide otherwise; whatever is out of the ordinary is
 * left to it.
 */
#include "decode/ip_header.h"
#include "decode/packet.h"
#include "decode/tcp_header.h"

#define LINK_ETHERNET 1u

#define ETHERNET_SIZE 14u
#define VLAN_SIZE     4u

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_IPV6 0x86dd

/* The datagram's length when it is plain IPv4, else 0. */
static inline uint32_t plain_ipv4(struct whyrst_segment *segment, const uint8_t *data)
{
    struct cursor c = cursor_make(data, IPV4_MIN);
    bool version_and_length = cursor_u8(&c) == 0x45;
    uint32_t total, place;

    (void)cursor_skip(&c, 1);
    total = cursor_be16(&c);
    (void)cursor_skip(&c, 2);
    place = cursor_be16(&c) & (IPV4_OFFSET | IPV4_MORE_FRAGMENTS);
    (void)cursor_skip(&c, 1);
    if (!version_and_length || place || cursor_u8(&c) != PROTOCOL_TCP) {
        return 0;
    }
    (void)fill_ipv4(segment, data);
    return total;
}

/* The same for IPv6, whose length field does not count the fixed header. */
static inline uint32_t plain_ipv6(struct whyrst_segment *segment, const uint8_t *data)
{
    struct cursor c = cursor_make(data, IPV6_SIZE);
    bool version = cursor_be32(&c) >> 28 == 6;
    uint32_t length = cursor_be16(&c);

    if (!version || length == 0 || cursor_u8(&c) != PROTOCOL_TCP) {
        return 0;
    }
    (void)fill_ipv6(segment, data);
    return IPV6_SIZE + length;
}

/** decode_plain() - decodes @frame into @segment if it is of this kind; else false, and nothing
 * done */
bool decode_plain(const struct whyrst_frame *frame, struct whyrst_segment *segment)
{
    uint32_t wire = frame->length > frame->captured ? frame->length : frame->captured;
    uint32_t at = ETHERNET_SIZE;
    uint32_t captured, header, total;
    struct cursor c;
    uint16_t type;

    if (frame->link_type != LINK_ETHERNET || frame->captured < ETHERNET_SIZE + IPV4_MIN + TCP_MIN) {
        return false;
    }
    c = cursor_make(frame->data, ETHERNET_SIZE + VLAN_SIZE);
    (void)cursor_skip(&c, ETHERNET_SIZE - 2);
    type = cursor_be16(&c);
    if (type == ETHERTYPE_VLAN) {
        (void)cursor_skip(&c, 2);
        type = cursor_be16(&c);
        at += VLAN_SIZE;
    }
    header = type == ETHERTYPE_IPV6 ? IPV6_SIZE : IPV4_MIN;
    if ((type != ETHERTYPE_IPV4 && type != ETHERTYPE_IPV6) ||
        frame->captured < at + header + TCP_MIN) {
        return false;
    }
    total = type == ETHERTYPE_IPV4 ? plain_ipv4(segment, frame->data + at)
                                   : plain_ipv6(segment, frame->data + at);
    if (total < header + TCP_MIN) {
        return false;
    }
    captured = frame->captured - at < total ? frame->captured - at : total;
    total = wire - at < total ? wire - at : total;
    segment->quoted = segment->brief = false;
    segment->time_ns = frame->time_ns;
    segment->frame = frame->number;
    return fill_tcp(segment, frame->data + at + header, captured - header, total - header);
}
