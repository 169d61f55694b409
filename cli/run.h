/* SPDX-License-Identifier: GPL-2.0-or-later */
/** All captures of a run: worker threads, ordered output, progress, summary. */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "options.h"

/** Does what @options ask for; returns the exit status. */
enum exit_status run(const struct options *options);

#endif
