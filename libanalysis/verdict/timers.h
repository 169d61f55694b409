/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Idle timers of well-known products: names for a silence of about that length. */
#ifndef VERDICT_TIMERS_H
#define VERDICT_TIMERS_H

#include <stddef.h>
#include <stdint.h>

/** The timer that @silent_ns fits best (within 1 s or 2 %), in nanoseconds; 0 = none. */
int64_t timers_nearest(int64_t silent_ns);
/** Names every timer that fits, comma-separated, into @buffer; "" when none does. */
const char *timers_name(int64_t silent_ns, char *buffer, size_t size);

#endif
