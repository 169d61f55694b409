/* SPDX-License-Identifier: GPL-2.0-or-later */
/** What the pcap reader and its guess at unmarked variants share. */
#ifndef CAPTURE_PCAP_H
#define CAPTURE_PCAP_H

#include "capture/format.h"

/**
 * enum pcap_variant - how a record header goes on after time and lengths
 * @PCAP_STANDARD: it does not: 16 bytes
 * @PCAP_PATCHED:  Linux patches of 1999 (ss990417, ss991029): interface, protocol, type: 24 bytes
 * @PCAP_SMP:      another one of them (ss990915), with debugging bytes: 28 bytes
 * @PCAP_NOKIA:    four more bytes: 20 bytes
 */
enum pcap_variant { PCAP_STANDARD, PCAP_PATCHED, PCAP_SMP, PCAP_NOKIA };

/** Order of the two lengths in a record header; it changed with file version 2.3. */
enum pcap_lengths { PCAP_CAPTURED_FIRST, PCAP_WIRE_FIRST, PCAP_EITHER };

/**
 * struct pcap - what the file header says
 * @snapshot_length: bytes kept of each packet at most (many writers do not hold to it)
 * @link_type:       LINKTYPE_ value
 * @max_packet:      a longer record cannot be true
 * @padding:         bytes before each packet that belong to no packet
 */
struct pcap {
    bool big_endian;
    bool nanoseconds;
    enum pcap_variant variant;
    enum pcap_lengths lengths;
    uint32_t snapshot_length;
    uint32_t link_type;
    uint32_t max_packet;
    uint32_t padding;
};

/** struct pcap_record - one record header, in host order */
struct pcap_record {
    uint32_t seconds;
    uint32_t fraction;
    uint32_t captured;
    uint32_t length;
};

/** Bytes of a record header. */
static inline size_t pcap_header_size(enum pcap_variant variant)
{
    static const uint8_t sizes[] = {
        [PCAP_STANDARD] = 16, [PCAP_PATCHED] = 24, [PCAP_SMP] = 28, [PCAP_NOKIA] = 20};

    return sizes[variant];
}

/** Reads the four fields that every variant begins with. */
static inline struct pcap_record pcap_record_read(const struct pcap *pcap, struct cursor *c)
{
    struct pcap_record r;

    r.seconds = field_u32(c, pcap->big_endian);
    r.fraction = field_u32(c, pcap->big_endian);
    r.captured = field_u32(c, pcap->big_endian);
    r.length = field_u32(c, pcap->big_endian);
    return r;
}

enum pcap_variant pcap_guess(const struct pcap *pcap, bool modified, struct cursor records);

#endif
