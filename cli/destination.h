/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Where the output goes: standard output, -o FILE, or a database. */
#ifndef CLI_DESTINATION_H
#define CLI_DESTINATION_H

#include "options.h"

/** struct destination - @fd: to write to; @name: for messages; @loader: writes the database, or
 * NULL */
struct destination {
    int fd;
    const char *name;
    struct loader *loader;
};

/** Opens what @options ask for, but never over one of @inputs; says what does not go. Call it
 * before there are threads. */
enum exit_status destination_open(struct destination *destination, const struct options *options,
                                  char **inputs);
/** Closes it; @error is the errno of the write that failed, or 0. Returns whether everything wanted
 *  is there, and says what is not. */
bool destination_close(struct destination *destination, int error);

#endif
