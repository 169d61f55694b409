/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * Where writers write: a buffer that its owner drains.
 *
 * The library opens no file and writes to none: when the buffer is full, or on output_flush(), the
 * owner's @drain gets the bytes. Once a drain has failed everything is dropped and @failed stays
 * set, so that writers need no error paths.
 */
#ifndef REPORT_OUTPUT_H
#define REPORT_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** Bytes buffered before the owner is asked to drain: one pipe's worth. */
#define OUTPUT_BUFFER_SIZE 65536u

/**
 * struct output - buffered text on its way out
 * @data, @length: what waits to be drained
 * @failed:        a drain has failed; nothing more goes out
 * @drain:         takes @length bytes, returns false when they are lost
 */
struct output {
    char *data;
    size_t length;
    bool failed;
    bool (*drain)(void *context, const char *data, size_t length);
    void *context;
};

void output_init(struct output *out, bool (*drain)(void *, const char *, size_t), void *context);
/** Frees the buffer; what has not been flushed is dropped. */
void output_clear(struct output *out);
/** Hands all buffered bytes to the owner. */
void output_flush(struct output *out);
/** output_bytes() for what the buffer has no room for. */
void output_long(struct output *out, const char *bytes, size_t length);

static inline void output_bytes(struct output *out, const char *bytes, size_t length)
{
    if (length > OUTPUT_BUFFER_SIZE - out->length) {
        output_long(out, bytes, length);
        return;
    }
    memcpy(out->data + out->length, bytes, length);
    out->length += length;
}

static inline void output_text(struct output *out, const char *text)
{
    output_bytes(out, text, strlen(text));
}

/** Where the next @length bytes (OUTPUT_BUFFER_SIZE at most) may be written; the caller then adds
 * to
 *  @length those that it wrote. */
static inline char *output_room(struct output *out, size_t length)
{
    if (length > OUTPUT_BUFFER_SIZE - out->length) {
        output_flush(out);
    }
    return out->data + out->length;
}

static inline void output_char(struct output *out, char c)
{
    if (out->length == OUTPUT_BUFFER_SIZE) {
        output_flush(out);
    }
    out->data[out->length++] = c;
}

#endif
