/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Runs one parser over its two streams, as the observer does, bounds checked all the time. */
#ifndef PARSER_RUN_H
#define PARSER_RUN_H

#include <glib.h>

#include "fuzz.h"
#include "limits.h"
#include "observe/stream.h"

/** struct parser_run - one parser, its state and its streams */
struct parser_run {
    const struct parser *parser;
    void *state;
    struct stream streams[2];
};

static inline bool parser_run_settle(struct parser_run *run, enum observe_side side);

/** Feeds @input, and what was held once that is over; stops where the parser wants no more. */
static inline void parser_run_input(struct parser_run *run, enum observe_side side,
                                    struct input *input)
{
    bool settled = true;

    while (input->length > 0 && settled) {
        uint32_t before = input->length;

        stream_feed(&run->streams[side], &run->streams[1 - side], run->parser, run->state, side,
                    input);
        settled = parser_run_settle(run, OBSERVE_CLIENT);
        settled |= parser_run_settle(run, OBSERVE_SERVER);
        settled |= input->length != before;
    }
}

/** Feeds again what was held on @side, once that is over; whether there was any. */
static inline bool parser_run_settle(struct parser_run *run, enum observe_side side)
{
    struct stream *s = &run->streams[side];
    bool settled = false;

    while (s->held && run->parser->want(run->state, side).kind != WANT_HOLD) {
        struct kept *kept = s->kept;
        struct input input = {.at = kept->bytes, .captured = kept->length, .length = kept->length};

        s->kept = NULL;
        s->held = false;
        parser_run_input(run, side, &input);
        g_free(kept);
        settled = true;
    }
    return settled;
}

/** Feeds bytes of @side, @length of which were on the wire. */
static inline void parser_run_feed(struct parser_run *run, enum observe_side side,
                                   const uint8_t *bytes, uint32_t captured, uint32_t length)
{
    struct input input = {.at = bytes, .captured = captured, .length = length};

    parser_run_input(run, side, &input);
    require(stream_kept_length(&run->streams[side]) <= MAX(LIMIT_HTTP_LINE, LIMIT_HELD));
}

static inline void parser_run_clear(struct parser_run *run)
{
    g_free(run->streams[OBSERVE_CLIENT].kept);
    g_free(run->streams[OBSERVE_SERVER].kept);
}

#endif
