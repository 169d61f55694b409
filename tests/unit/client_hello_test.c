/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ClientHello's shape: complete, cut at every length, and with each length field wrong. */
#include "observe/client_hello.h"
#include "observe_support.h"

static enum hello_result parse(GByteArray *message, gsize length, struct client_hello *hello)
{
    /* A copy of just these bytes, so that sanitizers see reads beyond. */
    guint8 *copy = g_memdup2(message->data, length);
    enum hello_result result = client_hello_parse(copy, length, hello);

    g_free(copy);
    return result;
}

static void test_complete(void)
{
    GByteArray *message = client_hello(CIPHERS_13, EXTENSIONS_13);
    struct client_hello hello;

    g_assert_cmpint(client_hello_parse(message->data, message->len, &hello), ==, HELLO_OK);
    g_assert_cmpuint(hello.version, ==, 0x0303);
    g_assert_cmpuint(cursor_left(&hello.cipher_suites), ==, 12);
    g_assert_cmpmem(hello.server_name.at, cursor_left(&hello.server_name), "a.example", 9);
    g_assert_cmpuint(cursor_left(&hello.protocols), ==, 12);
    g_assert_cmpuint(cursor_left(&hello.signature_algorithms), ==, 6);
    g_assert_true(hello.has_versions);
    g_assert_cmpuint(cursor_left(&hello.versions), ==, 6);
    g_assert_false(hello.early_data);
    g_byte_array_unref(message);
}

static void test_truncated(void)
{
    GByteArray *message = client_hello(CIPHERS_13, EXTENSIONS_13);
    struct client_hello hello;

    for (gsize length = 0; length < message->len; length++) {
        g_assert_cmpint(parse(message, length, &hello), ==, HELLO_INCOMPLETE);
    }
    g_assert_cmpint(parse(message, message->len, &hello), ==, HELLO_OK);
    g_byte_array_unref(message);
}

static void test_lengths(void)
{
    static const struct {
        const char *comment;
        const char *ciphers;
        const char *extensions;
        enum hello_result expected;
    } cases[] = {
        {"no extensions block (TLS 1.2)", "1301", NULL, HELLO_OK},
        {"an empty block", "1301", "", HELLO_OK},
        {"no cipher suites", "", "", HELLO_OK},
        {"an odd cipher list", "130113", "", HELLO_MALFORMED},
        {"an extension longer than the block", "1301", "0000 0005 0000", HELLO_MALFORMED},
        {"half an extension header", "1301", "0000 00", HELLO_MALFORMED},
        {"an SNI list that contradicts itself still counts", "1301", "0000 0002 00ff", HELLO_OK},
        {"an ALPN list that contradicts itself still counts", "1301", "0010 0003 000902", HELLO_OK},
        {"empty supported_versions", "1301", "002b 0000", HELLO_OK},
        {"early data", "1301", "002a 0000", HELLO_OK},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        GByteArray *message = client_hello(cases[i].ciphers, cases[i].extensions);
        struct client_hello hello;

        g_test_message("%s", cases[i].comment);
        g_assert_cmpint(parse(message, message->len, &hello), ==, cases[i].expected);
        g_byte_array_unref(message);
    }
}

static void test_not_a_hello(void)
{
    GByteArray *message = server_hello(RANDOM, "1301", "");
    struct client_hello hello;

    g_assert_cmpint(parse(message, message->len, &hello), ==, HELLO_MALFORMED);
    g_assert_cmpint(parse(message, 1, &hello), ==, HELLO_MALFORMED);
    g_byte_array_unref(message);
}

static void test_session_id(void)
{
    GByteArray *message = client_hello("1301", "");
    struct client_hello hello;

    message->data[4 + 2 + 32] = 33; /* session_id length: 32 at most */
    g_assert_cmpint(parse(message, message->len, &hello), ==, HELLO_MALFORMED);
    g_byte_array_unref(message);
}

static void test_grease(void)
{
    unsigned count = 0;

    for (unsigned value = 0; value <= 0xffff; value++) {
        count += tls_is_grease((uint16_t)value);
    }
    g_assert_cmpuint(count, ==, 16);
    g_assert_true(tls_is_grease(0x0a0a));
    g_assert_true(tls_is_grease(0xfafa));
    g_assert_false(tls_is_grease(0x0a1a));
    g_assert_false(tls_is_grease(0xeeee));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/client_hello/complete", test_complete);
    g_test_add_func("/client_hello/truncated", test_truncated);
    g_test_add_func("/client_hello/lengths", test_lengths);
    g_test_add_func("/client_hello/not_a_hello", test_not_a_hello);
    g_test_add_func("/client_hello/session_id", test_session_id);
    g_test_add_func("/client_hello/grease", test_grease);
    return g_test_run();
}
