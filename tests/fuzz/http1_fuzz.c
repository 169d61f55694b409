/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * http1_parser through its streams. The input is a list of messages: a byte whose top bit is the
 * side and whose other bits are the length, then the bytes. However the messages are split, the
 * parser ends in the same state; bounds hold.
 */
#include <string.h>

#include "observe/http1.h"
#include "parser_run.h"

static void feed(struct parser_run *run, enum observe_side side, const uint8_t *bytes,
                 uint32_t length)
{
    const struct http1 *http = run->state;

    parser_run_feed(run, side, bytes, length, length);
    require(http->count <= LIMIT_HTTP_PIPELINE);
}

static void finish(struct parser_run *run, struct observe_state *state)
{
    *state = (struct observe_state){0};
    http1_describe(run->state, run->streams, state);
    require(state->phase != OBSERVE_PHASE_HANDSHAKE && state->phase <= OBSERVE_PHASE_COMPLETE);
    require(state->http_status == 0 || (state->http_status >= 100 && state->http_status <= 999));
    require(!state->http_method || strlen(state->http_method) <= HTTP1_METHOD_MAX);
    parser_run_clear(run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct parser_run whole = {.parser = &http1_parser, .state = http1_new()};
    struct parser_run split = {.parser = &http1_parser, .state = http1_new()};
    struct observe_state a;
    struct observe_state b;

    while (size > 1) {
        enum observe_side side = data[0] >> 7;
        uint32_t length = (uint32_t)MIN(data[0] & 0x7fu, size - 1);

        feed(&whole, side, data + 1, length);
        for (uint32_t i = 0; i < length; i++) {
            feed(&split, side, data + 1 + i, 1);
        }
        data += 1 + length;
        size -= 1 + length;
    }
    finish(&whole, &a);
    finish(&split, &b);
    require(a.phase == b.phase && a.exact == b.exact && a.http_status == b.http_status);
    require(g_strcmp0(a.http_method, b.http_method) == 0);
    require(a.early_response == b.early_response && a.close_delimited == b.close_delimited);
    require(a.side[0].lost == b.side[0].lost && a.side[1].lost == b.side[1].lost);
    http1_free(whole.state);
    http1_free(split.state);
    return 0;
}
