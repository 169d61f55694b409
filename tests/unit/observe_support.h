/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Dialogues for the observers' tests: messages of either side, and ways to feed them. */
#ifndef OBSERVE_SUPPORT_H
#define OBSERVE_SUPPORT_H

#include <string.h>

#include <glib.h>

#include "observe/observer.h"

#define C OBSERVE_CLIENT
#define S OBSERVE_SERVER

/** struct message - what one side sends at once; frame n is the n-th message, from 1 */
struct message {
    enum observe_side side;
    GBytes *bytes;
};

/** Appends the bytes of hexadecimal text; blanks are ignored. */
static inline void put_hex(GByteArray *to, const char *hex)
{
    for (const char *p = hex; *p; p++) {
        guint8 byte;

        if (g_ascii_isspace(*p)) {
            continue;
        }
        byte = (guint8)(g_ascii_xdigit_value(p[0]) << 4 | g_ascii_xdigit_value(p[1]));
        g_byte_array_append(to, &byte, 1);
        p++;
    }
}

static inline void put_number(GByteArray *to, unsigned value, unsigned bytes)
{
    while (bytes-- > 0) {
        guint8 byte = (guint8)(value >> 8 * bytes);

        g_byte_array_append(to, &byte, 1);
    }
}

static inline void put_array(GByteArray *to, GByteArray *from)
{
    g_byte_array_append(to, from->data, from->len);
    g_byte_array_unref(from);
}

/** A TLS record of @length bytes of no meaning. */
static inline GByteArray *sealed(unsigned type, unsigned length)
{
    GByteArray *record = g_byte_array_new();

    put_number(record, type, 1);
    put_number(record, 0x0303, 2);
    put_number(record, length, 2);
    for (unsigned i = 0; i < length; i++) {
        put_number(record, 0xa5, 1);
    }
    return record;
}

/** Records of @size bytes at most around @payload, which is freed. */
static inline GByteArray *records(unsigned type, GByteArray *payload, unsigned size)
{
    GByteArray *out = g_byte_array_new();

    for (unsigned at = 0; at < payload->len; at += size) {
        unsigned n = MIN(size, payload->len - at);

        put_number(out, type, 1);
        put_number(out, 0x0301, 2);
        put_number(out, n, 2);
        g_byte_array_append(out, payload->data + at, n);
    }
    g_byte_array_unref(payload);
    return out;
}

/** A handshake message: type, 24-bit length, hexadecimal body. */
static inline GByteArray *handshake(unsigned type, GByteArray *body)
{
    GByteArray *message = g_byte_array_new();

    put_number(message, type, 1);
    put_number(message, body->len, 3);
    put_array(message, body);
    return message;
}

/** A ClientHello message of 0x0303 with these cipher suites and extensions (NULL: no block). */
static inline GByteArray *client_hello(const char *ciphers, const char *extensions)
{
    GByteArray *body = g_byte_array_new();
    GByteArray *list = g_byte_array_new();

    put_hex(body, "0303");
    for (int i = 0; i < 32; i++) {
        put_number(body, 0x11, 1);
    }
    put_hex(body, "00");
    put_hex(list, ciphers);
    put_number(body, list->len, 2);
    put_array(body, list);
    put_hex(body, "0100");
    if (extensions) {
        list = g_byte_array_new();
        put_hex(list, extensions);
        put_number(body, list->len, 2);
        put_array(body, list);
    }
    return handshake(1, body);
}

/* What Chrome sends, in short: GREASE, SNI a.example, ALPN h2 and http/1.1, TLS 1.3 and 1.2. */
#define CIPHERS_13 "0a0a 1301 1302 1303 c02b c02f"
#define EXTENSIONS_13                                                                              \
    "1a1a 0000"                                                                                    \
    "0000 000e 000c 00 0009 612e6578616d706c65"                                                    \
    "0010 000e 000c 02 6832 08 687474702f312e31"                                                   \
    "000d 0008 0006 0403 0804 0401"                                                                \
    "002b 0007 06 3a3a 0304 0303"

