/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ethernet, IEEE 802.2 LLC and SNAP, and what an EtherType announces. */
#include "decode/packet.h"

#define HEADER 14u /* addresses, type or length */

/* From here on the field is an EtherType, below it is a length (IEEE 802.3 section 3.2.6). */
#define ETHERTYPE_MIN 0x0600

/* https://www.iana.org/assignments/ieee-802-numbers */
#define ETHERTYPE_IPV4     0x0800
#define ETHERTYPE_BRIDGED  0x6558 /* Transparent Ethernet bridging */
#define ETHERTYPE_VLAN     0x8100 /* IEEE 802.1Q */
#define ETHERTYPE_IPV6     0x86dd
#define ETHERTYPE_PPP      0x880b
#define ETHERTYPE_MPLS     0x8847
#define ETHERTYPE_MPLS_UP  0x8848 /* upstream-assigned label */
#define ETHERTYPE_PPPOE    0x8864
#define ETHERTYPE_QINQ     0x88a8 /* IEEE 802.1ad */
#define ETHERTYPE_MACSEC   0x88e5
#define ETHERTYPE_PBB      0x88e7 /* IEEE 802.1ah */
#define ETHERTYPE_FABRIC   0x8903 /* Cisco FabricPath */
#define ETHERTYPE_CMD      0x8909 /* Cisco MetaData */
#define ETHERTYPE_VN_TAG   0x8926 /* Cisco VN-Tag */
#define ETHERTYPE_HSR      0x892f /* IEC 62439-3 */
#define ETHERTYPE_ETAG     0x893f /* IEEE 802.1BR */
#define ETHERTYPE_QINQ_OLD 0x9100

#define SAP_SNAP 0xaa
#define SAP_IP   0x06

#define OUI_ETHERTYPE 0x000000
#define OUI_BRIDGE    0x0000f8 /* bridge tunnel encapsulation: an EtherType all the same */
#define OUI_802_1     0x0080c2 /* bridged frames (RFC 2684, RFC 2427) */

/** An EtherType, or the length of an LLC frame (what follows is padding). */
static void decode_type_or_length(struct packet *p, uint16_t type)
{
    if (type >= ETHERTYPE_MIN) {
        decode_ethertype(p, type);
    } else {
        packet_bound(p, type);
        decode_llc(p);
    }
}

/** decode_ethernet() - a frame from its destination address on */
void decode_ethernet(struct packet *p)
{
    const uint8_t *header = packet_take(p, HEADER);

    if (header) {
        struct cursor c = cursor_make(header, HEADER);

        (void)cursor_skip(&c, HEADER - 2);
        decode_type_or_length(p, cursor_be16(&c));
    }
}

/** decode_snap() - SNAP: whose protocol number follows, and the number. */
void decode_snap(struct packet *p)
{
    struct cursor c = packet_header(p, 5);
    uint32_t oui = cursor_be24(&c);
    uint16_t protocol = cursor_be16(&c);

    if (c.failed) {
        return;
    }
    if (oui == OUI_ETHERTYPE || oui == OUI_BRIDGE) {
        decode_ethertype(p, protocol);
    } else if (oui == OUI_802_1 && (protocol == 1 || protocol == 7)) {
        /* With or without FCS. ATM pads the header to a multiple of 4. */
        if (p->frame->link_type != 100 && p->frame->link_type != 123) {
            decode_ethernet(p);
        } else if (packet_take(p, 2)) {
            decode_ethernet(p);
        }
    } else {
        packet_stop(p, WHYRST_SKIP_NOT_IP);
    }
}

/** decode_llc() - IEEE 802.2: service access points, control */
void decode_llc(struct packet *p)
{
    struct cursor c = packet_header(p, 3);
    uint8_t destination = cursor_u8(&c);
    uint8_t source = cursor_u8(&c);
    uint8_t control = cursor_u8(&c);
    const uint8_t unnumbered_information = 0x03;

    if (c.failed) {
        return;
    }
    if (control != unnumbered_information) {
        packet_stop(p, WHYRST_SKIP_NOT_IP);
    } else if (destination == SAP_SNAP && (source | 1) == (SAP_SNAP | 1)) {
        decode_snap(p);
    } else if (destination == SAP_IP) {
        decode_ip(p);
    } else {
        packet_stop(p, WHYRST_SKIP_NOT_IP);
    }
}

/** A tag of @length bytes with the EtherType of what follows at its end. */
static void decode_tag(struct packet *p, size_t length)
{
    struct cursor c = packet_header(p, length);

    if (cursor_skip(&c, length - 2)) {
        decode_type_or_length(p, cursor_be16(&c));
    }
}

static void decode_vlan(struct packet *p)
{
    struct cursor c = packet_peek(p, 2);

    p->vlan = cursor_be16(&c) & 0x0fff;
    decode_tag(p, 4);
}

/** A tag of @length bytes before another whole frame. */
static void decode_outer_tag(struct packet *p, size_t length)
{
    if (packet_take(p, length)) {
        decode_ethernet(p);
    }
}

/** What an EtherType announces, but for IP. */
static void decode_other_type(struct packet *p, uint16_t type)
{
    switch (type) {
    case ETHERTYPE_VLAN:
    case ETHERTYPE_QINQ:
    case ETHERTYPE_QINQ_OLD:
        decode_vlan(p);
        break;
    case ETHERTYPE_MPLS:
    case ETHERTYPE_MPLS_UP:
        decode_mpls(p);
        break;
    case ETHERTYPE_PPPOE:
        decode_pppoe(p);
        break;
    case ETHERTYPE_PPP:
        decode_ppp_protocol(p);
        break;
    case ETHERTYPE_BRIDGED:
        decode_ethernet(p);
        break;
    case ETHERTYPE_PBB:
        decode_outer_tag(p, 4);
        break;
    case ETHERTYPE_FABRIC:
        decode_outer_tag(p, 2);
        break;
    case ETHERTYPE_VN_TAG:
    case ETHERTYPE_HSR:
        decode_tag(p, 6);
        break;
    case ETHERTYPE_ETAG:
    case ETHERTYPE_CMD:
        decode_tag(p, 8);
        break;
    case ETHERTYPE_MACSEC:
        packet_stop(p, WHYRST_SKIP_ENCRYPTED);
        break;
    default:
        packet_stop(p, WHYRST_SKIP_NOT_IP);
        break;
    }
}

/** decode_ethertype() - what an EtherType announces */
void decode_ethertype(struct packet *p, uint16_t type)
{
    if (!packet_enter(p)) {
        return;
    }
    if (type == ETHERTYPE_IPV4) {
        decode_ipv4(p);
    } else if (type == ETHERTYPE_IPV6) {
        decode_ipv6(p);
    } else {
        decode_other_type(p, type);
    }
}
