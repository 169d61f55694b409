/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JA4 from a ClientHello. Quotations are from FoxIO's technical_details/JA4.md.
 *
 * Clients repeat: a cache answers for the values that were hashed before, so that the raw form
 * (JA4_r) is written, and SHA-256 runs, once for each client.
 */
#include "observe/ja4.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limits.h"

enum {
    EXTENSION_SERVER_NAME = 0x0000,
    EXTENSION_ALPN = 0x0010,
    HASH_LENGTH = 12,
    COUNT_MAX = 99,
};

/** struct ja4_lists - the values of one ClientHello that the fingerprint is made of */
struct ja4_lists {
    uint16_t *ciphers;    /**< sorted, without GREASE */
    uint16_t *extensions; /**< sorted, without GREASE, server_name and ALPN */
    uint16_t *algorithms; /**< in the client's order, without GREASE */
    size_t cipher_count;
    size_t extension_count;
    size_t algorithm_count;
    size_t extension_total; /**< those two included */
};

/* A form's first values: what the other parts of the fingerprint are made of. */
enum { FORM_VERSION, FORM_NAME, FORM_ALPN, FORM_TOTAL, FORM_CIPHERS, FORM_EXTENSIONS, FORM_HEAD };

/**
 * struct ja4_form - all that determines a fingerprint, and, once known, the fingerprint
 * @seed:   the cache's, so that values with one hash cannot be prepared
 * @values: FORM_HEAD values, then ciphers, extensions and algorithms
 * @number: of the JA4 among the cache's texts
 */
struct ja4_form {
    uint64_t seed;
    uint16_t *values;
    size_t count;
    char *raw;
    uint32_t number;
    char ja4[JA4_LENGTH + 1];
};

static guint form_hash(gconstpointer key)
{
    const struct ja4_form *form = key;
    uint64_t h = form->seed ^ form->count;

    for (size_t i = 0; i < form->count; i++) {
        h = (h ^ form->values[i]) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    return (guint)(h >> 32);
}

static gboolean form_equal(gconstpointer a, gconstpointer b)
{
    const struct ja4_form *first = a;
    const struct ja4_form *second = b;

    return first->count == second->count &&
           memcmp(first->values, second->values, first->count * sizeof *first->values) == 0;
}

static void form_free(gpointer data)
{
    struct ja4_form *form = data;

    g_free(form->values);
    g_ref_string_release(form->raw);
    g_free(form);
}

void ja4_cache_init(struct ja4_cache *cache)
{
    cache->entries = g_hash_table_new_full(form_hash, form_equal, form_free, NULL);
    cache->seed = (uint64_t)g_random_int() << 32 | g_random_int();
    cache->texts = NULL;
    cache->refused = 0;
}

void ja4_cache_clear(struct ja4_cache *cache)
{
    g_hash_table_destroy(cache->entries);
    cache->entries = NULL;
}

static int compare_values(const void *a, const void *b)
{
    return *(const uint16_t *)a - *(const uint16_t *)b;
}

/** Real clients send under 20 values of a kind: by insertion is quickest. */
static void sort_values(uint16_t *values, size_t count)
{
    if (count > 64) {
        qsort(values, count, sizeof *values, compare_values);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        uint16_t value = values[i];
        size_t at = i;

        for (; at > 0 && values[at - 1] > value; at--) {
            values[at] = values[at - 1];
        }
        values[at] = value;
    }
}

/** "Ignore GREASE values anywhere it sees them": Chrome 152 sends one as signature algorithm. */
static size_t collect_values(struct cursor list, uint16_t *values)
{
    size_t n = 0;

    while (cursor_left(&list) >= 2) {
        uint16_t value = cursor_be16(&list);

        if (!tls_is_grease(value)) {
            values[n++] = value;
        }
    }
    return n;
}

static void collect_extensions(struct cursor block, struct ja4_lists *lists)
{
    while (!block.failed && cursor_left(&block) >= 4) {
        uint16_t type = cursor_be16(&block);

        cursor_skip(&block, cursor_be16(&block));
        if (tls_is_grease(type)) {
            continue;
        }
        lists->extension_total++;
        if (type != EXTENSION_SERVER_NAME && type != EXTENSION_ALPN) {
            lists->extensions[lists->extension_count++] = type;
        }
    }
}

/** Fills @lists from @hello; the values live in one block, which the caller frees. Room for a
 * form's head comes first. */
static uint16_t *collect(const struct client_hello *hello, struct ja4_lists *lists)
{
    size_t ciphers = cursor_left(&hello->cipher_suites) / 2;
    size_t extensions = cursor_left(&hello->extensions) / 4;
    size_t algorithms = cursor_left(&hello->signature_algorithms) / 2;
    uint16_t *block = g_new(uint16_t, FORM_HEAD + ciphers + extensions + algorithms);
    uint16_t *values = block + FORM_HEAD;

    *lists = (struct ja4_lists){
        .ciphers = values,
        .extensions = values + ciphers,
        .algorithms = values + ciphers + extensions,
    };
    lists->cipher_count = collect_values(hello->cipher_suites, lists->ciphers);
    lists->algorithm_count = collect_values(hello->signature_algorithms, lists->algorithms);
    collect_extensions(hello->extensions, lists);
    sort_values(lists->ciphers, lists->cipher_count);
    sort_values(lists->extensions, lists->extension_count);
    return block;
}

/** "If extension 0x002b exists, then the version is the highest value in the extension", else the
 *  ClientHello's own version; the record's version says nothing. */
static const char *version_digits(const struct client_hello *hello)
{
    static const struct {
        uint16_t version;
        char digits[3];
    } known[] = {
        {0x0304, "13"}, {0x0303, "12"}, {0x0302, "11"}, {0x0301, "10"}, {0x0300, "s3"},
        {0x0002, "s2"}, {0xfeff, "d1"}, {0xfefd, "d2"}, {0xfefc, "d3"},
    };
    uint16_t version = hello->has_versions ? 0 : hello->version;
    struct cursor list = hello->versions;

    while (cursor_left(&list) >= 2) {
        uint16_t value = cursor_be16(&list);

        if (!tls_is_grease(value) && value > version) {
            version = value;
        }
    }
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        if (known[i].version == version) {
            return known[i].digits;
        }
    }
    return "00";
}

