/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagnose/charge.h"

#include <glib.h>

#define SECOND INT64_C(1000000000)

void charge_window(const struct moment *moments, uint32_t count, int64_t window_ns,
                   uint32_t *charge)
{
    uint32_t begin = 0;

    for (uint32_t i = 0; i < count; i++) {
        while (moments[i].time_ns - moments[begin].time_ns >= window_ns) {
            begin++;
        }
        charge[i] = i - begin;
    }
}

void charge_open(const struct moment *moments, uint32_t count, uint32_t *charge)
{
    for (uint32_t i = 0; i < count; i++) {
        charge[i] = 0;
        for (uint32_t j = 0; j < i; j++) {
            int64_t age_ns = moments[j].age_ms * INT64_C(1000000);

            charge[i] += !moments[j].failed && moments[j].time_ns + age_ns > moments[i].time_ns;
        }
    }
}

void charge_period(const struct moment *moments, uint32_t count, int64_t period_ns,
                   uint32_t *charge)
{
    for (uint32_t i = 0; i < count; i++) {
        bool same = i > 0 && moments[i].time_ns / period_ns == moments[i - 1].time_ns / period_ns;

        charge[i] = same ? charge[i - 1] + 1 : 0;
    }
}

void charge_accepted(const struct moment *moments, uint32_t count, int64_t window_ns,
                     uint32_t *charge)
{
    uint32_t begin = 0, within = 0;

    for (uint32_t i = 0; i < count; i++) {
        while (moments[i].time_ns - moments[begin].time_ns >= window_ns) {
            within -= !moments[begin++].failed;
        }
        charge[i] = within;
        within += !moments[i].failed;
    }
}

void charge_bucket(const struct moment *moments, uint32_t count, double rate, uint32_t size,
                   uint32_t *charge)
{
    double level = 0, full = size - 1;

    for (uint32_t i = 0; i < count; i++) {
        if (i > 0) {
            level -= rate * (double)(moments[i].time_ns - moments[i - 1].time_ns) / SECOND;
        }
        level = MAX(level, 0);
        charge[i] = (uint32_t)(level * 1000 + 0.5);
        level = moments[i].failed ? MAX(level, full) : MIN(level, full) + 1;
    }
}

uint32_t charge_spans(const struct moment *moments, uint32_t count, int64_t *spans)
{
    g_autofree int64_t *times = g_new(int64_t, count + 1);
    uint32_t accepted = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (!moments[i].failed) {
            times[accepted++] = moments[i].time_ns;
        }
    }
    for (uint32_t n = 1; n < accepted; n++) {
        spans[n - 1] = INT64_MAX;
        for (uint32_t i = 0; i + n < accepted; i++) {
            spans[n - 1] = MIN(spans[n - 1], times[i + n] - times[i]);
        }
    }
    return accepted ? accepted - 1 : 0;
}
