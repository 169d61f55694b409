/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program of its own that uses the installed library: prints the origin of each RST of a capture. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <whyrst/capture.h>
#include <whyrst/causes.h>
#include <whyrst/decode.h>
#include <whyrst/engine.h>

static void print_ready(struct whyrst_engine *engine)
{
    struct whyrst_record *record;

    while ((record = whyrst_engine_next(engine))) {
        struct whyrst_value origin;
        struct whyrst_value cause;

        if (whyrst_record_get(record, WHYRST_FIELD_ORIGIN, &origin) &&
            whyrst_record_get(record, WHYRST_FIELD_CAUSE, &cause)) {
            printf("%s %s\n", origin.string, cause.string);
        }
        whyrst_record_unref(record);
    }
}

int main(int argc, char **argv)
{
    int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
    enum whyrst_capture_status status;
    struct whyrst_capture *capture = whyrst_capture_open(fd, &status, NULL, NULL, NULL);
    struct whyrst_decoder *decoder = whyrst_decoder_new();
    struct whyrst_engine *engine = whyrst_engine_new(NULL);
    struct whyrst_segment segments[WHYRST_MAX_SEGMENTS];
    struct whyrst_frame frame;

    if (!capture) {
        return 1;
    }
    while (whyrst_capture_next(capture, &frame) == WHYRST_CAPTURE_OK) {
        unsigned count = whyrst_decoder_frame(decoder, &frame, segments);

        for (unsigned i = 0; i < count; i++) {
            whyrst_engine_add(engine, &segments[i]);
        }
        print_ready(engine);
    }
    whyrst_engine_finish(engine);
    print_ready(engine);
    whyrst_engine_free(engine);
    whyrst_decoder_free(decoder);
    whyrst_capture_free(capture);
    close(fd);
    return 0;
}
