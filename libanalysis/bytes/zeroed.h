/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Memory for what comes and goes with each connection. */
#ifndef BYTES_ZEROED_H
#define BYTES_ZEROED_H

#include <string.h>

#include <glib.h>

/** g_new0(type, 1) by way of malloc(): calloc() of glibc before 2.41 passes by the thread's cache
 * of freed blocks, and takes many times as long. To be freed by g_free(). */
#define zeroed_new(type) ((type *)memset(g_malloc(sizeof(type)), 0, sizeof(type)))

#endif
