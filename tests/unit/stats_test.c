/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The statistics against values known from elsewhere: published examples and closed forms. */
#include <glib.h>

#include "bytes/hash.h"
#include "bytes/names.h"
#include "diagnose/frames.h"
#include "diagnose/heavy.h"
#include "diagnose/sample.h"
#include "diagnose/stats.h"
#include "diagnose/moments.h"
#include "diagnose/timeline.h"

#define NEAR(a, b, by) g_assert_cmpfloat_with_epsilon(a, b, by)

/* R. G. Newcombe (Statistics in Medicine 17, 1998), method 3: 81 of 263, 15 of 148, 0 of 20, 1
 * of 29. */
static void test_wilson(void)
{
    struct interval share = stats_share(81, 263);

    NEAR(share.low, 0.2553, 0.0001);
    NEAR(share.high, 0.3662, 0.0001);
    share = stats_share(15, 148);
    NEAR(share.low, 0.0624, 0.0001);
    NEAR(share.high, 0.1605, 0.0001);
    share = stats_share(0, 20);
    NEAR(share.low, 0, 1e-12);
    NEAR(share.high, 0.1611, 0.0001);
    share = stats_share(1, 29);
    NEAR(share.low, 0.0061, 0.0001);
    NEAR(share.high, 0.1718, 0.0001);
    share = stats_share(29, 29);
    NEAR(share.high, 1, 1e-12);
    share = stats_share(0, 0);
    NEAR(share.high, 0, 1e-12);
}

/* R. A. Fisher's tea: 3 of 4 cups by chance 17/70; 4 of 4 by 1/70. */
static void test_fisher(void)
{
    NEAR(stats_fisher(3, 1, 1, 3), 17.0 / 70, 1e-12);
    NEAR(stats_fisher(4, 0, 0, 4), 1.0 / 70, 1e-12);
    NEAR(stats_fisher(0, 5, 3, 2), 1, 1e-12);                 /* none at all is no surprise */
    NEAR(stats_fisher(10, 0, 0, 31) * 1121099408.0, 1, 1e-6); /* 1 / (41 choose 10) */
    g_assert_cmpfloat(stats_fisher(100000, 0, 0, 100000), >=, 0);
    g_assert_cmpfloat(stats_fisher(0, 0, 0, 0), ==, 1);
}

static void test_poisson(void)
{
    NEAR(stats_poisson_tail(1, 2), 0.8646647, 1e-6); /* 1 - exp(-2) */
    NEAR(stats_poisson_tail(0, 2), 1, 1e-12);
    NEAR(stats_poisson_tail(3, 1), 0.0803014, 1e-6); /* 1 - 5/2 exp(-1) */
}

static void test_sample(void)
{
    struct sample *sample = NULL, *other = NULL;
    int64_t value, width;

    for (int i = 1; i <= 1000; i++) {
        sample_add(i % 2 ? &sample : &other, (uint64_t)i, i);
    }
    sample_merge(&sample, other);
    g_assert_cmpuint(sample->count, ==, 1000);
    g_assert_true(sample_percentile(sample, 50, &value));
    g_assert_cmpint(value, >, 300); /* a fair choice of 64 of them */
    g_assert_cmpint(value, <, 700);
    g_free(sample);
    g_free(other);
    sample = NULL;
    for (int i = 0; i < 20; i++) {
        sample_add(&sample, (uint64_t)i, i < 12 ? 60000 + i : 1000 * i);
    }
    g_assert_true(sample_mode(sample, 5, &value, &width));
    g_assert_cmpint(value, >=, 60000);
    g_assert_cmpint(value, <=, 60012);
    g_assert_false(sample_mode(sample, 21, &value, &width));
    g_free(sample);
}

struct entry {
    uint64_t key;
};

static uint64_t hash_key(const void *key)
{
    return hash_bytes(key, sizeof(uint64_t));
}

/* Keys that come often stay when there are many more than there is room for. */
static void test_heavy(void)
{
    struct heavy heavy;
    unsigned often = 0;

    heavy_init(&heavy, sizeof(struct entry), sizeof(uint64_t), 256, hash_key, NULL);
    for (uint64_t round = 0; round < 20; round++) {
        for (uint64_t key = 0; key < 20; key++) {
            heavy_get(&heavy, &key);
        }
    }
    for (uint64_t key = 1000; key < 100000; key++) {
        heavy_get(&heavy, &key);
    }
    g_assert_cmpuint(heavy.size, ==, 256);
    g_assert_cmpuint(heavy.dropped, ==, 20 + 99000 - 256);
    for (size_t i = 0; i < heavy.size; i++) {
        const struct entry *entry = heavy_at(&heavy, i);

        g_assert_cmpuint(heavy_weight(&heavy, i), ==, entry->key < 20 ? 20 : 1);
        often += entry->key < 20;
    }
    g_assert_cmpuint(often, ==, 20);
    heavy_clear(&heavy);
}

/* The first ones, in order and once each, whatever the order in which they come. */
static void test_frames(void)
{
    struct frames frames = {0};

    for (uint32_t i = 100; i > 0; i--) {
        frames_add(&frames, (struct place){.file = 0, .frame = i});
        frames_add(&frames, (struct place){.file = 0, .frame = i});
    }
    g_assert_cmpuint(frames.count, ==, LIMIT_FINDING_FRAMES);
    for (uint32_t i = 0; i < frames.count; i++) {
        g_assert_cmpuint(frames_places(&frames)[i].frame, ==, i + 1);
    }
    frames_clear(&frames);
}

