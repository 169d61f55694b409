/* SPDX-License-Identifier: GPL-2.0-or-later */
/** The order of captures that continue one another (--continue). */
#ifndef CLI_SEQUENCE_H
#define CLI_SEQUENCE_H

/**
 * The files of @inputs (NULL-terminated), directories replaced by the files in them, by the time of
 * their first packets; NULL-terminated (g_strfreev). What has no packet, or cannot be read, comes
 * after those, and last come pipes, which cannot be looked into: both in the order given.
 */
char **sequence_make(char **inputs);

#endif
