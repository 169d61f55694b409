/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * One side's byte stream, cut into what its parser asks for.
 *
 * A parser never sees chunks. It says what it wants next - so many bytes, a line, so many bytes
 * passed over - and is handed exactly that, contiguous, however the chunks were split; bytes are
 * copied only when the wanted unit spans chunks. What the capture lacks is harmless while bytes are
 * passed over, else the parser is told of the hole and changes what it wants.
 */
#ifndef OBSERVE_STREAM_H
#define OBSERVE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "observe/observer.h"

enum want_kind {
    WANT_BYTES, /**< exactly @length bytes, at least one */
    WANT_UNTIL, /**< bytes up to and with @stop; at most @length are handed over, the rest passed */
    WANT_SKIP,  /**< @length bytes pass unseen, then skipped() is called; at least one */
    WANT_ALL,   /**< all that follows passes unseen */
    WANT_HOLD,  /**< what follows is kept until the other side has said what it is */
    WANT_RESYNC, /**< lost: all passes unseen until resync() finds a beginning at a segment's start
                  */
    WANT_SWITCH, /**< another protocol begins here */
    WANT_OPAQUE, /**< what follows, on both sides, is no protocol known here */
};

/** struct want - what a parser asks of one side's stream; @app: passed bytes are application data
 */
struct want {
    enum want_kind kind;
    uint64_t length;
    char stop;
    bool app;
};

/**
 * struct unit - what was wanted
 * @bytes, @length: borrowed until the callback returns
 * @cut:            WANT_UNTIL: the unit is longer than what is here
 * @first_frame, @first_time_ns: where its first byte came
 * @frame, @time_ns: where its last byte came
 */
struct unit {
    const uint8_t *bytes;
    size_t length;
    bool cut;
    uint64_t first_frame;
    int64_t first_time_ns;
    uint64_t frame;
    int64_t time_ns;
};

/**
 * struct parser - a protocol's callbacks; @state is the parser's own, for both sides
 * @want:    what is wanted of @side now; asked again after each other callback
 * @unit:    a wanted unit is here
 * @skipped: the bytes wanted by WANT_SKIP have passed, the last of them with this frame
 * @hole:    bytes of the wanted unit or kept bytes are missing, @got of it had come; afterwards
 *           the parser must not want a unit of the same bytes
 * @held:    bytes kept by WANT_HOLD; the parser may change what it wants when they show what they
 * are
 * @resync:  @bytes begin a segment: true when a message begins here (want() has changed)
 */
struct parser {
    struct want (*want)(const void *state, enum observe_side side);
    void (*unit)(void *state, enum observe_side side, const struct unit *unit);
    void (*skipped)(void *state, enum observe_side side, uint64_t frame, int64_t time_ns);
    void (*hole)(void *state, enum observe_side side, uint64_t got);
    void (*held)(void *state, enum observe_side side, const uint8_t *bytes, size_t length);
    bool (*resync)(void *state, enum observe_side side, const uint8_t *bytes, size_t length);
};

/**
 * struct kept - the beginning of an unfinished unit, or held bytes
 * @first_frame, @first_time_ns: where the first byte came
 * @frame, @time_ns: where the last one came
 */
struct kept {
    uint64_t first_frame;
    int64_t first_time_ns;
    uint64_t frame;
    int64_t time_ns;
    uint32_t length;
    uint32_t size;
    uint8_t bytes[];
};

/**
 * struct stream - a side's position
 * @kept:       NULL when nothing was kept yet
 * @skip:       bytes still to pass unseen
 * @app_bytes, @app_frame, @app_time_ns: bytes passed with want.app, and where the latest came
 * @skip_app:   the bytes passed are application payload
 * @held:       the kept bytes were held, and must be fed again when WANT_HOLD is over
 * @discard:    the rest of a cut unit passes, up to this byte; 0 none
 */
struct stream {
    struct kept *kept;
    uint64_t skip;
    uint64_t app_bytes;
    uint64_t app_frame;
    int64_t app_time_ns;
    bool skip_app;
    bool held;
    char discard;
};

static inline uint32_t stream_kept_length(const struct stream *stream)
{
    return stream->kept ? stream->kept->length : 0;
}

/**
 * struct input - bytes on their way into a stream
 * @at, @captured: those here
 * @length:        those on the wire, missing ones last
 * @first_frame, @first_time_ns: where the first byte came; others came in @frame or before
 * @segment_start: the next byte begins a segment
 */
struct input {
    const uint8_t *at;
    uint32_t captured;
    uint32_t length;
    uint64_t first_frame;
    int64_t first_time_ns;
    uint64_t frame;
    int64_t time_ns;
    bool segment_start;
};

/**
 * Feeds @parser with @input, until it is used up, the parser wants WANT_SWITCH or WANT_OPAQUE, or
 * WANT_HOLD is over on this side or on that of @other: the caller then feeds the kept bytes again,
 * before the rest of @input. @other: the other side's stream, NULL when it has another parser.
 */
void stream_feed(struct stream *stream, const struct stream *other, const struct parser *parser,
                 void *state, enum observe_side side, struct input *input);
/** Passes @length bytes that lie within what is to be skipped, short of its end; else false. */
bool stream_pass(struct stream *stream, uint32_t length, uint64_t frame, int64_t time_ns);
/** Appends the first @length bytes of @input to those kept. */
void stream_keep(struct stream *stream, const struct input *input, uint32_t length);
/** Forgets the kept bytes. */
void stream_drop_kept(struct stream *stream);
/** Moves @input past @length bytes. */
void input_advance(struct input *input, uint32_t length);

#endif
