/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/stream.h"

#include <string.h>

#include <glib.h>

#include "limits.h"

/** A kept buffer up to this size stays for the next unit; record headers often span chunks. */
#define KEPT_SMALL 64u

void input_advance(struct input *input, uint32_t length)
{
    uint32_t present = MIN(length, input->captured);

    if (length == 0) {
        return;
    }
    if (present > 0) {
        input->at += present;
    }
    input->captured -= present;
    input->length -= length;
    input->segment_start = false;
}

/** Moves past @length bytes of @input and counts them when they are application payload. */
static void pass(struct stream *stream, struct input *input, uint32_t length, bool app)
{
    if (app) {
        stream->app_bytes += length;
        stream->app_frame = input->frame;
        stream->app_time_ns = input->time_ns;
    }
    input_advance(input, length);
}

/** Room for @size kept bytes. */
static struct kept *reserve(struct stream *stream, uint32_t size)
{
    uint32_t have = stream->kept ? stream->kept->size : 0;
    uint32_t grown = MAX(have, 16);

    while (grown < size) {
        grown *= 2;
    }
    if (grown > have) {
        stream->kept = g_realloc(stream->kept, sizeof *stream->kept + grown);
        stream->kept->size = grown;
        if (have == 0) {
            stream->kept->length = 0;
        }
    }
    return stream->kept;
}

void stream_keep(struct stream *stream, const struct input *input, uint32_t length)
{
    struct kept *kept;

    if (length == 0) {
        return;
    }
    kept = reserve(stream, stream_kept_length(stream) + length);
    if (kept->length == 0) {
        kept->first_frame = input->first_frame;
        kept->first_time_ns = input->first_time_ns;
    }
    kept->frame = input->frame;
    kept->time_ns = input->time_ns;
    memcpy(kept->bytes + kept->length, input->at, length);
    kept->length += length;
}

void stream_drop_kept(struct stream *stream)
{
    stream->held = false;
    if (stream->kept && stream->kept->size > KEPT_SMALL) {
        g_free(stream->kept);
        stream->kept = NULL;
    }
    if (stream->kept) {
        stream->kept->length = 0;
    }
}

/** struct feed - the arguments of stream_feed() for its parts */
struct feed {
    struct stream *stream;
    const struct parser *parser;
    void *state;
    enum observe_side side;
    struct input *input;
};

static void hand_over(const struct feed *f, const uint8_t *bytes, size_t length, bool cut)
{
    const struct kept *kept = stream_kept_length(f->stream) > 0 ? f->stream->kept : NULL;
    struct unit unit = {
        .bytes = bytes,
        .length = length,
        .cut = cut,
        .first_frame = kept ? kept->first_frame : f->input->first_frame,
        .first_time_ns = kept ? kept->first_time_ns : f->input->first_time_ns,
        .frame = f->input->frame,
        .time_ns = f->input->time_ns,
    };

    f->parser->unit(f->state, f->side, &unit);
    stream_drop_kept(f->stream);
}

/** Takes the next @length present bytes; hands the unit over when they complete it. */
static void take(const struct feed *f, uint32_t length, bool complete, bool cut)
{
    const uint8_t *bytes = f->input->at;
    size_t total = length;

    if (!complete || stream_kept_length(f->stream) > 0) {
        stream_keep(f->stream, f->input, length);
        bytes = f->stream->kept->bytes;
        total = f->stream->kept->length;
    }
    input_advance(f->input, length);
    if (complete) {
        hand_over(f, bytes, total, cut);
    }
}

static void gather_bytes(const struct feed *f, uint64_t wanted)
{
    uint64_t missing = wanted - stream_kept_length(f->stream);

    if (f->input->captured >= missing) {
        take(f, (uint32_t)missing, true, false);
    } else {
        take(f, f->input->captured, false, false);
    }
}

/** Bytes that the parser wanted to see are missing here. */
static void report_hole(const struct feed *f)
{
    uint64_t got = stream_kept_length(f->stream);

    f->stream->discard = 0;
    stream_drop_kept(f->stream);
    f->parser->hole(f->state, f->side, got);
}

