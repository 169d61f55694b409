/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * prologue_parser in each of its dialogues: the first byte says which, then come messages as in
 * http1_fuzz.c, whose length byte 0 stands for bytes that the capture lost. Bounds hold, a switch
 * is granted to both sides, and splits change nothing as long as nothing is lost.
 */
#include <string.h>

#include "observe/prologue.h"
#include "parser_run.h"

#define LOST_BYTES 9u

static void finish(struct parser_run *run, struct observe_state *state)
{
    const struct prologue *p = run->state;

    *state = (struct observe_state){0};
    prologue_describe(p, run->streams, state);
    require(state->phase <= OBSERVE_PHASE_COMPLETE && state->phase != OBSERVE_PHASE_HANDSHAKE);
    require(state->exact == (state->phase != OBSERVE_PHASE_UNKNOWN));
    require(p->progress <= PROLOGUE_FOREIGN && strlen(p->tag) <= PROLOGUE_TAG_MAX);
    require(p->progress != PROLOGUE_GRANTED || (p->left[0] && p->left[1]) ||
            p->kind == DETECT_PROXY);
    require(p->bytes <= 2 * LIMIT_PROLOGUE);
    parser_run_clear(run);
}

static void compare(const struct prologue *a, const struct prologue *b)
{
    require(a->progress == b->progress && a->tunnel == b->tunnel && a->failed == b->failed);
    for (int side = 0; side < 2; side++) {
        require(a->step[side] == b->step[side] && a->need[side] == b->need[side]);
        require(a->left[side] == b->left[side] && a->inside[side] == b->inside[side]);
    }
}

static bool is_foreign(const struct prologue *p)
{
    return p->progress == PROLOGUE_FOREIGN;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct parser_run whole = {.parser = &prologue_parser};
    struct parser_run split = {.parser = &prologue_parser};
    struct observe_state a;
    struct observe_state b;
    bool lost = false;

    if (size < 1) {
        return 0;
    }
    whole.state = prologue_new(DETECT_PROXY + data[0] % (DETECT_TEXT + 1 - DETECT_PROXY));
    split.state = prologue_new(DETECT_PROXY + data[0] % (DETECT_TEXT + 1 - DETECT_PROXY));
    data++;
    size--;
    while (size > 1) {
        enum observe_side side = data[0] >> 7;
        uint32_t length = (uint32_t)MIN(data[0] & 0x7fu, size - 1);

        lost |= length == 0;
        parser_run_feed(&whole, side, data + 1, length, length ? length : LOST_BYTES);
        for (uint32_t i = 0; i < length; i++) {
            parser_run_feed(&split, side, data + 1 + i, 1, 1);
        }
        data += 1 + length;
        size -= 1 + length;
    }
    finish(&whole, &a);
    finish(&split, &b);
    /* A dialogue that was none is given up: what else is known of it does not matter. */
    if (!lost && (is_foreign(whole.state) || is_foreign(split.state))) {
        require(is_foreign(whole.state) && is_foreign(split.state));
    } else if (!lost) {
        require(a.phase == b.phase);
        compare(whole.state, split.state);
    }
    prologue_free(whole.state);
    prologue_free(split.state);
    return 0;
}
