/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which variant of pcap a file is, where its magic number leaves that open.
 *
 * Patched libpcaps of 1999 and Nokia's wrote longer record headers under a magic number that also
 * means another thing. As Wireshark does, the first records are read in each way, contradictions
 * are counted, and the way with the fewest wins; a way without any wins at once.
 */
#include "capture/pcap.h"

#include "limits.h"

/* Records to look at, as Wireshark's MAX_RECORDS_TO_TRY. */
#define RECORDS_TO_TRY 3

/* Linux boxes of 1999 had fewer interfaces; a larger index is no index. */
#define INTERFACES_MAX 10000

/* PACKET_HOST to PACKET_OUTGOING of linux/if_packet.h. */
#define PACKET_TYPE_MAX 4

/** An EtherType, or one of the internal ETH_P_ values of linux/if_ether.h. */
static bool is_linux_protocol(uint16_t protocol)
{
    return protocol >= 0x0600 || protocol == 0x0060 || protocol == 0x0200 || protocol == 0x0400 ||
           protocol <= 0x0017;
}

static unsigned patched_oddities(const struct pcap *pcap, struct cursor *c)
{
    unsigned odd = 0;

    odd += field_u32(c, pcap->big_endian) > INTERFACES_MAX;
    odd += !is_linux_protocol(field_u16(c, pcap->big_endian));
    odd += cursor_u8(c) > PACKET_TYPE_MAX;
    return odd;
}

/** Nokia's field has been seen as 0xXfbfYZ0W with X 9/b, Y b/d, Z 6/9, W 1/2 (wiretap). */
static unsigned nokia_oddities(struct cursor *c)
{
    uint32_t v = cursor_be32(c);
    uint32_t little = __builtin_bswap32(v);
    bool fits = false;

    for (int i = 0; i < 2; i++, v = little) {
        uint32_t x = v >> 28, y = v >> 12 & 0xf, z = v >> 8 & 0xf, w = v & 0xf;

        fits |= (v & 0x0fff00f0) == 0x0fbf0000 && (x == 0x9 || x == 0xb) &&
                (y == 0xb || y == 0xd) && (z == 0x6 || z == 0x9) && (w == 1 || w == 2);
    }
    return !fits;
}

/** Contradictions in one record read as @variant; @c moves past it, or fails where bytes end. */
static unsigned record_oddities(const struct pcap *pcap, enum pcap_variant variant,
                                struct cursor *c)
{
    struct cursor header = cursor_sub(c, pcap_header_size(variant));
    struct pcap_record r = pcap_record_read(pcap, &header);
    unsigned odd = 0;

    if (c->failed) {
        return 0;
    }
    odd += r.fraction >= 1000000;
    odd += r.captured > pcap->max_packet;
    odd += r.captured > pcap->snapshot_length;
    odd += r.length > LIMIT_CAPTURE_PACKET_LONGEST;
    odd += r.captured > r.length;
    if (variant == PCAP_NOKIA) {
        odd += nokia_oddities(&header);
    } else if (variant != PCAP_STANDARD) {
        odd += patched_oddities(pcap, &header);
    }
    if (r.captured > pcap->max_packet) {
        c->at = c->end;
    } else {
        (void)cursor_skip(c, r.captured);
    }
    return odd;
}

/** Contradictions in the first records, one that is cut short being another. */
static unsigned oddities(const struct pcap *pcap, enum pcap_variant variant, struct cursor c)
{
    unsigned odd = 0;

    for (int i = 0; i < RECORDS_TO_TRY && !c.failed && cursor_left(&c); i++) {
        odd += record_oddities(pcap, variant, &c);
    }
    return odd + c.failed;
}

/**
 * pcap_guess() - the variant that contradicts itself least
 * @modified: the magic number is the patched one
 * @records:  what is in the buffer after the file header
 */
enum pcap_variant pcap_guess(const struct pcap *pcap, bool modified, struct cursor records)
{
    static const enum pcap_variant candidates[2][3] = {{PCAP_STANDARD, PCAP_PATCHED, PCAP_NOKIA},
                                                       {PCAP_PATCHED, PCAP_SMP, PCAP_SMP}};
    enum pcap_variant best = candidates[modified][0];
    unsigned fewest = oddities(pcap, best, records);

    for (size_t i = 1; i < 3 && fewest; i++) {
        unsigned odd = oddities(pcap, candidates[modified][i], records);

        if (odd < fewest) {
            fewest = odd;
            best = candidates[modified][i];
        }
    }
    return best;
}
