/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * What all connections of a file together say: findings, endpoints and JA4s, reset or not.
 */
#ifndef RST_TOGETHER_H
#define RST_TOGETHER_H

#include "compat.h"

#include <whyrst/finding.h>

/** The tap's name; its data is a struct together_row, or NULL: nothing is known as yet. */
#define TOGETHER_TAP "rst_together"

/**
 * struct together_row - a finding, an endpoint or a JA4
 * @frame: that shows it
 * @rank:  among those of its kind, from 0: the most noteworthy first
 * @finding, @endpoint, @ja4: one of these, the others are NULL
 */
struct together_row {
    uint32_t frame;
    uint32_t rank;
    const struct whyrst_finding *finding;
    const struct whyrst_endpoint *endpoint;
    const struct whyrst_ja4 *ja4;
};

void together_register(void);
void together_tap_frame(packet_info *pinfo);
char *together_numbers(wmem_allocator_t *scope, const struct whyrst_value *value);
void together_tree_register(void);
void together_text_register(void);

#endif
