/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conn/options.h"

#include "bytes/cursor.h"

#define MPTCP_TCPRST 8u

static void read_one(struct tcp_options *options, uint8_t kind, struct cursor body)
{
    size_t length = cursor_left(&body);

    if (kind == KIND_MSS && length == 2) {
        options->mss = cursor_be16(&body);
    } else if (kind == KIND_WSCALE && length == 1) {
        uint8_t shift = cursor_u8(&body);

        options->wscale = shift > 14 ? 14 : shift; /* RFC 7323 section 2.3 */
    } else if (kind == KIND_TIMESTAMPS && length == 8) {
        options->timestamps = true;
        options->tsval = cursor_be32(&body);
        options->tsecr = cursor_be32(&body);
    } else if (kind == KIND_MPTCP && length == 2) {
        options->mptcp_reset = cursor_u8(&body) >> 4 == MPTCP_TCPRST;
        options->mptcp_reason = cursor_u8(&body);
    }
}

struct tcp_options tcp_options_read(const struct whyrst_segment *segment)
{
    struct tcp_options options = TCP_OPTIONS_NONE;
    struct cursor c = cursor_make(segment->options, segment->options_length);

    if (tcp_options_usual(segment, &options)) {
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
    return options;
}
