/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TLS: stages, phases, alerts, and that neither splits nor missing bodies change them. */
#include "observe/tls.h"
#include "observe_support.h"

static struct observe_context *context;

static GByteArray *hello_13(void)
{
    return records(22, client_hello(CIPHERS_13, EXTENSIONS_13), 16384);
}

static GByteArray *hello_12(void)
{
    return records(22, client_hello("c02f 009c", "0000 0006 0004 00 0001 61"), 16384);
}

static GByteArray *server_hello_13(const char *cipher)
{
    GByteArray *flight = records(22, server_hello(RANDOM, cipher, CHOSE_13), 16384);

    put_array(flight, sealed(20, 1));
    return flight;
}

/** The server's flight of TLS 1.3: ServerHello, CCS, four encrypted records. */
static void say_server_flight(struct dialogue *d, const char *cipher)
{
    GByteArray *flight = server_hello_13(cipher);

    put_array(flight, sealed(23, 23));
    put_array(flight, sealed(23, 900));
    put_array(flight, sealed(23, 281));
    put_array(flight, sealed(23, 69));
    say(d, S, flight);
}

static void say_13_handshake(struct dialogue *d)
{
    GByteArray *finished = sealed(20, 1);

    say(d, C, hello_13());
    say_server_flight(d, "1301");
    put_array(finished, sealed(23, 53));
    say(d, C, finished);
}

/** A full TLS 1.2 handshake. */
static void say_12_handshake(struct dialogue *d)
{
    GByteArray *flight = records(22, server_hello(RANDOM, "c02f", ""), 16384);
    GByteArray *client = records(22, handshake(16, g_byte_array_new()), 16384);
    GByteArray *server = sealed(20, 1);

    put_array(flight, records(22, handshake(11, g_byte_array_new()), 16384));
    put_array(flight, records(22, handshake(14, g_byte_array_new()), 16384));
    put_array(client, sealed(20, 1));
    put_array(client, sealed(22, 40));
    put_array(server, sealed(22, 40));
    say(d, C, hello_12());
    say(d, S, flight);
    say(d, C, client);
    say(d, S, server);
}

static struct observe_state state_of(const struct dialogue *d, struct observer **keep)
{
    struct observer *o = observer_new(context, true);
    struct observe_state state;

    feed_all(o, d);
    observer_state(o, &state);
    if (keep) {
        *keep = o;
    } else {
        observer_free(o);
    }
    return state;
}

struct step {
    unsigned messages; /* after so many */
    enum whyrst_tls_stage stage;
    enum observe_phase phase;
};

static void assert_steps(const struct dialogue *d, const struct step *steps, gsize count)
{
    for (gsize i = 0; i < count; i++) {
        struct dialogue part = *d;
        struct observe_state state;

        part.count = steps[i].messages;
        state = state_of(&part, NULL);
        g_test_message("after message %u", steps[i].messages);
        g_assert_cmpint(state.protocol, ==, OBSERVE_TLS);
        g_assert_true(state.tls);
        g_assert_cmpstr(whyrst_tls_stage_name(state.tls_stage), ==,
                        whyrst_tls_stage_name(steps[i].stage));
        g_assert_cmpint(state.phase, ==, steps[i].phase);
    }
}

#define ASSERT_STEPS(d, ...)                                                                       \
    do {                                                                                           \
        static const struct step steps[] = {__VA_ARGS__};                                          \
        assert_steps(d, steps, G_N_ELEMENTS(steps));                                               \
        assert_split_invariant(context, d);                                                        \
        assert_survives_cuts(context, d);                                                          \
        hush(d);                                                                                   \
    } while (0)

