/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * What tells a capture from others, whatever its name, format and compression: a digest of its
 * first frames (their times and bytes). A capture that has grown since keeps it, unless it was very
 * short.
 */
#ifndef CLI_HEAD_H
#define CLI_HEAD_H

#include <stddef.h>

#include <glib.h>

#include <whyrst/capture.h>

/** How much of a capture counts: some dozen packets; hashing them takes under 0.1 ms. */
#define HEAD_BYTES 16384u

/** struct head - a digest under way; all zero before the first frame */
struct head {
    GChecksum *sum;
    size_t taken;
};

/** Adds a frame; those beyond the head change nothing. */
void head_add(struct head *head, const struct whyrst_frame *frame);
/** The digest in hexadecimal (g_free), NULL when there was no frame. Frees what @head holds. */
char *head_finish(struct head *head);

#endif
