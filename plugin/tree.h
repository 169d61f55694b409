/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * The tree that people read in the packet details.
 */
#ifndef RST_TREE_H
#define RST_TREE_H

#include "compat.h"

#include <whyrst/record.h>

void tree_register(void);
void tree_show(int proto, tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree,
               const struct whyrst_record *record);

#endif