static void test_tls13(void)
{
    struct dialogue d = {0};
    GByteArray *response = sealed(23, 250); /* a ticket, before its twin and the response */

    say_13_handshake(&d);
    say(&d, C, sealed(23, 120));
    put_array(response, sealed(23, 250));
    say(&d, S, response);
    say(&d, S, sealed(23, 400));
    ASSERT_STEPS(&d, {1, WHYRST_TLS_CLIENT_HELLO, OBSERVE_PHASE_HANDSHAKE},
                 {2, WHYRST_TLS_SERVER_HELLO, OBSERVE_PHASE_HANDSHAKE},
                 {3, WHYRST_TLS_CLIENT_FINISHED, OBSERVE_PHASE_HANDSHAKE},
                 {4, WHYRST_TLS_ESTABLISHED, OBSERVE_PHASE_AWAITING},
                 {5, WHYRST_TLS_ESTABLISHED, OBSERVE_PHASE_AWAITING},
                 {6, WHYRST_TLS_ESTABLISHED, OBSERVE_PHASE_COMPLETE});
}

static void test_tickets_first(void)
{
    struct dialogue d = {0};

    say_13_handshake(&d);
    say(&d, S, sealed(23, 250));
    say(&d, S, sealed(23, 330));
    say(&d, C, sealed(23, 120));
    say(&d, S, sealed(23, 700));
    ASSERT_STEPS(&d, {4, WHYRST_TLS_ESTABLISHED, OBSERVE_PHASE_NO_DATA},
                 {5, WHYRST_TLS_ESTABLISHED, OBSERVE_PHASE_NO_DATA},
                 {6, WHYRST_TLS_ESTABLISHED, OBSERVE_PHASE_AWAITING},
                 {7, WHYRST_TLS_ESTABLISHED, OBSERVE_PHASE_COMPLETE});
}

static void test_client_certificate_refused(void)
{
    struct dialogue d = {0};
    GByteArray *flight = sealed(23, 800);
    struct observe_state state;

    say(&d, C, hello_13());
    say_server_flight(&d, "1302");
    put_array(flight, sealed(23, 281));
    put_array(flight, sealed(23, 69));
    say(&d, C, flight);
    say(&d, C, sealed(23, 90)); /* the request, before the server's verdict */
    say(&d, S, sealed(23, 19));
    state = state_of(&d, NULL);
    g_assert_cmpuint(state.alert.frame, ==, 5);
    g_assert_true(state.alert.probable && state.alert.encrypted);
    g_assert_cmpint(state.alert.side, ==, S);
    ASSERT_STEPS(&d, {3, WHYRST_TLS_CLIENT_FINISHED, OBSERVE_PHASE_HANDSHAKE},
                 {4, WHYRST_TLS_ESTABLISHED, OBSERVE_PHASE_AWAITING},
                 {5, WHYRST_TLS_CLIENT_FINISHED, OBSERVE_PHASE_HANDSHAKE});
}

static void test_coalesced_client_flight(void)
{
    struct dialogue d = {0};

    say(&d, C, hello_13());
    say_server_flight(&d, "1301");
    say(&d, C, sealed(23, 1500)); /* certificate, proof and Finished in one record */
    say(&d, S, sealed(23, 250));
    ASSERT_STEPS(&d, {3, WHYRST_TLS_SERVER_HELLO, OBSERVE_PHASE_HANDSHAKE},
                 {4, WHYRST_TLS_ESTABLISHED, OBSERVE_PHASE_NO_DATA});
}

static void test_early_data(void)
{
    struct dialogue d = {0};
    GByteArray *first =
        records(22, client_hello(CIPHERS_13, EXTENSIONS_13 "002a 0000 0029 0004 00000000"), 16384);
    GByteArray *finished = sealed(23, 21);

    put_array(first, sealed(23, 53)); /* early data of the size of a Finished */
    say(&d, C, first);
    say_server_flight(&d, "1301");
    put_array(finished, sealed(23, 53));
    say(&d, C, finished);
    say(&d, S, sealed(23, 600));
    say(&d, S, sealed(23, 1200));
    ASSERT_STEPS(&d, {1, WHYRST_TLS_CLIENT_HELLO, OBSERVE_PHASE_HANDSHAKE},
                 {2, WHYRST_TLS_SERVER_HELLO, OBSERVE_PHASE_HANDSHAKE},
                 {3, WHYRST_TLS_ESTABLISHED, OBSERVE_PHASE_AWAITING},
                 {5, WHYRST_TLS_ESTABLISHED, OBSERVE_PHASE_COMPLETE});
}

