/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Payload in order: whatever order, overlap or repetition segments come in, each byte comes once.
 */
#include <string.h>

#include <glib.h>

#include "conn/reassembly.h"
#include "limits.h"

/* Collects what comes out; missing bytes as '?'. */
static void collect(void *user, const struct observe_chunk *chunk, bool missing)
{
    GString *out = user;

    g_assert_true(!missing || chunk->captured == 0);
    for (uint32_t i = 0; i < chunk->length; i++) {
        g_string_append_c(out, i < chunk->captured ? (char)chunk->data[i] : '?');
    }
}

static void add(struct reassembly *data, uint32_t seq, const char *bytes, GString *out)
{
    struct observe_chunk chunk = {.data = (const uint8_t *)bytes,
                                  .captured = (uint32_t)strlen(bytes),
                                  .length = (uint32_t)strlen(bytes),
                                  .frame = 1};

    g_assert_true(reassembly_add(data, seq, &chunk, collect, out));
}

/* One row: segments as "offset:bytes", space-separated, fed in this order. */
static const struct {
    const char *segments;
    const char *expected;
} rows[] = {
    {"0:abc 3:def", "abcdef"},
    {"3:def 0:abc", "abcdef"},         /* out of order */
    {"0:abc 0:abc 3:def", "abcdef"},   /* retransmission */
    {"0:abc 1:bcde 5:f", "abcdef"},    /* partial overlap */
    {"4:ef 2:cd 4:ef 0:ab", "abcdef"}, /* two holes, a repetition beyond one */
    {"3:XYf 1:bcde 0:a", "abcdef"},    /* kept pieces: the one that begins first wins */
    {"0:ab 1:bXd", "abXd"},            /* the first copy of b wins, the rest is new */
    {"5:f 0:abc", "abc"},              /* a hole still open: nothing beyond comes out */
};

static void feed_row(struct reassembly *data, const char *segments, uint32_t base, GString *out)
{
    char **list = g_strsplit(segments, " ", -1);

    for (char **s = list; *s; s++) {
        char **parts = g_strsplit(*s, ":", 2);

        add(data, base + (uint32_t)g_ascii_strtoull(parts[0], NULL, 10), parts[1], out);
        g_strfreev(parts);
    }
    g_strfreev(list);
}

static void test_orders(void)
{
    /* The last base makes every row wrap at 2^32. */
    static const uint32_t bases[] = {0, 1000, UINT32_MAX - 1};

    for (unsigned b = 0; b < G_N_ELEMENTS(bases); b++) {
        for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
            struct reassembly data = {0};
            GString *out = g_string_new(NULL);

            reassembly_start(&data, bases[b]);
            feed_row(&data, rows[i].segments, bases[b], out);
            g_assert_cmpstr(out->str, ==, rows[i].expected);
            reassembly_clear(&data);
            g_string_free(out, TRUE);
        }
    }
}

static void test_acknowledged_holes_are_missing(void)
{
    struct reassembly data = {0};
    GString *out = g_string_new(NULL);

    reassembly_start(&data, 10);
    add(&data, 13, "def", out);
    reassembly_acked(&data, 10, false, collect, out); /* nothing acknowledged: keep waiting */
    g_assert_cmpstr(out->str, ==, "");
    g_assert_cmpuint(reassembly_waiting(&data), ==, 3);
    reassembly_acked(&data, 16, false, collect, out);
    g_assert_cmpstr(out->str, ==, "???def");
    reassembly_acked(&data, 18, true, collect, out); /* the end: what was acknowledged but unseen */
    g_assert_cmpstr(out->str, ==, "???def??");
    reassembly_clear(&data);
    g_string_free(out, TRUE);
}

static void test_cut_payload_is_missing(void)
{
    struct reassembly data = {0};
    GString *out = g_string_new(NULL);
    struct observe_chunk cut = {.data = (const uint8_t *)"ab", .captured = 2, .length = 5};

    reassembly_start(&data, 0);
    g_assert_true(reassembly_add(&data, 0, &cut, collect, out));
    add(&data, 5, "f", out);
    g_assert_cmpstr(out->str, ==, "ab???f");
    reassembly_clear(&data);
    g_string_free(out, TRUE);
}

/* A side that never fills its first hole cannot make us keep everything. */
static void test_bounds_hold(void)
{
    struct reassembly data = {0};
    GString *out = g_string_new(NULL);
    unsigned given_up = 0;

    reassembly_start(&data, 0);
    for (uint32_t i = 1; i <= 4 * LIMIT_REASSEMBLY_PIECES; i++) {
        struct observe_chunk chunk = {.data = (const uint8_t *)"x", .captured = 1, .length = 1};

        given_up += !reassembly_add(&data, i * 2, &chunk, collect, out);
        g_assert_cmpuint(data.count, <=, LIMIT_REASSEMBLY_PIECES);
        g_assert_cmpuint(data.bytes, <=, LIMIT_REASSEMBLY_BYTES);
    }
    g_assert_cmpuint(given_up, >, 0);
    reassembly_clear(&data);
    g_string_free(out, TRUE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/reassembly/orders", test_orders);
    g_test_add_func("/reassembly/acknowledged-holes", test_acknowledged_holes_are_missing);
    g_test_add_func("/reassembly/cut-payload", test_cut_payload_is_missing);
    g_test_add_func("/reassembly/bounds", test_bounds_hold);
    return g_test_run();
}
