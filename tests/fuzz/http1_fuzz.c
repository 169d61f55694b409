/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * http1_parser through its streams. The input is a list of messages: a byte whose top bit is the
 * side and whose other bits are the length, then the bytes. However the messages are split, the
 * parser ends in the same state; bounds hold.
 */
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "observe/http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

/** struct run - one parser and its streams */
struct run {
    struct http1 *http;
    struct stream streams[2];
};

/** Feeds again what was held, once that is over (the coordinator's task). */
static void settle(struct run *run, enum observe_side side)
{
    struct stream *s = &run->streams[side];

    while (s->held && http1_parser.want(run->http, side).kind != WANT_HOLD) {
        struct kept *kept = s->kept;
        struct input input = {.at = kept->bytes, .captured = kept->length, .length = kept->length};

        s->kept = NULL;
        s->held = false;
        stream_feed(s, &http1_parser, run->http, side, &input);
        g_free(kept);
    }
}

static void feed(struct run *run, enum observe_side side, const uint8_t *bytes, uint32_t length)
{
    struct input input = {.at = bytes, .captured = length, .length = length};

    while (input.length > 0) {
        uint32_t before = input.length;

        stream_feed(&run->streams[side], &http1_parser, run->http, side, &input);
        settle(run, OBSERVE_CLIENT);
        settle(run, OBSERVE_SERVER);
        if (input.length == before) {
            break; /* the parser wants no more */
        }
    }
    require(stream_kept_length(&run->streams[side]) <= MAX(LIMIT_HTTP_LINE, LIMIT_HELD));
    require(run->http->count <= LIMIT_HTTP_PIPELINE);
}

static void finish(struct run *run, struct observe_state *state)
{
    *state = (struct observe_state){0};
    http1_describe(run->http, run->streams, state);
    require(state->phase != OBSERVE_PHASE_HANDSHAKE && state->phase <= OBSERVE_PHASE_COMPLETE);
    require(state->http_status == 0 || (state->http_status >= 100 && state->http_status <= 999));
    require(!state->http_method || strlen(state->http_method) <= HTTP1_METHOD_MAX);
    for (int side = 0; side < 2; side++) {
        g_free(run->streams[side].kept);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run whole = {.http = http1_new()};
    struct run split = {.http = http1_new()};
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
    http1_free(whole.http);
    http1_free(split.http);
    return 0;
}
