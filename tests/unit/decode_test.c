/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The decoder: every way into a packet, cut at every length; IP, ICMP and TCP header rules. */
#include <whyrst/decode.h>

#include <string.h>

#include <glib.h>

#include "decode_cases.h"
#include "hex.h"

#define TCP  "04d2 0050 00000001 00000002 5010 0064 0000 0000 "
#define DATA "64617461 "

static GByteArray *case_bytes(const struct decode_case *c)
{
    GByteArray *bytes = hex_bytes(c->outer);

    if (c->inner == INNER_IPV4) {
        hex_append(bytes, "4500002c 00010000 40060000 0a000003 0a000004");
    } else if (c->inner == INNER_IPV6) {
        hex_append(bytes, "60000000 00180640 20010db8000000000000000000000003"
                          "20010db8000000000000000000000004");
    }
    if (c->inner != INNER_NONE) {
        hex_append(bytes, TCP DATA);
    }
    return bytes;
}

/** Decodes the first @captured of @length bytes from memory that ends right there. */
static unsigned decode(struct whyrst_decoder *decoder, uint32_t link_type, const guint8 *bytes,
                       guint captured, guint length, struct whyrst_segment *segments)
{
    struct whyrst_frame frame = {
        .number = 7,
        .time_ns = 99,
        .data = g_memdup2(bytes, captured),
        .captured = captured,
        .length = length,
        .link_type = link_type,
    };
    unsigned count = whyrst_decoder_frame(decoder, &frame, segments);

    /* Payload and options are never followed here; only their bounds count. */
    for (unsigned i = 0; i < count; i++) {
        const struct whyrst_segment *s = &segments[i];

        g_assert_cmpuint(s->payload_captured, <=, s->payload_length);
        g_assert_cmpuint(s->options_length, <=, 40);
        g_assert_true(!s->payload_captured ||
                      (s->payload >= frame.data &&
                       s->payload + s->payload_captured <= frame.data + captured));
    }
    g_free((gpointer)frame.data);
    return count;
}

static guint64 skipped_in_all(const struct whyrst_decoder *decoder)
{
    guint64 sum = 0;

    for (int i = 0; i < WHYRST_SKIP_COUNT; i++) {
        sum += whyrst_decoder_skipped(decoder, i);
    }
    return sum;
}

static void check_inner(const struct whyrst_segment *s)
{
    g_assert_cmpuint(s->source_port, ==, 1234);
    g_assert_cmpuint(s->destination_port, ==, 80);
    g_assert_cmpuint(s->seq, ==, 1);
    g_assert_cmpuint(s->ack, ==, 2);
    g_assert_cmphex(s->flags, ==, WHYRST_TCP_ACK);
    g_assert_cmpuint(s->window, ==, 100);
    g_assert_cmpuint(s->payload_length, ==, 4);
    g_assert_cmpuint(s->payload_captured, ==, 4);
    g_assert_cmpuint(s->options_length, ==, 0);
    g_assert_cmpuint(s->ttl, ==, 64);
    g_assert_cmpuint(s->frame, ==, 7);
    g_assert_cmpint(s->time_ns, ==, 99);
    g_assert_false(s->quoted);
}

static void test_cases(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(decode_cases); i++) {
        const struct decode_case *c = &decode_cases[i];
        struct whyrst_decoder *decoder = whyrst_decoder_new();
        struct whyrst_segment segments[WHYRST_MAX_SEGMENTS];
        GByteArray *bytes = case_bytes(c);
        unsigned count =
            decode(decoder, c->link_type, bytes->data, bytes->len, bytes->len, segments);

        g_test_message("%s", c->name);
        g_assert_cmpuint(count, ==, c->segments);
        if (count) {
            check_inner(&segments[0]);
            g_assert_cmpuint(skipped_in_all(decoder), ==, 0);
        } else {
            g_assert_cmpuint(whyrst_decoder_skipped(decoder, c->skip), ==, 1);
            g_assert_cmpuint(skipped_in_all(decoder), ==, 1);
        }
        g_byte_array_unref(bytes);
        whyrst_decoder_free(decoder);
    }
}