/** A ServerHello that chooses @cipher; @extensions as above. */
static inline GByteArray *server_hello(const char *random, const char *cipher,
                                       const char *extensions)
{
    GByteArray *body = g_byte_array_new();
    GByteArray *list = g_byte_array_new();

    put_hex(body, "0303");
    put_hex(body, random);
    put_hex(body, "00");
    put_hex(body, cipher);
    put_hex(body, "00");
    put_hex(list, extensions);
    put_number(body, list->len, 2);
    put_array(body, list);
    return handshake(2, body);
}

#define RANDOM       "2222222222222222222222222222222222222222222222222222222222222222"
#define RETRY_RANDOM "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"
#define CHOSE_13     "002b 0002 0304"

/** struct dialogue - messages in the order sent */
struct dialogue {
    struct message messages[64];
    unsigned count;
};

static inline void say(struct dialogue *d, enum observe_side side, GByteArray *bytes)
{
    g_assert_cmpuint(d->count, <, G_N_ELEMENTS(d->messages));
    d->messages[d->count].side = side;
    d->messages[d->count].bytes = g_byte_array_free_to_bytes(bytes);
    d->count++;
}

static inline void say_text(struct dialogue *d, enum observe_side side, const char *text)
{
    GByteArray *bytes = g_byte_array_new();

    g_byte_array_append(bytes, (const guint8 *)text, (guint)strlen(text));
    say(d, side, bytes);
}

static inline void say_hex(struct dialogue *d, enum observe_side side, const char *hex)
{
    GByteArray *bytes = g_byte_array_new();

    put_hex(bytes, hex);
    say(d, side, bytes);
}

static inline void hush(struct dialogue *d)
{
    for (unsigned i = 0; i < d->count; i++) {
        g_bytes_unref(d->messages[i].bytes);
    }
    d->count = 0;
}

/** Feeds bytes [from, to) of message @i; @captured of them are there. */
static inline void feed_part(struct observer *o, const struct dialogue *d, unsigned i, gsize from,
                             gsize to, gsize captured)
{
    const guint8 *data = g_bytes_get_data(d->messages[i].bytes, NULL);
    /* A copy of just the bytes there, so that sanitizers see reads beyond. */
    guint8 *copy = captured ? g_memdup2(data + from, captured) : NULL;
    struct observe_chunk chunk = {
        .data = copy,
        .captured = (uint32_t)captured,
        .length = (uint32_t)(to - from),
        .frame = i + 1,
        .time_ns = (int64_t)(i + 1) * 10000000,
        .segment_start = from == 0,
    };

    observer_chunk(o, d->messages[i].side, &chunk);
    g_free(copy);
}

static inline void feed_whole(struct observer *o, const struct dialogue *d, unsigned i)
{
    gsize size = g_bytes_get_size(d->messages[i].bytes);

    feed_part(o, d, i, 0, size, size);
}

static inline void feed_all(struct observer *o, const struct dialogue *d)
{
    for (unsigned i = 0; i < d->count; i++) {
        feed_whole(o, d, i);
    }
}

static inline void assert_hello_equal(const struct observe_hello *a, const struct observe_hello *b)
{
    g_assert_cmpint(a != NULL, ==, b != NULL);
    if (a && b) {
        g_assert_cmpuint(a->frame, ==, b->frame);
        g_assert_cmpstr(a->ja4, ==, b->ja4);
        g_assert_cmpstr(a->sni, ==, b->sni);
        g_assert_cmpstr(a->alpn, ==, b->alpn);
        g_assert_cmpstr(a->version, ==, b->version);
    }
}

static inline void assert_proxy_equal(const struct observe_proxy *a, const struct observe_proxy *b)
{
    g_assert_cmpint(a != NULL, ==, b != NULL);
    if (a && b) {
        g_assert_cmpint(a->kind, ==, b->kind);
        g_assert_cmpint(a->answered, ==, b->answered);
        g_assert_cmpint(a->granted, ==, b->granted);
        g_assert_cmpuint(a->reply, ==, b->reply);
        g_assert_cmpuint(a->frame, ==, b->frame);
        g_assert_cmpstr(a->target, ==, b->target);
    }
}

