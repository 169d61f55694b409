/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * Statistics > TCP Resets: trees that count the records that go through the tap "rst".
 */
#ifndef RST_STATISTICS_H
#define RST_STATISTICS_H

void statistics_register(void);

#endif
