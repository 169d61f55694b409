/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JA4 by FoxIO's text: its own examples, and each rule that implementations have got wrong. */
#include "limits.h"
#include "observe/ja4.h"
#include "observe_support.h"

/* The cipher suites, extensions and algorithms of FoxIO's worked example, GREASE added. */
#define FOXIO_CIPHERS                                                                              \
    "2a2a 1301 1302 1303 c02b c02f c02c c030 cca9 cca8 c013 c014 009c 009d 002f 0035"
#define FOXIO_SNI        "0000 000e 000c 00 0009 612e6578616d706c65"
#define FOXIO_ALPN       "0010 0005 0003 02 6832"
#define FOXIO_ALGORITHMS "000d 0012 0010 0403 0804 0401 0503 0805 0501 0806 0601"
#define FOXIO_VERSIONS   "002b 0007 06 dada 0303 0304"
#define FOXIO_OTHERS                                                                               \
    "001b 0000 0033 0000 4469 0000 0017 0000 002d 0000 0005 0000 0023 0000 0012 0000"              \
    "ff01 0000 000b 0000 000a 0000 0015 0000"

struct example {
    const char *comment;
    const char *ciphers;
    const char *extensions;
    const char *ja4;
};

static const struct example examples[] = {
    {"FoxIO's example", FOXIO_CIPHERS,
     "5a5a 0000" FOXIO_SNI FOXIO_ALPN FOXIO_ALGORITHMS FOXIO_VERSIONS FOXIO_OTHERS "baba 0000",
     "t13d1516h2_8daaf6152771_e5627efa2ab1"},
    {"GREASE among the signature algorithms (Chrome 152)", FOXIO_CIPHERS,
     FOXIO_SNI FOXIO_ALPN
     "000d 0014 0012 6a6a 0403 0804 0401 0503 0805 0501 0806 0601" FOXIO_VERSIONS FOXIO_OTHERS,
     "t13d1516h2_8daaf6152771_e5627efa2ab1"},
    {"no signature algorithms: no underscore", FOXIO_CIPHERS,
     FOXIO_SNI FOXIO_ALPN "000d 0000" FOXIO_VERSIONS FOXIO_OTHERS,
     "t13d1516h2_8daaf6152771_6d807ffa2a79"},
    {"first ALPN bytes ba ad are no letters: hexadecimal (FoxIO's old golden files say 99)",
     FOXIO_CIPHERS, FOXIO_SNI "0010 0005 0003 02 baad" FOXIO_ALGORITHMS FOXIO_VERSIONS FOXIO_OTHERS,
     "t13d1516bd_8daaf6152771_e5627efa2ab1"},
    {"no extensions block: version from the ClientHello", "1301", NULL,
     "t12i010000_0f2cb44170f4_000000000000"},
    {"no cipher suites, only SNI", "", FOXIO_SNI, "t12d000100_000000000000_000000000000"},
    {"an empty SNI extension counts as a domain", "", "0000 0000",
     "t12d000100_000000000000_000000000000"},
    {"supported_versions with GREASE alone", "", "002b 0003 02 1a1a", "t00i000100_000000000000_"},
    {"signature_algorithms_cert is not signature_algorithms", "", "0032 0004 0002 0403",
     "t12i000100_000000000000_"},
};

static char *ja4(struct ja4_cache *cache, const char *ciphers, const char *extensions,
                 char text[JA4_LENGTH + 1])
{
    GByteArray *message = client_hello(ciphers, extensions);
    struct client_hello hello;
    uint32_t number;
    char *raw;

    g_assert_cmpint(client_hello_parse(message->data, message->len, &hello), ==, HELLO_OK);
    raw = ja4_of(cache, &hello, text, &number);
    g_byte_array_unref(message);
    g_assert_cmpuint(strlen(text), ==, JA4_LENGTH);
    g_assert_cmpuint(number, ==, 0);
    return raw;
}

static void test_examples(void)
{
    struct ja4_cache cache;
    char text[JA4_LENGTH + 1];

    ja4_cache_init(&cache);
    for (gsize i = 0; i < G_N_ELEMENTS(examples); i++) {
        g_test_message("%s", examples[i].comment);
        ja4(&cache, examples[i].ciphers, examples[i].extensions, text);
        if (strlen(examples[i].ja4) < JA4_LENGTH) {
            text[strlen(examples[i].ja4)] = '\0'; /* the rest is not the point */
        }
        g_assert_cmpstr(text, ==, examples[i].ja4);
    }
    ja4_cache_clear(&cache);
}

