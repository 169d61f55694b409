/* SPDX-License-Identifier: GPL-2.0-or-later */
/** The order of captures that continue one another (--continue). */
#ifndef CLI_SEQUENCE_H
#define CLI_SEQUENCE_H

/** The files of @inputs, directories replaced by the files in them; both NULL-terminated
 * (g_strfreev).
 */
char **sequence_expand(char **inputs);
/**
 * Looks into the captures of @paths and sorts them by the time of their first packets. What has no
 * packet, or cannot be read, comes after those, and last come pipes, which cannot be looked into:
 * both in the order given.
 */
void sequence_sort(char **paths);

#endif
