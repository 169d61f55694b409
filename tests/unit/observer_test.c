/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Detection on any port, entry in mid-stream, opaque payload, and guesses of roles. */
#include "limits.h"
#include "observe_support.h"

static struct observe_context *context;

static void test_nothing(void)
{
    struct observer *o = observer_new(context, true);
    struct observe_state state;

    observer_state(o, &state);
    g_assert_cmpint(state.protocol, ==, OBSERVE_NOTHING);
    g_assert_cmpint(state.phase, ==, OBSERVE_PHASE_NO_DATA);
    g_assert_true(state.exact);
    g_assert_false(observer_is_opaque(o));
    observer_free(o);
}

static void test_opaque(void)
{
    struct observer *o = observer_new(context, true);
    struct dialogue d = {0};
    struct observe_state state;

    say_text(&d, S, "SSH-2.0-x\r\n");
    say_text(&d, C, "SSH-2.0-y\r\n");
    say(&d, C, sealed(22, 300)); /* what looks like TLS later on is none */
    feed_whole(o, &d, 0);
    observer_state(o, &state);
    g_assert_true(state.server_first);
    g_assert_false(observer_is_opaque(o));
    feed_whole(o, &d, 1);
    g_assert_true(observer_is_opaque(o));
    feed_whole(o, &d, 2);
    observer_skip(o, S, 1000, 9, 90);
    observer_state(o, &state);
    g_assert_cmpint(state.protocol, ==, OBSERVE_OPAQUE);
    g_assert_cmpint(state.phase, ==, OBSERVE_PHASE_UNKNOWN);
    g_assert_false(state.tls);
    g_assert_cmpuint(state.side[C].app_bytes, ==, 11 + 305);
    g_assert_cmpuint(state.side[C].last_app_frame, ==, 3);
    g_assert_cmpuint(state.side[S].app_bytes, ==, 11 + 1000);
    g_assert_cmpuint(state.side[S].last_app_frame, ==, 9);
    g_assert_cmpint(state.side[S].last_app_time_ns, ==, 90);
    observer_free(o);
    hush(&d);
}

/** struct entry - the first message seen of a connection whose beginning was not captured */
struct entry {
    const char *comment;
    enum observe_side side;
    GByteArray *bytes;
    enum observe_protocol protocol;
    enum whyrst_tls_stage stage;
    enum observe_phase phase;
    bool exact;
};

static GByteArray *text(const char *characters)
{
    GByteArray *bytes = g_byte_array_new();

    return g_byte_array_append(bytes, (const guint8 *)characters, (guint)strlen(characters));
}

static void test_middle(void)
{
    struct entry entries[] = {
        {"application data", S, sealed(23, 900), OBSERVE_TLS, WHYRST_TLS_ESTABLISHED,
         OBSERVE_PHASE_COMPLETE, false},
        {"a ClientHello after all", C, records(22, client_hello(CIPHERS_13, EXTENSIONS_13), 9999),
         OBSERVE_TLS, WHYRST_TLS_CLIENT_HELLO, OBSERVE_PHASE_HANDSHAKE, true},
        {"a ServerHello", S, records(22, server_hello(RANDOM, "c02f", ""), 9999), OBSERVE_TLS,
         WHYRST_TLS_SERVER_HELLO, OBSERVE_PHASE_HANDSHAKE, false},
        {"ChangeCipherSpec", C, sealed(20, 1), OBSERVE_TLS, WHYRST_TLS_CLIENT_HELLO,
         OBSERVE_PHASE_HANDSHAKE, false},
        {"a request", C, text("GET / HTTP/1.1\r\n\r\n"), OBSERVE_HTTP1, WHYRST_TLS_NONE,
         OBSERVE_PHASE_AWAITING, true},
        {"a response", S, text("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"), OBSERVE_HTTP1,
         WHYRST_TLS_NONE, OBSERVE_PHASE_RESPONSE, true},
        {"anything", S, text("lorem ipsum\n"), OBSERVE_OPAQUE, WHYRST_TLS_NONE,
         OBSERVE_PHASE_UNKNOWN, false},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(entries); i++) {
        struct observer *o = observer_new(context, false);
        struct dialogue d = {0};
        struct observe_state state;

        g_test_message("%s", entries[i].comment);
        say(&d, entries[i].side, entries[i].bytes);
        feed_all(o, &d);
        observer_state(o, &state);
        g_assert_cmpint(state.protocol, ==, entries[i].protocol);
        g_assert_cmpint(state.tls_stage, ==, entries[i].stage);
        g_assert_cmpint(state.phase, ==, entries[i].phase);
        g_assert_cmpint(state.exact, ==, entries[i].exact);
        observer_free(o);
        hush(&d);
    }
}

