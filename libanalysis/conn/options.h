/* SPDX-License-Identifier: GPL-2.0-or-later */
/** The TCP options that matter here. */
#ifndef CONN_OPTIONS_H
#define CONN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <whyrst/segment.h>

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

/** Reads what of the segment's options is well-formed; a lying length ends the list. */
struct tcp_options tcp_options_read(const struct whyrst_segment *segment);

#endif
