/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * The one record that callers fill in: a TCP segment as it was captured.
 *
 * Whoever has packets (a capture file, Wireshark, a live tap) turns each TCP segment into one of
 * these and hands it to whyrst_engine_add(). Nothing in it is owned: the pointers must stay valid
 * only for the duration of that call.
 */
#ifndef WHYRST_SEGMENT_H
#define WHYRST_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** TCP control bits as in the header (RFC 9293 section 3.1). */
#define WHYRST_TCP_FIN 0x01u
#define WHYRST_TCP_SYN 0x02u
#define WHYRST_TCP_RST 0x04u
#define WHYRST_TCP_PSH 0x08u
#define WHYRST_TCP_ACK 0x10u
#define WHYRST_TCP_URG 0x20u
#define WHYRST_TCP_ECE 0x40u
#define WHYRST_TCP_CWR 0x80u

/** Why a destination cannot be reached, by the code of the ICMP error (RFC 792, RFC 1812 section
 *  5.2.7.1, RFC 4443 section 3.1). */
enum whyrst_unreachable {
    WHYRST_REACHABLE,              /**< no such error */
    WHYRST_UNREACHABLE_HOST,       /**< the last router finds no such host */
    WHYRST_UNREACHABLE_NETWORK,    /**< no way there */
    WHYRST_UNREACHABLE_PORT,       /**< what a host, or more often a firewall, says of a port */
    WHYRST_UNREACHABLE_PROHIBITED, /**< a rule forbids it */
    WHYRST_UNREACHABLE_OTHER,
    WHYRST_UNREACHABLE_COUNT
};

/**
 * struct whyrst_segment - one TCP segment
 * @time_ns:          capture time, nanoseconds since 1970-01-01 UTC; before 1824 and after 2115
 *                    (half of what the type holds) the nearest of these counts
 * @frame:            number of the record in the capture, counted from 1; other records refer to
 *                    it (syn_frame, trigger_frame, evidence) by its lower 32 bits, and not to frame 0
 * @payload:          first payload byte; may be NULL when @payload_captured is 0
 * @payload_captured: payload bytes present in the capture (at most @payload_length)
 * @payload_length:   payload bytes on the wire, by the IP length (Ethernet padding excluded)
 * @options:          first byte of the TCP options; may be NULL when @options_length is 0
 * @options_length:   bytes of TCP options present in the capture, at most 40
 * @options_cut:      the header has more options than the capture
 * @ip_version:       4 or 6; IPv4 addresses fill the first four bytes of the arrays below
 * @quoted:           the header was quoted by an ICMP error, or has a data offset that cannot be:
 * no segment, but it takes a stream number as it does in Wireshark
 * @brief:            quoted, and no more than ports and sequence number of it (RFC 792 asks for 8
 * bytes): it takes no stream number, in Wireshark neither
 * @unreachable:      what an ICMP error that quotes it says of the destination: enum
 *                    whyrst_unreachable
 * @source, @destination: addresses in network order, unused bytes zero
 * @seq, @ack, @window, @flags: from the header, host order; @window unscaled
 * @ttl:              IPv4 TTL or IPv6 hop limit
 * @tos:              IPv4 TOS byte or IPv6 traffic class
 * @dont_fragment:    IPv4 DF
 * @ip_id:            IPv4 identification; 0 for IPv6
 * @flow_label:       IPv6 flow label; 0 for IPv4
 */
struct whyrst_segment {
    int64_t time_ns;
    uint64_t frame;
    const uint8_t *payload;
    const uint8_t *options;
    uint32_t payload_captured;
    uint32_t payload_length;
    uint8_t options_length;
    bool options_cut;
    uint8_t ip_version;
    bool quoted;
    bool brief;
    uint8_t unreachable;
    bool dont_fragment;
    uint8_t source[16];
    uint8_t destination[16];
    uint16_t source_port;
    uint16_t destination_port;
    uint32_t seq;
    uint32_t ack;
    uint32_t flow_label;
    uint16_t window;
    uint16_t ip_id;
    uint8_t flags;
    uint8_t ttl;
    uint8_t tos;
};

#ifdef __cplusplus
}
#endif
#endif
