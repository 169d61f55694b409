/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagnose/sample.h"

#include <stdlib.h>

#include <glib.h>

/* From one over four to LIMIT_SAMPLE. */
#define GROWTH 4u

static uint64_t scramble(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* Memory for one more, made when there is none. */
static void make_room(struct sample **sample)
{
    uint64_t count = *sample ? (*sample)->count : 0;
    uint64_t room = *sample ? (*sample)->room : 0;

    if (count < room || room == LIMIT_SAMPLE) {
        return;
    }
    room = MAX(1, GROWTH * room);
    *sample = g_realloc(*sample, sizeof **sample + room * sizeof(*sample)->items[0]);
    (*sample)->count = count;
    (*sample)->room = room;
}

static void put(struct sample **made, struct sample_item item)
{
    struct sample *sample;
    unsigned worst = 0;

    make_room(made);
    sample = *made;
    if (sample->count++ < LIMIT_SAMPLE) {
        sample->items[sample->count - 1] = item;
        return;
    }
    for (unsigned i = 1; i < LIMIT_SAMPLE; i++) {
        worst = sample->items[i].priority > sample->items[worst].priority ? i : worst;
    }
    if (item.priority < sample->items[worst].priority) {
        sample->items[worst] = item;
    }
}

void sample_add(struct sample **sample, uint64_t identity, int64_t value)
{
    put(sample, (struct sample_item){.priority = scramble(identity), .value = value});
}

void sample_merge(struct sample **sample, const struct sample *other)
{
    uint64_t sum;

    if (!other) {
        return;
    }
    sum = other->count + (*sample ? (*sample)->count : 0);
    for (unsigned i = 0; i < sample_kept(other); i++) {
        put(sample, other->items[i]);
    }
    (*sample)->count = sum;
}

unsigned sample_kept(const struct sample *sample)
{
    return sample ? (unsigned)MIN(sample->count, LIMIT_SAMPLE) : 0;
}

unsigned sample_within(const struct sample *sample, int64_t low, int64_t high)
{
    unsigned count = 0;

    for (unsigned i = 0; i < sample_kept(sample); i++) {
        count += sample->items[i].value >= low && sample->items[i].value <= high;
    }
    return count;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static unsigned sorted(const struct sample *sample, int64_t values[LIMIT_SAMPLE])
{
    unsigned count = sample_kept(sample);

    for (unsigned i = 0; i < count; i++) {
        values[i] = sample->items[i].value;
    }
    if (count > 1) {
        qsort(values, count, sizeof values[0], compare);
    }
    return count;
}

bool sample_percentile(const struct sample *sample, unsigned percent, int64_t *value)
{
    int64_t values[LIMIT_SAMPLE];
    unsigned count = sorted(sample, values);

    if (count == 0) {
        return false;
    }
    *value = values[(count - 1) * percent / 100];
    return true;
}

bool sample_mode(const struct sample *sample, uint64_t least, int64_t *middle, int64_t *width)
{
    int64_t values[LIMIT_SAMPLE];
    unsigned count = sorted(sample, values);
    unsigned half = count / 2, best = 0;

    if (count < least || half == 0) {
        return false;
    }
    for (unsigned i = 1; i + half < count; i++) {
        best = values[i + half] - values[i] < values[best + half] - values[best] ? i : best;
    }
    *middle = values[best + half / 2];
    *width = values[best + half] - values[best];
    return true;
}