/** Passes the rest of a cut unit. */
static void discard(const struct feed *f)
{
    const uint8_t *end;
    uint32_t length;

    if (f->input->captured == 0) {
        report_hole(f);
        return;
    }
    end = memchr(f->input->at, f->stream->discard, f->input->captured);
    length = end ? (uint32_t)(end - f->input->at) + 1 : f->input->captured;
    input_advance(f->input, length);
    if (end) {
        f->stream->discard = 0;
    }
}

static void gather_until(const struct feed *f, char stop, uint64_t limit)
{
    uint32_t room = (uint32_t)(limit - stream_kept_length(f->stream));
    uint32_t present = MIN(f->input->captured, room);
    const uint8_t *end = memchr(f->input->at, stop, present);

    if (end) {
        take(f, (uint32_t)(end - f->input->at) + 1, true, false);
    } else if (present == room) {
        f->stream->discard = stop;
        take(f, present, true, true);
    } else {
        take(f, present, false, false);
    }
}

static void hold(const struct feed *f)
{
    uint32_t room = LIMIT_HELD - MIN(LIMIT_HELD, stream_kept_length(f->stream));
    uint32_t length = MIN(f->input->captured, room);

    if (length == 0) {
        report_hole(f);
        return;
    }
    stream_keep(f->stream, f->input, length);
    f->stream->held = true;
    input_advance(f->input, length);
    f->parser->held(f->state, f->side, f->stream->kept->bytes, f->stream->kept->length);
}

static void find_feet(const struct feed *f, bool app)
{
    if (f->input->segment_start && f->input->captured > 0 &&
        f->parser->resync(f->state, f->side, f->input->at, f->input->captured)) {
        return;
    }
    pass(f->stream, f->input, f->input->length, app);
}

bool stream_pass(struct stream *stream, uint32_t length, uint64_t frame, int64_t time_ns)
{
    if (stream->skip <= length) {
        return false;
    }
    stream->skip -= length;
    if (stream->skip_app) {
        stream->app_bytes += length;
        stream->app_frame = frame;
        stream->app_time_ns = time_ns;
    }
    return true;
}

/** Passes the bytes to be skipped. */
static void skip(const struct feed *f)
{
    uint32_t length = (uint32_t)MIN(f->stream->skip, f->input->length);

    pass(f->stream, f->input, length, f->stream->skip_app);
    f->stream->skip -= length;
    if (f->stream->skip == 0) {
        f->parser->skipped(f->state, f->side, f->input->frame, f->input->time_ns);
    }
}

/** Gives the parser what it wants; false when it wants nothing more of this stream. */
static bool serve(const struct feed *f, const struct want *want)
{
    bool needs_bytes =
        want->kind == WANT_BYTES || want->kind == WANT_UNTIL || want->kind == WANT_HOLD;

    if (needs_bytes && f->input->captured == 0) {
        report_hole(f);
        return true;
    }
    switch (want->kind) {
    case WANT_BYTES:
        gather_bytes(f, want->length);
        break;
    case WANT_UNTIL:
        gather_until(f, want->stop, want->length);
        break;
    case WANT_SKIP:
        f->stream->skip = want->length;
        f->stream->skip_app = want->app;
        break;
    case WANT_ALL:
        pass(f->stream, f->input, f->input->length, want->app);
        break;
    case WANT_HOLD:
        hold(f);
        break;
    case WANT_RESYNC:
        find_feet(f, want->app);
        break;
    case WANT_SWITCH:
    case WANT_OPAQUE:
        return false;
    }
    return true;
}

/** Whether the other side's held bytes are held no more. */
static bool is_others_turn(const struct feed *f, const struct stream *other)
{
    return other && other->held && f->parser->want(f->state, 1 - f->side).kind != WANT_HOLD;
}

void stream_feed(struct stream *stream, const struct stream *other, const struct parser *parser,
                 void *state, enum observe_side side, struct input *input)
{
    struct feed f = {stream, parser, state, side, input};

    while (input->length > 0) {
        struct want want;

        if (stream->skip > 0) {
            skip(&f);
            continue;
        }
        if (stream->discard) {
            discard(&f);
            continue;
        }
        if (is_others_turn(&f, other)) {
            return;
        }
        want = parser->want(state, side);
        if ((stream->held && want.kind != WANT_HOLD) || !serve(&f, &want)) {
            return;
        }
    }
}
