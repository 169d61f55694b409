/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * From a captured record to TCP segments: link layers, tunnels, IP, fragments.
 */
#ifndef WHYRST_DECODE_H
#define WHYRST_DECODE_H

#include <whyrst/capture.h>
#include <whyrst/segment.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A frame may hold several TCP segments (tunnels inside TCP are not followed; quotes count). */
#define WHYRST_MAX_SEGMENTS 4

/** Why a frame, or a part of it, was not understood. X(IDENTIFIER, "name", "text") */
#define WHYRST_SKIPS(X)                                                                            \
    X(LINK_TYPE, "link-type", "link type not supported")                                           \
    X(TRUNCATED, "truncated", "cut before the end of the TCP header")                              \
    X(MALFORMED, "malformed", "a header contradicts itself")                                       \
    X(FRAGMENT, "fragment", "IP fragment that was never completed")                                \
    X(FRAGMENT_CAP, "fragment-cap", "fragment dropped because the bound was reached")              \
    X(ENCRYPTED, "encrypted", "encrypted 802.11 or ESP payload")                                   \
    X(DEPTH, "depth", "more nested headers than the bound")                                        \
    X(NOT_IP, "not-ip", "no IP packet (ARP, LLDP, ...)")                                           \
    X(NOT_TCP, "not-tcp", "IP, but no TCP (UDP, ICMP, ...)")

#define WHYRST_X_SKIP(id, name, text) WHYRST_SKIP_##id,
enum whyrst_skip { WHYRST_SKIPS(WHYRST_X_SKIP) WHYRST_SKIP_COUNT };

struct whyrst_decoder;

/** A new decoder: one per capture, since it holds the IP fragments of that capture. */
WHYRST_API struct whyrst_decoder *whyrst_decoder_new(void);
/** Frees the decoder and the fragments it holds. NULL is allowed. */
WHYRST_API void whyrst_decoder_free(struct whyrst_decoder *decoder);

/**
 * Decodes @frame into @segments (room for WHYRST_MAX_SEGMENTS) and returns how many there are.
 * Their pointers stay valid until the next call, as long as the frame's bytes do. A frame that
 * yields none is counted under one reason; an IP fragment only once its datagram is given up, the
 * one that completes it yields the segment. A TCP header whose data offset is below five words is
 * handed on as a quoted one: it takes a stream number in Wireshark, but is not to be believed.
 */
WHYRST_API unsigned whyrst_decoder_frame(struct whyrst_decoder *decoder,
                                         const struct whyrst_frame *frame,
                                         struct whyrst_segment *segments);
/** Whether the last frame's segments point to memory that the next call frees (a datagram put
 *  together from fragments). All others' stay valid as long as their frames' bytes do. */
WHYRST_API bool whyrst_decoder_holds(const struct whyrst_decoder *decoder);
/** The capture has ended: fragments still waiting are counted as skipped. */
WHYRST_API void whyrst_decoder_finish(struct whyrst_decoder *decoder);
/** How many frames were skipped for that reason so far. */
WHYRST_API uint64_t whyrst_decoder_skipped(const struct whyrst_decoder *decoder,
                                           enum whyrst_skip reason);
/** Name of a reason as it appears in output; static string. */
WHYRST_API const char *whyrst_skip_name(enum whyrst_skip reason);
/** A sentence about a reason; static string. */
WHYRST_API const char *whyrst_skip_text(enum whyrst_skip reason);

/**
 * Fills the TCP part of @segment from a raw TCP header and what follows it: ports, numbers, flags,
 * window, options and payload. @captured bytes are at @data, @length were on the wire. The caller
 * sets time, frame and the IP part. Returns false when fewer than the 16 bytes up to the window are
 * captured (as many as Wireshark wants before it gives a stream number), or when the data offset is
 * below five words (RFC 9293 section 3.1). Options that are cut are given as far as they go.
 */
WHYRST_API bool whyrst_decode_tcp(struct whyrst_segment *segment, const uint8_t *data,
                                  uint32_t captured, uint32_t length);
/**
 * The same of a header of which an ICMP error quotes as little as RFC 792 asks for: ports and sequence
 * number, all else 0, @brief set. Returns false when fewer than 8 bytes are captured.
 */
WHYRST_API bool whyrst_decode_tcp_brief(struct whyrst_segment *segment, const uint8_t *data,
                                        uint32_t captured);
/**
 * Fills the IP part of @segment from a raw IPv4 or IPv6 fixed header (@captured bytes at @data).
 * Returns the header's length in bytes (IPv6: 40), 0 when it makes no sense.
 */
WHYRST_API uint32_t whyrst_decode_ip(struct whyrst_segment *segment, const uint8_t *data,
                                     uint32_t captured);

/**
 * What an ICMP error of @type and @code, for IPv4 (@ip_version 4) or IPv6 (6), says of the
 * destination of the packet that it quotes: WHYRST_REACHABLE where it is about something else.
 */
WHYRST_API enum whyrst_unreachable whyrst_decode_unreachable(unsigned ip_version, uint8_t type,
                                                             uint8_t code);

#ifdef __cplusplus
}
#endif
#endif
