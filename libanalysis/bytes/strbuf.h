/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * A string builder over a caller's buffer, with a hard end.
 *
 * What does not fit is cut and @truncated set; the text is always NUL-terminated, and cut only
 * between UTF-8 characters by strbuf_add_wire().
 */
#ifndef BYTES_STRBUF_H
#define BYTES_STRBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct strbuf {
    char *text;
    size_t size; /**< of the buffer, final NUL included; at least 1 */
    size_t length;
    bool truncated;
};

/** An empty text in @buffer of @size bytes (at least 1). */
struct strbuf strbuf_make(char *buffer, size_t size);
void strbuf_add(struct strbuf *s, const char *text);
/** Adds the first @length bytes of @text, or as many as there is room for. */
void strbuf_add_part(struct strbuf *s, const char *text, size_t length);
/** Adds a decimal number; much cheaper than strbuf_addf(). */
void strbuf_add_number(struct strbuf *s, int64_t number);
void strbuf_add_char(struct strbuf *s, char c);
void strbuf_addf(struct strbuf *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Adds bytes from the wire as UTF-8; what is no valid UTF-8 becomes U+FFFD, byte by byte. */
void strbuf_add_wire(struct strbuf *s, const uint8_t *bytes, size_t length);

#endif
