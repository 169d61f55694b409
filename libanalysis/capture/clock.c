/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture/clock.h"

#define NS_PER_SECOND 1000000000

static uint64_t power_of_ten(unsigned exponent)
{
    uint64_t value = 1;

    while (exponent--) {
        value *= 10;
    }
    return value;
}

static int64_t saturate(int64_t seconds)
{
    int64_t ns;

    if (__builtin_mul_overflow(seconds, (int64_t)NS_PER_SECOND, &ns)) {
        return seconds < 0 ? INT64_MIN : INT64_MAX;
    }
    return ns;
}

/**
 * clock_make() - a clock from if_tsresol and if_tsoffset
 * @resolution:     low 7 bits: exponent; high bit set: of 2, else of 10 (pcapng, section 4.2)
 * @offset_seconds: seconds to add
 */
struct clock clock_make(uint8_t resolution, int64_t offset_seconds)
{
    struct clock clock = {.offset_ns = saturate(offset_seconds)};
    unsigned exponent = resolution & 0x7f;

    if (resolution & 0x80) {
        clock.kind = CLOCK_SHIFT;
        clock.factor = exponent;
    } else if (exponent <= 9) {
        clock.kind = CLOCK_MULTIPLY;
        clock.factor = power_of_ten(9 - exponent);
    } else if (exponent <= 9 + 19) {
        clock.kind = CLOCK_DIVIDE;
        clock.factor = power_of_ten(exponent - 9);
    } else {
        /* 2^64 units of 10^-29 s are less than a nanosecond; so are 2^64 of 2^-127 s. */
        clock.kind = CLOCK_SHIFT;
        clock.factor = 0x7f;
    }
    return clock;
}

/** clock_time() - @units in nanoseconds; the nearest representable value when there is none */
int64_t clock_time(const struct clock *clock, uint64_t units)
{
    uint64_t ns = 0;
    int64_t time;

    switch (clock->kind) {
    case CLOCK_MULTIPLY:
        if (__builtin_mul_overflow(units, clock->factor, &ns)) {
            ns = INT64_MAX;
        }
        break;
    case CLOCK_DIVIDE:
        ns = units / clock->factor;
        break;
    case CLOCK_SHIFT: {
        unsigned __int128 wide = (unsigned __int128)units * NS_PER_SECOND >> clock->factor;

        ns = wide > INT64_MAX ? INT64_MAX : (uint64_t)wide;
        break;
    }
    }
    if (ns > INT64_MAX) {
        ns = INT64_MAX;
    }
    if (__builtin_add_overflow((int64_t)ns, clock->offset_ns, &time)) {
        return clock->offset_ns < 0 ? INT64_MIN : INT64_MAX;
    }
    return time;
}
