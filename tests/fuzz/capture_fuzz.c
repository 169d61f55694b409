/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capture files from anywhere: the reader ends, stays in bounds, and numbers frames upwards. */
#define _GNU_SOURCE
#include <whyrst/capture.h>

#include <sys/mman.h>
#include <unistd.h>

#include <glib.h>

#include "fuzz.h"
#include "limits.h"

static void read_frames(struct whyrst_capture *capture, size_t size)
{
    enum whyrst_capture_status status;
    struct whyrst_frame frame;
    uint64_t last = 0, total = 0;

    while ((status = whyrst_capture_next(capture, &frame)) == WHYRST_CAPTURE_OK) {
        g_assert_cmpuint(frame.number, >, last);
        last = frame.number;
        total += frame.captured;
        (void)sum_bytes(frame.data, frame.captured);
    }
    g_assert_cmpuint(total, <=, size);
    g_assert_cmpuint(whyrst_capture_offset(capture), <=, size);
    g_assert_true((status == WHYRST_CAPTURE_END) == !whyrst_capture_message(capture));
    g_assert_cmpint(whyrst_capture_next(capture, &frame), ==, status);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    enum whyrst_capture_status status;
    struct whyrst_capture *capture;
    uint8_t *peeked;
    size_t peeked_length;
    char *message;

    if (fd < 0) {
        fd = memfd_create("capture", 0);
    }
    g_assert_cmpint(ftruncate(fd, 0), ==, 0);
    g_assert_cmpint(pwrite(fd, data, size, 0), ==, (ssize_t)size);
    g_assert_cmpint(lseek(fd, 0, SEEK_SET), ==, 0);
    capture = whyrst_capture_open(fd, &status, &peeked, &peeked_length, &message);
    g_assert_true((status == WHYRST_CAPTURE_OK) == (capture != NULL));
    if (status == WHYRST_CAPTURE_UNKNOWN) {
        g_assert_cmpmem(peeked, peeked_length, data, MIN(size, (size_t)LIMIT_READ_FIRST));
    }
    g_free(peeked);
    g_free(message);
    if (capture) {
        read_frames(capture, size);
        whyrst_capture_free(capture);
    }
    return 0;
}
