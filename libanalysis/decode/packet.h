/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * A packet on its way through the decoder, and the handlers that peel it.
 *
 * Each handler takes its own header off the front and calls the one that comes next; the last of
 * them adds a segment, or somebody stops with a reason. Nesting is bounded by packet_enter(), which
 * every dispatcher (link type, EtherType, IP protocol, UDP port) passes.
 */
#ifndef DECODE_PACKET_H
#define DECODE_PACKET_H

#include <whyrst/decode.h>

#include "bytes/cursor.h"
#include "limits.h"

/** Not an answer of the library: the frame is not counted now (a fragment that waits). */
#define SKIP_NOT_NOW WHYRST_SKIP_COUNT

/**
 * struct packet - what is left of a frame
 * @segments:  the caller's room, of which @count are used; segments[@count] holds the IP part of
 *             the innermost IP header so far
 * @c:         captured bytes left
 * @wire:      bytes left on the wire, at least as many as captured
 * @headers:   nested headers so far
 * @reason:    why decoding stopped, if it gave no segment
 * @vlan:      innermost VLAN so far, which sets IP fragments apart
 * @quoted:    inside of an ICMP error
 * @unreachable: what it says of the destination (enum whyrst_unreachable)
 * @cut:       the innermost IP header claims more than the frame holds
 * @wlan_padded: the 802.11 header is padded to a multiple of 4
 */
struct packet {
    struct whyrst_decoder *decoder;
    const struct whyrst_frame *frame;
    struct whyrst_segment *segments;
    struct cursor c;
    uint32_t wire;
    unsigned count;
    unsigned headers;
    enum whyrst_skip reason;
    uint16_t vlan;
    bool quoted;
    uint8_t unreachable;
    bool cut;
    bool wlan_padded;
};

static inline void packet_stop(struct packet *p, enum whyrst_skip reason)
{
    p->reason = reason;
}

/** One more header; false, and stopped, when there are too many. */
static inline bool packet_enter(struct packet *p)
{
    if (++p->headers > LIMIT_HEADERS) {
        packet_stop(p, WHYRST_SKIP_DEPTH);
        return false;
    }
    return true;
}

static inline size_t packet_left(const struct packet *p)
{
    return cursor_left(&p->c);
}

/** The next @n bytes or fewer, for a look ahead. */
static inline struct cursor packet_peek(const struct packet *p, size_t n)
{
    struct cursor c = p->c;

    return cursor_make(c.at, n < cursor_left(&c) ? n : cursor_left(&c));
}

/** Takes a header of @n bytes off; NULL, and stopped, when it is not all there. */
static inline const uint8_t *packet_take(struct packet *p, size_t n)
{
    const uint8_t *at = p->c.at;

    if (packet_left(p) < n) {
        packet_stop(p, p->wire < n ? WHYRST_SKIP_MALFORMED : WHYRST_SKIP_TRUNCATED);
        return NULL;
    }
    p->c.at = n ? at + n : at;
    p->wire -= (uint32_t)n;
    return at;
}

/** Takes a header of @n bytes off, as a cursor; failed, and stopped, when it is not all there. */
static inline struct cursor packet_header(struct packet *p, size_t n)
{
    const uint8_t *at = packet_take(p, n);
    struct cursor c = cursor_make(at, at ? n : 0);

    c.failed = !at;
    return c;
}

/** What follows after @length bytes (padding, FCS) does not belong to the packet. */
static inline void packet_bound(struct packet *p, uint32_t length)
{
    if (length < p->wire) {
        p->wire = length;
        if (length < packet_left(p)) {
            p->c.end = p->c.at + length;
        }
    }
}

/* decoder.c */
void decode_link(struct packet *p, uint32_t link_type);
struct fragments *decoder_fragments(struct whyrst_decoder *decoder);
void decoder_skip(struct whyrst_decoder *decoder, enum whyrst_skip reason, unsigned frames);
void decoder_hold(struct whyrst_decoder *decoder, uint8_t *bytes);

/* plain.c */
bool decode_plain(const struct whyrst_frame *frame, struct whyrst_segment *segment);

/* link.c: link types with a header of their own */
void decode_null(struct packet *p);
void decode_raw(struct packet *p);
void decode_sll(struct packet *p);
void decode_sll2(struct packet *p);
void decode_enc(struct packet *p);
void decode_pflog(struct packet *p);
void decode_nflog(struct packet *p);
void decode_token_ring(struct packet *p);
void decode_fddi(struct packet *p);
void decode_ip_over_fc(struct packet *p);
void decode_ip_over_1394(struct packet *p);
void decode_sunatm(struct packet *p);
void decode_ipoib(struct packet *p);

/* ethernet.c */
void decode_ethernet(struct packet *p);
void decode_llc(struct packet *p);
void decode_snap(struct packet *p);
void decode_ethertype(struct packet *p, uint16_t type);

/* mpls.c */
void decode_mpls(struct packet *p);

/* ppp.c */
void decode_pppoe(struct packet *p);
void decode_ppp(struct packet *p);
void decode_ppp_with_direction(struct packet *p);
void decode_ppp_protocol(struct packet *p);
void decode_chdlc(struct packet *p);
void decode_frame_relay(struct packet *p);

/* wlan.c */
void decode_wlan(struct packet *p);
void decode_capwap(struct packet *p);
void decode_radiotap(struct packet *p);
void decode_prism(struct packet *p);
void decode_avs(struct packet *p);
void decode_ppi(struct packet *p);

/* ip.c */
void decode_ip(struct packet *p);
void decode_ipv4(struct packet *p);
void decode_ipv6(struct packet *p);
void decode_ip_protocol(struct packet *p, uint8_t protocol);

/* icmp.c */
void decode_icmp(struct packet *p);
void decode_icmpv6(struct packet *p);

/* gre.c */
void decode_gre(struct packet *p);

/* udp.c */
void decode_udp(struct packet *p);

/* tcp.c */
void decode_tcp(struct packet *p);

#endif
