/* SPDX-License-Identifier: GPL-2.0-or-later */
/** The counters of a capture that is read, as the formats show them. */
#ifndef REPORT_COUNTERS_H
#define REPORT_COUNTERS_H

#include <stdbool.h>

#include <whyrst/engine.h>

/**
 * struct counter_kind - how a counter is shown
 * @name:   its key in an object of type "file", and its column
 * @always: shown even when it is 0
 * @loss:   it counts what a bound cost
 * @note:   what a summary says after the number, unless that is 0; NULL: nothing
 */
struct counter_kind {
    const char *name;
    bool always;
    bool loss;
    const char *note;
};

extern const struct counter_kind counter_kinds[WHYRST_COUNTER_COUNT];

#endif