/* A text keeps its number and stays where it is while others come; those beyond the bound have
 * none. */
static void test_names(void)
{
    struct names *names = names_new();
    const char *first;

    g_assert_cmpuint(names_number(names, NULL), ==, 0);
    g_assert_cmpuint(names_number(names, ""), ==, 0);
    g_assert_cmpuint(names_number(names, "0.example"), ==, 1);
    first = names_text(names, 1);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < LIMIT_NAMES + 100; i++) {
            char text[32];
            uint64_t hash;

            g_snprintf(text, sizeof text, "%u.example", i);
            hash = names_seek(names, text);
            names_fetch(names, hash);
            g_assert_cmpuint(names_take(names, text, hash), ==, i < LIMIT_NAMES ? i + 1 : 0);
        }
    }
    g_assert_true(names_text(names, 1) == first);
    g_assert_cmpstr(names_text(names, LIMIT_NAMES), !=, first);
    g_assert_cmpuint(names_hash(names, 1), ==, names_hash_text("0.example"));
    names_unref(names);
}

#define SECOND   INT64_C(1000000000)
#define ATTEMPTS 20000u

/* One connection each 50 ms, all refused in two half minutes. */
static void add_attempt(struct timeline *timeline, uint32_t number)
{
    uint32_t second = number / 20;
    bool refused = (second >= 100 && second < 130) || (second >= 600 && second < 630);

    timeline_add(timeline, number * SECOND / 20, number % 7, !refused);
}

static void assert_same(const struct runs *a, const struct runs *b)
{
    g_assert_cmpuint(a->count, ==, b->count);
    g_assert_cmpuint(a->downs, ==, b->downs);
    g_assert_cmpuint(a->longest.count, ==, b->longest.count);
    g_assert_cmpint(a->longest.first_ns, ==, b->longest.first_ns);
    g_assert_cmpint(a->longest.last_ns, ==, b->longest.last_ns);
    g_assert_cmpint(a->longest.next_ns, ==, b->longest.next_ns);
}

/* More connections than a timeline has spans: whatever their order, and whether they were added or
 * merged, it tells the same, and of the outages as long as they were. */
static void test_timeline(void)
{
    uint32_t left = LIMIT_MOMENTS;
    struct timeline forward = {.left = &left}, backward = forward, odd = forward, even = forward;
    struct runs runs, others;

    for (uint32_t i = 0; i < ATTEMPTS; i++) {
        add_attempt(&forward, i);
        add_attempt(&backward, ATTEMPTS - 1 - i);
        add_attempt(i % 2 ? &odd : &even, i);
    }
    timeline_merge(&odd, &even);
    runs = timeline_runs(&forward);
    g_assert_cmpuint(forward.count, <=, LIMIT_TIMELINE);
    g_assert_cmpuint(runs.accepted + runs.refused, ==, ATTEMPTS);
    g_assert_cmpuint(runs.refused, ==, 1200);
    g_assert_cmpuint(runs.downs, ==, 2);
    g_assert_cmpint(ABS(runs.longest.next_ns - runs.longest.first_ns - 30 * SECOND), <, 5 * SECOND);
    g_assert_true(timeline_refuses(&forward, 605 * SECOND, 10 * SECOND));
    g_assert_false(timeline_refuses(&forward, 500 * SECOND, 10 * SECOND));
    others = timeline_runs(&backward);
    assert_same(&runs, &others);
    others = timeline_runs(&odd);
    assert_same(&runs, &others);
    timeline_clear(&forward);
    timeline_clear(&backward);
    timeline_clear(&odd);
    timeline_clear(&even);
    g_assert_cmpuint(left, ==, LIMIT_MOMENTS);
}

/* Of more than there is room for the latest are kept, whatever the order in which they come. */
static void test_moments(void)
{
    uint32_t left = 64, count;
    struct moments moments = {.left = &left};
    struct moment *sorted;

    for (uint32_t i = 0; i < 100; i++) {
        moments_add(&moments, 16, (struct moment){.time_ns = (i * 37 % 100) * SECOND});
    }
    sorted = moments_sorted(&moments, &count);
    g_assert_cmpuint(count, ==, 16);
    for (uint32_t i = 0; i < count; i++) {
        g_assert_cmpint(sorted[i].time_ns, ==, (84 + i) * SECOND);
    }
    g_free(sorted);
    moments_clear(&moments);
    g_assert_cmpuint(left, ==, 64);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stats/wilson", test_wilson);
    g_test_add_func("/stats/fisher", test_fisher);
    g_test_add_func("/stats/poisson", test_poisson);
    g_test_add_func("/stats/sample", test_sample);
    g_test_add_func("/stats/heavy", test_heavy);
    g_test_add_func("/stats/frames", test_frames);
    g_test_add_func("/stats/names", test_names);
    g_test_add_func("/stats/timeline", test_timeline);
    g_test_add_func("/stats/moments", test_moments);
    return g_test_run();
}