static inline void assert_state_equal(const struct observe_state *a, const struct observe_state *b)
{
    g_assert_cmpint(a->protocol, ==, b->protocol);
    g_assert_cmpint(a->phase, ==, b->phase);
    g_assert_cmpint(a->exact, ==, b->exact);
    g_assert_cmpint(a->server_first, ==, b->server_first);
    g_assert_cmpint(a->tls, ==, b->tls);
    g_assert_cmpint(a->tls_stage, ==, b->tls_stage);
    g_assert_cmpuint(a->hello_frame, ==, b->hello_frame);
    g_assert_cmpuint(a->alert.frame, ==, b->alert.frame);
    g_assert_cmpint(a->alert.encrypted, ==, b->alert.encrypted);
    g_assert_cmpint(a->alert.description, ==, b->alert.description);
    g_assert_cmpstr(a->http_method, ==, b->http_method);
    g_assert_cmpuint(a->http_status, ==, b->http_status);
    g_assert_cmpint(a->early_response, ==, b->early_response);
    g_assert_cmpint(a->close_delimited, ==, b->close_delimited);
    g_assert_cmpint(a->tunnel, ==, b->tunnel);
    for (int i = 0; i < 2; i++) {
        g_assert_cmpuint(a->side[i].app_bytes, ==, b->side[i].app_bytes);
        g_assert_cmpuint(a->side[i].records, ==, b->side[i].records);
        g_assert_cmpuint(a->side[i].last_app_frame, ==, b->side[i].last_app_frame);
        g_assert_cmpint(a->side[i].full_record, ==, b->side[i].full_record);
        g_assert_cmpint(a->side[i].lost, ==, b->side[i].lost);
    }
    assert_hello_equal(a->hello, b->hello);
    assert_hello_equal(a->hello_retry, b->hello_retry);
    assert_proxy_equal(a->proxy, b->proxy);
}

/** Every split of every message in two, and into single bytes, leads to the same state. */
static inline void assert_split_invariant(struct observe_context *context, const struct dialogue *d)
{
    struct observer *whole = observer_new(context, true);
    struct observer *bytes = observer_new(context, true);
    struct observe_state expected;
    struct observe_state state;

    feed_all(whole, d);
    observer_state(whole, &expected);
    for (unsigned i = 0; i < d->count; i++) {
        gsize size = g_bytes_get_size(d->messages[i].bytes);

        for (gsize at = 0; at < size; at++) {
            feed_part(bytes, d, i, at, at + 1, 1);
        }
        for (gsize at = 1; at < size; at++) {
            struct observer *o = observer_new(context, true);

            for (unsigned j = 0; j < d->count; j++) {
                if (j == i) {
                    feed_part(o, d, j, 0, at, at);
                    feed_part(o, d, j, at, size, size - at);
                } else {
                    feed_whole(o, d, j);
                }
            }
            observer_state(o, &state);
            assert_state_equal(&state, &expected);
            observer_free(o);
        }
    }
    observer_state(bytes, &state);
    assert_state_equal(&state, &expected);
    observer_free(bytes);
    observer_free(whole);
}

/** Every dialogue cut short, with its missing bytes never seen, with each message missing or cut
 *  by a snaplen: nothing is asserted but what the sanitizers do, and that states are in range. */
static inline void assert_survives_cuts(struct observe_context *context, const struct dialogue *d)
{
    for (unsigned i = 0; i < d->count; i++) {
        gsize size = g_bytes_get_size(d->messages[i].bytes);

        for (gsize at = 0; at < size; at++) {
            struct observer *o = observer_new(context, at % 2);
            struct observe_state state;

            for (unsigned j = 0; j < d->count; j++) {
                if (j == i) {
                    feed_part(o, d, j, 0, size, at);
                } else {
                    feed_whole(o, d, j);
                }
                observer_state(o, &state);
                g_assert_cmpint(state.phase, <=, OBSERVE_PHASE_COMPLETE);
                g_assert_cmpint(state.tls_stage, <, WHYRST_TLS_COUNT);
            }
            observer_free(o);
        }
    }
}

#endif
