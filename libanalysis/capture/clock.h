/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * Time stamps of any pcapng resolution and offset, as nanoseconds that never overflow.
 */
#ifndef CAPTURE_CLOCK_H
#define CAPTURE_CLOCK_H

#include <stdint.h>

enum clock_kind { CLOCK_MULTIPLY, CLOCK_DIVIDE, CLOCK_SHIFT };

/**
 * struct clock - how an interface's units become nanoseconds
 * @kind:      what @factor is: nanoseconds per unit, units per nanosecond, or the exponent of 2 of
 *             units per second
 * @offset_ns: added to the result
 */
struct clock {
    enum clock_kind kind;
    uint64_t factor;
    int64_t offset_ns;
};

struct clock clock_make(uint8_t resolution, int64_t offset_seconds);
int64_t clock_time(const struct clock *clock, uint64_t units);

#endif
