/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IEEE 802.11 data frames in clear, and the headers that capture tools put before them. */
#include "decode/packet.h"

/* Frame control, first byte: version, type, subtype. */
#define TYPE_MASK    0x0c
#define TYPE_DATA    0x08
#define SUBTYPE_NULL 0x40 /* no data */
#define SUBTYPE_QOS  0x80

/* Frame control, second byte. */
#define TO_DS          0x01
#define FROM_DS        0x02
#define MORE_FRAGMENTS 0x04
#define PROTECTED      0x40
#define ORDER          0x80 /* in QoS frames: an HT control field follows */

#define FRAGMENT_NUMBER 0x0f /* of sequence control */
#define QOS_AMSDU       0x80 /* several MSDUs in one frame */

#define HEADER 24u

/* Link types that a PPI header may wrap; it cannot wrap itself. */
#define LINKTYPE_PPI 192

/* Cookies of AVS headers, which share a link type with Prism's (https://www.martin.cc/avs). */
#define AVS_COOKIE1 0x80211001u
#define AVS_COOKIE2 0x80211002u

#define PRISM_LENGTH 144u

static uint16_t little16(struct cursor *c)
{
    return __builtin_bswap16(cursor_be16(c));
}

static uint32_t little32(struct cursor *c)
{
    return __builtin_bswap32(cursor_be32(c));
}

/** An aggregate: addresses and length before each MSDU, each but the last padded to 4 bytes. */
static void decode_amsdu(struct packet *p)
{
    while (p->count < WHYRST_MAX_SEGMENTS && packet_left(p)) {
        struct cursor c = packet_header(p, 14);
        struct packet msdu;
        uint16_t length;

        (void)cursor_skip(&c, 12);
        length = cursor_be16(&c);
        if (c.failed || !packet_enter(p)) {
            return;
        }
        msdu = *p;
        packet_bound(&msdu, length);
        decode_llc(&msdu);
        p->count = msdu.count;
        p->reason = msdu.reason;
        if (packet_left(p) <= length || !packet_take(p, length + (-(14u + length) & 3u))) {
            return;
        }
    }
}

/** An 802.11 frame whose frame control is known. */
static void decode_data_frame(struct packet *p, uint8_t type, uint8_t flags)
{
    size_t length = HEADER;
    uint16_t qos = 0;
    struct cursor c;

    if ((type & TYPE_MASK) != TYPE_DATA || (type & SUBTYPE_NULL)) {
        return;
    }
    if (flags & PROTECTED) {
        packet_stop(p, WHYRST_SKIP_ENCRYPTED);
        return;
    }
    length += (flags & (TO_DS | FROM_DS)) == (TO_DS | FROM_DS) ? 6 : 0;
    if (type & SUBTYPE_QOS) {
        c = packet_peek(p, length + 2);
        (void)cursor_skip(&c, length);
        qos = little16(&c);
        length += flags & ORDER ? 6 : 2;
    }
    /* Some drivers pad the header to a multiple of 4 and say so. */
    if (p->wlan_padded) {
        length = (length + 3) & ~(size_t)3;
    }
    if (!packet_take(p, length)) {
        return;
    }
    if (qos & QOS_AMSDU) {
        decode_amsdu(p);
    } else {
        decode_llc(p);
    }
}

/** decode_wlan() - an 802.11 frame; fragments of one are not put together */
void decode_wlan(struct packet *p)
{
    struct cursor c = packet_peek(p, HEADER);
    uint8_t type = cursor_u8(&c);
    uint8_t flags = cursor_u8(&c);
    bool data = (type & TYPE_MASK) == TYPE_DATA;

    (void)cursor_skip(&c, 20); /* duration, addresses */
    if (data && ((flags & MORE_FRAGMENTS) || (little16(&c) & FRAGMENT_NUMBER))) {
        packet_stop(p, flags & PROTECTED ? WHYRST_SKIP_ENCRYPTED : WHYRST_SKIP_FRAGMENT);
    } else {
        decode_data_frame(p, type, flags);
    }
}

