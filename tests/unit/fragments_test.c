/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reassembly of IP fragments: orders, overlaps, time, bounds, counts. */
#include <whyrst/decode.h>

#include <string.h>

#include <glib.h>

#include "hex.h"
#include "limits.h"

#define SECOND INT64_C(1000000000)

/** struct piece - a fragment of a datagram: bytes [from, to) of its payload, in units of 8 */
struct piece {
    guint from, to;
    gboolean last;
    guint8 fill; /**< payload byte, where not the datagram's own; 0: its own */
};

/** A TCP header, then bytes that count up: the payload that is cut into fragments. */
static GByteArray *datagram(guint length)
{
    GByteArray *bytes = hex_bytes("04d2 0050 00000001 00000002 5010 0064 0000 0000");

    while (bytes->len < length) {
        guint8 byte = (guint8)bytes->len;

        g_byte_array_append(bytes, &byte, 1);
    }
    return bytes;
}

static void append_be16(GByteArray *frame, guint value)
{
    guint8 bytes[] = {(guint8)(value >> 8), (guint8)value};

    g_byte_array_append(frame, bytes, 2);
}

static void append_payload(GByteArray *frame, const GByteArray *whole, const struct piece *piece,
                           guint end)
{
    guint from = piece->from * 8;

    g_byte_array_append(frame, whole->data + from, end - from);
    if (piece->fill) {
        memset(frame->data + frame->len - (end - from), piece->fill, end - from);
    }
}

static GByteArray *fragment_v4(const GByteArray *whole, const struct piece *piece, guint id)
{
    guint end = piece->last ? whole->len : piece->to * 8;
    GByteArray *frame = hex_bytes("4500");

    append_be16(frame, 20 + end - piece->from * 8);
    append_be16(frame, id);
    append_be16(frame, (piece->last ? 0 : 0x2000) | piece->from);
    hex_append(frame, "4006 0000 0a000001 0a000002");
    append_payload(frame, whole, piece, end);
    return frame;
}

static GByteArray *fragment_v6(const GByteArray *whole, const struct piece *piece, guint id)
{
    guint end = piece->last ? whole->len : piece->to * 8;
    GByteArray *frame = hex_bytes("60000000");

    append_be16(frame, 8 + end - piece->from * 8);
    hex_append(frame,
               "2c40 20010db8000000000000000000000001 20010db8000000000000000000000002 0600");
    append_be16(frame, piece->from * 8 | !piece->last);
    append_be16(frame, 0xffff);
    append_be16(frame, id);
    append_payload(frame, whole, piece, end);
    return frame;
}

/** Decodes a raw IP packet at @time, and checks the payload where it gives a segment. */
static unsigned decode(struct whyrst_decoder *decoder, GByteArray *bytes, int64_t time,
                       const GByteArray *whole)
{
    struct whyrst_segment s[WHYRST_MAX_SEGMENTS];
    struct whyrst_frame frame = {.number = 1,
                                 .time_ns = time,
                                 .data = bytes->data,
                                 .captured = bytes->len,
                                 .length = bytes->len,
                                 .link_type = 101};
    unsigned count = whyrst_decoder_frame(decoder, &frame, s);

    g_byte_array_unref(bytes); /* the payload must not point there */
    if (count && whole) {
        g_assert_cmpmem(s->payload, s->payload_captured, whole->data + 20, whole->len - 20);
        g_assert_cmpuint(s->payload_length, ==, whole->len - 20);
    }
    return count;
}

/** Pieces that make a datagram of 100 bytes whole with the last of them, and not earlier. */
static const struct piece orders[][8] = {
    {{0, 5, FALSE, 0}, {5, 9, FALSE, 0}, {9, 0, TRUE, 0}},
    {{9, 0, TRUE, 0}, {5, 9, FALSE, 0}, {0, 5, FALSE, 0}},
    {{5, 9, FALSE, 0}, {9, 0, TRUE, 0}, {0, 5, FALSE, 0}},
    {{0, 5, FALSE, 0}, {0, 5, FALSE, 'x'}, {5, 9, FALSE, 0}, {5, 9, FALSE, 'x'}, {9, 0, TRUE, 0}},
    {{0, 5, FALSE, 0}, {4, 9, FALSE, 0}, {3, 9, FALSE, 0}, {8, 0, TRUE, 0}},
    {{9, 0, TRUE, 0}, {2, 9, FALSE, 0}, {1, 4, FALSE, 0}, {0, 2, FALSE, 0}},
    {{0, 1, FALSE, 0}, {1, 2, FALSE, 0}, {9, 0, TRUE, 0}, {9, 0, TRUE, 'x'}, {2, 9, FALSE, 0}},
};

