/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Whether a client's failures are those of a limit. */
#ifndef DIAGNOSE_LIMIT_H
#define DIAGNOSE_LIMIT_H

#include <stdint.h>

#include "diagnose/moments.h"

/**
 * struct limit - a window, how many earlier connections in it precede every failure, and the table:
 * beyond that number (failed, accepted), below it (all accepted)
 * @times: failures in a row, with connections below the number between them
 * @p:     the chance that failures which have nothing to do with it look like this, 1 = no limit
 */
struct limit {
    int64_t window_ns;
    uint32_t number;
    uint32_t failed;
    uint32_t accepted;
    uint32_t below;
    uint32_t times;
    double p;
};

/** The most likely limit behind a client's connections to a server. */
struct limit limit_find(const struct moments *moments);

#endif