static void test_hello_retry(void)
{
    struct dialogue d = {0};
    GByteArray *retry = records(22, server_hello(RETRY_RANDOM, "1301", CHOSE_13), 16384);
    GByteArray *second = sealed(20, 1);
    struct observer *o;
    struct observe_state state;

    put_array(retry, sealed(20, 1));
    put_array(second, records(22, client_hello(CIPHERS_13, EXTENSIONS_13 "002c 0002 0000"), 9999));
    say(&d, C, hello_13());
    say(&d, S, retry);
    say(&d, C, second);
    say_server_flight(&d, "1301");
    say(&d, C, sealed(23, 53));
    state = state_of(&d, &o);
    g_assert_cmpuint(state.hello->frame, ==, 1);
    g_assert_true(g_str_has_prefix(state.hello->ja4, "t13d0504h2_"));
    g_assert_nonnull(state.hello_retry);
    g_assert_cmpuint(state.hello_retry->frame, ==, 3);
    g_assert_true(g_str_has_prefix(state.hello_retry->ja4, "t13d0505h2_"));
    observer_free(o);
    ASSERT_STEPS(&d, {2, WHYRST_TLS_CLIENT_HELLO, OBSERVE_PHASE_HANDSHAKE},
                 {3, WHYRST_TLS_CLIENT_HELLO, OBSERVE_PHASE_HANDSHAKE},
                 {4, WHYRST_TLS_SERVER_HELLO, OBSERVE_PHASE_HANDSHAKE},
                 {5, WHYRST_TLS_CLIENT_FINISHED, OBSERVE_PHASE_HANDSHAKE});
}

static void test_tls12(void)
{
    struct dialogue d = {0};

    say_12_handshake(&d);
    say(&d, C, sealed(23, 200));
    say(&d, S, sealed(23, 16408));
    say(&d, S, sealed(23, 16408));
    say(&d, S, sealed(23, 700));
    say(&d, C, sealed(22, 60)); /* renegotiation does not fall back to the handshake */
    ASSERT_STEPS(&d, {1, WHYRST_TLS_CLIENT_HELLO, OBSERVE_PHASE_HANDSHAKE},
                 {2, WHYRST_TLS_SERVER_HELLO, OBSERVE_PHASE_HANDSHAKE},
                 {3, WHYRST_TLS_CLIENT_FINISHED, OBSERVE_PHASE_HANDSHAKE},
                 {4, WHYRST_TLS_ESTABLISHED, OBSERVE_PHASE_NO_DATA},
                 {5, WHYRST_TLS_ESTABLISHED, OBSERVE_PHASE_AWAITING},
                 {6, WHYRST_TLS_ESTABLISHED, OBSERVE_PHASE_RESPONSE},
                 {8, WHYRST_TLS_ESTABLISHED, OBSERVE_PHASE_COMPLETE},
                 {9, WHYRST_TLS_ESTABLISHED, OBSERVE_PHASE_COMPLETE});
}

static void test_tls12_abbreviated(void)
{
    struct dialogue d = {0};
    GByteArray *server = records(22, server_hello(RANDOM, "c02f", ""), 16384);
    GByteArray *client = sealed(20, 1);

    put_array(server, sealed(20, 1));
    put_array(server, sealed(22, 40));
    put_array(client, sealed(22, 40));
    say(&d, C, hello_12());
    say(&d, S, server);
    say(&d, C, client);
    ASSERT_STEPS(&d, {2, WHYRST_TLS_SERVER_HELLO, OBSERVE_PHASE_HANDSHAKE},
                 {3, WHYRST_TLS_ESTABLISHED, OBSERVE_PHASE_NO_DATA});
}

