/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole observer. The first byte's lowest bit says whether the start was seen; then come
 * chunks: a byte of flags (1 side, 2 segment start, 4 tail missing, 8 a large length follows in
 * two bytes of which only a few are there), a byte of length, the bytes. Invariants of every state
 * hold; where nothing is missing, single bytes lead to the same state as whole chunks.
 */
#include <string.h>

#include <glib.h>

#include "fuzz.h"
#include "observe/observer.h"

enum { FLAG_SERVER = 1, FLAG_SEGMENT = 2, FLAG_CUT = 4, FLAG_LARGE = 8 };

static struct observe_context *context;

static void check(const struct observer *o, const uint64_t fed[2], struct observe_state *state)
{
    observer_state(o, state);
    require(state->phase <= OBSERVE_PHASE_COMPLETE);
    require(state->tls_stage < WHYRST_TLS_COUNT);
    require(state->tls == (state->tls_stage != WHYRST_TLS_NONE));
    require(state->phase != OBSERVE_PHASE_HANDSHAKE ||
            (state->tls && state->tls_stage != WHYRST_TLS_ESTABLISHED));
    require(state->phase != OBSERVE_PHASE_UNKNOWN || !state->exact);
    require(!observer_is_opaque(o) || state->protocol == OBSERVE_OPAQUE);
    for (int side = 0; side < 2; side++) {
        require(state->side[side].app_bytes <= fed[side]);
    }
    if (state->hello) {
        require(strlen(state->hello->ja4) == 36);
        require(g_utf8_validate(state->hello->sni, -1, NULL));
        require(g_utf8_validate(state->hello->alpn, -1, NULL));
        require(state->tls_stage >= WHYRST_TLS_CLIENT_HELLO);
    }
}

static void chunk(struct observer *o, enum observe_side side, const uint8_t *bytes,
                  uint32_t captured, uint32_t length, bool start)
{
    struct observe_chunk c = {
        .data = captured ? bytes : NULL,
        .captured = captured,
        .length = length,
        .frame = 1,
        .time_ns = 1,
        .segment_start = start,
    };

    if (observer_is_opaque(o)) {
        observer_skip(o, side, length, 1, 1);
    } else {
        observer_chunk(o, side, &c);
    }
}

static void require_equal(const struct observe_state *a, const struct observe_state *b)
{
    require(a->protocol == b->protocol && a->phase == b->phase && a->exact == b->exact);
    require(a->tls_stage == b->tls_stage && a->tunnel == b->tunnel);
    require((a->hello != NULL) == (b->hello != NULL));
    require(!a->hello || strcmp(a->hello->ja4, b->hello->ja4) == 0);
    require(a->http_status == b->http_status && g_strcmp0(a->http_method, b->http_method) == 0);
    require((a->proxy != NULL) == (b->proxy != NULL));
    require(!a->proxy ||
            (a->proxy->granted == b->proxy->granted && a->proxy->reply == b->proxy->reply &&
             strcmp(a->proxy->target, b->proxy->target) == 0));
    for (int side = 0; side < 2; side++) {
        require(a->side[side].app_bytes == b->side[side].app_bytes);
        require(a->side[side].lost == b->side[side].lost);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct observer *whole;
    struct observer *split;
    struct observe_state a;
    struct observe_state b;
    uint64_t fed[2] = {0, 0};
    bool comparable = true;
    bool from_start;
    int role;

    if (size < 1) {
        return 0;
    }
    if (!context) {
        context = observe_context_new();
    }
    from_start = data[0] & 1;
    role = observe_guess_role(data + 1, (uint32_t)size - 1);
    require(role >= -1 && role <= 1);
    whole = observer_new(context, from_start);
    split = observer_new(context, from_start);
    data++;
    size--;
    while (size > 2) {
        uint8_t flags = data[0];
        enum observe_side side = flags & FLAG_SERVER;
        uint32_t captured = (uint32_t)MIN(data[1], size - 2);
        uint32_t length = captured + (flags & FLAG_CUT ? 1u : 0) +
                          (flags & FLAG_LARGE ? (uint32_t)data[1] << 8 : 0);
        bool start = flags & FLAG_SEGMENT;

        fed[side] += length;
        chunk(whole, side, data + 2, captured, length, start);
        check(whole, fed, &a);
        /* Lost sides look at segment starts only, so that splits then differ by design. */
        comparable &= length == captured && from_start && !a.side[0].lost && !a.side[1].lost;
        for (uint32_t i = 0; comparable && i < length; i++) {
            chunk(split, side, data + 2 + i, 1, 1, start && i == 0);
        }
        data += 2 + captured;
        size -= 2 + captured;
    }
    check(whole, fed, &a);
    observer_state(split, &b);
    if (comparable) {
        require_equal(&a, &b);
    }
    observer_free(whole);
    observer_free(split);
    return 0;
}
