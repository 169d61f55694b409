/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The public face of the capture readers: which format it is, and what went wrong. */
#include <whyrst/capture.h>

#include <stdarg.h>

#include <glib.h>

#include "capture/format.h"
#include "limits.h"

static const struct capture_format *const formats[] = {&capture_pcap, &capture_pcapng};

/**
 * capture_corrupt() - notes a contradiction at the record that comes next
 *
 * Returns WHYRST_CAPTURE_CORRUPT, for the caller to return.
 */
enum whyrst_capture_status capture_corrupt(struct whyrst_capture *capture, const char *format, ...)
{
    va_list args;
    char *what;

    va_start(args, format);
    what = g_strdup_vprintf(format, args);
    va_end(args);
    g_free(capture->message);
    capture->message =
        g_strdup_printf("frame %" G_GUINT64_FORMAT ", byte offset %" G_GUINT64_FORMAT ": %s",
                        capture->number + 1, reader_offset(&capture->reader), what);
    g_free(what);
    return WHYRST_CAPTURE_CORRUPT;
}

/** capture_cut() - the capture ends, or cannot be read on, inside of @what */
enum whyrst_capture_status capture_cut(struct whyrst_capture *capture, const char *what)
{
    if (capture->reader.error) {
        (void)capture_corrupt(capture, "reading failed: %s", g_strerror(capture->reader.error));
        return WHYRST_CAPTURE_IO;
    }
    (void)capture_corrupt(capture, "cut short inside of %s", what);
    return WHYRST_CAPTURE_TRUNCATED;
}

/**
 * capture_short() - why the reader could not give @wanted bytes of a record
 *
 * Returns END when nothing is left (a record would have begun here), else TRUNCATED or IO.
 */
enum whyrst_capture_status capture_short(struct whyrst_capture *capture, size_t wanted)
{
    char what[64];

    if (!capture->reader.error && reader_left(&capture->reader) == 0) {
        return WHYRST_CAPTURE_END;
    }
    g_snprintf(what, sizeof what, "a record: %zu bytes needed, %zu left", wanted,
               reader_left(&capture->reader));
    return capture_cut(capture, what);
}

/**
 * capture_link_type() - the LINKTYPE_ value of what a file says
 *
 * Some writers store their platform's own DLT_ value, where the two differ (libpcap's
 * pcap-common.c, wiretap's pcap-encap.c).
 */
uint32_t capture_link_type(uint32_t type)
{
    switch (type) {
    case 11:
        return 100; /* DLT_ATM_RFC1483 */
    case 12:
    case 14:
        return 101; /* DLT_RAW */
    case 16:
        return 50; /* DLT_PPP_BSDOS */
    case 112:
        return 104; /* DLT_CHDLC */
    default:
        return type;
    }
}

/**
 * capture_max_packet() - longest plausible packet of a link type
 *
 * The same bounds as Wireshark's, so that both give up at the same record: 256 KiB, but for link
 * types with longer packets (D-Bus and USB 128 MiB, EBHSCR 32 MiB).
 */
uint32_t capture_max_packet(uint32_t link_type)
{
    switch (link_type) {
    case 186: /* USB_FREEBSD */
    case 189: /* USB_LINUX */
    case 220: /* USB_LINUX_MMAPPED */
    case 231: /* DBUS */
    case 249: /* USBPCAP */
    case 266: /* USB_DARWIN */
        return LIMIT_CAPTURE_PACKET_LONGEST;
    case 279: /* EBHSCR */
        return LIMIT_CAPTURE_PACKET_LONGEST / 4;
    default:
        return LIMIT_CAPTURE_PACKET;
    }
}

static void hand_over(struct whyrst_capture *capture, uint8_t **peeked, size_t *peeked_length)
{
    size_t left = reader_left(&capture->reader);

    if (peeked) {
        *peeked = g_memdup2(capture->reader.buffer + capture->reader.at, left);
        *peeked_length = left;
    }
}

struct whyrst_capture *whyrst_capture_open(int fd, enum whyrst_capture_status *status,
                                           uint8_t **peeked, size_t *peeked_length, char **message)
{
    return whyrst_capture_open_waiting(fd, NULL, NULL, status, peeked, peeked_length, message);
}

struct whyrst_capture *whyrst_capture_open_waiting(int fd, bool (*wait)(void *context),
                                                   void *context,
                                                   enum whyrst_capture_status *status,
                                                   uint8_t **peeked, size_t *peeked_length,
                                                   char **message)
{
    struct whyrst_capture *capture = g_new0(struct whyrst_capture, 1);
    enum whyrst_capture_status result = WHYRST_CAPTURE_UNKNOWN;

    if (peeked) {
        *peeked = NULL;
        *peeked_length = 0;
    }
    reader_init(&capture->reader, fd, wait, context);
    for (size_t i = 0; i < G_N_ELEMENTS(formats) && result == WHYRST_CAPTURE_UNKNOWN; i++) {
        capture->format = formats[i];
        result = formats[i]->open(capture);
    }
    if (result == WHYRST_CAPTURE_UNKNOWN && capture->reader.error) {
        result = capture_short(capture, 1);
    }
    *status = result;
    if (message) {
        *message = g_strdup(capture->message);
    }
    if (result != WHYRST_CAPTURE_OK) {
        if (result == WHYRST_CAPTURE_UNKNOWN) {
            hand_over(capture, peeked, peeked_length);
        }
        whyrst_capture_free(capture);
        return NULL;
    }
    return capture;
}

enum whyrst_capture_status whyrst_capture_next(struct whyrst_capture *capture,
                                               struct whyrst_frame *frame)
{
    if (capture->status == WHYRST_CAPTURE_OK) {
        capture->status = capture->format->next(capture, frame);
    }
    if (capture->status == WHYRST_CAPTURE_OK) {
        frame->number = ++capture->number;
    }
    return capture->status;
}

size_t whyrst_capture_more(struct whyrst_capture *capture, struct whyrst_frame *frames, size_t max)
{
    return capture->status == WHYRST_CAPTURE_OK ? capture->format->more(capture, frames, max) : 0;
}

const char *whyrst_capture_message(const struct whyrst_capture *capture)
{
    return capture->message;
}

uint64_t whyrst_capture_offset(const struct whyrst_capture *capture)
{
    return reader_offset(&capture->reader);
}

void whyrst_capture_free(struct whyrst_capture *capture)
{
    if (!capture) {
        return;
    }
    if (capture->state) {
        capture->format->close(capture->state);
    }
    reader_clear(&capture->reader);
    g_free(capture->message);
    g_free(capture);
}
