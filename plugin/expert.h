/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * Expert information: how bad a RST is, in Wireshark's terms.
 */
#ifndef RST_EXPERT_H
#define RST_EXPERT_H

#include "compat.h"

#include <whyrst/record.h>

void expert_register(int proto);
void expert_add(packet_info *pinfo, proto_item *item, const struct whyrst_record *record);

#endif
