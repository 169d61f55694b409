/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conn/options.h"

#include "bytes/cursor.h"

#define MPTCP_TCPRST 8u
#define SCALE_MAX    14u /* RFC 7323 section 2.3 */

static void read_one(struct tcp_options *options, uint8_t kind, struct cursor body)
{
    size_t length = cursor_left(&body);

    if (kind == KIND_MSS && length == 2) {
        options->mss = cursor_be16(&body);
    } else if (kind == KIND_WSCALE && length == 1) {
        uint8_t shift = cursor_u8(&body);

        options->wscale = shift > SCALE_MAX ? SCALE_MAX : shift;
    } else if (kind == KIND_TIMESTAMPS && length == 8) {
        options->timestamps = true;
        options->tsval = cursor_be32(&body);
        options->tsecr = cursor_be32(&body);
    } else if (kind == KIND_MPTCP && length == 2) {
        options->mptcp_reset = cursor_u8(&body) >> 4 == MPTCP_TCPRST;
        options->mptcp_reason = cursor_u8(&body);
    }
}

/* Linux's SYN (net/ipv4/tcp_output.c, tcp_options_write()): MSS, SACK permitted, timestamps,
 * padding, window scale. False, and nothing done, when this is another. */
static bool read_linux_syn(const struct whyrst_segment *segment, struct tcp_options *options)
{
    const uint32_t middle = KIND_SACK_PERMITTED << 24 | 2 << 16 | KIND_TIMESTAMPS << 8 | 10;
    const uint32_t last = KIND_NOP << 16 | KIND_WSCALE << 8 | 3;
    struct cursor c = cursor_make(segment->options, segment->options_length);
    uint32_t first, tsval, tsecr, scale;

    if (segment->options_length != 20) {
        return false;
    }
    first = cursor_be32(&c);
    if (first >> 16 != (KIND_MSS << 8 | 4) || cursor_be32(&c) != middle) {
        return false;
    }
    tsval = cursor_be32(&c);
    tsecr = cursor_be32(&c);
    scale = cursor_be32(&c);
    if (scale >> 8 != last) {
        return false;
    }
    *options =
        (struct tcp_options){.tsval = tsval,
                             .tsecr = tsecr,
                             .mss = (uint16_t)first,
                             .wscale = (scale & 0xff) > SCALE_MAX ? SCALE_MAX : (uint8_t)scale,
                             .timestamps = true,
                             .any = true};
    return true;
}

/* What the capture lacks may have been there: the default MSS (RFC 9293 section 3.7.1), and any
 * scale; the largest calls in-window what may be so. */
static void suppose_cut(struct tcp_options *options)
{
    options->mss = options->mss ? options->mss : 536;
    options->wscale = options->wscale <= SCALE_MAX ? options->wscale : SCALE_MAX;
}

struct tcp_options tcp_options_read(const struct whyrst_segment *segment)
{
    struct tcp_options options = TCP_OPTIONS_NONE;
    struct cursor c = cursor_make(segment->options, segment->options_length);

    if (!segment->options_cut &&
        (tcp_options_usual(segment, &options) || read_linux_syn(segment, &options))) {
        return options;
    }
    while (cursor_left(&c) > 0) {
        uint8_t kind = cursor_u8(&c);
        uint8_t length;
        struct cursor body;

        if (kind == KIND_END) {
            break;
        }
        if (kind == KIND_NOP) {
            continue;
        }
        length = cursor_u8(&c);
        if (c.failed || length < 2) {
            break;
        }
        body = cursor_sub(&c, length - 2u);
        if (body.failed) {
            break;
        }
        options.any = true;
        read_one(&options, kind, body);
    }
    if (segment->options_cut) {
        suppose_cut(&options);
    }
    return options;
}