static void test_alpn(void)
{
    static const struct {
        const char *list; /* names with their lengths */
        const char *expected;
    } cases[] = {
        {"", "00"},           {"00", "00"},     {"01ab", "ab"},
        {"0120", "20"},       {"02abcd", "ad"}, {"022061", "21"},
        {"0230ab", "3b"},     {"026120", "60"}, {"043031abcd", "3d"},
        {"0430abcd31", "01"}, {"026832", "h2"}, {"08687474702f312e31", "h1"},
        {"0168", "hh"},       {"020a0a", "0a"}, {"03683263026832", "hc"},
    };
    struct ja4_cache cache;

    ja4_cache_init(&cache);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        unsigned n = (unsigned)strlen(cases[i].list) / 2;
        char *extension = g_strdup_printf("0010 %04x %04x %s", n + 2, n, cases[i].list);
        char text[JA4_LENGTH + 1];

        ja4(&cache, "1301", extension, text);
        text[10] = '\0';
        g_assert_cmpstr(text + 8, ==, cases[i].expected);
        g_free(extension);
    }
    ja4_cache_clear(&cache);
}

static void test_versions(void)
{
    static const struct {
        const char *list;
        const char *expected;
    } cases[] = {
        {"0304", "13"}, {"0303", "12"}, {"0302", "11"}, {"0301", "10"}, {"0300", "s3"},
        {"0002", "s2"}, {"0305", "00"}, {"feff", "d1"}, {"fafa", "00"},
    };
    struct ja4_cache cache;

    ja4_cache_init(&cache);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        char *extension = g_strdup_printf("002b 0003 02 %s", cases[i].list);
        char text[JA4_LENGTH + 1];

        ja4(&cache, "1301", extension, text);
        text[3] = '\0';
        g_assert_cmpstr(text + 1, ==, cases[i].expected);
        g_free(extension);
    }
    ja4_cache_clear(&cache);
}

static void test_counts(void)
{
    GString *ciphers = g_string_new("00ff5600fe00"); /* count although they are no ciphers */
    GString *extensions = g_string_new("");
    struct ja4_cache cache;
    char text[JA4_LENGTH + 1];

    for (unsigned i = 0; i < 97; i++) {
        g_string_append_printf(ciphers, "%04x", 0xc100 + i);
        g_string_append_printf(extensions, "%04x0000", 0xc100 + i);
    }
    ja4_cache_init(&cache);
    ja4(&cache, ciphers->str, extensions->str, text);
    g_assert_true(g_str_has_prefix(text, "t12i999700_"));
    ja4_cache_clear(&cache);
    g_string_free(ciphers, TRUE);
    g_string_free(extensions, TRUE);
}

static void test_raw(void)
{
    struct ja4_cache cache;
    char text[JA4_LENGTH + 1];
    char *raw;

    ja4_cache_init(&cache);
    raw = ja4(&cache, CIPHERS_13, EXTENSIONS_13, text);
    g_assert_cmpstr(raw, ==, "t13d0504h2_1301,1302,1303,c02b,c02f_000d,002b_0403,0804,0401");
    /* The same again, and with the extensions in another order, is the same entry. */
    g_assert_true(raw == ja4(&cache, CIPHERS_13, EXTENSIONS_13, text));
    g_assert_cmpuint(g_hash_table_size(cache.entries), ==, 1);
    g_assert_cmpuint(cache.refused, ==, 0);
    ja4_cache_clear(&cache);
}

static void test_bounds(void)
{
    GString *ciphers = g_string_new("");
    struct ja4_cache cache;
    char text[JA4_LENGTH + 1];

    for (unsigned i = 0; i < 0x0a00; i++) {
        g_string_append_printf(ciphers, "%04x", i);
    }
    ja4_cache_init(&cache);
    g_assert_null(ja4(&cache, ciphers->str, NULL, text));
    g_assert_true(g_str_has_prefix(text, "t12i990000_"));
    g_assert_cmpuint(cache.refused, ==, 1);
    g_string_free(ciphers, TRUE);
    for (unsigned i = 0; i <= LIMIT_JA4_CACHE; i++) {
        char *cipher = g_strdup_printf("%08x", 0x0b0b0b0b + i);

        ja4(&cache, cipher, NULL, text);
        g_free(cipher);
    }
    g_assert_cmpuint(g_hash_table_size(cache.entries), <=, LIMIT_JA4_CACHE);
    ja4_cache_clear(&cache);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ja4/examples", test_examples);
    g_test_add_func("/ja4/alpn", test_alpn);
    g_test_add_func("/ja4/versions", test_versions);
    g_test_add_func("/ja4/counts", test_counts);
    g_test_add_func("/ja4/raw", test_raw);
    g_test_add_func("/ja4/bounds", test_bounds);
    return g_test_run();
}
