/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames from anywhere: the decoder stays in bounds and keeps its promises about what it returns.
 *
 * An input is a link type (two bytes, big endian), then frames, each with its length (two bytes)
 * and time step (one byte, in seconds) before it, so that fragments of several frames can meet.
 */
#include <whyrst/decode.h>

#include <glib.h>

#include "bytes/cursor.h"
#include "fuzz.h"

static void check_segment(const struct whyrst_segment *s, const struct whyrst_frame *frame)
{
    g_assert_true(s->ip_version == 4 || s->ip_version == 6);
    g_assert_cmpuint(s->payload_captured, <=, s->payload_length);
    g_assert_cmpuint(s->options_length, <=, 40);
    g_assert_cmpuint(s->frame, ==, frame->number);
    g_assert_cmpint(s->time_ns, ==, frame->time_ns);
    (void)sum_bytes(s->payload, s->payload_captured);
    (void)sum_bytes(s->options, s->options_length);
}

static void decode(struct whyrst_decoder *decoder, const struct whyrst_frame *frame)
{
    struct whyrst_segment segments[WHYRST_MAX_SEGMENTS];
    unsigned count = whyrst_decoder_frame(decoder, frame, segments);

    g_assert_cmpuint(count, <=, WHYRST_MAX_SEGMENTS);
    for (unsigned i = 0; i < count; i++) {
        check_segment(&segments[i], frame);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = cursor_make(data, size);
    struct whyrst_decoder *decoder = whyrst_decoder_new();
    struct whyrst_frame frame = {.link_type = cursor_be16(&c)};
    uint64_t skipped = 0;

    while (cursor_left(&c) >= 3) {
        uint32_t length = cursor_be16(&c);

        frame.number++;
        frame.time_ns += cursor_u8(&c) * INT64_C(1000000000);
        frame.captured = (uint32_t)MIN(length, cursor_left(&c));
        frame.length = length;
        /* A copy of its own, so that the sanitizer sees any step beyond. */
        frame.data = g_memdup2(cursor_take(&c, frame.captured), frame.captured);
        decode(decoder, &frame);
        g_free((gpointer)frame.data);
    }
    whyrst_decoder_finish(decoder);
    for (int i = 0; i < WHYRST_SKIP_COUNT; i++) {
        skipped += whyrst_decoder_skipped(decoder, i);
    }
    g_assert_cmpuint(skipped, <=, frame.number);
    whyrst_decoder_free(decoder);
    return 0;
}