/**
 * First and last byte of the first ALPN value; "if the first or last byte of the first ALPN is not
 * an ASCII alphanumeric character, then we print the first and last characters of the hex
 * representation of the first ALPN instead". (FoxIO's own older programs print 99 for these.) The
 * text does not mention ALPN's GREASE values, so they are not left out.
 */
static void alpn_characters(const struct client_hello *hello, char out[3])
{
    static const char digits[] = "0123456789abcdef";
    struct cursor list = hello->protocols;
    uint8_t length = cursor_u8(&list);
    const uint8_t *name = cursor_take(&list, length);

    memcpy(out, "00", 3);
    if (!name || length == 0) {
        return;
    }
    if (g_ascii_isalnum(name[0]) && g_ascii_isalnum(name[length - 1])) {
        out[0] = (char)name[0];
        out[1] = (char)name[length - 1];
        return;
    }
    out[0] = digits[name[0] >> 4];
    out[1] = digits[name[length - 1] & 15];
}

/** Appends values as four hexadecimal digits each, separated by commas. */
static char *put_values(char *to, const uint16_t *values, size_t count)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            *to++ = ',';
        }
        *to++ = digits[values[i] >> 12];
        *to++ = digits[values[i] >> 8 & 15];
        *to++ = digits[values[i] >> 4 & 15];
        *to++ = digits[values[i] & 15];
    }
    return to;
}

/** struct raw_form - JA4_r and where its second and third part begin */
struct raw_form {
    char *text;
    const char *b;
    const char *c;
    size_t b_length;
    size_t c_length;
};

static struct raw_form raw_form(const struct client_hello *hello, const struct ja4_lists *lists)
{
    size_t values = lists->cipher_count + lists->extension_count + lists->algorithm_count;
    size_t room = 16 + 5 * values;
    struct raw_form raw = {.text = g_malloc(room)};
    char alpn[3];
    char *at = raw.text;

