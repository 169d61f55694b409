/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * One input: a file, a pipe or standard input, by our own reader or by libwiretap.
 */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include <whyrst/capture.h>

struct input;

/** As stat(), where "-" is standard input. */
bool input_stat(const char *path, struct stat *info);
/** Opens @path, "-" for standard input. Returns NULL and a @message (g_free) on failure. */
struct input *input_open(const char *path, char **message);
/** As whyrst_capture_next(). */
enum whyrst_capture_status input_next(struct input *input, struct whyrst_frame *frame);
/** As whyrst_capture_more(). */
size_t input_more(struct input *input, struct whyrst_frame *frames, size_t max);
/** What is wrong, after a status other than OK and END. */
const char *input_message(const struct input *input);
/** Bytes consumed so far. */
uint64_t input_offset(const struct input *input);
/** Whether packets may still be on their way: a pipe, a socket, a device. */
bool input_is_live(const struct input *input);
/** Whether it ended because the user wanted so (stop.h), be it inside of a record. */
bool input_was_stopped(const struct input *input);
void input_close(struct input *input);

#endif
