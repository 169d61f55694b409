/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two families of limits. Where all attempts count (charge_attempts()), connections that fail all
 * come after at least N others within a window, or while N are open; those that come after fewer
 * are accepted, also after failures, and most of those that come after N fail. N is then the least
 * number before a failure.
 *
 * Where only accepted ones count, a client that always asks for more is let in again and again, and
 * its attempts say nothing. But it is never let in beyond the limit: which limits those accepted
 * leave possible follows from charge_spans(), and the strictest is it when failures come just where
 * it is used up.
 */
#include "diagnose/limit.h"

#include <math.h>
#include <stdlib.h>

#include <glib.h>

#include "diagnose/charge.h"
#include "diagnose/stats.h"

#define SECOND INT64_C(1000000000)

/* Failures, and connections below the number, that show something. */
#define LEAST 3

/* The share of connections beyond a limit that fail; a token bucket may let more pass. */
#define MOST 0.6

/* One in so many failures may be odd. */
#define FEW 10

/* Older connections met something else. */
#define LATE_MS 3000u

/* In a bucket's charge. */
#define ROUNDING 20

/* Of a window, a century: timestamps may be anything. */
#define LONGEST_NS 3e18

/* Hardly a chance, before any correction. */
#define SURELY 1e-8

/* 0: those open at once. */
static const int64_t windows[] = {0,          SECOND / 4,  SECOND,      2 * SECOND,
                                  5 * SECOND, 10 * SECOND, 60 * SECOND, 600 * SECOND};

/* Of a clock: whoever counts anew each minute. */
static const int64_t periods[] = {SECOND,      2 * SECOND,  5 * SECOND,  10 * SECOND, 15 * SECOND,
                                  20 * SECOND, 30 * SECOND, 60 * SECOND, 300 * SECOND};

/* One at a time: whoever fails tries again soon after another one, so it must explain nearly all.
 */
static bool is_one_at_a_time(const struct limit *limit)
{
    return limit->kind == LIMITED_OPEN && limit->number == 1 && limit->times >= LEAST &&
           limit->accepted * FEW <= limit->failed;
}

/* Whether the failures look like a limit's doing. */
static bool is_limit(const struct limit *limit, uint32_t after)
{
    return limit->failed >= LEAST && (limit->number >= 2 || is_one_at_a_time(limit)) &&
           limit->below >= LEAST && after >= 2; /* else it may be a ban, or the service's end */
}

/* The chance that so many failures all lie beyond the number, which was chosen among @most. Where
 * many beyond it were accepted, that failures come in a row may explain it: then each row counts
 * once, by where it began. */
static double chance_of(const struct limit *limit, uint32_t most, uint32_t between)
{
    uint32_t accepted = limit->accepted - (limit->times >= LEAST ? between : 0);
    /* That one period of a clock is full is no more than one case. */
    uint32_t failed = limit->kind == LIMITED_PERIOD ? limit->times : limit->failed;
    double p = stats_fisher(failed, accepted, limit->odd, limit->below) * most;
    uint32_t beyond = accepted + limit->times;

    if (limit->failed < MOST * (limit->failed + limit->accepted)) {
        p = MAX(p, pow((double)beyond / (beyond + limit->below), limit->times));
    }
    return p;
}

/* @after gets how many were accepted again after the first failure, @between how many of those
 * accepted beyond the number came between failures of one row: a token bucket lets some pass. */
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

static void charge_attempts(const struct moment *moments, uint32_t count, const struct limit *limit,
                            uint32_t *charge)
{
    switch (limit->kind) {
    case LIMITED_OPEN:
        charge_open(moments, count, charge);
        break;
    case LIMITED_PERIOD:
        charge_period(moments, count, limit->window_ns, charge);
        break;
    default:
        charge_window(moments, count, limit->window_ns, charge);
        break;
    }
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* The least number before a failure. When a connection counts as closed depends on where one looks,
 * and clocks differ: of those open at once, or in a period, a few failures may have fewer. */
static void find_number(struct limit *limit, const struct moment *moments, const uint32_t *before,
                        uint32_t count)
{
    g_autofree uint32_t *numbers = g_new(uint32_t, count + 1);
    uint32_t failed = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (moments[i].failed) {
            numbers[failed++] = before[i];
        }
    }
    if (failed == 0) {
        return;
    }
    qsort(numbers, failed, sizeof numbers[0], by_number);
    limit->number = numbers[limit->kind == LIMITED_WINDOW ? 0 : failed / FEW];
    while (limit->odd < failed && numbers[limit->odd] < limit->number) {
        limit->odd++;
    }
    limit->failed = failed - limit->odd;
}

