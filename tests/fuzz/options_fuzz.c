/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tcp_options_read(): reads within the list, refuses what lies about its length, and says the same
 * by its short cut for the usual layout as by the long way.
 */
#include <string.h>

#include <glib.h>

#include "conn/options.h"
#include "fuzz.h"

#define LONGEST 40u /* bytes of options in a TCP header */

static struct tcp_options parse(const uint8_t *bytes, size_t length)
{
    /* A copy of its own, so that the sanitizer sees any step beyond. */
    uint8_t *copy = g_memdup2(bytes, length);
    struct whyrst_segment segment = {.options = copy, .options_length = (uint8_t)length};
    struct tcp_options options = tcp_options_read(&segment);

    g_free(copy);
    return options;
}

static void require_equal(const struct tcp_options *a, const struct tcp_options *b)
{
    require(a->timestamps == b->timestamps && a->tsval == b->tsval && a->tsecr == b->tsecr);
    require(a->mss == b->mss && a->wscale == b->wscale && a->any == b->any);
    require(a->mptcp_reset == b->mptcp_reset && a->mptcp_reason == b->mptcp_reason);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t padded[LONGEST + 1] = {1}; /* a NOP in front changes nothing, but takes the long way */
    size_t length = MIN(size, LONGEST);
    struct tcp_options options = parse(data, length);
    struct tcp_options shifted;

    require(options.wscale == 0xff || options.wscale <= 14);
    require(options.any || (!options.timestamps && !options.mptcp_reset && options.mss == 0 &&
                            options.wscale == 0xff));
    require(options.timestamps || (options.tsval == 0 && options.tsecr == 0));
    require(length >= 2 || !options.any);
    memcpy(padded + 1, data, length);
    shifted = parse(padded, length + 1);
    require_equal(&options, &shifted);
    return 0;
}