static void test_false_start(void)
{
    struct dialogue d = {0};

    say_12_handshake(&d);
    g_bytes_unref(d.messages[3].bytes);
    d.count = 3;
    say(&d, C, sealed(23, 100));
    ASSERT_STEPS(&d, {4, WHYRST_TLS_CLIENT_FINISHED, OBSERVE_PHASE_HANDSHAKE});
}

static void test_alerts(void)
{
    static const struct {
        const char *comment;
        const char *record;
        bool encrypted;
        unsigned description;
    } cases[] = {
        {"plain fatal handshake_failure", "15 0303 0002 02 28", false, 40},
        {"encrypted", "15 0303 001a 0102030405060708090a0b0c0d0e0f101112131415161718191a", true, 0},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct dialogue d = {0};
        struct observe_state state;

        g_test_message("%s", cases[i].comment);
        say(&d, C, hello_12());
        say_hex(&d, S, cases[i].record);
        state = state_of(&d, NULL);
        g_assert_cmpint(state.tls_stage, ==, WHYRST_TLS_CLIENT_HELLO);
        g_assert_cmpint(state.phase, ==, OBSERVE_PHASE_HANDSHAKE);
        g_assert_cmpuint(state.alert.frame, ==, 2);
        g_assert_cmpint(state.alert.side, ==, S);
        g_assert_cmpint(state.alert.encrypted, ==, cases[i].encrypted);
        g_assert_cmpuint(state.alert.description, ==, cases[i].description);
        assert_split_invariant(context, &d);
        hush(&d);
    }
}

/** A probable alert after which its sender goes on was none. */
static void test_alert_revoked(void)
{
    struct dialogue d = {0};
    struct observe_state state;

    say_13_handshake(&d);
    say(&d, C, sealed(23, 120));
    say(&d, S, sealed(23, 19));
    say(&d, S, sealed(23, 1200));
    state = state_of(&d, NULL);
    g_assert_cmpuint(state.alert.frame, ==, 0);
    g_assert_cmpint(state.tls_stage, ==, WHYRST_TLS_ESTABLISHED);
    g_assert_cmpint(state.phase, ==, OBSERVE_PHASE_COMPLETE);
    hush(&d);
}

/** From the third byte on it can only be a ClientHello; without its last byte there is no JA4. */
static void test_partial(void)
{
    struct dialogue d = {0};
    gsize size;

    say(&d, C, records(22, client_hello(CIPHERS_13, EXTENSIONS_13), 100)); /* several records */
    size = g_bytes_get_size(d.messages[0].bytes);
    for (gsize n = 1; n <= size; n++) {
        struct observer *o = observer_new(context, true);
        struct observe_state state;

        feed_part(o, &d, 0, 0, n, n);
        observer_state(o, &state);
        g_assert_cmpint(state.tls, ==, n > 2);
        if (n == size) {
            g_assert_cmpint(state.tls_stage, ==, WHYRST_TLS_CLIENT_HELLO);
            g_assert_cmpstr(state.hello->sni, ==, "a.example");
            g_assert_cmpstr(state.hello->alpn, ==, "h2,http/1.1");
            g_assert_cmpstr(state.hello->version, ==, "1.3");
        } else if (n > 2) {
            g_assert_cmpint(state.tls_stage, ==, WHYRST_TLS_CLIENT_HELLO_PARTIAL);
            g_assert_cmpint(state.phase, ==, OBSERVE_PHASE_HANDSHAKE);
            g_assert_null(state.hello);
            g_assert_cmpuint(state.hello_frame, ==, n >= 5);
        }
        observer_free(o);
    }
    assert_split_invariant(context, &d);
    hush(&d);
}