static struct limit window_limit(size_t index)
{
    return (struct limit){.kind = windows[index] ? LIMITED_WINDOW : LIMITED_OPEN,
                          .window_ns = windows[index]};
}

/* @limit: its kind and window. */
static struct limit try_attempts(const struct moment *moments, uint32_t count, struct limit limit)
{
    uint32_t after = 0, between = 0, most = 0, unknown = 0;
    g_autofree uint32_t *charge = g_new(uint32_t, count + 1);

    limit.number = UINT32_MAX;
    limit.p = 1;
    charge_attempts(moments, count, &limit, charge);
    while (unknown < count && moments[unknown].failed) {
        unknown++; /* how many came before these was not captured */
    }
    for (uint32_t i = 0; i < count; i++) {
        most = MAX(most, charge[i]);
    }
    find_number(&limit, moments + unknown, charge + unknown, count - unknown);
    fill_limit(&limit, moments + unknown, charge + unknown, count - unknown, &after, &between);
    if (is_limit(&limit, after)) {
        limit.p = chance_of(&limit, most, between);
    }
    return limit;
}

void limit_below(const struct moment *moments, uint32_t count, int64_t longest_ns, bool *below)
{
    g_autofree uint32_t *charge = g_new(uint32_t, count + 1);

    for (uint32_t i = 0; i < count; i++) {
        below[i] = true;
    }
    for (size_t w = 0; w < G_N_ELEMENTS(windows) && windows[w] <= longest_ns; w++) {
        struct limit limit = window_limit(w);
        int64_t most = -1;

        charge_attempts(moments, count, &limit, charge);
        for (uint32_t i = 0; i < count; i++) {
            most = moments[i].failed ? most : MAX(most, charge[i]);
        }
        for (uint32_t i = 0; i < count; i++) {
            below[i] &= charge[i] <= most;
        }
    }
}

/* Whether failures, and hardly any accepted, come where @charge is @full or more. Whoever fails
 * tries again at once, so of failures in a row the first alone counts. */
static void judge_accepted(struct limit *limit, const struct moment *moments, uint32_t count,
                           const uint32_t *charge, uint32_t full)
{
    uint32_t after = 0, odd_times = 0;
    bool begun = false; /* of what came before the first that was accepted nothing is known */

    for (uint32_t i = 0; i < count; i++) {
        if (!moments[i].failed) {
            begun = true;
            limit->below += charge[i] < full;
            limit->accepted += charge[i] >= full;
            after += limit->failed > 0;
        } else if (begun) {
            bool is_full = charge[i] >= full;

            limit->failed += is_full;
            limit->odd += !is_full;
            if (!moments[i - 1].failed) {
                limit->times += is_full;
                odd_times += !is_full;
            }
        }
    }
    if (limit->times >= LEAST && limit->below >= LEAST && after >= LEAST &&
        limit->odd * FEW <= limit->failed) {
        limit->p = stats_fisher(limit->times, limit->accepted, odd_times, limit->below);
    }
}

/* What those accepted were: the shortest times for so many of them. */
struct spans {
    int64_t *ns; /* for n + 1 of them, at n - 1 */
    uint32_t count;
};

/* The longest window within which never more than @number were accepted. */
static struct limit try_accepted(const struct moment *moments, uint32_t count, uint32_t number,
                                 const struct spans *spans, uint32_t *charge)
{
    struct limit limit = {.kind = LIMITED_ACCEPTED, .number = number, .p = 1};

    limit.window_ns = spans->ns[number - 1];
    if (limit.window_ns > 0) {
        charge_accepted(moments, count, limit.window_ns, charge);
        judge_accepted(&limit, moments, count, charge, number);
    }
    return limit;
}

/* The slowest token bucket of size @number that lets all of them in: n + 1 of them took no more
 * than it held and what it got meanwhile. */
static struct limit try_bucket(const struct moment *moments, uint32_t count, uint32_t number,
                               const struct spans *spans, uint32_t *charge)
{
    struct limit limit = {.kind = LIMITED_BUCKET, .number = number, .p = 1};

    for (uint32_t n = number; n <= spans->count; n++) {
        double seconds = (double)spans->ns[n - 1] / SECOND;

        limit.rate = MAX(limit.rate, (n + 1 - number) / MAX(seconds, 1e-9));
    }
    if (limit.rate > 0) {
        limit.window_ns = (int64_t)MIN(number / limit.rate * SECOND, LONGEST_NS);
        charge_bucket(moments, count, limit.rate, number, charge);
        judge_accepted(&limit, moments, count, charge, (number - 1) * 1000 + ROUNDING);
    }
    return limit;
}