/** A frame cut by the snapshot length gives its segment, or is counted as cut, never anything else.
 */
static void test_every_truncation(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(decode_cases); i++) {
        const struct decode_case *c = &decode_cases[i];
        GByteArray *bytes = case_bytes(c);

        g_test_message("%s", c->name);
        for (guint n = 0; c->segments && n < bytes->len; n++) {
            struct whyrst_decoder *decoder = whyrst_decoder_new();
            struct whyrst_segment segments[WHYRST_MAX_SEGMENTS];
            unsigned count = decode(decoder, c->link_type, bytes->data, n, bytes->len, segments);

            /* Ports to window, of the 24 bytes from the TCP header on. */
            g_assert_cmpuint(count, ==, n >= bytes->len - 8);
            g_assert_cmpuint(skipped_in_all(decoder), ==, !count);
            if (count) {
                g_assert_cmpuint(segments[0].payload_length, ==, 4);
                g_assert_cmpuint(segments[0].payload_captured, ==,
                                 n > bytes->len - 4 ? n + 4 - bytes->len : 0);
            }
            whyrst_decoder_free(decoder);
        }
        g_byte_array_unref(bytes);
    }
}

/** struct ip_case - an Ethernet frame and what its one segment should say; length -1: none */
struct ip_case {
    const char *name;
    const char *hex;
    guint wire; /**< 0: as captured */
    int payload_length;
    guint payload_captured;
    guint options_length;
    gboolean quoted;
};

#define V4(total) MACS "0800 4500 " total " 0001 0000 40 06 0000 0a000003 0a000004 "
#define ERROR(type_code)                                                                           \
    MACS "0800 4500 0100 0001 0000 40 01 0000 0a000001 0a000002 " type_code "0000 00000000 "
#define ERROR6(type_code)                                                                          \
    MACS "86dd 60000000 0050 3a 40 20010db8" ZEROS "01 20010db8" ZEROS "02 " type_code             \
         "0000 00000000 60000000 0018 06 40 20010db8" ZEROS "01 20010db8" ZEROS "02 "
#define QUOTE(type)  ERROR(type "00")
#define QUOTE6(type) ERROR6(type "00")
#define QUOTED_V4    "4500 002c 0001 0000 40 06 0000 0a000003 0a000004 "

