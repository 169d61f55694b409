/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capped text: what fits is there, what does not is told. */
#include <glib.h>

#include "bytes/strbuf.h"

static void test_number(void)
{
    static const struct {
        int64_t number;
        const char *text;
    } cases[] = {
        {0, "0"},
        {7, "7"},
        {-1, "-1"},
        {1234567890, "1234567890"},
        {INT64_MAX, "9223372036854775807"},
        {INT64_MIN, "-9223372036854775808"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        char buffer[32];
        struct strbuf s = strbuf_make(buffer, sizeof buffer);

        strbuf_add_number(&s, cases[i].number);
        g_assert_cmpstr(buffer, ==, cases[i].text);
        g_assert_false(s.truncated);
    }
}

static void test_part(void)
{
    char buffer[8];
    struct strbuf s = strbuf_make(buffer, sizeof buffer);

    strbuf_add_part(&s, "abcdef", 3);
    g_assert_cmpstr(buffer, ==, "abc");
    strbuf_add_part(&s, "defghi", 4);
    g_assert_cmpstr(buffer, ==, "abcdefg");
    g_assert_false(s.truncated);
    strbuf_add_part(&s, "h", 1);
    g_assert_cmpstr(buffer, ==, "abcdefg");
    g_assert_true(s.truncated);
}

static void test_cut(void)
{
    char buffer[4];
    struct strbuf s = strbuf_make(buffer, sizeof buffer);

    strbuf_add_number(&s, 12345);
    g_assert_cmpstr(buffer, ==, "123");
    g_assert_true(s.truncated);
    strbuf_add(&s, "x");
    g_assert_cmpstr(buffer, ==, "123");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/strbuf/number", test_number);
    g_test_add_func("/strbuf/part", test_part);
    g_test_add_func("/strbuf/cut", test_cut);
    return g_test_run();
}
