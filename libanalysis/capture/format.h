/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * What a capture format must provide, and what it gets.
 */
#ifndef CAPTURE_FORMAT_H
#define CAPTURE_FORMAT_H

#include <whyrst/capture.h>

#include "capture/reader.h"

/**
 * struct capture_format - one file format
 * @name:  for messages
 * @open:  looks at the first bytes without consuming any unless the format is its own; answers
 *         WHYRST_CAPTURE_UNKNOWN when it is not, or not in a variant it reads
 * @next:  the next record; fills the frame but for its number
 * @more:  the next records that the reader holds, @max at most, numbers and all; how many
 * @close: frees @state
 */
struct capture_format {
    const char *name;
    enum whyrst_capture_status (*open)(struct whyrst_capture *capture);
    enum whyrst_capture_status (*next)(struct whyrst_capture *capture, struct whyrst_frame *frame);
    size_t (*more)(struct whyrst_capture *capture, struct whyrst_frame *frames, size_t max);
    void (*close)(void *state);
};

/**
 * struct whyrst_capture - an open capture
 * @reader:  where bytes come from
 * @format:  how they are read
 * @state:   the format's own
 * @number:  records so far that take a frame number
 * @status:  OK while reading can go on
 * @message: what went wrong, or NULL
 */
struct whyrst_capture {
    struct reader reader;
    const struct capture_format *format;
    void *state;
    uint64_t number;
    enum whyrst_capture_status status;
    char *message;
};

extern const struct capture_format capture_pcap;
extern const struct capture_format capture_pcapng;

enum whyrst_capture_status capture_corrupt(struct whyrst_capture *capture, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
enum whyrst_capture_status capture_short(struct whyrst_capture *capture, size_t wanted);
enum whyrst_capture_status capture_cut(struct whyrst_capture *capture, const char *what);
uint32_t capture_link_type(uint32_t type);
uint32_t capture_max_packet(uint32_t link_type);

/** A 16-bit field in the byte order of the file: @big for the network's. */
static inline uint16_t field_u16(struct cursor *c, bool big)
{
    uint16_t value = cursor_be16(c);

    return big ? value : __builtin_bswap16(value);
}

/** A 32-bit field in the byte order of the file. */
static inline uint32_t field_u32(struct cursor *c, bool big)
{
    uint32_t value = cursor_be32(c);

    return big ? value : __builtin_bswap32(value);
}

#endif
