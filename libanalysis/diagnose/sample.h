/* SPDX-License-Identifier: GPL-2.0-or-later */
/** A sample of durations of fixed size, from which median, spread and mode are told. */
#ifndef DIAGNOSE_SAMPLE_H
#define DIAGNOSE_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "limits.h"

struct sample_item {
    uint64_t priority;
    int64_t value;
};

/** struct sample - the values with the lowest priorities: a fair choice, whatever their order. Up
 * to LIMIT_SAMPLE values it holds all; @count is how many there were, @room for how many there is
 * memory: most samples are of one or two */
struct sample {
    uint64_t count;
    uint64_t room;
    struct sample_item items[];
};

/** Adds @value to *@sample, made when NULL (g_free). @identity tells values apart: a frame. */
void sample_add(struct sample **sample, uint64_t identity, int64_t value);
/** Adds all of @other, which may be NULL. */
void sample_merge(struct sample **sample, const struct sample *other);
/** The value that a share of @percent of the sample does not exceed; false when it is empty. */
bool sample_percentile(const struct sample *sample, unsigned percent, int64_t *value);
/**
 * The densest part: the middle of the narrowest span that holds half of the sample, that span's
 * width, and how many values (of those kept) lie within @width of the middle. False below @least.
 */
bool sample_mode(const struct sample *sample, uint64_t least, int64_t *middle, int64_t *width);
/** How many values are kept, and how many of them lie from @low to @high. */
unsigned sample_kept(const struct sample *sample);
unsigned sample_within(const struct sample *sample, int64_t low, int64_t high);

#endif
