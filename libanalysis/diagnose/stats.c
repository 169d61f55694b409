/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagnose/stats.h"

#include <math.h>

/* 97.5 % quantile of the normal distribution: two sides of 2.5 % leave 95 %. */
#define Z95 1.959963984540054

/* Terms this much smaller than the sum so far no longer change it. */
#define NEGLIGIBLE 1e-18

struct interval stats_share(uint64_t part, uint64_t whole)
{
    double n = (double)whole;
    double p, z2 = Z95 * Z95, centre, half;

    if (whole == 0) {
        return (struct interval){0};
    }
    p = (double)part / n;
    centre = (p + z2 / (2 * n)) / (1 + z2 / n);
    half = Z95 / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n));
    return (struct interval){
        .rate = p,
        /* At the ends rounding must not leave 0 and 1. */
        .low = part == 0 ? 0.0 : fmax(centre - half, 0.0),
        .high = part == whole ? 1.0 : fmin(centre + half, 1.0),
    };
}

static double log_factorial(double n)
{
    int sign; /* lgamma() would write a global variable */

    return lgamma_r(n + 1, &sign);
}

double stats_log_choose(uint64_t whole, uint64_t part)
{
    return part > whole ? 0
                        : log_factorial((double)whole) - log_factorial((double)part) -
                              log_factorial((double)(whole - part));
}

double stats_fisher(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    double x = (double)a, row = (double)(a + b), column = (double)(a + c);
    double total = (double)(a + b + c + d);
    double last = fmin(row, column);
    /* Hypergeometric: P(a) = row! (total-row)! column! (total-column)! / (total! a! b! c! d!). */
    double term =
        exp(log_factorial(row) + log_factorial(total - row) + log_factorial(column) +
            log_factorial(total - column) - log_factorial(total) - log_factorial(x) -
            log_factorial((double)b) - log_factorial((double)c) - log_factorial((double)d));
    double sum = term;

    for (; x < last && term > sum * NEGLIGIBLE; x++) {
        term *= (row - x) * (column - x) / ((x + 1) * (total - row - column + x + 1));
        sum += term;
    }
    return fmin(sum, 1.0);
}

double stats_poisson_tail(uint64_t count, double mean)
{
    double k = (double)count, term, sum;

    if (count == 0 || mean <= 0) {
        return count == 0 ? 1.0 : 0.0;
    }
    term = exp(k * log(mean) - mean - log_factorial(k));
    for (sum = term; term > sum * NEGLIGIBLE && k < (double)count + 1e6; k++) {
        term *= mean / (k + 1);
        sum += term;
    }
    return fmin(sum, 1.0);
}

double stats_run(uint32_t all, uint32_t bad, uint32_t run)
{
    double chance = all - run + 1;

    for (uint32_t i = 0; i < run; i++) {
        chance *= (double)(bad - i) / (all - i);
    }
    return chance;
}