/* The likelier; of two that chance hardly makes, that with fewer exceptions. */
static void choose(struct limit *best, struct limit limit)
{
    bool surely = best->p < SURELY && limit.p < SURELY;
    uint32_t odd = limit.odd + limit.accepted, best_odd = best->odd + best->accepted;

    if (surely && odd != best_odd ? odd < best_odd : limit.p < best->p) {
        *best = limit;
    }
}

/* Returns how many limits were tried. */
static unsigned try_all_accepted(const struct moment *moments, uint32_t count, uint32_t least,
                                 struct limit *best)
{
    g_autofree int64_t *ns = g_new(int64_t, count + 1);
    g_autofree uint32_t *charge = g_new(uint32_t, count + 1);
    struct spans spans = {ns, charge_spans(moments, count, ns)};
    unsigned tried = 0;

    for (uint32_t number = least; number <= spans.count; number += 1 + number / 16) {
        choose(best, try_accepted(moments, count, number, &spans, charge));
        choose(best, try_bucket(moments, count, number, &spans, charge));
        tried += 2;
    }
    return tried;
}

/* Fewer rows of failures than make a limit of those accepted. */
static bool is_plain(const struct moment *moments, uint32_t count)
{
    uint32_t rows = 0;

    for (uint32_t i = 1; i < count; i++) {
        rows += moments[i].failed && !moments[i - 1].failed;
    }
    return rows < LEAST;
}

/* A limit decides when a connection comes, or asks. */
static bool are_young(const struct moment *moments, uint32_t count)
{
    uint32_t failed = 0, late = 0;

    for (uint32_t i = 0; i < count; i++) {
        failed += moments[i].failed;
        late += moments[i].failed && moments[i].age_ms > LATE_MS;
    }
    return late * 2 <= failed;
}

/* Whether failures come singly and after as many others each time, as they do where each n-th
 * connection asks for something else or gets another backend. */
static bool is_regular(const struct moment *moments, uint32_t count)
{
    g_autofree uint32_t *times =
        g_new0(uint32_t, count + 1); /* so many others between: how often */
    uint32_t since = 0, rows = 0, most = 0;
    bool begun = false;

    for (uint32_t i = 0; i < count; i++) {
        if (!moments[i].failed) {
            since++;
            continue;
        }
        if (begun) {
            rows++;
            most = MAX(most, ++times[since]);
        }
        begun = true;
        since = 0;
    }
    return times[0] == 0 && most * 5 >= rows * 4;
}

struct limit limit_find(const struct moments *of, bool paced)
{
    struct limit best = {.p = 1};
    uint32_t count;
    struct moment *moments = moments_sorted(of, &count);
    unsigned tried = G_N_ELEMENTS(windows) + G_N_ELEMENTS(periods);

    if (!are_young(moments, count)) {
        g_free(moments);
        return best;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(windows); i++) {
        choose(&best, try_attempts(moments, count, window_limit(i)));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(periods); i++) {
        choose(&best,
               try_attempts(moments, count,
                            (struct limit){.kind = LIMITED_PERIOD, .window_ns = periods[i]}));
    }
    if (!is_plain(moments, count)) {
        tried += try_all_accepted(moments, count, paced ? 1 : 2, &best);
    }
    best.regular = is_regular(moments, count);
    best.p = MIN(best.p * tried, 1);
    g_free(moments);
    return best;
}

void limit_text(const struct limit *limit, char *text, size_t size)
{
    double seconds = (double)limit->window_ns / SECOND;

    switch (limit->kind) {
    case LIMITED_OPEN:
        g_snprintf(text, size, "with %u or more open", limit->number);
        break;
    case LIMITED_PERIOD:
        g_snprintf(text, size, "after %u or more in the same %g s", limit->number, seconds);
        break;
    case LIMITED_ACCEPTED:
        if (limit->number == 1) {
            g_snprintf(text, size, "within %.3g s of one that was accepted", seconds);
        } else {
            g_snprintf(text, size, "with %u accepted in the %.3g s before", limit->number, seconds);
        }
        break;
    case LIMITED_BUCKET:
        g_snprintf(text, size, "beyond %u at once and %.2g a second", limit->number, limit->rate);
        break;
    default:
        g_snprintf(text, size, "after %u or more within %g s", limit->number, seconds);
        break;
    }
}
