/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The coordinator: finds out what begins on each side, hands the streams to that parser, and lets
 * detection begin anew where a protocol gives way to another.
 *
 * A side is always with one parser. Both begin in detection; as one side shows what it is, the
 * other follows, unless it is still in an earlier protocol (a proxy's answer) and follows later.
 */
#include "observe/observer.h"

#include <string.h>

#include <glib.h>

#include "bytes/prefetch.h"
#include "bytes/zeroed.h"
#include "limits.h"
#include "observe/detect.h"
#include "observe/http1.h"
#include "observe/prologue.h"
#include "observe/reading.h"
#include "observe/tls.h"

struct observe_context {
    struct ja4_cache cache;
};

_Static_assert(sizeof(struct observer) <= 192, "an opaque connection must stay small");

struct observe_context *observe_context_new(void)
{
    struct observe_context *context = g_new0(struct observe_context, 1);

    ja4_cache_init(&context->cache);
    context->cache.texts = names_new();
    return context;
}

void observe_context_free(struct observe_context *context)
{
    if (context) {
        ja4_cache_clear(&context->cache);
        names_unref(context->cache.texts);
        g_free(context);
    }
}

struct names *observe_context_texts(const struct observe_context *context)
{
    return context->cache.texts;
}

uint64_t observe_context_refused(const struct observe_context *context)
{
    return context->cache.refused;
}

struct observer *observer_new(struct observe_context *context, bool from_start)
{
    struct observer *o = zeroed_new(struct observer);

    o->context = context;
    o->middle[OBSERVE_CLIENT] = !from_start;
    o->middle[OBSERVE_SERVER] = !from_start;
    return o;
}

void observer_free(struct observer *o)
{
    if (!o) {
        return;
    }
    tls_free(o->tls);
    http1_free(o->http);
    prologue_free(o->prologue);
    g_free(o->streams[OBSERVE_CLIENT].kept);
    g_free(o->streams[OBSERVE_SERVER].kept);
    g_free(o);
}

void observer_prefetch(const struct observer *o)
{
    prefetch_all(o, sizeof *o);
}

void observer_prefetch_readers(const struct observer *o)
{
    prefetch_all(o->tls, sizeof *o->tls);
    prefetch_all(o->http, sizeof *o->http);
}

void observer_prefetch_hello(const struct observer *o)
{
    if (o->tls) {
        prefetch_all(o->tls->hello, sizeof *o->tls->hello);
    }
}

static const struct parser *parser_of(const struct observer *o, enum observe_side side,
                                      void **state)
{
    switch (o->reader[side]) {
    case READER_PROLOGUE:
        *state = o->prologue;
        return &prologue_parser;
    case READER_HTTP1:
        *state = o->http;
        return &http1_parser;
    default:
        *state = o->tls;
        return &tls_parser;
    }
}

static bool is_parsed(const struct observer *o, enum observe_side side)
{
    return o->reader[side] >= READER_PROLOGUE && o->reader[side] <= READER_TLS;
}

/** Hands both sides that wait for detection to @reader. */
static void hand_over(struct observer *o, uint8_t reader)
{
    o->current = reader;
    for (int side = 0; side < 2; side++) {
        if (o->reader[side] == READER_DETECTION) {
            o->reader[side] = reader;
        }
    }
}

/** Whether @other's stream is joined in its middle when @side shows what the connection is. */
static bool joins_in_middle(const struct observer *o, enum observe_side other)
{
    return o->middle[other] && o->payload[other].bytes > 0;
}

/** TLS begins: its application data is what counts from here on. */
static void adopt_tls(struct observer *o, enum observe_side side, enum tls_entry entry)
{
    enum observe_side other = 1 - side;

    tls_free(o->tls);
    o->tls = tls_new(&o->context->cache, entry);
    if (entry != TLS_ENTRY_START) {
        o->tls->side[side].resynced = true;
        o->tls->side[other].resynced = true;
    }
    if (joins_in_middle(o, other)) {
        tls_lose(o->tls, other);
    }
    hand_over(o, READER_TLS);
}

static void adopt_http1(struct observer *o, enum observe_side side)
{
    enum observe_side other = 1 - side;

    struct http1 *before = o->http;

    o->http = http1_new();
    o->http->within = o->tunnel;
    if (before) {
        o->http->proxy = g_steal_pointer(&before->proxy);
    }
    http1_free(before);
    if (joins_in_middle(o, other)) {
        http1_lose(o->http, other);
    }
    hand_over(o, READER_HTTP1);
}

static void adopt_prologue(struct observer *o, enum observe_side side, enum detected kind)
{
    struct prologue *before = o->prologue;

    o->prologue = prologue_new(kind);
    o->prologue->within = o->tunnel;
    if (before) {
        o->prologue->proxy = g_steal_pointer(&before->proxy);
    }
    prologue_free(before);
    if (kind == DETECT_PROXY) {
        /* A header before the client's stream; the server's is not concerned. */
        o->reader[side] = READER_PROLOGUE;
        o->current = READER_PROLOGUE;
    } else {
        hand_over(o, READER_PROLOGUE);
    }
}

/** Nothing known will come on either side. */
static void give_up(struct observer *o)
{
    for (int side = 0; side < 2; side++) {
        o->reader[side] = READER_OPAQUE;
        o->streams[side].skip = 0;
        o->streams[side].discard = 0;
        stream_drop_kept(&o->streams[side]);
    }
    o->current = READER_OPAQUE;
    tls_free(o->tls);
    o->tls = NULL;
}

static void feed(struct observer *o, enum observe_side side, struct input *input);
static void settle(struct observer *o);
static void replay(struct observer *o, enum observe_side side);

static uint8_t reader_of(enum detected kind)
{
    switch (kind) {
    case DETECT_TLS:
    case DETECT_SSLV2:
        return READER_TLS;
    case DETECT_HTTP1:
        return READER_HTTP1;
    default:
        return READER_PROLOGUE;
    }
}

/** @side shows that it is @kind, with the first bytes that count at @bytes. */
static void adopt(struct observer *o, enum observe_side side, enum detected kind,
                  const uint8_t *bytes, size_t length)
{
    enum observe_side other = 1 - side;
    bool waits = o->reader[other] == READER_DETECTION;

    if (o->reader[other] == reader_of(kind)) {
        give_up(o); /* one side begins a second dialogue within the other's first: none was one */
        return;
    }
    switch (kind) {
    case DETECT_TLS:
        adopt_tls(o, side,
                  o->middle[side] || side == OBSERVE_SERVER ? tls_entry_of(bytes, length)
                                                            : TLS_ENTRY_START);
        break;
    case DETECT_SSLV2:
        adopt_tls(o, side, TLS_ENTRY_START);
        o->tls->side[OBSERVE_CLIENT].sslv2 = true;
        break;
    case DETECT_HTTP1:
        adopt_http1(o, side);
        break;
    default:
        adopt_prologue(o, side, kind);
        break;
    }
    if (waits && o->reader[other] != READER_DETECTION) {
        replay(o, other);
    }
}

/** Feeds kept bytes again, to whoever reads the stream now. */
static void replay(struct observer *o, enum observe_side side)
{
    struct stream *s = &o->streams[side];
    struct kept *kept = s->kept;
    struct input input = {.segment_start = true};

    s->kept = NULL;
    s->held = false;
    if (!kept) {
        return;
    }
    input.at = kept->bytes;
    input.captured = kept->length;
    input.length = kept->length;
    input.first_frame = kept->first_frame;
    input.first_time_ns = kept->first_time_ns;
    input.frame = kept->frame;
    input.time_ns = kept->time_ns;
    feed(o, side, &input);
    g_free(kept);
}

/** A side leaves a prologue: what follows is detected afresh. */
static void leave(struct observer *o, enum observe_side side)
{
    bool tunnel = o->reader[side] == READER_HTTP1 ? o->http->tunnel : o->prologue->tunnel;

    o->tunnel |= tunnel;
    o->reader[side] = READER_DETECTION;
    o->unknown[side] = false;
    o->middle[side] = false;
}

/** What a side's parser wants; WANT_HOLD while it is not to be asked. */
static enum want_kind wants(const struct observer *o, enum observe_side side)
{
    void *state;
    const struct parser *parser;

    if (!is_parsed(o, side) || o->streams[side].skip > 0 || o->streams[side].discard) {
        return WANT_HOLD;
    }
    parser = parser_of(o, side, &state);
    return parser->want(state, side).kind;
}

/** Acts on what a side's parser wants when it wants no bytes; true when something changed. */
static bool settle_side(struct observer *o, enum observe_side side)
{
    enum observe_side other = 1 - side;
    enum want_kind want = wants(o, side);

    if (want == WANT_OPAQUE) {
        give_up(o);
        return true;
    }
    if (want == WANT_SWITCH) {
        leave(o, side);
        if (wants(o, other) == WANT_SWITCH) {
            leave(o, other); /* before the bytes that follow are looked at */
            replay(o, other);
        }
    } else if (!o->streams[side].held || want == WANT_HOLD) {
        return false;
    }
    replay(o, side);
    return true;
}

static void settle(struct observer *o)
{
    while (settle_side(o, OBSERVE_CLIENT) || settle_side(o, OBSERVE_SERVER)) {
    }
}

/** Gives up when neither side can still show a protocol. */
static void consider_giving_up(struct observer *o)
{
    uint64_t bytes = o->payload[OBSERVE_CLIENT].bytes + o->payload[OBSERVE_SERVER].bytes;
    bool client_done = o->unknown[OBSERVE_CLIENT] && !o->middle[OBSERVE_CLIENT];
    bool other_reader = o->reader[OBSERVE_CLIENT] != READER_DETECTION ||
                        o->reader[OBSERVE_SERVER] != READER_DETECTION;

    if (client_done || (!other_reader && bytes > LIMIT_PROLOGUE)) {
        give_up(o);
    }
}

/** Bytes of a side that showed nothing at its beginning: passed, but for segments that do. */
static void watch(struct observer *o, enum observe_side side, struct input *input)
{
    enum detected found = DETECT_NONE;

    if (o->middle[side] && input->segment_start && input->captured > 0) {
        found = detect_middle(side, input->at, input->captured);
    }
    if (found != DETECT_NONE) {
        adopt(o, side, found, input->at, input->captured);
        return;
    }
    input_advance(input, input->length);
    consider_giving_up(o);
}

/** What a side begins with; one whose beginning was not captured may be anywhere in TLS. */
static enum detected classify(const struct observer *o, enum observe_side side,
                              const uint8_t *bytes, size_t length)
{
    enum detected found = o->middle[side] ? detect_middle(side, bytes, length) : DETECT_NONE;

    if (o->reader[1 - side] == READER_PROLOGUE && o->prologue->kind == DETECT_PROXY) {
        /* The client's protocol decides, which comes after the header. */
        return length < LIMIT_HELD ? DETECT_MORE : DETECT_NONE;
    }
    if (found != DETECT_NONE) {
        return found;
    }
    found = detect_start(side, bytes, length);
    if (o->middle[side] && found == DETECT_TLS) {
        return length > TLS_RECORD_HEADER ? DETECT_NONE : DETECT_MORE;
    }
    return found;
}

/** Looks at a side's first bytes; takes them, or finds a parser for them. */
static void detect(struct observer *o, enum observe_side side, struct input *input)
{
    struct stream *s = &o->streams[side];
    uint32_t before = stream_kept_length(s);
    uint32_t present = input->captured;
    const uint8_t *bytes = input->at;
    size_t length = present;
    enum detected found;

    if (o->unknown[side]) {
        watch(o, side, input);
        return;
    }
    if (present == 0) {
        o->unknown[side] = true;
        o->middle[side] = true;
        stream_drop_kept(s);
        return;
    }
    if (before > 0) {
        stream_keep(s, input, present);
        bytes = s->kept->bytes;
        length = s->kept->length;
    }
    found = classify(o, side, bytes, length);
    if (found == DETECT_MORE) {
        if (before == 0) {
            stream_keep(s, input, present);
        }
        input_advance(input, present);
        return;
    }
    if (found != DETECT_NONE) {
        adopt(o, side, found, bytes, length);
    }
    if (s->kept) {
        s->kept->length = before; /* the rest is still in @input */
    }
    if (found == DETECT_NONE) {
        o->unknown[side] = true;
        stream_drop_kept(s);
        return;
    }
    replay(o, side);
}

static void feed(struct observer *o, enum observe_side side, struct input *input)
{
    while (input->length > 0) {
        enum observe_side other = 1 - side;

        if (o->reader[side] == READER_OPAQUE) {
            return;
        }
        if (o->reader[side] == READER_DETECTION && o->reader[other] == READER_TLS) {
            o->reader[side] = READER_TLS;
        }
        if (o->reader[side] == READER_DETECTION) {
            detect(o, side, input);
        } else {
            void *state;
            const struct parser *parser = parser_of(o, side, &state);
            const struct stream *peer =
                o->reader[other] == o->reader[side] ? &o->streams[other] : NULL;

            stream_feed(&o->streams[side], peer, parser, state, side, input);
            if (input->length > 0) {
                settle(o);
            }
        }
    }
}

void observer_skip(struct observer *o, enum observe_side side, uint32_t length, uint64_t frame,
                   int64_t time_ns)
{
    o->payload[side].bytes += length;
    o->payload[side].frame = frame;
    o->payload[side].time_ns = time_ns;
}

bool observer_pass(struct observer *o, enum observe_side side, uint32_t length, uint64_t frame,
                   int64_t time_ns)
{
    if (!stream_pass(&o->streams[side], length, frame, time_ns)) {
        return false;
    }
    o->server_first |= side == OBSERVE_SERVER && o->payload[OBSERVE_CLIENT].bytes == 0;
    observer_skip(o, side, length, frame, time_ns);
    return true;
}

void observer_chunk(struct observer *o, enum observe_side side, const struct observe_chunk *chunk)
{
    struct input input = {
        .at = chunk->data,
        .captured = chunk->captured,
        .length = chunk->length,
        .first_frame = chunk->frame,
        .first_time_ns = chunk->time_ns,
        .frame = chunk->frame,
        .time_ns = chunk->time_ns,
        .segment_start = chunk->segment_start,
    };

    if (chunk->length == 0 || observer_pass(o, side, chunk->length, chunk->frame, chunk->time_ns)) {
        return; /* the inside of a body: most chunks of a bulk transfer */
    }
    o->server_first |= side == OBSERVE_SERVER && o->payload[OBSERVE_CLIENT].bytes == 0;
    observer_skip(o, side, chunk->length, chunk->frame, chunk->time_ns);
    feed(o, side, &input);
    settle(o);
}

bool observer_is_opaque(const struct observer *o)
{
    return o->reader[OBSERVE_CLIENT] == READER_OPAQUE && o->reader[OBSERVE_SERVER] == READER_OPAQUE;
}
