/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dialogues that lead to another protocol: the switch is found at the right byte, refusals and
 * look-alikes lead nowhere. */
#include "observe_support.h"

static struct observe_context *context;

/** struct step - one message: side, text or (after '#') hexadecimal; then the state expected */
struct step {
    enum observe_side side;
    const char *bytes;
    enum observe_phase phase;
};

#define REQUEST   OBSERVE_PHASE_REQUEST
#define AWAITING  OBSERVE_PHASE_AWAITING
#define RESPONSE  OBSERVE_PHASE_RESPONSE
#define COMPLETE  OBSERVE_PHASE_COMPLETE
#define UNKNOWN   OBSERVE_PHASE_UNKNOWN
#define HANDSHAKE OBSERVE_PHASE_HANDSHAKE

/* "HELLO" stands for a ClientHello, "SERVER" for a ServerHello. */
struct script {
    const char *comment;
    struct step steps[12];
    enum observe_protocol protocol; /* in the end */
    bool tunnel;
    const char *proxy; /* what was asked of a proxy and answered, see assert_proxy() */
};

static const struct script scripts[] = {
    {"CONNECT",
     {{C, "CONNECT a.example:443 HT", REQUEST},
      {C, "TP/1.1\r\nHost: a.example\r\n\r\n", AWAITING},
      {S, "HTTP/1.1 200 Connection est", RESPONSE},
      {S, "ablished\r\nContent-Length: 4\r\n\r\n", COMPLETE},
      {C, "HELLO", HANDSHAKE},
      {S, "SERVER", HANDSHAKE}},
     OBSERVE_TLS,
     true,
     "HTTP a.example:443 granted 200 at 4"},
    {"CONNECT, ClientHello before the answer",
     {{C, "CONNECT a:443 HTTP/1.1\r\n\r\n", AWAITING},
      {C, "HELLO", HANDSHAKE},
      {S, "HTTP/1.1 200 OK\r\n\r\n", HANDSHAKE},
      {S, "SERVER", HANDSHAKE}},
     OBSERVE_TLS,
     true,
     "HTTP a:443 granted 200 at 3"},
    {"CONNECT refused, then granted with credentials",
     {{C, "CONNECT a:443 HTTP/1.1\r\n\r\n", AWAITING},
      {S, "HTTP/1.1 407 Proxy Auth\r\nContent-Length: 2\r\n\r\nno", COMPLETE},
      {C, "CONNECT a:443 HTTP/1.1\r\nProxy-Authorization: x\r\n\r\n", AWAITING},
      {S, "HTTP/1.1 200 OK\r\n\r\n", COMPLETE},
      {C, "HELLO", HANDSHAKE}},
     OBSERVE_TLS,
     true,
     "HTTP a:443 granted 200 at 4"},
    {"CONNECT to a plaintext server",
     {{C, "CONNECT a:80 HTTP/1.1\r\n\r\n", AWAITING},
      {S, "HTTP/1.1 200 OK\r\n\r\n", COMPLETE},
      {C, "GET / HTTP/1.1\r\n\r\n", AWAITING},
      {S, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx", RESPONSE}},
     OBSERVE_HTTP1,
     true,
     "HTTP a:80 granted 200 at 2"},
    {"CONNECT to a server that speaks first, with STARTTLS",
     {{C, "CONNECT a:25 HTTP/1.1\r\n\r\n", AWAITING},
      {S, "HTTP/1.1 200 OK\r\n\r\n220 a ESMTP\r\n", UNKNOWN},
      {C, "STARTTLS\r\n", AWAITING},
      {S, "220 go ahead\r\n", COMPLETE},
      {C, "HELLO", HANDSHAKE}},
     OBSERVE_TLS,
     true,
     "HTTP a:25 granted 200 at 2"},
    {"SOCKS 5",
     {{C, "#05 02", UNKNOWN},
      {C, "#00 02", AWAITING},
      {S, "#05", RESPONSE},
      {S, "#00", COMPLETE},
      {C, "#05 01 00 03 09 61", REQUEST},
      {C, "#2e6578616d706c65 01bb", AWAITING},
      {S, "#05 00 00 01 0a000001", RESPONSE},
      {S, "#01bb", COMPLETE},
      {C, "HELLO", HANDSHAKE},
      {S, "SERVER", HANDSHAKE}},
     OBSERVE_TLS,
     true,
     "SOCKS5 a.example:443 granted 0 at 7"},
    {"SOCKS 5 with a password, IPv6",
     {{C, "#05 01 02", AWAITING},
      {S, "#05 02", COMPLETE},
      {C, "#01 01 61 01 62", AWAITING},
      {S, "#01 00", COMPLETE},
      {C, "#05 01 00 04 20010db8000000000000000000000001 01bb", AWAITING},
      {S, "#05 00 00 04 20010db8000000000000000000000001 01bb", COMPLETE},
      {C, "HELLO", HANDSHAKE}},
     OBSERVE_TLS,
     true,
     "SOCKS5 [2001:db8::1]:443 granted 0 at 6"},
    {"SOCKS 5: wrong password",
     {{C, "#05 01 02", AWAITING},
      {S, "#05 02", COMPLETE},
      {C, "#01 01 61 00", AWAITING},
      {S, "#01 01", COMPLETE}},
     OBSERVE_PROLOGUE,
     false,
     "SOCKS5  failed 257 at 4"},
    {"SOCKS 5: no method",
     {{C, "#05 01 00", AWAITING}, {S, "#05 ff", COMPLETE}},
     OBSERVE_PROLOGUE,
     false,
     "SOCKS5  failed 256 at 2"},
    {"SOCKS 5: host unreachable",
     {{C, "#05 01 00", AWAITING},
      {S, "#05 00", COMPLETE},
      {C, "#05 01 00 01 0a000001 0050", AWAITING},
      {S, "#05 04 00 01 00000000 0000", COMPLETE}},
     OBSERVE_PROLOGUE,
     false,
     "SOCKS5 10.0.0.1:80 failed 4 at 4"},
    {"begins like SOCKS 5 but is none",
     {{C, "#05 01 00", AWAITING}, {S, "#07 00", UNKNOWN}},
     OBSERVE_OPAQUE,
     false,
     NULL},
    {"SOCKS 4",
     {{C, "#04 01 01bb 0a000001 61", UNKNOWN},
      {C, "#00", AWAITING},
      {S, "#00 5a 0000 00000000", COMPLETE},
      {C, "HELLO", HANDSHAKE}},
     OBSERVE_TLS,
     true,
     "SOCKS4 10.0.0.1:443 granted 90 at 3"},
    {"SOCKS 4a",
     {{C, "#04 01 01bb 00000001 00", REQUEST},
      {C, "a.example", REQUEST},
      {C, "#00", AWAITING},
      {S, "#00 5a 0000 00000000", COMPLETE},
      {C, "GET / HTTP/1.0\r\n\r\n", AWAITING}},
     OBSERVE_HTTP1,
     true,
     "SOCKS4 a.example:443 granted 90 at 4"},
    {"SOCKS 4 refused",
     {{C, "#04 01 01bb 0a000001 00", AWAITING}, {S, "#00 5b 0000 00000000", COMPLETE}},
     OBSERVE_PROLOGUE,
     false,
     "SOCKS4 10.0.0.1:443 failed 91 at 2"},
    {"CONNECT refused",
     {{C, "CONNECT a:443 HTTP/1.1\r\n\r\n", AWAITING},
      {S, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\nno", COMPLETE}},
     OBSERVE_PROLOGUE,
     false,
     "HTTP a:443 failed 502 at 2"},
    {"CONNECT without an answer",
     {{C, "CONNECT a:443 HTTP/1.1\r\n\r\n", AWAITING}},
     OBSERVE_PROLOGUE,
     false,
     "HTTP a:443 asked"},
    {"SOCKS within SOCKS: the first proxy counts",
     {{C, "#05 01 00", AWAITING},
      {S, "#05 00", COMPLETE},
      {C, "#05 01 00 01 0a000001 0438", AWAITING},
      {S, "#05 00 00 01 00000000 0000", COMPLETE},
      {C, "#05 01 00", AWAITING},
      {S, "#05 00", COMPLETE},
      {C, "#05 01 00 01 0a000002 0050", AWAITING},
      {S, "#05 05 00 01 00000000 0000", COMPLETE}},
     OBSERVE_PROLOGUE,
     true,
     "SOCKS5 10.0.0.1:1080 granted 0 at 4"},
    {"CONNECT within CONNECT: the first proxy counts",
     {{C, "CONNECT a:8080 HTTP/1.1\r\n\r\n", AWAITING},
      {S, "HTTP/1.1 200 OK\r\n\r\n", COMPLETE},
      {C, "CONNECT b:443 HTTP/1.1\r\n\r\n", AWAITING},
      {S, "HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n", COMPLETE}},
     OBSERVE_PROLOGUE,
     true,
     "HTTP a:8080 granted 200 at 2"},
    {"a tunnel of something unknown",
     {{C, "CONNECT a:22 HTTP/1.1\r\n\r\n", AWAITING},
      {S, "HTTP/1.1 200 OK\r\n\r\n", COMPLETE},
      {C, "#aabbccdd", UNKNOWN},
      {S, "#ddccbbaa", UNKNOWN}},
     OBSERVE_OPAQUE,
     true,
     "HTTP a:22 granted 200 at 2"},
    {"PROXY version 1, then HTTP",
     {{C, "PROXY TCP4 1.2.3.4 5.6.7.8 1 2", REQUEST},
      {C, "\r\nGET / HTTP/1.1\r\n\r\n", AWAITING},
      {S, "HTTP/1.1 204 N\r\n\r\n", COMPLETE}},
     OBSERVE_HTTP1,
     false,
     NULL},
    {"PROXY version 2, then TLS",
     {{C, "#0d0a0d0a000d0a515549540a 21 11 000c 01020304", REQUEST},
      {C, "#05060708 0001 0002", OBSERVE_PHASE_NO_DATA},
      {C, "HELLO", HANDSHAKE}},
     OBSERVE_TLS,
     false,
     NULL},
    {"PROXY version 2 without addresses",
     {{C, "#0d0a0d0a000d0a515549540a 20 00 0000", OBSERVE_PHASE_NO_DATA}, {C, "HELLO", HANDSHAKE}},
     OBSERVE_TLS,
     false,
     NULL},
    {"SMTP",
     {{S, "220 a ES", UNKNOWN},
      {S, "MTP\r\n", UNKNOWN},
      {C, "EHLO b\r\n", UNKNOWN},
      {S, "250-a\r\n250 STARTTLS\r\n", UNKNOWN},
      {C, "STARTTLS\r\n", AWAITING},
      {S, "220", RESPONSE},
      {S, " go\r\n", COMPLETE},
      {C, "HELLO", HANDSHAKE},
      {S, "SERVER", HANDSHAKE}},
     OBSERVE_TLS,
     false,
     NULL},
    {"SMTP: refused, then mail in clear",
     {{S, "220 a ESMTP\r\n", UNKNOWN},
      {C, "starttls\r\n", AWAITING},
      {S, "454 not now\r\n", UNKNOWN},
      {C, "MAIL FROM:<x@y>\r\n", UNKNOWN}},
     OBSERVE_PROLOGUE,
     false,
     NULL},
    {"SMTP: the go-ahead was not captured",
     {{S, "220 a ESMTP\r\n", UNKNOWN},
      {C, "STARTTLS\r\n", AWAITING},
      {C, "HELLO", HANDSHAKE},
      {S, "220 go\r\n", HANDSHAKE},
      {S, "SERVER", HANDSHAKE}},
     OBSERVE_TLS,
     false,
     NULL},
    {"IMAP",
     {{S, "* OK ready\r\n", UNKNOWN},
      {C, "a1 STARTTLS\r\n", AWAITING},
      {S, "* OK still here\r\n", AWAITING},
      {S, "a1 OK begin\r\n", COMPLETE},
      {C, "HELLO", HANDSHAKE}},
     OBSERVE_TLS,
     false,
     NULL},
    {"POP3",
     {{S, "+OK ready\r\n", UNKNOWN},
      {C, "STLS\r\n", AWAITING},
      {S, "+OK\r\n", COMPLETE},
      {C, "HELLO", HANDSHAKE}},
     OBSERVE_TLS,
     false,
     NULL},
    {"FTP",
     {{S, "220 ready\r\n", UNKNOWN},
      {C, "AUTH TLS\r\n", AWAITING},
      {S, "234 go\r\n", COMPLETE},
      {C, "HELLO", HANDSHAKE}},
     OBSERVE_TLS,
     false,
     NULL},
    {"ManageSieve",
     {{S, "\"IMPLEMENTATION\" \"x\"\r\nOK\r\n", UNKNOWN},
      {C, "STARTTLS\r\n", AWAITING},
      {S, "OK\r\n", COMPLETE},
      {C, "HELLO", HANDSHAKE}},
     OBSERVE_TLS,
     false,
     NULL},
    {"XMPP",
     {{C, "<?xml version='1.0'?><stream:stream to='a'>", UNKNOWN},
      {S, "<?xml version='1.0'?><stream:stream><stream:features><starttls/></stream:features>",
       UNKNOWN},
      {C, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", AWAITING},
      {S, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", COMPLETE},
      {C, "HELLO", HANDSHAKE}},
     OBSERVE_TLS,
     false,
     NULL},
    {"XMPP with end tags",
     {{C, "<stream:stream to='a'>", UNKNOWN},
      {C, "<starttls xmlns='x'></starttls>", AWAITING},
      {S, "<stream:stream><proceed xmlns='x'>", RESPONSE},
      {S, "</proceed>", COMPLETE},
      {C, "HELLO", HANDSHAKE}},
     OBSERVE_TLS,
     false,
     NULL},
    {"LDAP",
     {{C, "#30 1d 02 01 01 77 18 80 16 312e332e362e312e342e312e313436362e323030", REQUEST},
      {C, "#3337", AWAITING},
      {S, "#30 0c 02 01 01 78 07 0a 01 00 04 00 04 00", COMPLETE},
      {C, "HELLO", HANDSHAKE}},
     OBSERVE_TLS,
     false,
     NULL},
    {"LDAP: long lengths, a bind, StartTLS refused",
     {{C, "#30 84 0000000c 02 01 01 60 07 02 01 03 04 00 80 00", AWAITING},
      {S, "#30 0c 02 01 01 61 07 0a 01 00 04 00 04 00", COMPLETE},
      {C, "#30 1d 02 01 02 77 18 80 16 312e332e362e312e342e312e313436362e3230303337", AWAITING},
      {S, "#30 0c 02 01 02 78 07 0a 01 34 04 00 04 00", COMPLETE}},
     OBSERVE_PROLOGUE,
     false,
     NULL},
    {"PostgreSQL",
     {{C, "#00000008 04d2", UNKNOWN},
      {C, "#162f", AWAITING},
      {S, "S", COMPLETE},
      {C, "HELLO", HANDSHAKE}},
     OBSERVE_TLS,
     false,
     NULL},
    {"PostgreSQL: GSS-API refused, then TLS",
     {{C, "#00000008 04d21630", AWAITING},
      {S, "N", COMPLETE},
      {C, "#00000008 04d2162f", AWAITING},
      {S, "S", COMPLETE},
      {C, "HELLO", HANDSHAKE}},
     OBSERVE_TLS,
     false,
     NULL},
    {"PostgreSQL: TLS refused, login in clear",
     {{C, "#00000008 04d2162f", AWAITING},
      {S, "N", COMPLETE},
      {C, "#00000009 00030000 00", UNKNOWN}},
     OBSERVE_OPAQUE,
     false,
     NULL},
    {"MySQL",
     {{S, "#2d000000 0a 382e302e33", RESPONSE},
      {S, "#00 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425",
       COMPLETE},
      {C, "#20000001 85aeff19 00000001 21 0000000000000000000000000000000000000000000000",
       COMPLETE},
      {C, "HELLO", HANDSHAKE},
      {S, "SERVER", HANDSHAKE}},
     OBSERVE_TLS,
     false,
     NULL},
    {"MySQL: login in clear",
     {{S,
       "#2d000000 0a 382e302e3300 "
       "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425",
       COMPLETE},
      {C, "#21000001 85a6ff19 00000001 21 000000000000000000000000000000000000000000000000",
       UNKNOWN}},
     OBSERVE_OPAQUE,
     false,
     NULL},
    {"RDP",
     {{C, "#0300 0013 0ee0", REQUEST},
      {C, "#0000 0000 00 0100 0800 0b000000", AWAITING},
      {S, "#0300 0013 0ed0 0000 1234 00 021f 0800 08", RESPONSE},
      {S, "#000000", COMPLETE},
      {C, "HELLO", HANDSHAKE},
      {S, "SERVER", HANDSHAKE}},
     OBSERVE_TLS,
     false,
     NULL},
    {"RDP without TLS",
     {{C, "#0300 000b 06e0 0000 0000 00", AWAITING}, {S, "#0300 000b 06d0 0000 1234 00", UNKNOWN}},
     OBSERVE_OPAQUE,
     false,
     NULL},
    {"RDP refused",
     {{C, "#0300 0013 0ee0 0000 0000 00 0100 0800 00000000", AWAITING},
      {S, "#0300 0013 0ed0 0000 1234 00 0300 0800 05000000", COMPLETE}},
     OBSERVE_PROLOGUE,
     false,
     NULL},
    {"SMTP: TLS unasked (a client that took the port for SMTPS)",
     {{S, "220 a ESMTP\r\n", UNKNOWN}, {C, "#16", UNKNOWN}, {C, "#030100", UNKNOWN}},
     OBSERVE_PROLOGUE,
     false,
     NULL},
    {"SMTP: the same, all of it",
     {{S, "220 a ESMTP\r\n", UNKNOWN}, {C, "HELLO", HANDSHAKE}, {S, "502 what?\r\n", HANDSHAKE}},
     OBSERVE_TLS,
     false,
     NULL},
    {"the server greets before the PROXY header is complete",
     {{C, "PROXY TCP4 1.2.3.4 5.", REQUEST},
      {S, "220 a ESMTP\r\n", REQUEST},
      {C, "6.7.8 1 2\r\nEHLO x\r\n", UNKNOWN},
      {S, "250 STARTTLS\r\n", UNKNOWN},
      {C, "STARTTLS\r\n", AWAITING},
      {S, "220 go\r\n", COMPLETE},
      {C, "HELLO", HANDSHAKE}},
     OBSERVE_TLS,
     false,
     NULL},
    {"NoMachine",
     {{C, "NXSH-8.10.1\n", UNKNOWN}, {S, "NXD-8.10.1\n", UNKNOWN}, {C, "HELLO", HANDSHAKE}},
     OBSERVE_TLS,
     false,
     NULL},
    {"an unknown greeting, then TLS from the client's first byte",
     {{S, "#99887766", UNKNOWN}, {C, "HELLO", HANDSHAKE}, {S, "SERVER", HANDSHAKE}},
     OBSERVE_TLS,
     false,
     NULL},
};

static void say_step(struct dialogue *d, const struct step *step)
{
    if (strcmp(step->bytes, "HELLO") == 0) {
        say(d, step->side, records(22, client_hello(CIPHERS_13, EXTENSIONS_13), 16384));
    } else if (strcmp(step->bytes, "SERVER") == 0) {
        say(d, step->side, records(22, server_hello(RANDOM, "1301", CHOSE_13), 16384));
    } else if (step->bytes[0] == '#') {
        say_hex(d, step->side, step->bytes + 1);
    } else {
        say_text(d, step->side, step->bytes);
    }
}

static void assert_proxy(const struct observe_proxy *proxy, const char *expected)
{
    static const char *const kinds[] = {"none", "HTTP", "SOCKS4", "SOCKS5"};
    g_autofree char *text = NULL;

    if (proxy && proxy->answered) {
        text = g_strdup_printf("%s %s %s %u at %u", kinds[proxy->kind], proxy->target,
                               proxy->granted ? "granted" : "failed", proxy->reply,
                               (unsigned)proxy->frame);
    } else if (proxy) {
        text = g_strdup_printf("%s %s asked", kinds[proxy->kind], proxy->target);
    }
    g_assert_cmpstr(text, ==, expected);
}

static void test_scripts(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(scripts); i++) {
        const struct script *script = &scripts[i];
        struct observer *o = observer_new(context, true);
        struct dialogue d = {0};
        struct observe_state state = {0};

        g_test_message("%s", script->comment);
        for (gsize j = 0; j < G_N_ELEMENTS(script->steps) && script->steps[j].bytes; j++) {
            say_step(&d, &script->steps[j]);
            feed_whole(o, &d, (unsigned)j);
            observer_state(o, &state);
            g_test_message("  message %u", (unsigned)j + 1);
            g_assert_cmpint(state.phase, ==, script->steps[j].phase);
            if (strcmp(script->steps[j].bytes, "HELLO") == 0) {
                g_assert_cmpint(state.tls_stage, ==, WHYRST_TLS_CLIENT_HELLO);
                g_assert_cmpstr(state.hello->sni, ==, "a.example");
                g_assert_cmpuint(state.hello->frame, ==, j + 1);
            } else if (strcmp(script->steps[j].bytes, "SERVER") == 0) {
                g_assert_cmpint(state.tls_stage, ==, WHYRST_TLS_SERVER_HELLO);
                g_assert_true(state.exact || state.side[S].records == 0);
            }
        }
        g_assert_cmpint(state.protocol, ==, script->protocol);
        g_assert_cmpint(state.tunnel, ==, script->tunnel);
        g_assert_cmpint(observer_is_opaque(o), ==, script->protocol == OBSERVE_OPAQUE);
        assert_proxy(state.proxy, script->proxy);
        assert_split_invariant(context, &d);
        assert_survives_cuts(context, &d);
        observer_free(o);
        hush(&d);
    }
}

/** A line dialogue is watched for a bounded time. */
static void test_bound(void)
{
    struct observer *o = observer_new(context, true);
    struct dialogue d = {0};
    unsigned lines = 0;

    say_text(&d, S, "220 a ESMTP\r\n");
    say_text(&d, C, "NOOP xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n");
    feed_whole(o, &d, 0);
    while (!observer_is_opaque(o)) {
        feed_whole(o, &d, 1);
        g_assert_cmpuint(++lines, <, 2000);
    }
    g_assert_cmpuint(lines, >, 1000);
    observer_free(o);
    hush(&d);
}

/** A client that does not wait: its SOCKS 4 request and a long first message in one segment. */
static void test_socks4_with_more(void)
{
    struct observer *o = observer_new(context, true);
    struct observe_state state;
    uint8_t bytes[600] = {4, 1, 1, 0xbb, 10, 0, 0, 1, 'a', 0, 0x16, 3, 1, 8, 0, 1, 0, 7, 0xfc};
    struct observe_chunk chunk = {.data = bytes,
                                  .captured = sizeof bytes,
                                  .length = sizeof bytes,
                                  .frame = 1,
                                  .segment_start = true};

    observer_chunk(o, C, &chunk);
    observer_state(o, &state);
    g_assert_cmpint(state.tls_stage, ==, WHYRST_TLS_CLIENT_HELLO_PARTIAL);
    g_assert_cmpint(state.phase, ==, HANDSHAKE);
    observer_free(o);
}

int main(int argc, char **argv)
{
    int result;

    g_test_init(&argc, &argv, NULL);
    context = observe_context_new();
    g_test_add_func("/prologue/scripts", test_scripts);
    g_test_add_func("/prologue/bound", test_bound);
    g_test_add_func("/prologue/socks4-with-more", test_socks4_with_more);
    result = g_test_run();
    observe_context_free(context);
    return result;
}