static const struct ip_case ip_cases[] = {
    {"Ethernet padding", V4("0028") TCP "000000000000", 0, 0, 0, 0, FALSE},
    {"IP length 0: segmentation offload", V4("0000") TCP DATA, 0, 4, 4, 0, FALSE},
    {"IP length 0, cut", V4("0000") TCP DATA, 3000, 2946, 4, 0, FALSE},
    {"IP length beyond the frame", V4("0100") TCP DATA, 0, 4, 4, 0, FALSE},
    {"IP length below the header's", V4("0013") TCP DATA, 0, -1, 0, 0, FALSE},
    {"IP length ends in the TCP header", V4("0024") TCP, 0, 0, 0, 0, FALSE},
    {"IP length leaves 15 bytes of TCP", V4("0023") TCP, 0, -1, 0, 0, FALSE},
    {"wire length 0", V4("002c") TCP DATA, 1, 4, 4, 0, FALSE},
    {"IP header of four words",
     MACS "0800 4400 002c 0001 0000 4006 0000 0a000003 0a000004" TCP DATA, 0, -1, 0, 0, FALSE},
    {"IP version 5", MACS "0800 5500 002c 0001 0000 4006 0000 0a000003 0a000004" TCP DATA, 0, -1, 0,
     0, FALSE},
    {"IP options", MACS "0800 4600 0030 0001 0000 4006 0000 0a000003 0a000004 01010100" TCP DATA, 0,
     4, 4, 0, FALSE},
    {"TCP options", V4("0030") "04d20050 00000001 00000002 6010 0064 0000 0000 020405b4" DATA, 0, 4,
     4, 4, FALSE},
    {"TCP options cut", V4("0034") "04d20050 00000001 00000002 7010 0064 0000 0000 0204", 66, 4, 0,
     2, FALSE},
    {"TCP header beyond the datagram",
     V4("002c") "04d20050 00000001 00000002 f010 0064 0000 0000" DATA, 0, 0, 0, 4, FALSE},
    {"TCP header of four words", V4("002c") "04d20050 00000001 00000002 4010 0064 0000 0000" DATA,
     0, 8, 0, 0, TRUE},
    {"IPv6 length 0", MACS "86dd 60000000 0000 06 40 20010db8" ZEROS "01 20010db8" ZEROS "02" TCP,
     0, -1, 0, 0, FALSE},
    {"IPv6 length 0, more than 64 KiB",
     MACS "86dd 60000000 0000 06 40 20010db8" ZEROS "01 20010db8" ZEROS "02" TCP, 100000, 99926, 0,
     0, FALSE},
    {"IPv6 jumbogram",
     MACS "86dd 60000000 0000 00 40 20010db8" ZEROS "01 20010db8" ZEROS "02 0600 c204 000186a0" TCP,
     200000, 99972, 0, 0, FALSE},
    {"unreachable", QUOTE("03") QUOTED_V4 TCP DATA, 0, 4, 4, 0, TRUE},
    {"source quench", QUOTE("04") QUOTED_V4 TCP DATA, 0, 4, 4, 0, TRUE},
    {"redirect", QUOTE("05") QUOTED_V4 TCP DATA, 0, -1, 0, 0, FALSE},
    {"time exceeded", QUOTE("0b") QUOTED_V4 TCP DATA, 0, 4, 4, 0, TRUE},
    {"parameter problem", QUOTE("0c") QUOTED_V4 TCP DATA, 0, 4, 4, 0, TRUE},
    {"echo", QUOTE("08") QUOTED_V4 TCP DATA, 0, -1, 0, 0, FALSE},
    {"unreachable, 16 bytes quoted", QUOTE("03") QUOTED_V4 "04d20050 00000001 00000002 5010 0064",
     0, 0, 0, 0, TRUE},
    {"unreachable, 8 bytes quoted", QUOTE("03") QUOTED_V4 "04d20050 00000001", 0, 0, 0, 0, TRUE},
    {"unreachable, 7 bytes quoted", QUOTE("03") QUOTED_V4 "04d20050 000000", 0, -1, 0, 0, FALSE},
    {"unreachable, IPv6 quoted",
     QUOTE("03") "60000000 0018 06 40 20010db8" ZEROS "01 20010db8" ZEROS "02" TCP, 0, 0, 0, 0,
     TRUE},
    {"unreachable about an unreachable",
     QUOTE("03") "4500 0048 0001 0000 40 01 0000 0a000001 0a000002 03000000 00000000" QUOTED_V4 TCP,
     0, 0, 0, 0, TRUE},
    {"unreachable, fragment quoted",
     QUOTE("03") "4500 002c 0001 2000 40 06 0000 0a000003 0a000004" TCP DATA, 0, -1, 0, 0, FALSE},
    {"IPv6 unreachable", QUOTE6("01") TCP DATA, 0, 4, 4, 0, TRUE},
    {"IPv6 too big", QUOTE6("02") TCP DATA, 0, 4, 4, 0, TRUE},
    {"IPv6 time exceeded", QUOTE6("03") TCP DATA, 0, 4, 4, 0, TRUE},
    {"IPv6 parameter problem", QUOTE6("04") TCP DATA, 0, 4, 4, 0, TRUE},
    {"IPv6 echo", QUOTE6("80") TCP DATA, 0, -1, 0, 0, FALSE},
};

