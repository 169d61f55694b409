/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * Statistics > TCP Reset List: one row for each RST.
 */
#ifndef RST_RESET_TABLE_H
#define RST_RESET_TABLE_H

void reset_table_register(void);

#endif
