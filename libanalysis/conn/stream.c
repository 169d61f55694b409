/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conn/stream.h"

#include <string.h>

#include <glib.h>

#include "bytes/seq.h"
#include "limits.h"

struct stream_piece {
    struct stream_piece *next;
    uint32_t seq;
    struct observe_chunk chunk; /* data points to bytes[] */
    uint8_t bytes[];
};

void stream_start(struct stream *stream, uint32_t seq)
{
    if (!stream->started) {
        stream->started = true;
        stream->next = seq;
    }
}

/* Cuts @n bytes off the chunk's front. */
static void chunk_trim(struct observe_chunk *chunk, uint32_t n)
{
    uint32_t present = MIN(n, chunk->captured);

    chunk->data = chunk->captured > present ? chunk->data + present : NULL;
    chunk->captured -= present;
    chunk->length -= n;
    chunk->segment_start = chunk->segment_start && n == 0;
}

/* Hands over a chunk that begins at or before @next; nothing of it may be new. */
static void deliver(struct stream *stream, uint32_t seq, struct observe_chunk chunk,
                    stream_sink sink, void *user)
{
    uint32_t old = stream->next - seq;

    if (old >= chunk.length) {
        return;
    }
    chunk_trim(&chunk, old);
    stream->next += chunk.length;
    sink(user, &chunk, false);
}

/* Bytes up to @seq were lost by the capture. */
static void deliver_missing(struct stream *stream, uint32_t seq, const struct observe_chunk *after,
                            stream_sink sink, void *user)
{
    struct observe_chunk missing = {.length = seq - stream->next,
                                    .frame = after ? after->frame : 0,
                                    .time_ns = after ? after->time_ns : 0};

    stream->next = seq;
    sink(user, &missing, true);
}

static void pop_piece(struct stream *stream, stream_sink sink, void *user)
{
    struct stream_piece *piece = stream->pieces;

    stream->pieces = piece->next;
    stream->bytes -= piece->chunk.captured;
    stream->count--;
    deliver(stream, piece->seq, piece->chunk, sink, user);
    g_free(piece);
}

static void drain(struct stream *stream, stream_sink sink, void *user)
{
    while (stream->pieces && !seq_after(stream->pieces->seq, stream->next)) {
        pop_piece(stream, sink, user);
    }
}

static void keep(struct stream *stream, uint32_t seq, const struct observe_chunk *chunk)
{
    struct stream_piece **link = &stream->pieces;
    struct stream_piece *piece;

    while (*link && !seq_after((*link)->seq, seq)) {
        if ((*link)->seq == seq && (*link)->chunk.length >= chunk->length) {
            return; /* a repetition */
        }
        link = &(*link)->next;
    }
    piece = g_malloc(sizeof *piece + chunk->captured);
    piece->seq = seq;
    piece->chunk = *chunk;
    piece->chunk.data = chunk->captured ? piece->bytes : NULL;
    if (chunk->captured) {
        memcpy(piece->bytes, chunk->data, chunk->captured);
    }
    piece->next = *link;
    *link = piece;
    stream->bytes += chunk->captured;
    stream->count++;
}

bool stream_add(struct stream *stream, uint32_t seq, const struct observe_chunk *chunk,
                stream_sink sink, void *user)
{
    bool within_bounds = true;

    stream_start(stream, seq);
    if (!seq_after(seq, stream->next)) {
        deliver(stream, seq, *chunk, sink, user);
        drain(stream, sink, user);
        return true;
    }
    keep(stream, seq, chunk);
    while (stream->count > LIMIT_REASSEMBLY_PIECES || stream->bytes > LIMIT_REASSEMBLY_BYTES) {
        within_bounds = false;
        deliver_missing(stream, stream->pieces->seq, &stream->pieces->chunk, sink, user);
        drain(stream, sink, user);
    }
    return within_bounds;
}

void stream_acked(struct stream *stream, uint32_t ack, bool final, stream_sink sink, void *user)
{
    if (!stream->started) {
        return;
    }
    while (stream->pieces && seq_after(ack, stream->next)) {
        if (seq_after(stream->pieces->seq, ack)) {
            break;
        }
        if (seq_after(stream->pieces->seq, stream->next)) {
            deliver_missing(stream, stream->pieces->seq, &stream->pieces->chunk, sink, user);
        }
        drain(stream, sink, user);
    }
    if (final && seq_after(ack, stream->next)) {
        deliver_missing(stream, ack, NULL, sink, user);
        drain(stream, sink, user);
    }
}

uint32_t stream_waiting(const struct stream *stream)
{
    uint32_t end = stream->next;
    uint32_t sum = 0;

    for (const struct stream_piece *piece = stream->pieces; piece; piece = piece->next) {
        uint32_t from = seq_max(piece->seq, end);
        uint32_t to = piece->seq + piece->chunk.length;

        if (seq_after(to, from)) {
            sum += to - from;
            end = to;
        }
    }
    return sum;
}

void stream_clear(struct stream *stream)
{
    while (stream->pieces) {
        struct stream_piece *piece = stream->pieces;

        stream->pieces = piece->next;
        g_free(piece);
    }
    memset(stream, 0, sizeof *stream);
}
