/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HTTP/1.x framing: where requests and responses end, by every rule of RFC 9112 section 6.3. */
#include "observe/http1.h"
#include "observe_support.h"

static struct observe_context *context;

/** struct exchange - messages, each beginning with its side (C or S), and the state after them */
struct exchange {
    const char *comment;
    const char *messages[10];
    enum observe_phase phase;
    const char *method;
    unsigned status;
    bool early;
    bool to_close;
};

#define GET      "CGET /a HTTP/1.1\r\nHost: x\r\n\r\n"
#define HEAD     "CHEAD /a HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST5    "CPOST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\n"
#define REQUEST  OBSERVE_PHASE_REQUEST
#define AWAITING OBSERVE_PHASE_AWAITING
#define RESPONSE OBSERVE_PHASE_RESPONSE
#define COMPLETE OBSERVE_PHASE_COMPLETE

static const struct exchange exchanges[] = {
    {"a request line has begun", {"CGET /"}, REQUEST, NULL, 0, false, false},
    {"its head is incomplete", {"CGET /a HTTP/1.1\r\nHost"}, REQUEST, "GET", 0, false, false},
    {"complete", {GET}, AWAITING, "GET", 0, false, false},
    {"one byte of the response", {GET, "SH"}, RESPONSE, "GET", 0, false, false},
    {"response head incomplete", {GET, "SHTTP/1.1 200 OK\r\n"}, RESPONSE, "GET", 200, false, false},
    {"Content-Length not reached",
     {GET, "SHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"},
     RESPONSE,
     "GET",
     200,
     false,
     false},
    {"reached",
     {GET, "SHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"},
     COMPLETE,
     "GET",
     200,
     false,
     false},
    {"zero",
     {GET, "SHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
     COMPLETE,
     "GET",
     200,
     false,
     false},
    {"a list of one and the same length",
     {GET, "SHTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\ncontent-length:5\r\n\r\nhello"},
     COMPLETE,
     "GET",
     200,
     false,
     false},
    {"lengths that contradict each other: unknown",
     {GET, "SHTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"},
     OBSERVE_PHASE_UNKNOWN,
     "GET",
     200,
     false,
     false},
    {"neither length nor coding: to the close",
     {GET, "SHTTP/1.0 200 OK\r\n\r\nhello"},
     RESPONSE,
     "GET",
     200,
     false,
     true},
    {"chunks not ended",
     {GET, "SHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"},
     RESPONSE,
     "GET",
     200,
     false,
     false},
    {"last chunk, trailers open",
     {GET, "SHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n"},
     RESPONSE,
     "GET",
     200,
     false,
     false},
    {"chunks ended",
     {GET, "SHTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\nContent-Length: 99\r\n\r\n"
           "5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n"},
     COMPLETE,
     "GET",
     200,
     false,
     false},
    {"chunked is not the last coding: to the close",
     {GET, "SHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"},
     RESPONSE,
     "GET",
     200,
     false,
     true},
    {"a folded field line",
     {GET, "SHTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"},
     COMPLETE,
     "GET",
     200,
     false,
     false},
    {"line feeds only",
     {"CGET / HTTP/1.1\nHost: x\n\n", "SHTTP/1.1 200 OK\nContent-Length: 1\n\nx"},
     COMPLETE,
     "GET",
     200,
     false,
     false},
    {"HEAD has no content",
     {HEAD, "SHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"},
     COMPLETE,
     "HEAD",
     200,
     false,
     false},
    {"204 has none", {GET, "SHTTP/1.1 204 No Content\r\n\r\n"}, COMPLETE, "GET", 204, false, false},
    {"304 has none",
     {GET, "SHTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\n"},
     COMPLETE,
     "GET",
     304,
     false,
     false},
    {"103 is no response",
     {GET, "SHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"},
     AWAITING,
     "GET",
     0,
     false,
     false},
    {"103, then 200",
     {GET, "SHTTP/1.1 103 E\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
     COMPLETE,
     "GET",
     200,
     false,
     false},
    {"request content open", {POST5, "Chell"}, REQUEST, "POST", 0, false, false},
    {"request content complete", {POST5, "Chello"}, AWAITING, "POST", 0, false, false},
    {"chunked request open",
     {"CPUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"},
     REQUEST,
     "PUT",
     0,
     false,
     false},
    {"chunked request complete",
     {"CPUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"},
     AWAITING,
     "PUT",
     0,
     false,
     false},
    {"413 while the content flows",
     {POST5, "Chel", "SHTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"},
     REQUEST,
     "POST",
     413,
     true,
     false},
    {"the content goes on nevertheless",
     {POST5, "SHTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n", "Chel"},
     REQUEST,
     "POST",
     413,
     true,
     false},
    {"and ends",
     {POST5, "SHTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n", "Chello"},
     COMPLETE,
     "POST",
     413,
     false,
     false},
    {"the content ends before the early response",
     {POST5, "SHTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nab", "Chello"},
     RESPONSE,
     "POST",
     413,
     false,
     false},
    {"Expect: 100-continue waits",
     {"CPOST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"},
     REQUEST,
     "POST",
     0,
     false,
     false},
    {"100 (Continue) is no response",
     {"CPOST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
      "SHTTP/1.1 100 Continue\r\n\r\n"},
     REQUEST,
     "POST",
     0,
     false,
     false},
    {"100 (Continue), content",
     {"CPOST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
      "SHTTP/1.1 100 Continue\r\n\r\n", "Chello"},
     AWAITING,
     "POST",
     0,
     false,
     false},
    {"content without waiting",
     {"CPOST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", "Chello"},
     AWAITING,
     "POST",
     0,
     false,
     false},
    {"417: the client sends another request instead",
     {"CPOST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
      "SHTTP/1.1 417 X\r\nContent-Length: 0\r\n\r\n", "CGET /b HTTP/1.1\r\n\r\n"},
     AWAITING,
     "GET",
     0,
     false,
     false},
    {"417: the client sends the content all the same",
     {"CPOST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
      "SHTTP/1.1 417 X\r\nContent-Length: 0\r\n\r\n", "C(ell)"},
     COMPLETE,
     "POST",
     417,
     false,
     false},
    {"pipelined: one answered",
     {GET, HEAD, "SHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"},
     AWAITING,
     "HEAD",
     0,
     false,
     false},
    {"pipelined: both answered, the second without content",
     {GET, HEAD, "SHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
      "SHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"},
     COMPLETE,
     "HEAD",
     200,
     false,
     false},
    {"a second request",
     {GET, "SHTTP/1.1 404 N\r\nContent-Length: 0\r\n\r\n", "C\r\n", POST5},
     REQUEST,
     "POST",
     0,
     false,
     false},
    {"an unknown method", {"CBREW /pot HTTP/1.1\r\n\r\n"}, AWAITING, "BREW", 0, false, false},
    {"408 without a request",
     {"SHTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n"},
     COMPLETE,
     NULL,
     408,
     false,
     false},
    {"garbage after a response",
     {GET, "SHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "S\x01\x02\n"},
     OBSERVE_PHASE_UNKNOWN,
     "GET",
     200,
     false,
     false},
};

static void say_exchange(struct dialogue *d, const struct exchange *e)
{
    for (gsize i = 0; i < G_N_ELEMENTS(e->messages) && e->messages[i]; i++) {
        say_text(d, e->messages[i][0] == 'C' ? C : S, e->messages[i] + 1);
    }
}

static void test_exchanges(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(exchanges); i++) {
        const struct exchange *e = &exchanges[i];
        struct observer *o = observer_new(context, true);
        struct dialogue d = {0};
        struct observe_state state;

        g_test_message("%s", e->comment);
        say_exchange(&d, e);
        feed_all(o, &d);
        observer_state(o, &state);
        g_assert_cmpint(state.protocol, ==, OBSERVE_HTTP1);
        g_assert_cmpint(state.phase, ==, e->phase);
        g_assert_cmpint(state.exact, ==, e->phase != OBSERVE_PHASE_UNKNOWN);
        g_assert_cmpstr(state.http_method, ==, e->method);
        g_assert_cmpuint(state.http_status, ==, e->status);
        g_assert_cmpint(state.early_response, ==, e->early);
        g_assert_cmpint(state.close_delimited, ==, e->to_close);
        assert_split_invariant(context, &d);
        assert_survives_cuts(context, &d);
        observer_free(o);
        hush(&d);
    }
}

/** What looks like a request at first, and what follows a switch, is opaque. */
static void test_opaque(void)
{
    static const char *const cases[][4] = {
        {"CPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
        {"CGET /\r\n"}, /* HTTP/0.9 */
        {"COPTIONS rtsp://a/b RTSP/1.0\r\n"},
        {"CGET key\r\n"}, /* memcached */
        {"CNICK me\r\n"},
        {"C\x01\x02\x03"},
        {"CGET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
         "SHTTP/1.1 101 Switching Protocols\r\n\r\n", "C\x81\x80zzzz", "S\x88\x02\x03\xe8"},
        {GET, "SICY 200 OK\r\n"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct observer *o = observer_new(context, true);
        struct dialogue d = {0};
        struct observe_state state;

        for (gsize j = 0; j < 4 && cases[i][j]; j++) {
            say_text(&d, cases[i][j][0] == 'C' ? C : S, cases[i][j] + 1);
        }
        feed_all(o, &d);
        observer_state(o, &state);
        g_assert_cmpint(state.protocol, ==, OBSERVE_OPAQUE);
        g_assert_cmpint(state.phase, ==, OBSERVE_PHASE_UNKNOWN);
        g_assert_true(observer_is_opaque(o));
        assert_split_invariant(context, &d);
        observer_free(o);
        hush(&d);
    }
}

static void test_long_lines(void)
{
    struct observer *o = observer_new(context, true);
    struct dialogue d = {0};
    struct observe_state state;
    GString *text = g_string_new("GET /");

    for (unsigned i = 0; i < 3 * LIMIT_HTTP_LINE; i++) {
        g_string_append_c(text, 'a');
    }
    g_string_append(text, " HTTP/1.1\r\nCookie: ");
    for (unsigned i = 0; i < 2 * LIMIT_HTTP_LINE; i++) {
        g_string_append_c(text, 'b');
    }
    g_string_append(text, "\r\n\r\n");
    say_text(&d, C, text->str);
    say_text(&d, S, "HTTP/1.1 414 URI Too Long\r\nContent-Length: 0\r\n\r\n");
    for (gsize at = 0; at < text->len; at += 1460) {
        feed_part(o, &d, 0, at, MIN(at + 1460, text->len), MIN(1460, text->len - at));
        observer_state(o, &state);
        g_assert_cmpint(state.phase, ==, at + 1460 < text->len ? REQUEST : AWAITING);
    }
    feed_whole(o, &d, 1);
    observer_state(o, &state);
    g_assert_cmpint(state.phase, ==, COMPLETE);
    g_assert_cmpuint(state.http_status, ==, 414);
    observer_free(o);
    hush(&d);
    g_string_free(text, TRUE);
}

/** Missing content loses nothing; a missing head loses the side until a message begins a segment.
 */
static void test_missing(void)
{
    struct observer *o = observer_new(context, true);
    struct dialogue d = {0};
    struct observe_state state;
    gsize size;

    say_text(&d, C, &GET[1]);
    say_text(&d, S, "HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n");
    say_text(&d, S, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
    feed_whole(o, &d, 0);
    feed_whole(o, &d, 1);
    size = g_bytes_get_size(d.messages[1].bytes);
    feed_part(o, &d, 1, size, size + 499999, 0);
    observer_state(o, &state);
    g_assert_cmpint(state.phase, ==, RESPONSE);
    g_assert_true(state.exact);
    g_assert_cmpuint(state.side[S].app_bytes, ==, size + 499999);
    feed_part(o, &d, 1, size, size + 1, 0);
    observer_state(o, &state);
    g_assert_cmpint(state.phase, ==, COMPLETE);
    feed_whole(o, &d, 0);
    feed_part(o, &d, 2, 0, 30, 20); /* the head is cut */
    observer_state(o, &state);
    g_assert_true(state.side[S].lost);
    g_assert_cmpint(state.phase, ==, OBSERVE_PHASE_UNKNOWN);
    g_assert_false(state.exact);
    feed_part(o, &d, 1, 0, size, size); /* the next response */
    observer_state(o, &state);
    g_assert_false(state.side[S].lost);
    g_assert_cmpint(state.phase, ==, RESPONSE);
    g_assert_false(state.exact);
    observer_free(o);
    hush(&d);
}

static void test_pipeline_limit(void)
{
    struct observer *o = observer_new(context, true);
    struct dialogue d = {0};
    struct observe_state state;

    say_text(&d, C, &GET[1]);
    for (unsigned i = 0; i < LIMIT_HTTP_PIPELINE; i++) {
        feed_whole(o, &d, 0);
    }
    observer_state(o, &state);
    g_assert_cmpint(state.phase, ==, AWAITING);
    feed_whole(o, &d, 0);
    observer_state(o, &state);
    g_assert_cmpint(state.phase, ==, OBSERVE_PHASE_UNKNOWN);
    observer_free(o);
    hush(&d);
}

static void test_lines(void)
{
    static const struct {
        const char *text;
        enum http1_line expected;
    } cases[] = {
        {"", HTTP1_LINE_PARTIAL},
        {"GET", HTTP1_LINE_PARTIAL},
        {"GET ", HTTP1_LINE_PARTIAL},
        {"GET /", HTTP1_LINE_BEGUN},
        {"CONNECT a:1", HTTP1_LINE_BEGUN},
        {"CONNECT /", HTTP1_LINE_PARTIAL},
        {"ZIP /", HTTP1_LINE_PARTIAL},
        {"GET / HTTP/1.1\r\n", HTTP1_LINE_YES},
        {"ZIP / HTTP/1.0\n", HTTP1_LINE_YES},
        {"GET / HTTP/2.0\r\n", HTTP1_LINE_NO},
        {"GET HTTP/1.1\r\n", HTTP1_LINE_NO},
        {"GET /\x01", HTTP1_LINE_BEGUN},
        {"ZIP /\x01", HTTP1_LINE_NO},
        {"ZIP /\x01 HTTP/1.1\r\n", HTTP1_LINE_NO},
        {" GET /", HTTP1_LINE_NO},
        {"G\xc3\x89T /", HTTP1_LINE_NO},
        {"220 mail.example ESMTP\r\n", HTTP1_LINE_NO},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s", cases[i].text);
        g_assert_cmpint(http1_request_line((const guint8 *)cases[i].text, strlen(cases[i].text)),
                        ==, cases[i].expected);
    }
}

static void test_chunk_sizes(void)
{
    static const struct {
        const char *text;
        bool valid;
        uint64_t size;
    } cases[] = {
        {"0\r\n", true, 0},
        {"1aF\r\n", true, 0x1af},
        {"5 ; x=y\r\n", true, 5},
        {"\r\n", false, 0},
        {"-1\r\n", false, 0},
        {"0x5\r\n", false, 0},
        {"fffffffffffffff\n", true, 0xfffffffffffffff},
        {"1000000000000000\n", false, 0},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        uint64_t size = 0;
        bool valid =
            http1_read_chunk_size((const guint8 *)cases[i].text, strlen(cases[i].text), &size);

        g_assert_cmpint(valid, ==, cases[i].valid);
        if (valid) {
            g_assert_cmpuint(size, ==, cases[i].size);
        }
    }
}

int main(int argc, char **argv)
{
    int result;

    g_test_init(&argc, &argv, NULL);
    context = observe_context_new();
    g_test_add_func("/http1/exchanges", test_exchanges);
    g_test_add_func("/http1/opaque", test_opaque);
    g_test_add_func("/http1/long_lines", test_long_lines);
    g_test_add_func("/http1/missing", test_missing);
    g_test_add_func("/http1/pipeline_limit", test_pipeline_limit);
    g_test_add_func("/http1/lines", test_lines);
    g_test_add_func("/http1/chunk_sizes", test_chunk_sizes);
    result = g_test_run();
    observe_context_free(context);
    return result;
}
