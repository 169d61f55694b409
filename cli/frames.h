/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * Frame numbers of captures that continue one another (--continue).
 *
 * The engine sees one capture, whose frames are numbered on and on. Users know frames by their
 * capture and their number in it: here records are translated before they are written.
 */
#ifndef CLI_FRAMES_H
#define CLI_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "report/summary.h"
#include "report/writer.h"

/**
 * struct capture_file - one file of a capture
 * @before:  number of the last frame of the files before it
 * @size:    in bytes, 0 when unknown
 * @quoted:  @path, escaped for the format; NULL before the first record needs it
 * @summary: counts its records; NULL before the first
 * @report:  the outcome; its @error is @message, its @head @head
 */
struct capture_file {
    const char *path;
    uint64_t before;
    uint64_t size;
    char *quoted;
    struct summary *summary;
    struct file_report report;
    char *message;
    char *head;
};

/** The file among @count of @files that has frame @number of the whole. */
struct capture_file *frames_file(struct capture_file *files, size_t count, uint64_t number);
/**
 * Writes @record under the name of its own file. Where one of its frames is in another file, that
 * one is named, too: "syn_frame_file" for "syn_frame", "frame 7 of FILE" in evidence.
 */
void frames_write(struct writer *writer, struct capture_file *files, size_t count,
                  const struct whyrst_record *record);
/** In place of the format's begin(): CSV has columns for these names. */
void frames_begin(const struct writer_format *format, struct output *out,
                  const struct writer_settings *settings);
#endif