static void test_orders(void)
{
    GByteArray *whole = datagram(100);

    for (size_t i = 0; i < 2 * G_N_ELEMENTS(orders); i++) {
        const struct piece *piece = orders[i / 2];
        struct whyrst_decoder *decoder = whyrst_decoder_new();
        unsigned count = 0;

        for (; piece->to || piece->last; piece++) {
            g_assert_cmpuint(count, ==, 0);
            count =
                decode(decoder, i % 2 ? fragment_v6(whole, piece, 1) : fragment_v4(whole, piece, 1),
                       0, whole);
        }
        g_assert_cmpuint(count, ==, 1);
        whyrst_decoder_finish(decoder);
        g_assert_cmpuint(whyrst_decoder_skipped(decoder, WHYRST_SKIP_FRAGMENT), ==, 0);
        whyrst_decoder_free(decoder);
    }
    g_byte_array_unref(whole);
}

/** Of bytes that come twice and differ, those of the lower offset, then of the earlier one, win. */
static void test_conflict(void)
{
    static const struct piece pieces[] = {{4, 9, FALSE, 'x'}, {0, 6, FALSE, 0}, {9, 0, TRUE, 0}};
    GByteArray *whole = datagram(100), *mixed = datagram(100);
    struct whyrst_decoder *decoder = whyrst_decoder_new();

    memset(mixed->data + 48, 'x', 24); /* 0..48 from the second, 48..72 from the first */
    for (size_t i = 0; i < 2; i++) {
        g_assert_cmpuint(decode(decoder, fragment_v4(whole, &pieces[i], 1), 0, NULL), ==, 0);
    }
    g_assert_cmpuint(decode(decoder, fragment_v4(whole, &pieces[2], 1), 0, mixed), ==, 1);
    whyrst_decoder_free(decoder);
    g_byte_array_unref(whole);
    g_byte_array_unref(mixed);
}

/** Other identifications are other datagrams; what stays incomplete is counted at the end. */
static void test_unfinished(void)
{
    static const struct piece first = {0, 9, FALSE, 0}, last = {9, 0, TRUE, 0};
    GByteArray *whole = datagram(100);
    struct whyrst_decoder *decoder = whyrst_decoder_new();

    g_assert_cmpuint(decode(decoder, fragment_v4(whole, &first, 1), 0, NULL), ==, 0);
    g_assert_cmpuint(decode(decoder, fragment_v4(whole, &last, 2), 0, NULL), ==, 0);
    g_assert_cmpuint(decode(decoder, fragment_v6(whole, &last, 1), 0, NULL), ==, 0);
    g_assert_cmpuint(whyrst_decoder_skipped(decoder, WHYRST_SKIP_FRAGMENT), ==, 0);
    whyrst_decoder_finish(decoder);
    g_assert_cmpuint(whyrst_decoder_skipped(decoder, WHYRST_SKIP_FRAGMENT), ==, 3);
    whyrst_decoder_free(decoder);
    g_byte_array_unref(whole);
}

/** What has waited too long, in capture time, is given up; absurd times do no harm. */
static void test_time(void)
{
    static const struct piece first = {0, 9, FALSE, 0}, last = {9, 0, TRUE, 0};
    GByteArray *whole = datagram(100);
    struct whyrst_decoder *decoder = whyrst_decoder_new();
    int64_t wait = LIMIT_FRAGMENT_SECONDS * SECOND;

    g_assert_cmpuint(decode(decoder, fragment_v4(whole, &first, 1), 0, NULL), ==, 0);
    g_assert_cmpuint(decode(decoder, fragment_v4(whole, &last, 1), wait, whole), ==, 1);
    g_assert_cmpuint(decode(decoder, fragment_v4(whole, &first, 1), 0, NULL), ==, 0);
    g_assert_cmpuint(decode(decoder, fragment_v4(whole, &last, 1), wait + 1, NULL), ==, 0);
    g_assert_cmpuint(whyrst_decoder_skipped(decoder, WHYRST_SKIP_FRAGMENT), ==, 1);
    g_assert_cmpuint(decode(decoder, fragment_v4(whole, &first, 2), INT64_MAX, NULL), ==, 0);
    g_assert_cmpuint(decode(decoder, fragment_v4(whole, &first, 3), INT64_MIN, NULL), ==, 0);
    g_assert_cmpuint(decode(decoder, fragment_v4(whole, &first, 4), INT64_MAX, NULL), ==, 0);
    whyrst_decoder_free(decoder);
    g_byte_array_unref(whole);
}