    alpn_characters(hello, alpn);
    at +=
        snprintf(at, room, "t%s%c%02u%02u%s_", version_digits(hello),
                 hello->has_server_name ? 'd' : 'i', (unsigned)MIN(lists->cipher_count, COUNT_MAX),
                 (unsigned)MIN(lists->extension_total, COUNT_MAX), alpn);
    raw.b = at;
    at = put_values(at, lists->ciphers, lists->cipher_count);
    raw.b_length = (size_t)(at - raw.b);
    *at++ = '_';
    raw.c = at;
    at = put_values(at, lists->extensions, lists->extension_count);
    /* "If there are no signature algorithms in the hello packet, then the string ends without an
     * underscore and is hashed." */
    if (lists->algorithm_count > 0) {
        *at++ = '_';
        at = put_values(at, lists->algorithms, lists->algorithm_count);
    }
    raw.c_length = (size_t)(at - raw.c);
    *at = '\0';
    return raw;
}

/** The first 12 digits of SHA-256, or zeros for an empty list rather than the hash of nothing. */
static void put_hash(char *to, const char *text, size_t length, bool none)
{
    char *digest;

    if (none) {
        memset(to, '0', HASH_LENGTH);
        return;
    }
    digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)text, length);
    memcpy(to, digest, HASH_LENGTH);
    g_free(digest);
}

static void hash_raw(const struct raw_form *raw, const struct ja4_lists *lists, char *ja4)
{
    size_t a_length = (size_t)(raw->b - raw->text);

    memcpy(ja4, raw->text, a_length);
    put_hash(ja4 + a_length, raw->b, raw->b_length, lists->cipher_count == 0);
    ja4[a_length + HASH_LENGTH] = '_';
    put_hash(ja4 + a_length + HASH_LENGTH + 1, raw->c, raw->c_length, lists->extension_count == 0);
    ja4[JA4_LENGTH] = '\0';
}

/** Brings the lists together, behind the head that tells them and all else apart. */
static struct ja4_form form_of(const struct client_hello *hello, const struct ja4_lists *lists,
                               uint16_t *values)
{
    const char *version = version_digits(hello);
    size_t at = FORM_HEAD + lists->cipher_count;
    char alpn[3];

    alpn_characters(hello, alpn);
    values[FORM_VERSION] = (uint16_t)(version[0] << 8 | version[1]);
    values[FORM_NAME] = hello->has_server_name;
    values[FORM_ALPN] = (uint16_t)(alpn[0] << 8 | alpn[1]);
    values[FORM_TOTAL] = (uint16_t)lists->extension_total;
    values[FORM_CIPHERS] = (uint16_t)lists->cipher_count;
    values[FORM_EXTENSIONS] = (uint16_t)lists->extension_count;
    memmove(values + at, lists->extensions, lists->extension_count * sizeof *values);
    at += lists->extension_count;
    memmove(values + at, lists->algorithms, lists->algorithm_count * sizeof *values);
    return (struct ja4_form){.values = values, .count = at + lists->algorithm_count};
}

/** Remembers a fingerprint and what it was made of; NULL when the cache does not take it. */
static struct ja4_form *remember(struct ja4_cache *cache, const struct ja4_form *form)
{
    if (g_hash_table_size(cache->entries) >= LIMIT_JA4_CACHE || strlen(form->raw) > LIMIT_JA4_RAW) {
        cache->refused++;
        return NULL;
    }
    return g_memdup2(form, sizeof *form);
}

char *ja4_of(struct ja4_cache *cache, const struct client_hello *hello, char ja4[JA4_LENGTH + 1],
             uint32_t *number)
{
    struct ja4_lists lists;
    uint16_t *values = collect(hello, &lists);
    struct ja4_form form = form_of(hello, &lists, values);
    struct ja4_form *known;
    struct raw_form raw;

    form.seed = cache->seed;
    known = g_hash_table_lookup(cache->entries, &form);
    if (known) {
        memcpy(ja4, known->ja4, JA4_LENGTH + 1);
        *number = known->number;
        g_free(values);
        return known->raw;
    }
    lists.extensions = lists.ciphers + lists.cipher_count; /* they were brought together */
    lists.algorithms = lists.extensions + lists.extension_count;
    raw = raw_form(hello, &lists);
    hash_raw(&raw, &lists, ja4);
    form.raw = g_ref_string_new(raw.text);
    g_free(raw.text);
    memcpy(form.ja4, ja4, JA4_LENGTH + 1);
    *number = form.number = cache->texts ? names_number(cache->texts, ja4) : 0;
    known = remember(cache, &form);
    if (!known) {
        g_ref_string_release(form.raw);
        g_free(values);
        return NULL;
    }
    g_hash_table_add(cache->entries, known);
    return known->raw;
}
