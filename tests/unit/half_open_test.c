/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A half-open connection comes back as the one that its SYN would have made. */
#include <string.h>

#include <glib.h>

#include "conn/connections.h"
#include "conn/payload.h"
#include "conn/ring.h"

#define START INT64_C(1700000000000000000)

static const uint8_t linux_options[] = {2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2,
                                        3, 4, 0, 0,    0, 0, 1, 3,  3, 7};

static struct whyrst_segment make_syn(void)
{
    return (struct whyrst_segment){.time_ns = START + 123456789,
                                   .frame = 77,
                                   .options = linux_options,
                                   .options_length = sizeof linux_options,
                                   .ip_version = 4,
                                   .dont_fragment = true,
                                   .source = {10, 0, 0, 5},
                                   .destination = {192, 0, 2, 1},
                                   .source_port = 40000,
                                   .destination_port = 443,
                                   .seq = 0xfffffff0,
                                   .window = 64240,
                                   .ip_id = 4711,
                                   .flags = WHYRST_TCP_SYN,
                                   .ttl = 64};
}

static void assert_equal(const struct conn *a, const struct conn *b)
{
    g_assert_cmpmem(&a->key, sizeof a->key, &b->key, sizeof b->key);
    g_assert_cmpuint(a->history, ==, b->history);
    g_assert_cmpmem(a->side, sizeof a->side, b->side, sizeof b->side);
    g_assert_cmpint(a->client, ==, b->client);
    g_assert_cmpint(a->flags, ==, b->flags);
    g_assert_cmpint(a->stream, ==, b->stream);
    g_assert_cmpuint(conn_syn_frame(a), ==, conn_syn_frame(b));
    g_assert_cmpint(a->first_ns, ==, b->first_ns);
    g_assert_cmpint(a->last_ns, ==, b->last_ns);
    g_assert_cmpint(payload_silent_since(a), ==, payload_silent_since(b));
}

/* Both ways to the same connection, and to ring entries that look the same to a second capture. */
static void compare_ways(const struct whyrst_segment *syn)
{
    struct conn_context context = {.ring = ring_new()};
    struct tcp_options options = tcp_options_read(syn);
    struct conn_event event = {0};
    struct half_open entry;
    struct flow_key key = {0};
    unsigned side = flow_key_make(&key, syn);
    struct conn direct, unfolded;

    conn_init(&direct, &key, side, 9);
    conn_note_base(&direct, side, syn);
    conn_segment(&context, &direct, side, syn, &options, &event);
    g_assert_true(half_open_fill(&entry, syn, side, 9, START));
    entry.key = flow_key_shorten(&key);
    half_open_unfold(&context, &entry, START, &unfolded);
    assert_equal(&direct, &unfolded);
    g_assert_cmpint(ring_get(context.ring, direct.recent)->stamp, ==,
                    ring_get(context.ring, unfolded.recent)->stamp);
    g_assert_cmpint(conn_find_duplicate(&context, &unfolded, side, syn), ==, 77);
    ring_free(context.ring);
}

static void test_round_trip(void)
{
    struct whyrst_segment syn = make_syn();
    struct whyrst_segment bare = make_syn();
    struct whyrst_segment zmap = make_syn();
    struct whyrst_segment other = make_syn();

    bare.options = NULL;
    bare.options_length = 0;
    zmap.ip_id = 54321;
    other.source[0] = 224; /* the source is the key's second end */
    other.dont_fragment = false;
    compare_ways(&syn);
    compare_ways(&bare);
    compare_ways(&zmap);
    compare_ways(&other);
}

/* What is more than a plain SYN takes the ordinary way. */
static void test_unusual(void)
{
    struct whyrst_segment odd[6];
    struct half_open entry;

    for (size_t i = 0; i < G_N_ELEMENTS(odd); i++) {
        odd[i] = make_syn();
    }
    odd[0].flags |= WHYRST_TCP_ACK;
    odd[1].payload_length = 100; /* TCP Fast Open */
    odd[2].ip_version = 6;
    odd[3].tos = 0x28;
    odd[4].time_ns = START - 1;
    odd[5].time_ns = START + (INT64_C(1) << 47);
    for (size_t i = 0; i < G_N_ELEMENTS(odd); i++) {
        g_assert_false(half_open_fill(&entry, &odd[i], 0, 1, START));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/half-open/round-trip", test_round_trip);
    g_test_add_func("/half-open/unusual", test_unusual);
    return g_test_run();
}