static void test_headers(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(ip_cases); i++) {
        const struct ip_case *c = &ip_cases[i];
        struct whyrst_decoder *decoder = whyrst_decoder_new();
        struct whyrst_segment s[WHYRST_MAX_SEGMENTS];
        GByteArray *bytes = hex_bytes(c->hex);
        unsigned count =
            decode(decoder, 1, bytes->data, bytes->len, c->wire ? c->wire : bytes->len, s);

        g_test_message("%s", c->name);
        g_assert_cmpuint(count, ==, c->payload_length >= 0);
        if (count) {
            g_assert_cmpuint(s->source_port, ==, 1234);
            g_assert_cmpint((int)s->payload_length, ==, c->payload_length);
            g_assert_cmpuint(s->payload_captured, ==, c->payload_captured);
            g_assert_cmpuint(s->options_length, ==, c->options_length);
            g_assert_cmpint(s->quoted, ==, c->quoted);
        }
        g_byte_array_unref(bytes);
        whyrst_decoder_free(decoder);
    }
}

/** What errors about the destination mean, by code. */
static void test_unreachable(void)
{
    static const struct {
        const char *hex;
        enum whyrst_unreachable meaning;
    } cases[] = {
        {ERROR("0300") QUOTED_V4 TCP, WHYRST_UNREACHABLE_NETWORK},
        {ERROR("0301") QUOTED_V4 TCP, WHYRST_UNREACHABLE_HOST},
        {ERROR("0303") QUOTED_V4 TCP, WHYRST_UNREACHABLE_PORT},
        {ERROR("0304") QUOTED_V4 TCP, WHYRST_REACHABLE},
        {ERROR("030d") QUOTED_V4 TCP, WHYRST_UNREACHABLE_PROHIBITED},
        {ERROR("03ff") QUOTED_V4 TCP, WHYRST_UNREACHABLE_OTHER},
        {ERROR("0b01") QUOTED_V4 TCP, WHYRST_REACHABLE},
        {ERROR6("0100") TCP, WHYRST_UNREACHABLE_NETWORK},
        {ERROR6("0101") TCP, WHYRST_UNREACHABLE_PROHIBITED},
        {ERROR6("0103") TCP, WHYRST_UNREACHABLE_HOST},
        {ERROR6("0104") TCP, WHYRST_UNREACHABLE_PORT},
        {ERROR6("01ff") TCP, WHYRST_UNREACHABLE_OTHER},
        {ERROR6("0203") TCP, WHYRST_REACHABLE},
        {V4("0028") TCP, WHYRST_REACHABLE},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct whyrst_decoder *decoder = whyrst_decoder_new();
        struct whyrst_segment s[WHYRST_MAX_SEGMENTS];
        GByteArray *bytes = hex_bytes(cases[i].hex);

        g_test_message("%s", cases[i].hex);
        g_assert_cmpuint(decode(decoder, 1, bytes->data, bytes->len, bytes->len, s), ==, 1);
        g_assert_cmpuint(s->unreachable, ==, cases[i].meaning);
        g_byte_array_unref(bytes);
        whyrst_decoder_free(decoder);
    }
}

