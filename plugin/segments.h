/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * The TCP segments of a dissected frame.
 */
#ifndef RST_SEGMENTS_H
#define RST_SEGMENTS_H

#include "compat.h"

#include <whyrst/segment.h>

/** Called with each segment of a frame; the segment and its pointers are valid during the call. */
typedef void (*segment_function)(const struct whyrst_segment *segment, void *user);

void segments_register(dissector_handle_t handle);
void segments_each(packet_info *pinfo, proto_tree *tree, segment_function function, void *user);

#endif