/**
 * decode_capwap() - CAPWAP data (RFC 5415 section 4.3) from its preamble on
 *
 * Most access points (Cisco's, whose example others follow) swap the bytes of the frame control
 * field; Wireshark assumes it, too. The fragment number is not to be relied on. A header type
 * other than 0 is DTLS.
 */
void decode_capwap(struct packet *p)
{
    const uint32_t is_native = 1u << 8, is_fragment = 1u << 7, is_keep_alive = 1u << 3;
    struct cursor c = packet_peek(p, 4);
    uint32_t first = cursor_be32(&c);
    size_t length = (first >> 19 & 0x1f) * 4;
    uint8_t type, flags;

    if (c.failed || first >> 24 || (first & (is_fragment | is_keep_alive)) || length < 8) {
        packet_stop(p, first >> 24 == 1 ? WHYRST_SKIP_ENCRYPTED : WHYRST_SKIP_NOT_TCP);
        return;
    }
    if (!packet_take(p, length)) {
        return;
    }
    if (!(first & is_native)) {
        decode_ethernet(p);
        return;
    }
    c = packet_peek(p, 2);
    flags = cursor_u8(&c);
    type = cursor_u8(&c);
    decode_data_frame(p, type, flags);
}

/** The flags field of a radiotap header (radiotap.org), of which @c holds all after the length. */
static uint8_t radiotap_flags(struct cursor c)
{
    const uint32_t has_tsft = 1u << 0, has_flags = 1u << 1, has_more = 1u << 31;
    size_t words = 1;
    uint32_t first = little32(&c);

    for (uint32_t word = first; word & has_more && !c.failed; words++) {
        word = little32(&c);
    }
    if (!(first & has_flags)) {
        return 0;
    }
    if (first & has_tsft) {
        /* Fields are aligned from the header's start, which is 4 bytes before the words. */
        (void)cursor_skip(&c, (words & 1 ? 0 : 4) + 8);
    }
    return cursor_u8(&c);
}

/** decode_radiotap() - a radiotap header, then 802.11 */
void decode_radiotap(struct packet *p)
{
    const uint8_t data_pad = 0x20;
    struct cursor c = packet_peek(p, 4);
    uint16_t length;

    (void)cursor_skip(&c, 2);
    length = little16(&c);
    c = packet_header(p, length);
    if (length < 8 || !cursor_skip(&c, 4)) {
        packet_stop(p, WHYRST_SKIP_MALFORMED);
        return;
    }
    p->wlan_padded = (radiotap_flags(c) & data_pad) != 0;
    decode_wlan(p);
}

/** decode_avs() - an AVS header: cookie, length, then 802.11 */
void decode_avs(struct packet *p)
{
    struct cursor c = packet_peek(p, 8);

    (void)cursor_skip(&c, 4);
    if (packet_take(p, cursor_be32(&c))) {
        decode_wlan(p);
    }
}

/** decode_prism() - a Prism II monitor header, or an AVS one under the same link type */
void decode_prism(struct packet *p)
{
    struct cursor c = packet_peek(p, 8);
    uint32_t cookie = cursor_be32(&c);

    if (cookie == AVS_COOKIE1 || cookie == AVS_COOKIE2) {
        decode_avs(p);
    } else if (packet_take(p, PRISM_LENGTH)) {
        decode_wlan(p);
    }
}

/** decode_ppi() - Per-Packet Information: a header that names the link type it wraps */
void decode_ppi(struct packet *p)
{
    struct cursor c = packet_peek(p, 8);
    uint16_t length;
    uint32_t link_type;

    (void)cursor_skip(&c, 2);
    length = little16(&c);
    link_type = little32(&c);
    if (length < 8 || link_type == LINKTYPE_PPI) {
        packet_stop(p, c.failed ? WHYRST_SKIP_TRUNCATED : WHYRST_SKIP_MALFORMED);
    } else if (packet_take(p, length)) {
        decode_link(p, link_type);
    }
}
