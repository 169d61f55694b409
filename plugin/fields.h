/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * The display-filter fields, one for each row of the library's field table that is for the plugin.
 */
#ifndef RST_FIELDS_H
#define RST_FIELDS_H

#include "compat.h"

#include <whyrst/record.h>

void fields_register(int proto);
const char *fields_text(const struct whyrst_record *record, enum whyrst_field field);
proto_item *fields_add(proto_tree *tree, tvbuff_t *tvb, enum whyrst_field field,
                       const struct whyrst_value *value, bool provisional);

#endif
