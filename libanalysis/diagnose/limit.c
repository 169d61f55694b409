/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections that fail for a limit all come after at least N others within a window, or while N
 * are open; those that come after fewer are accepted, also after failures, and most of those that
 * come after N fail. A bucket that is always empty shows in the pace instead, see try_pace().
 */
#include "diagnose/limit.h"

#include <math.h>
#include <stdlib.h>

#include <glib.h>

#include "diagnose/stats.h"

#define SECOND INT64_C(1000000000)

/* Failures, and connections below the number, that show something. */
#define LEAST 3

/* The share of connections beyond a limit that fail; a token bucket may let more pass. */
#define MOST 0.6

/* One in so many failures may be odd. */
#define FEW 10

/* 0: those open at once. */
static const int64_t windows[] = {0,          SECOND / 4,  SECOND,      2 * SECOND,
                                  5 * SECOND, 10 * SECOND, 60 * SECOND, 600 * SECOND};

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
    double p = stats_fisher(limit->failed, accepted, limit->odd, limit->below) * most;
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

/* How many of @moments, which are sorted, came within the window before each. */
static void count_window(const struct moment *moments, uint32_t count, int64_t window_ns,
                         uint32_t *before)
{
    uint32_t begin = 0;

    for (uint32_t i = 0; i < count; i++) {
        while (moments[i].time_ns - moments[begin].time_ns >= window_ns) {
            begin++;
        }
        before[i] = i - begin;
    }
}

/* How many of those accepted before each were still open. */
static void count_open(const struct moment *moments, uint32_t count, uint32_t *before)
{
    for (uint32_t i = 0; i < count; i++) {
        before[i] = 0;
        for (uint32_t j = 0; j < i; j++) {
            int64_t age_ns = moments[j].age_ms * INT64_C(1000000);

            before[i] += !moments[j].failed && moments[j].time_ns + age_ns > moments[i].time_ns;
        }
    }
}

static void count_before(const struct moment *moments, uint32_t count, int64_t window_ns,
                         uint32_t *before)
{
    if (window_ns) {
        count_window(moments, count, window_ns, before);
    } else {
        count_open(moments, count, before);
    }
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* The least number before a failure. When a connection counts as closed depends on where one
 * looks: of those open at once a few failures may have fewer. */
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
    limit->number = numbers[limit->kind == LIMITED_OPEN ? failed / FEW : 0];
    while (limit->odd < failed && numbers[limit->odd] < limit->number) {
        limit->odd++;
    }
    limit->failed = failed - limit->odd;
}

/* A limit on the numbers in @before; @window_ns: 0 where they are of open connections. */
static struct limit try_numbers(const struct moment *moments, uint32_t count, int64_t window_ns)
{
    struct limit limit = {.window_ns = window_ns, .number = UINT32_MAX, .p = 1};
    uint32_t after = 0, between = 0, most = 0, unknown = 0;
    g_autofree uint32_t *before = g_new(uint32_t, count);

    limit.kind = window_ns ? LIMITED_WINDOW : LIMITED_OPEN;
    count_before(moments, count, window_ns, before);
    while (unknown < count && moments[unknown].failed) {
        unknown++; /* how many came before these was not captured */
    }
    for (uint32_t i = 0; i < count; i++) {
        most = MAX(most, before[i]);
    }
    find_number(&limit, moments + unknown, before + unknown, count - unknown);
    fill_limit(&limit, moments + unknown, before + unknown, count - unknown, &after, &between);
    if (is_limit(&limit, after)) {
        limit.p = chance_of(&limit, most, between);
    }
    return limit;
}

bool limit_is_below(const struct moment *moments, uint32_t count, uint32_t index)
{
    g_autofree uint32_t *before = g_new(uint32_t, count);

    for (size_t w = 0; w < G_N_ELEMENTS(windows); w++) {
        bool below = false;

        count_before(moments, count, windows[w], before);
        for (uint32_t i = 0; i < count && !below; i++) {
            below = !moments[i].failed && before[i] >= before[index];
        }
        if (!below) {
            return false;
        }
    }
    return true;
}

/* The longest time from a connection that was accepted to a failure after it. */
static int64_t longest_pace(const struct moment *moments, uint32_t count)
{
    int64_t accepted_ns = 0, longest_ns = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (!moments[i].failed) {
            accepted_ns = moments[i].time_ns;
        } else if (accepted_ns) {
            longest_ns = MAX(longest_ns, moments[i].time_ns - accepted_ns);
        }
    }
    return longest_ns;
}

/*
 * A client that always asks for more than a token bucket gives is let in each time that a token has
 * come: no number in a window tells those from the others, but no failure is later than a token.
 * Whoever fails tries again at once, so of failures in a row the first alone counts.
 */
static struct limit try_pace(const struct moment *moments, uint32_t count)
{
    struct limit limit = {.kind = LIMITED_PACE, .number = 1, .p = 1};
    int64_t accepted_ns = 0;
    uint32_t after = 0;

    limit.window_ns = longest_pace(moments, count);
    for (uint32_t i = 0; i < count; i++) {
        bool near = moments[i].time_ns - accepted_ns <= limit.window_ns;

        if (accepted_ns == 0) {
            accepted_ns = moments[i].failed ? 0 : moments[i].time_ns;
        } else if (moments[i].failed) {
            limit.failed++;
            limit.times += !moments[i - 1].failed;
        } else {
            limit.accepted += near;
            limit.below += !near;
            after += limit.failed > 0;
            accepted_ns = moments[i].time_ns;
        }
    }
    if (limit.times >= LEAST && limit.below >= LEAST && after >= LEAST) {
        limit.p = stats_fisher(limit.times, limit.accepted, 0, limit.below) * count;
    }
    return limit;
}

struct limit limit_find(const struct moments *of, bool paced)
{
    struct limit best = {.p = 1};
    uint32_t count;
    struct moment *moments = moments_sorted(of, &count);

    for (size_t i = 0; i < G_N_ELEMENTS(windows); i++) {
        struct limit limit = try_numbers(moments, count, windows[i]);

        if (limit.p < best.p) {
            best = limit;
        }
    }
    if (paced) {
        struct limit limit = try_pace(moments, count);

        best = limit.p < best.p ? limit : best;
    }
    g_free(moments);
    best.p = MIN(best.p * (G_N_ELEMENTS(windows) + 1), 1);
    return best;
}

void limit_text(const struct limit *limit, char *text, size_t size)
{
    double seconds = (double)limit->window_ns / SECOND;

    switch (limit->kind) {
    case LIMITED_OPEN:
        g_snprintf(text, size, "with %u or more open", limit->number);
        break;
    case LIMITED_PACE:
        g_snprintf(text, size, "within %.3f s of one that was accepted", seconds);
        break;
    default:
        g_snprintf(text, size, "after %u or more within %g s", limit->number, seconds);
        break;
    }
}
