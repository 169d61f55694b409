/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Captures in formats of libwiretap's: what it makes of any bytes becomes frames within their
 * bounds, and every failure has a message. libwiretap itself is not instrumented.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib.h>

#include <whyrst/decode.h>

#include "../../cli/wiretap.h"
#include "fuzz.h"

#define MOST_FRAMES 2000u /* of compressed files, which may hold very many */

static void read_frames(struct wiretap *wiretap)
{
    struct whyrst_decoder *decoder = whyrst_decoder_new();
    enum whyrst_capture_status status = WHYRST_CAPTURE_OK;
    struct whyrst_segment segments[WHYRST_MAX_SEGMENTS];
    struct whyrst_frame frame;
    uint64_t count = 0;

    while (count < MOST_FRAMES && (status = wiretap_next(wiretap, &frame)) == WHYRST_CAPTURE_OK) {
        require(frame.number == ++count);
        (void)sum_bytes(frame.data, frame.captured);
        require(whyrst_decoder_frame(decoder, &frame, segments) <= WHYRST_MAX_SEGMENTS);
        (void)wiretap_offset(wiretap);
    }
    require(count == MOST_FRAMES ||
            (status == WHYRST_CAPTURE_END) == (wiretap_message(wiretap) == NULL));
    whyrst_decoder_finish(decoder);
    whyrst_decoder_free(decoder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[64];
    enum whyrst_capture_status status = WHYRST_CAPTURE_OK;
    struct wiretap *wiretap;
    char *message = NULL;

    if (fd < 0) {
        fd = memfd_create("capture", 0);
        g_snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    require(ftruncate(fd, 0) == 0);
    require(pwrite(fd, data, size, 0) == (ssize_t)size);
    wiretap = wiretap_open(path, &status, &message);
    require((wiretap != NULL) == (status == WHYRST_CAPTURE_OK));
    require((wiretap != NULL) == (message == NULL));
    g_free(message);
    if (wiretap) {
        read_frames(wiretap);
        wiretap_close(wiretap);
    }
    return 0;
}
