/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * Ordered output: parts written side by side come out one after the other.
 *
 * The part whose turn it is goes straight to the descriptor. The others keep their first buffer in
 * memory and spool the rest to unlinked temporary files; no part may start further than
 * ORDERED_AHEAD parts ahead, which bounds both.
 */
#ifndef CLI_ORDERED_H
#define CLI_ORDERED_H

#include <stdbool.h>
#include <stddef.h>

#include "report/output.h"

#define ORDERED_AHEAD 64u

struct ordered;

/** Output of @parts parts to @fd, which stays the caller's. */
struct ordered *ordered_new(int fd, size_t parts);
void ordered_free(struct ordered *ordered);
/** Waits until part @index may start. Returns NULL when the output is broken. */
struct output *ordered_start(struct ordered *ordered, size_t index);
/** Part @index is complete. */
void ordered_end(struct ordered *ordered, size_t index);
/** 0, or the errno value of the write that broke the output. */
int ordered_error(struct ordered *ordered);

#endif
