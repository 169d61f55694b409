/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conn/options.h"

#include "bytes/cursor.h"

/* Option kinds: IANA registry "TCP Option Kind Numbers". */
enum {
    KIND_END = 0,
    KIND_NOP = 1,
    KIND_MSS = 2,
    KIND_WSCALE = 3,
    KIND_TIMESTAMPS = 8,
    KIND_MPTCP = 30
};

#define MPTCP_TCPRST      8u
#define TIMESTAMPS_LENGTH 10

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

/* Nearly every segment but SYNs has these options or none: padding and a timestamp (RFC 7323,
 * appendix A recommends the layout). */
static bool read_usual(struct tcp_options *options, const struct whyrst_segment *segment)
{
    const uint32_t layout =
        KIND_NOP << 24 | KIND_NOP << 16 | KIND_TIMESTAMPS << 8 | TIMESTAMPS_LENGTH;
    struct cursor c = cursor_make(segment->options, segment->options_length);

    if (segment->options_length == 0) {
        return true;
    }
    if (segment->options_length != 12 || cursor_be32(&c) != layout) {
        return false;
    }
    options->any = options->timestamps = true;
    options->tsval = cursor_be32(&c);
    options->tsecr = cursor_be32(&c);
    return true;
}

struct tcp_options tcp_options_read(const struct whyrst_segment *segment)
{
    struct tcp_options options = {.wscale = 0xff};
    struct cursor c = cursor_make(segment->options, segment->options_length);

    if (read_usual(&options, segment)) {
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
