/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Gives up what the analysis of captures does not need, before the first byte of one is read. */
#ifndef CLI_SANDBOX_H
#define CLI_SANDBOX_H

#include <stdbool.h>

/**
 * From here on this process reads nothing but @inputs and libraries, writes to nothing new (but to
 * temporary files, if @spools), runs no program and opens no socket; threads started later inherit
 * that. Returns NULL, or what the kernel does not allow (g_free): what it does is in force then.
 */
char *sandbox_enter(char **inputs, bool spools);

#endif