/** The oldest datagrams give way; one with endless duplicates is given up. */
static void test_bounds(void)
{
    static const struct piece first = {0, 9, FALSE, 0}, last = {9, 0, TRUE, 0};
    GByteArray *whole = datagram(100);
    struct whyrst_decoder *decoder = whyrst_decoder_new();

    for (guint i = 0; i < LIMIT_FRAGMENT_DATAGRAMS + 3; i++) {
        g_assert_cmpuint(decode(decoder, fragment_v4(whole, &first, i), 0, NULL), ==, 0);
    }
    g_assert_cmpuint(whyrst_decoder_skipped(decoder, WHYRST_SKIP_FRAGMENT_CAP), ==, 3);
    g_assert_cmpuint(decode(decoder, fragment_v4(whole, &last, 3), 0, whole), ==, 1);
    for (guint i = 0; i < LIMIT_FRAGMENT_PIECES + 1; i++) {
        g_assert_cmpuint(decode(decoder, fragment_v4(whole, &first, 4), 0, NULL), ==, 0);
    }
    g_assert_cmpuint(whyrst_decoder_skipped(decoder, WHYRST_SKIP_FRAGMENT_CAP), >, 1000);
    whyrst_decoder_free(decoder);
    g_byte_array_unref(whole);
}

/** A fragment beyond the largest datagram, and one without bytes, make no sense. */
static void test_malformed(void)
{
    struct whyrst_decoder *decoder = whyrst_decoder_new();
    GByteArray *death = hex_bytes("4500 0024 0001 1fff 4006 0000 0a000001 0a000002"
                                  "0000000000000000 0000000000000000");
    GByteArray *empty = hex_bytes("4500 0014 0001 2000 4006 0000 0a000001 0a000002");

    g_assert_cmpuint(decode(decoder, death, 0, NULL), ==, 0);
    g_assert_cmpuint(decode(decoder, empty, 0, NULL), ==, 0);
    g_assert_cmpuint(whyrst_decoder_skipped(decoder, WHYRST_SKIP_MALFORMED), ==, 2);
    whyrst_decoder_free(decoder);
}

/** Cut by the snapshot length, a first fragment is read as far as it goes, others are not. */
static void test_cut(void)
{
    static const struct piece first = {0, 9, FALSE, 0}, second = {5, 9, FALSE, 0};
    GByteArray *whole = datagram(100);
    struct whyrst_decoder *decoder = whyrst_decoder_new();
    GByteArray *bytes = fragment_v4(whole, &first, 1);

    g_byte_array_set_size(bytes, 45);
    g_assert_cmpuint(decode(decoder, bytes, 0, NULL), ==, 1);
    bytes = fragment_v4(whole, &second, 1);
    g_byte_array_set_size(bytes, 45);
    g_assert_cmpuint(decode(decoder, bytes, 0, NULL), ==, 0);
    g_assert_cmpuint(whyrst_decoder_skipped(decoder, WHYRST_SKIP_TRUNCATED), ==, 1);
    whyrst_decoder_free(decoder);
    g_byte_array_unref(whole);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fragments/orders", test_orders);
    g_test_add_func("/fragments/conflict", test_conflict);
    g_test_add_func("/fragments/unfinished", test_unfinished);
    g_test_add_func("/fragments/time", test_time);
    g_test_add_func("/fragments/bounds", test_bounds);
    g_test_add_func("/fragments/malformed", test_malformed);
    g_test_add_func("/fragments/cut", test_cut);
    return g_test_run();
}
