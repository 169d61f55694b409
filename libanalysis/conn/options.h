/* SPDX-License-Identifier: GPL-2.0-or-later */
/** The TCP options that matter here. */
#ifndef CONN_OPTIONS_H
#define CONN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <whyrst/segment.h>

#include "bytes/cursor.h"

/* Option kinds: IANA registry "TCP Option Kind Numbers". */
enum {
    KIND_END = 0,
    KIND_NOP = 1,
    KIND_MSS = 2,
    KIND_WSCALE = 3,
    KIND_SACK_PERMITTED = 4,
    KIND_TIMESTAMPS = 8,
    KIND_MPTCP = 30
};

/**
 * struct tcp_options - options of one segment
 * @timestamps, @tsval, @tsecr: RFC 7323
 * @wscale:  window scale shift (at most 14), 0xff = absent
 * @mptcp_reset, @mptcp_reason: MP_TCPRST (RFC 8684 section 3.6)
 * @any:     there is an option other than padding
 */
struct tcp_options {
    uint32_t tsval;
    uint32_t tsecr;
    uint16_t mss;
    uint8_t wscale;
    uint8_t mptcp_reason;
    bool timestamps;
    bool mptcp_reset;
    bool any;
};

#define TCP_OPTIONS_NONE ((struct tcp_options){.wscale = 0xff})

/** Nearly every segment but SYNs has no options, or padding and a timestamp (RFC 7323, appendix A
 *  recommends the layout). False, and nothing done, when this one has others. */
static inline bool tcp_options_usual(const struct whyrst_segment *segment,
                                     struct tcp_options *options)
{
    const uint32_t layout = KIND_NOP << 24 | KIND_NOP << 16 | KIND_TIMESTAMPS << 8 | 10;
    struct cursor c;

    if (segment->options_length == 0) {
        return true;
    }
    if (segment->options_length != 12) {
        return false;
    }
    c = cursor_make(segment->options, 12);
    if (cursor_be32(&c) != layout) {
        return false;
    }
    options->any = options->timestamps = true;
    options->tsval = cursor_be32(&c);
    options->tsecr = cursor_be32(&c);
    return true;
}

/** Reads what of the segment's options is well-formed; a lying length ends the list. */
struct tcp_options tcp_options_read(const struct whyrst_segment *segment);

#endif
