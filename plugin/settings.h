/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * What the user may choose under Preferences > Protocols > RST.
 */
#ifndef RST_SETTINGS_H
#define RST_SETTINGS_H

#include <whyrst/engine.h>
#include <whyrst/finding.h>

void settings_register(int proto);
bool settings_info_column(void);
double settings_alert_rate(void);
void settings_options(struct whyrst_options *options,
                      struct whyrst_diagnosis_options *diagnosis_options);

#endif