/** A snaplen that cuts bodies loses contents, but no boundary. */
static void test_missing_bodies(void)
{
    struct dialogue d = {0};
    struct observer *o = observer_new(context, true);
    struct observe_state state;

    say_12_handshake(&d);
    say(&d, C, sealed(23, 200));
    say(&d, S, sealed(23, 5000));
    feed_part(o, &d, 0, 0, g_bytes_get_size(d.messages[0].bytes), 20);
    observer_state(o, &state);
    g_assert_cmpint(state.tls_stage, ==, WHYRST_TLS_CLIENT_HELLO);
    g_assert_null(state.hello);
    g_assert_false(state.side[C].lost);
    for (unsigned i = 1; i < 4; i++) {
        feed_whole(o, &d, i);
    }
    feed_part(o, &d, 4, 0, 205, 5);
    feed_part(o, &d, 5, 0, 3000, 9);
    observer_state(o, &state);
    g_assert_cmpint(state.phase, ==, OBSERVE_PHASE_RESPONSE);
    g_assert_true(state.exact);
    g_assert_cmpuint(state.side[S].app_bytes, ==, 2995);
    feed_part(o, &d, 5, 3000, 5005, 0);
    observer_state(o, &state);
    g_assert_cmpint(state.phase, ==, OBSERVE_PHASE_COMPLETE);
    g_assert_false(state.exact);
    observer_free(o);
    hush(&d);
}

/** A missing header loses the side until a segment begins with a record. */
static void test_resync(void)
{
    struct dialogue d = {0};
    struct observer *o = observer_new(context, true);
    struct observe_state state;

    say_12_handshake(&d);
    say(&d, C, sealed(23, 200));
    say(&d, S, sealed(23, 500));
    say(&d, S, sealed(23, 600));
    for (unsigned i = 0; i < 5; i++) {
        feed_whole(o, &d, i);
    }
    feed_part(o, &d, 5, 0, 505, 3);
    observer_state(o, &state);
    g_assert_true(state.side[S].lost);
    g_assert_cmpint(state.phase, ==, OBSERVE_PHASE_UNKNOWN);
    feed_part(o, &d, 6, 0, 300, 300);
    observer_state(o, &state);
    g_assert_false(state.side[S].lost);
    g_assert_cmpint(state.phase, ==, OBSERVE_PHASE_RESPONSE);
    g_assert_false(state.exact);
    observer_free(o);
    hush(&d);
}

static void test_http2_control_frames(void)
{
    struct dialogue d = {0};

    say_13_handshake(&d);
    say(&d, S, sealed(23, 250));
    say(&d, C, sealed(23, 300));
    say(&d, S, sealed(23, 70)); /* SETTINGS */
    say(&d, S, sealed(23, 26)); /* SETTINGS, acknowledged */
    say(&d, S, sealed(23, 16401));
    say(&d, C, sealed(23, 30)); /* WINDOW_UPDATE */
    say(&d, S, sealed(23, 900));
    say(&d, C, sealed(23, 30));
    ASSERT_STEPS(&d, {6, WHYRST_TLS_ESTABLISHED, OBSERVE_PHASE_AWAITING},
                 {7, WHYRST_TLS_ESTABLISHED, OBSERVE_PHASE_AWAITING},
                 {8, WHYRST_TLS_ESTABLISHED, OBSERVE_PHASE_RESPONSE},
                 {9, WHYRST_TLS_ESTABLISHED, OBSERVE_PHASE_RESPONSE},
                 {11, WHYRST_TLS_ESTABLISHED, OBSERVE_PHASE_COMPLETE});
}

static void test_upload(void)
{
    struct dialogue d = {0};
    struct observer *o = observer_new(context, true);
    struct observe_state state;

    say_12_handshake(&d);
    say(&d, C, sealed(23, 16408));
    for (unsigned i = 0; i < 4; i++) {
        feed_whole(o, &d, i);
    }
    feed_part(o, &d, 4, 0, 10000, 10000);
    observer_state(o, &state);
    g_assert_cmpint(state.phase, ==, OBSERVE_PHASE_REQUEST);
    g_assert_true(state.exact);
    feed_part(o, &d, 4, 10000, 16413, 6413);
    observer_state(o, &state);
    g_assert_cmpint(state.phase, ==, OBSERVE_PHASE_REQUEST);
    g_assert_false(state.exact);
    g_assert_true(state.side[C].full_record);
    observer_free(o);
    hush(&d);
}

