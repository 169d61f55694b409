/* SPDX-License-Identifier: GPL-2.0-or-later */
/** The statistics that findings rest on. */
#ifndef DIAGNOSE_STATS_H
#define DIAGNOSE_STATS_H

#include <stdint.h>

/** struct interval - a share and its 95 % interval; all zero of nothing */
struct interval {
    double rate;
    double low;
    double high;
};

/** Share of @part in @whole with E. B. Wilson's score interval (JASA 22, 1927): it holds for small
 *  numbers and for shares near 0 and 1. */
struct interval stats_share(uint64_t part, uint64_t whole);

/**
 * Fisher's exact test, one-sided: the chance that of @a + @c events as many as @a or more fall to
 * the first row, when its @a + @b trials are no other than the second row's @c + @d.
 */
double stats_fisher(uint64_t a, uint64_t b, uint64_t c, uint64_t d);

/** Logarithm of the number of ways to pick @part out of @whole. */
double stats_log_choose(uint64_t whole, uint64_t part);

/** Chance of @count or more events where @mean are expected (Poisson). */
double stats_poisson_tail(uint64_t count, double mean);
/** The chance that of @bad failures among @all at least @run follow one another, at most. */
double stats_run(uint32_t all, uint32_t bad, uint32_t run);

#endif