/** In the middle of a download a message's beginning is found later; the search is bounded. */
static void test_middle_later(void)
{
    struct observer *o = observer_new(context, false);
    struct dialogue d = {0};
    struct observe_state state;

    say_text(&d, S, "the rest of some body\n");
    say_text(&d, C, "GET /b HTTP/1.1\r\n\r\n");
    say_text(&d, S, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello");
    feed_all(o, &d);
    observer_state(o, &state);
    g_assert_cmpint(state.protocol, ==, OBSERVE_HTTP1);
    g_assert_cmpint(state.phase, ==, OBSERVE_PHASE_RESPONSE);
    g_assert_false(state.exact);
    observer_free(o);
    o = observer_new(context, false);
    for (unsigned n = 0; n <= LIMIT_PROLOGUE && !observer_is_opaque(o); n += 22) {
        feed_whole(o, &d, 0);
    }
    g_assert_true(observer_is_opaque(o));
    observer_free(o);
    hush(&d);
}

/** The first bytes of a stream are missing although its SYN was seen. */
static void test_first_bytes_missing(void)
{
    struct observer *o = observer_new(context, true);
    struct dialogue d = {0};
    struct observe_state state;

    say(&d, C, records(22, client_hello(CIPHERS_13, EXTENSIONS_13), 9999));
    say(&d, S, records(22, server_hello(RANDOM, "1301", CHOSE_13), 9999));
    feed_part(o, &d, 0, 0, g_bytes_get_size(d.messages[0].bytes), 0);
    observer_state(o, &state);
    g_assert_false(observer_is_opaque(o));
    feed_whole(o, &d, 1);
    observer_state(o, &state);
    g_assert_cmpint(state.protocol, ==, OBSERVE_TLS);
    g_assert_cmpint(state.tls_stage, ==, WHYRST_TLS_SERVER_HELLO);
    g_assert_null(state.hello);
    g_assert_false(state.exact);
    observer_free(o);
    hush(&d);
}

static void test_roles(void)
{
    static const struct {
        const char *text;
        int role;
    } cases[] = {
        {"", 0},
        {"#16 0301 0200 01", 1},
        {"#16 0303 0050 02", -1},
        {"#16 0303 0050 10", 1},
        {"#16 0303 0050 0b", 0},
        {"#17 0303 0050 00", 0},
        {"GET / HTTP/1.1\r\n", 1},
        {"GET /", 1},
        {"HTTP/1.1 200 OK\r\n", -1},
        {"220 mail ESMTP\r\n", -1},
        {"+OK ready\r\n", -1},
        {"* OK ready\r\n", -1},
        {"EHLO x\r\n", 1},
        {"SSH-2.0-OpenSSH\r\n", 0},
        {"RFB 003.008\n", -1},
        {"#05 01 00", 1},
        {"#00000008 04d2162f", 1},
        {"lorem ipsum\n", 0},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        GByteArray *bytes = g_byte_array_new();

        if (cases[i].text[0] == '#') {
            put_hex(bytes, cases[i].text + 1);
        } else {
            g_byte_array_append(bytes, (const guint8 *)cases[i].text, (guint)strlen(cases[i].text));
        }
        g_test_message("%s", cases[i].text);
        g_assert_cmpint(observe_guess_role(bytes->data, bytes->len), ==, cases[i].role);
        g_byte_array_unref(bytes);
    }
}

/** A bulk transfer is arithmetic per chunk: a gigabyte takes no time. */
static void test_bulk(void)
{
    struct observer *o = observer_new(context, false);
    GByteArray *record = sealed(23, 16401);
    struct observe_chunk chunk = {.segment_start = true};
    struct observe_state state;
    gint64 start = g_get_monotonic_time();

    for (unsigned i = 0; i < 20000; i++) {
        for (gsize at = 0; at < record->len; at += 1460) {
            chunk.data = record->data + at;
            chunk.length = (uint32_t)MIN(1460, record->len - at);
            chunk.captured = chunk.length;
            observer_chunk(o, S, &chunk);
        }
    }
    observer_state(o, &state);
    g_assert_cmpuint(state.side[S].records, ==, 20000);
    g_assert_cmpuint(state.side[S].app_bytes, ==, 20000u * 16401u);
    g_test_message("328 MB in %" G_GINT64_FORMAT " us", g_get_monotonic_time() - start);
    observer_free(o);
    g_byte_array_unref(record);
}

int main(int argc, char **argv)
{
    int result;

    g_test_init(&argc, &argv, NULL);
    context = observe_context_new();
    g_test_add_func("/observer/nothing", test_nothing);
    g_test_add_func("/observer/opaque", test_opaque);
    g_test_add_func("/observer/middle", test_middle);
    g_test_add_func("/observer/middle_later", test_middle_later);
    g_test_add_func("/observer/first_bytes_missing", test_first_bytes_missing);
    g_test_add_func("/observer/roles", test_roles);
    g_test_add_func("/observer/bulk", test_bulk);
    result = g_test_run();
    observe_context_free(context);
    return result;
}