static void test_sslv2_hello(void)
{
    struct dialogue d = {0};
    GByteArray *hello = g_byte_array_new();

    put_hex(hello, "802e 01 0303 0015 0000 0010");
    for (unsigned i = 0; i < 0x25; i++) {
        put_number(hello, 7, 1);
    }
    say(&d, C, hello);
    say(&d, S, records(22, server_hello(RANDOM, "c02f", ""), 16384));
    ASSERT_STEPS(&d, {1, WHYRST_TLS_CLIENT_HELLO, OBSERVE_PHASE_HANDSHAKE},
                 {2, WHYRST_TLS_SERVER_HELLO, OBSERVE_PHASE_HANDSHAKE});
}

/** A capture that shows one direction. */
static void test_one_direction(void)
{
    struct dialogue d = {0};
    GByteArray *finished = sealed(20, 1);

    say(&d, C, hello_13());
    put_array(finished, sealed(23, 53));
    say(&d, C, finished);
    say(&d, C, sealed(23, 300));
    ASSERT_STEPS(&d, {2, WHYRST_TLS_CLIENT_FINISHED, OBSERVE_PHASE_HANDSHAKE},
                 {3, WHYRST_TLS_ESTABLISHED, OBSERVE_PHASE_AWAITING});
    say_server_flight(&d, "1301");
    for (unsigned i = 0; i < 30; i++) {
        say(&d, S, sealed(23, 1400));
    }
    ASSERT_STEPS(&d, {1, WHYRST_TLS_SERVER_HELLO, OBSERVE_PHASE_HANDSHAKE},
                 {31, WHYRST_TLS_ESTABLISHED, OBSERVE_PHASE_RESPONSE});
}

/** A ClientHello that is none in detail: TLS all the same, but without JA4. */
static void test_malformed_hello(void)
{
    struct dialogue d = {0};
    struct observe_state state;

    say(&d, C, records(22, client_hello("130113", ""), 16384));
    state = state_of(&d, NULL);
    g_assert_cmpint(state.tls_stage, ==, WHYRST_TLS_CLIENT_HELLO);
    g_assert_null(state.hello);
    hush(&d);
    say(&d, C, records(22, server_hello(RANDOM, "1301", ""), 16384)); /* from a client: no TLS */
    state = state_of(&d, NULL);
    g_assert_cmpint(state.protocol, ==, OBSERVE_OPAQUE);
    g_assert_false(state.tls);
    hush(&d);
}

int main(int argc, char **argv)
{
    int result;

    g_test_init(&argc, &argv, NULL);
    context = observe_context_new();
    g_test_add_func("/tls/tls13", test_tls13);
    g_test_add_func("/tls/tickets_first", test_tickets_first);
    g_test_add_func("/tls/client_certificate_refused", test_client_certificate_refused);
    g_test_add_func("/tls/coalesced_client_flight", test_coalesced_client_flight);
    g_test_add_func("/tls/early_data", test_early_data);
    g_test_add_func("/tls/hello_retry", test_hello_retry);
    g_test_add_func("/tls/tls12", test_tls12);
    g_test_add_func("/tls/tls12_abbreviated", test_tls12_abbreviated);
    g_test_add_func("/tls/false_start", test_false_start);
    g_test_add_func("/tls/alerts", test_alerts);
    g_test_add_func("/tls/alert_revoked", test_alert_revoked);
    g_test_add_func("/tls/partial", test_partial);
    g_test_add_func("/tls/missing_bodies", test_missing_bodies);
    g_test_add_func("/tls/resync", test_resync);
    g_test_add_func("/tls/http2_control_frames", test_http2_control_frames);
    g_test_add_func("/tls/upload", test_upload);
    g_test_add_func("/tls/sslv2_hello", test_sslv2_hello);
    g_test_add_func("/tls/one_direction", test_one_direction);
    g_test_add_func("/tls/malformed_hello", test_malformed_hello);
    result = g_test_run();
    observe_context_free(context);
    return result;
}
