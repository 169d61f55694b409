/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections that fail for a limit all come after at least N others within a window; those that
 * come after fewer are accepted, also after failures, and most of those that come after N fail.
 */
#include "diagnose/limit.h"

#include <math.h>

#include <glib.h>

#include "diagnose/stats.h"

#define SECOND INT64_C(1000000000)

/* Failures, and connections below the number, that show something. */
#define LEAST 3

/* The share of connections beyond a limit that fail; a token bucket may let more pass. */
#define MOST 0.6

static const int64_t windows[] = {SECOND / 4,  SECOND,      2 * SECOND,  5 * SECOND,
                                  10 * SECOND, 60 * SECOND, 600 * SECOND};

/* Whether the failures look like a limit's doing. */
static bool is_limit(const struct limit *limit, uint32_t after)
{
    return limit->failed >= LEAST && limit->number >= 2 && limit->below >= LEAST &&
           after >= 2; /* else it may be a ban, or the end of the service */
}

/* The chance that so many failures all lie beyond the number, which was chosen among @most. Where
 * many beyond it were accepted, that failures come in a row may explain it: then each row counts
 * once, by where it began. */
static double chance_of(const struct limit *limit, uint32_t most, uint32_t between)
{
    uint32_t accepted = limit->accepted - (limit->times >= LEAST ? between : 0);
    double p = stats_fisher(limit->failed, accepted, 0, limit->below) * most;
    uint32_t beyond = accepted + limit->times;

    if (limit->failed < MOST * (limit->failed + limit->accepted)) {
        p = MAX(p, pow((double)beyond / (beyond + limit->below), limit->times));
    }
    return p;
}

/* @after: how many were accepted again after the first failure. Of those accepted beyond the
 * number,
 * @between gets how many came between failures of one row: a token bucket lets some pass. */
static void fill_limit(struct limit *limit, const struct moment *moments, const uint32_t *before,
                       uint32_t count, uint32_t *after, uint32_t *between)
{
    int64_t first_failed = 0;
    uint32_t since = 0; /* accepted since the latest failure of this row */
    bool failing = false;

    for (uint32_t i = 0; i < count; i++) {
        if (moments[i].failed) {
            limit->times += !failing;
            *between += failing ? since : 0;
            failing = true;
            since = 0;
            first_failed = first_failed ? first_failed : moments[i].time_ns;
        } else if (before[i] >= limit->number) {
            limit->accepted++;
            since++;
        } else {
            failing = false;
            limit->below++;
            *after += first_failed && moments[i].time_ns > first_failed;
        }
    }
}

static struct limit try_window(const struct moment *moments, uint32_t count, int64_t window_ns)
{
    struct limit limit = {.window_ns = window_ns, .number = UINT32_MAX, .p = 1};
    uint32_t begin = 0, after = 0, between = 0, most = 0, unknown = 0;
    g_autofree uint32_t *before = g_new(uint32_t, count);

    while (unknown < count && moments[unknown].failed) {
        unknown++; /* how many came before these was not captured */
    }
    for (uint32_t i = 0; i < count; i++) {
        while (moments[i].time_ns - moments[begin].time_ns >= window_ns) {
            begin++;
        }
        before[i] = i - begin;
        most = MAX(most, before[i]);
        if (moments[i].failed && i >= unknown) {
            limit.number = MIN(limit.number, before[i]);
            limit.failed++;
        }
    }
    fill_limit(&limit, moments + unknown, before + unknown, count - unknown, &after, &between);
    if (is_limit(&limit, after)) {
        limit.p = chance_of(&limit, most, between);
    }
    return limit;
}

struct limit limit_find(const struct moments *of)
{
    struct limit best = {.p = 1};
    uint32_t count;
    struct moment *moments = moments_sorted(of, &count);

    for (size_t i = 0; i < G_N_ELEMENTS(windows); i++) {
        struct limit limit = try_window(moments, count, windows[i]);

        if (limit.p < best.p) {
            best = limit;
        }
    }
    g_free(moments);
    best.p = MIN(best.p * G_N_ELEMENTS(windows), 1);
    return best;
}
