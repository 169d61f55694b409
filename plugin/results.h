/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * The engine of the capture that is open, and its answers by frame.
 */
#ifndef RST_RESULTS_H
#define RST_RESULTS_H

#include "compat.h"

#include <whyrst/finding.h>
#include <whyrst/record.h>

void results_register(void);
void results_add_frame(int proto, packet_info *pinfo, proto_tree *tree);
struct whyrst_record *results_of_frame(int proto, packet_info *pinfo, uint32_t index);
bool results_diagnosis(const struct whyrst_diagnosis **diagnosis, unsigned *number);

#endif
