/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conn/reassembly.h"

#include <string.h>

#include <glib.h>

#include "bytes/seq.h"
#include "limits.h"

struct piece {
    struct piece *next;
    uint32_t seq;
    struct observe_chunk chunk; /* data points to bytes[] */
    uint8_t bytes[];
};

void reassembly_start(struct reassembly *data, uint32_t seq)
{
    if (!data->started) {
        data->started = true;
        data->next = seq;
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
static void deliver(struct reassembly *data, uint32_t seq, struct observe_chunk chunk,
                    reassembly_sink sink, void *user)
{
    uint32_t old = data->next - seq;

    if (old >= chunk.length) {
        return;
    }
    chunk_trim(&chunk, old);
    data->next += chunk.length;
    sink(user, &chunk, false);
}

/* Bytes up to @seq were lost by the capture. */
static void deliver_missing(struct reassembly *data, uint32_t seq,
                            const struct observe_chunk *after, reassembly_sink sink, void *user)
{
    struct observe_chunk missing = {.length = seq - data->next,
                                    .frame = after ? after->frame : 0,
                                    .time_ns = after ? after->time_ns : 0};

    data->next = seq;
    sink(user, &missing, true);
}

/* A piece comes out when @filler fills the hole before it: then it became known, not before. */
static void pop_piece(struct reassembly *data, const struct observe_chunk *filler,
                      reassembly_sink sink, void *user)
{
    struct piece *piece = data->pieces;

    if (filler && filler->frame > piece->chunk.frame) {
        piece->chunk.frame = filler->frame;
        piece->chunk.time_ns = filler->time_ns;
    }
    data->pieces = piece->next;
    data->bytes -= piece->chunk.captured;
    data->count--;
    deliver(data, piece->seq, piece->chunk, sink, user);
    g_free(piece);
}

static void drain(struct reassembly *data, const struct observe_chunk *filler, reassembly_sink sink,
                  void *user)
{
    while (data->pieces && !seq_after(data->pieces->seq, data->next)) {
        pop_piece(data, filler, sink, user);
    }
}

static void keep(struct reassembly *data, uint32_t seq, const struct observe_chunk *chunk)
{
    struct piece **link = &data->pieces;
    struct piece *piece;

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
    data->bytes += chunk->captured;
    data->count++;
}

bool reassembly_add(struct reassembly *data, uint32_t seq, const struct observe_chunk *chunk,
                    reassembly_sink sink, void *user)
{
    bool within_bounds = true;

    reassembly_start(data, seq);
    if (!seq_after(seq, data->next)) {
        deliver(data, seq, *chunk, sink, user);
        drain(data, chunk, sink, user);
        return true;
    }
    keep(data, seq, chunk);
    while (data->count > LIMIT_REASSEMBLY_PIECES || data->bytes > LIMIT_REASSEMBLY_BYTES) {
        within_bounds = false;
        deliver_missing(data, data->pieces->seq, &data->pieces->chunk, sink, user);
        drain(data, NULL, sink, user);
    }
    return within_bounds;
}

void reassembly_acked(struct reassembly *data, uint32_t ack, bool final, reassembly_sink sink,
                      void *user)
{
    if (!data->started) {
        return;
    }
    while (data->pieces && seq_after(ack, data->next)) {
        if (seq_after(data->pieces->seq, ack)) {
            break;
        }
        if (seq_after(data->pieces->seq, data->next)) {
            deliver_missing(data, data->pieces->seq, &data->pieces->chunk, sink, user);
        }
        drain(data, NULL, sink, user);
    }
    if (final && seq_after(ack, data->next)) {
        deliver_missing(data, ack, NULL, sink, user);
        drain(data, NULL, sink, user);
    }
}

uint32_t reassembly_waiting(const struct reassembly *data)
{
    uint32_t end = data->next;
    uint32_t sum = 0;

    for (const struct piece *piece = data->pieces; piece; piece = piece->next) {
        uint32_t from = seq_max(piece->seq, end);
        uint32_t to = piece->seq + piece->chunk.length;

        if (seq_after(to, from)) {
            sum += to - from;
            end = to;
        }
    }
    return sum;
}

void reassembly_clear(struct reassembly *data)
{
    while (data->pieces) {
        struct piece *piece = data->pieces;

        data->pieces = piece->next;
        g_free(piece);
    }
    memset(data, 0, sizeof *data);
}
