/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * Reading pcap and pcapng captures, from files and from pipes.
 */
#ifndef WHYRST_CAPTURE_H
#define WHYRST_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <whyrst/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct whyrst_frame - one captured record
 * @time_ns:   nanoseconds since 1970-01-01 UTC; 0 when the record has no time (pcapng SPB)
 * @number:    record number in the capture, counted from 1, as Wireshark's frame.number; it skips
 *             where Wireshark numbers a pcapng block that holds no packet (journal, custom, sysdig)
 * @data:      captured bytes; valid until the next whyrst_capture_next() on the capture
 * @captured:  bytes at @data
 * @length:    bytes on the wire
 * @link_type: LINKTYPE_ value of the record's interface (the public registry, not DLT_)
 */
struct whyrst_frame {
    int64_t time_ns;
    uint64_t number;
    const uint8_t *data;
    uint32_t captured;
    uint32_t length;
    uint32_t link_type;
};

struct whyrst_capture;

enum whyrst_capture_status {
    WHYRST_CAPTURE_OK = 0,
    WHYRST_CAPTURE_END,       /**< the capture ended where a record ends */
    WHYRST_CAPTURE_TRUNCATED, /**< it ended inside a record or header */
    WHYRST_CAPTURE_CORRUPT,   /**< a header or length makes no sense; reading cannot go on */
    WHYRST_CAPTURE_UNKNOWN,   /**< neither pcap nor pcapng, or a pcap of a kind not known here */
    WHYRST_CAPTURE_IO,        /**< read(2) failed */
};

/**
 * Opens the capture on descriptor @fd, at its current offset; files, pipes and sockets will do.
 * The descriptor stays the caller's. Returns NULL and sets @status to anything but OK on failure;
 * with WHYRST_CAPTURE_UNKNOWN the bytes read so far (at most 64 KiB) are left in @peeked, if not
 * NULL, for another reader: *@peeked is g_malloc'ed and becomes the caller's, *@peeked_length says
 * how many. @message (if not NULL) gets a text naming the offset, to be freed with g_free() (the
 * library needs GLib, a program that calls this has to link with glib-2.0 itself).
 */
WHYRST_API struct whyrst_capture *whyrst_capture_open(int fd, enum whyrst_capture_status *status,
                                                      uint8_t **peeked, size_t *peeked_length,
                                                      char **message);
/**
 * As whyrst_capture_open(), for a pipe whose reading somebody may want to end: before each read(2)
 * @wait is called with @context. It returns true once there is something to read, be it the end, or
 * false to let the capture end there, be it inside a record (WHYRST_CAPTURE_TRUNCATED).
 */
WHYRST_API struct whyrst_capture *
whyrst_capture_open_waiting(int fd, bool (*wait)(void *context), void *context,
                            enum whyrst_capture_status *status, uint8_t **peeked,
                            size_t *peeked_length, char **message);
/**
 * Reads the next record into @frame. Everything readable before an error is delivered first. Blocks
 * only when the descriptor has no complete record to give (so a live pipe is served at once).
 */
WHYRST_API enum whyrst_capture_status whyrst_capture_next(struct whyrst_capture *capture,
                                                          struct whyrst_frame *frame);
/**
 * Reads those of the next records that are in memory already, @max at most, into @frames; returns
 * how many. It never blocks, and the bytes of earlier frames stay valid: some frames can be worked
 * on at once. Whether the capture has ended, or is broken, only whyrst_capture_next() says.
 */
WHYRST_API size_t whyrst_capture_more(struct whyrst_capture *capture, struct whyrst_frame *frames,
                                      size_t max);
/** After TRUNCATED, CORRUPT or IO: what is wrong, with frame number and byte offset. */
WHYRST_API const char *whyrst_capture_message(const struct whyrst_capture *capture);
/** Bytes consumed so far (progress bars). */
WHYRST_API uint64_t whyrst_capture_offset(const struct whyrst_capture *capture);
/** Frees the reader, not the descriptor. NULL is allowed. */
WHYRST_API void whyrst_capture_free(struct whyrst_capture *capture);

#ifdef __cplusplus
}
#endif
#endif