/** All that the IP header tells, in both versions. */
static void test_ip_fields(void)
{
    struct whyrst_segment s;
    GByteArray *v4 = hex_bytes("46b8 0014 abcd 4000 39 06 0000 01020304 05060708 00000000");
    GByteArray *v6 = hex_bytes("6ab12345 0018 06 3a 20010db8" ZEROS "0a fe80aaaa" ZEROS "0b");

    memset(&s, 0xff, sizeof s);
    g_assert_cmpuint(whyrst_decode_ip(&s, v4->data, v4->len), ==, 24);
    g_assert_cmpuint(s.ip_version, ==, 4);
    g_assert_cmphex(s.tos, ==, 0xb8);
    g_assert_cmphex(s.ip_id, ==, 0xabcd);
    g_assert_true(s.dont_fragment);
    g_assert_cmpuint(s.ttl, ==, 57);
    g_assert_cmpuint(s.flow_label, ==, 0);
    g_assert_cmpmem(s.source, 16, "\1\2\3\4\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    g_assert_cmpmem(s.destination, 16, "\5\6\7\10\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    g_assert_cmpuint(whyrst_decode_ip(&s, v4->data, 19), ==, 0);

    g_assert_cmpuint(whyrst_decode_ip(&s, v6->data, v6->len), ==, 40);
    g_assert_cmpuint(s.ip_version, ==, 6);
    g_assert_cmphex(s.tos, ==, 0xab);
    g_assert_cmphex(s.flow_label, ==, 0x12345);
    g_assert_cmpuint(s.ttl, ==, 58);
    g_assert_cmpuint(s.ip_id, ==, 0);
    g_assert_false(s.dont_fragment);
    g_assert_cmpmem(s.source, 16, v6->data + 8, 16);
    g_assert_cmpmem(s.destination, 16, v6->data + 24, 16);
    g_assert_cmpuint(whyrst_decode_ip(&s, v6->data, 39), ==, 0);
    g_assert_cmpuint(whyrst_decode_ip(&s, NULL, 0), ==, 0);
    g_byte_array_unref(v4);
    g_byte_array_unref(v6);
}

/** Tags nested beyond the bound are given up, those within it are not. */
static void test_depth(void)
{
    struct whyrst_decoder *decoder = whyrst_decoder_new();
    struct whyrst_segment s[WHYRST_MAX_SEGMENTS];
    GByteArray *bytes = hex_bytes(MACS);

    for (int i = 0; i < 20; i++) {
        hex_append(bytes, "8100 0064");
    }
    hex_append(bytes, "0800 4500002c 00010000 40060000 0a000003 0a000004" TCP DATA);
    g_assert_cmpuint(decode(decoder, 1, bytes->data, bytes->len, bytes->len, s), ==, 1);
    g_byte_array_set_size(bytes, 12);
    for (int i = 0; i < 200; i++) {
        hex_append(bytes, "8100 0064");
    }
    g_assert_cmpuint(decode(decoder, 1, bytes->data, bytes->len, bytes->len, s), ==, 0);
    g_assert_cmpuint(whyrst_decoder_skipped(decoder, WHYRST_SKIP_DEPTH), ==, 1);
    g_byte_array_unref(bytes);
    whyrst_decoder_free(decoder);
}

/** An 802.11 aggregate holds several packets; more than there is room for are left. */
static void test_amsdu(void)
{
    struct whyrst_decoder *decoder = whyrst_decoder_new();
    struct whyrst_segment s[WHYRST_MAX_SEGMENTS];
    GByteArray *bytes = hex_bytes(WLAN("8801") "8000");

    for (int i = 0; i < 6; i++) {
        hex_append(bytes,
                   MACS "0034" SNAP "0800 4500002c 00010000 40060000 0a000003 0a000004" TCP DATA
                        "0000" /* 14 + 52 bytes, padded to 68 */);
        g_assert_cmpuint(decode(decoder, 105, bytes->data, bytes->len, bytes->len, s), ==,
                         MIN(i + 1, WHYRST_MAX_SEGMENTS));
        check_inner(&s[MIN(i, WHYRST_MAX_SEGMENTS - 1)]);
    }
    g_byte_array_unref(bytes);
    whyrst_decoder_free(decoder);
}

static void test_names(void)
{
    for (int i = 0; i < WHYRST_SKIP_COUNT; i++) {
        g_assert_cmpstr(whyrst_skip_name(i), !=, "");
        g_assert_cmpstr(whyrst_skip_text(i), !=, "");
    }
    g_assert_cmpstr(whyrst_skip_name(WHYRST_SKIP_COUNT), ==, "");
    g_assert_cmpstr(whyrst_skip_name(WHYRST_SKIP_NOT_TCP), ==, "not-tcp");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/decode/cases", test_cases);
    g_test_add_func("/decode/every-truncation", test_every_truncation);
    g_test_add_func("/decode/headers", test_headers);
    g_test_add_func("/decode/unreachable", test_unreachable);
    g_test_add_func("/decode/ip-fields", test_ip_fields);
    g_test_add_func("/decode/depth", test_depth);
    g_test_add_func("/decode/amsdu", test_amsdu);
    g_test_add_func("/decode/names", test_names);
    return g_test_run();
}
