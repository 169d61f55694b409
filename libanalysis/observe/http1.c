/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk through the messages of an HTTP/1.x connection.
 *
 * Each side is a small state machine over lines and skipped bytes (enum http1_stage). Requests and
 * responses meet in a queue of methods: a response belongs to the oldest request, is final unless
 * its status is 1xx, and its length depends on the method (RFC 9112 section 6.3).
 */
#include "observe/http1.h"

#include <string.h>

#include <glib.h>

#include "bytes/hash.h"
#include "bytes/zeroed.h"
#include "observe/detect.h"
#include "observe/proxied.h"

/* Of a request line, that mark what was asked. */
#define MARKED_BYTES 256u

struct http1 *http1_new(void)
{
    return zeroed_new(struct http1);
}

void http1_free(struct http1 *http)
{
    if (http) {
        g_free(http->proxy);
        g_free(http);
    }
}

void http1_lose(struct http1 *http, enum observe_side side)
{
    http->side[side].stage = HTTP1_LOST;
    http->side[side].resynced = true;
}

static void set_both(struct http1 *http, enum http1_stage stage)
{
    http->side[OBSERVE_CLIENT].stage = stage;
    http->side[OBSERVE_SERVER].stage = stage;
}

/** What a line that should begin a message makes of the stream when it does not. */
static void on_bad_start(struct http1 *http, enum observe_side side)
{
    if (http->side[side].messages == 0 && !http->side[side].resynced) {
        set_both(http, HTTP1_FOREIGN);
    } else {
        http1_lose(http, side);
    }
}

static uint8_t oldest_method(const struct http1 *http)
{
    return http->count > 0 ? http->pending[http->first] : HTTP1_METHOD_NONE;
}

/** Queues a request's method; more requests than LIMIT_HTTP_PIPELINE cannot be told apart. */
static bool push_method(struct http1 *http, uint8_t method)
{
    if (http->count == LIMIT_HTTP_PIPELINE) {
        return false;
    }
    http->pending[(http->first + http->count) % LIMIT_HTTP_PIPELINE] = method;
    http->count++;
    return true;
}

static void pop_method(struct http1 *http)
{
    http->last_method = oldest_method(http);
    http->last_status = http->status;
    http->status = 0;
    if (http->count > 0) {
        http->first = (http->first + 1) % LIMIT_HTTP_PIPELINE;
        http->count--;
    }
}

static bool is_in_message(const struct http1_side *s)
{
    return s->stage >= HTTP1_FIELDS && s->stage <= HTTP1_UNSURE && s->stage != HTTP1_WAITING;
}

static void complete_request(struct http1 *http)
{
    http->side[OBSERVE_CLIENT].stage = HTTP1_START;
    http->early = false;
    http->answered = false;
}

static void complete_response(struct http1 *http)
{
    struct http1_side *client = &http->side[OBSERVE_CLIENT];

    http->side[OBSERVE_SERVER].stage = HTTP1_START;
    if (oldest_method(http) == HTTP1_METHOD_CONNECT && client->stage == HTTP1_WAITING) {
        client->stage = HTTP1_START;
    }
    http->answered = http->early;
    pop_method(http);
}

static void complete_message(struct http1 *http, enum observe_side side)
{
    if (side == OBSERVE_CLIENT) {
        complete_request(http);
    } else {
        complete_response(http);
    }
}

/** The content begins, framed as RFC 9112 section 6.3 says (rules 4 to 6). */
static void begin_content(struct http1 *http, enum observe_side side)
{
    struct http1_side *s = &http->side[side];

    if (s->fields.chunked) {
        s->stage = HTTP1_CHUNK_SIZE;
    } else if (s->fields.length > 0) {
        s->stage = HTTP1_BODY;
        s->left = s->fields.length;
    } else {
        complete_message(http, side);
    }
}

static void end_request_head(struct http1 *http)
{
    struct http1_side *s = &http->side[OBSERVE_CLIENT];
    bool content = s->fields.chunked || s->fields.length > 0;

    if (s->fields.coded ? !s->fields.chunked : s->fields.bad_length) {
        http1_lose(http, OBSERVE_CLIENT);
    } else if (http1_is_connect(http) && !content) {
        complete_request(http);
        s->stage = HTTP1_WAITING;
    } else if (s->fields.expects && content) {
        s->stage = HTTP1_UNSURE;
    } else {
        begin_content(http, OBSERVE_CLIENT);
    }
}

static void end_interim_response(struct http1 *http)
{
    struct http1_side *client = &http->side[OBSERVE_CLIENT];

    http->side[OBSERVE_SERVER].stage = HTTP1_START;
    if (http->status == 101) {
        pop_method(http);
        set_both(http, HTTP1_FOREIGN);
        return;
    }
    if (http->status == 100 && client->stage == HTTP1_UNSURE) {
        begin_content(http, OBSERVE_CLIENT);
    }
    http->status = 0;
}

/** The head is complete: which rule of RFC 9112 section 6.3 frames the content. */
static void end_response_head(struct http1 *http, uint64_t frame)
{
    struct http1_side *s = &http->side[OBSERVE_SERVER];
    uint8_t method = oldest_method(http);

    if (http->status < 200) {
        end_interim_response(http);
        return;
    }
    if (method == HTTP1_METHOD_CONNECT) {
        proxied_answer(http->within ? NULL : http->proxy, http->status < 300, http->status, frame);
    }
    if (method == HTTP1_METHOD_CONNECT && http->status < 300) {
        complete_response(http);
        http->tunnel = true;
        set_both(http, HTTP1_LEFT);
    } else if (method == HTTP1_METHOD_HEAD || http->status == 204 || http->status == 304) {
        complete_response(http);
    } else if (s->fields.coded ? s->fields.chunked
                               : s->fields.has_length && !s->fields.bad_length) {
        begin_content(http, OBSERVE_SERVER);
    } else if (!s->fields.coded && s->fields.bad_length) {
        http1_lose(http, OBSERVE_SERVER);
    } else {
        s->stage = HTTP1_TO_CLOSE;
    }
}

static void begin_message(struct http1_side *s)
{
    s->fields = (struct http1_fields){0};
    s->messages++;
    s->stage = HTTP1_FIELDS;
}

static void ask_proxy(struct http1 *http, const struct unit *unit)
{
    size_t length;
    const char *target = http1_read_target(unit->bytes, unit->length, &length);

    proxied_ask(&http->proxy, OBSERVE_PROXY_HTTP);
    proxied_target(http->proxy, target, length, -1);
}

/** Tells what was asked from other things: method and path, the beginning of long ones. */
static uint16_t mark_of(const struct unit *unit)
{
    size_t length = MIN(unit->length, MARKED_BYTES);
    const uint8_t *query = memchr(unit->bytes, '?', length);
    uint64_t hash = hash_bytes(unit->bytes, query ? (size_t)(query - unit->bytes) : length);

    return (uint16_t)MAX(hash >> 48 & ~UINT64_C(1), 2);
}

static void on_request_line(struct http1 *http, const struct unit *unit)
{
    enum http1_line line = http1_request_line(unit->bytes, unit->length);
    uint8_t method;

    if (line != HTTP1_LINE_YES && !(unit->cut && line == HTTP1_LINE_BEGUN)) {
        on_bad_start(http, OBSERVE_CLIENT);
        return;
    }
    method = http1_read_method(unit->bytes, unit->length, http->other);
    http->mark = mark_of(unit);
    http->early = false;
    http->answered = false;
    if (!push_method(http, method)) {
        http1_lose(http, OBSERVE_CLIENT);
        http1_lose(http, OBSERVE_SERVER);
        return;
    }
    if (method == HTTP1_METHOD_CONNECT && !http->within) {
        ask_proxy(http, unit);
    }
    begin_message(&http->side[OBSERVE_CLIENT]);
}

static void on_status_line(struct http1 *http, const struct unit *unit)
{
    unsigned status = http1_read_status(unit->bytes, unit->length);

    if (status == 0) {
        on_bad_start(http, OBSERVE_SERVER);
        return;
    }
    begin_message(&http->side[OBSERVE_SERVER]);
    http->status = (uint16_t)status;
    /* With one request under way and none before it, this is the answer to that one. */
    http->early = status >= 200 && http->count == 1 && is_in_message(&http->side[OBSERVE_CLIENT]);
}

static void on_start_line(struct http1 *http, enum observe_side side, const struct unit *unit)
{
    if (http1_is_empty_line(unit->bytes, unit->length)) {
        return; /* RFC 9112 section 2.2: tolerated before a start line */
    }
    if (side == OBSERVE_CLIENT) {
        on_request_line(http, unit);
    } else {
        on_status_line(http, unit);
    }
}

static void on_field_line(struct http1 *http, enum observe_side side, const struct unit *unit)
{
    struct http1_side *s = &http->side[side];

    if (!http1_is_empty_line(unit->bytes, unit->length)) {
        http1_read_field(&s->fields, unit->bytes, unit->length);
    } else if (side == OBSERVE_CLIENT) {
        end_request_head(http);
    } else {
        end_response_head(http, unit->frame);
    }
}

static void on_chunk_size(struct http1 *http, enum observe_side side, const struct unit *unit)
{
    struct http1_side *s = &http->side[side];

    if (!http1_read_chunk_size(unit->bytes, unit->length, &s->left)) {
        http1_lose(http, side);
        return;
    }
    s->stage = s->left > 0 ? HTTP1_CHUNK : HTTP1_TRAILERS;
}

static void http1_unit(void *state, enum observe_side side, const struct unit *unit)
{
    struct http1 *http = state;
    struct http1_side *s = &http->side[side];
    bool empty = http1_is_empty_line(unit->bytes, unit->length);

    switch (s->stage) {
    case HTTP1_START:
        on_start_line(http, side, unit);
        break;
    case HTTP1_FIELDS:
        on_field_line(http, side, unit);
        break;
    case HTTP1_CHUNK_SIZE:
        on_chunk_size(http, side, unit);
        break;
    case HTTP1_CHUNK_END:
        if (empty) {
            s->stage = HTTP1_CHUNK_SIZE;
        } else {
            http1_lose(http, side);
        }
        break;
    case HTTP1_TRAILERS:
        if (empty) {
            complete_message(http, side);
        }
        break;
    default:
        break;
    }
}

static struct want http1_want(const void *state, enum observe_side side)
{
    const struct http1 *http = state;
    const struct http1_side *s = &http->side[side];

    switch (s->stage) {
    case HTTP1_START:
    case HTTP1_FIELDS:
    case HTTP1_CHUNK_SIZE:
    case HTTP1_CHUNK_END:
    case HTTP1_TRAILERS:
        return (struct want){.kind = WANT_UNTIL, .length = LIMIT_HTTP_LINE, .stop = '\n'};
    case HTTP1_BODY:
    case HTTP1_CHUNK:
        return (struct want){.kind = WANT_SKIP, .length = s->left};
    case HTTP1_TO_CLOSE:
        return (struct want){.kind = WANT_ALL};
    case HTTP1_WAITING:
    case HTTP1_UNSURE:
        return (struct want){.kind = WANT_HOLD};
    case HTTP1_LEFT:
        return (struct want){.kind = WANT_SWITCH};
    case HTTP1_FOREIGN:
        return (struct want){.kind = WANT_OPAQUE};
    case HTTP1_LOST:
        break;
    }
    return (struct want){.kind = WANT_RESYNC};
}

static void http1_skipped(void *state, enum observe_side side, uint64_t frame, int64_t time_ns)
{
    struct http1 *http = state;

    (void)frame, (void)time_ns;
    if (http->side[side].stage == HTTP1_CHUNK) {
        http->side[side].stage = HTTP1_CHUNK_END;
    } else {
        complete_message(http, side);
    }
}

static void http1_hole(void *state, enum observe_side side, uint64_t got)
{
    (void)got;
    http1_lose(state, side);
}

/** The client goes on although the server has not said 100 (Continue): with what? */
static void held_unsure(struct http1 *http, const uint8_t *bytes, size_t length)
{
    enum http1_line line = http->answered ? HTTP1_LINE_PARTIAL : HTTP1_LINE_NO;

    /* Shortest beginning first, so that the answer does not depend on how the bytes came. */
    for (size_t n = 1; n <= length && line == HTTP1_LINE_PARTIAL; n++) {
        line = n <= HTTP1_METHOD_MAX ? http1_request_line(bytes, n) : HTTP1_LINE_NO;
    }
    if (line == HTTP1_LINE_NO) {
        begin_content(http, OBSERVE_CLIENT);
    } else if (line != HTTP1_LINE_PARTIAL) {
        complete_request(http); /* RFC 9110 section 10.1.1: it need not send the content */
    }
}

static void http1_held(void *state, enum observe_side side, const uint8_t *bytes, size_t length)
{
    struct http1 *http = state;
    struct http1_side *s = &http->side[side];

    if (s->stage == HTTP1_UNSURE) {
        held_unsure(http, bytes, length);
    } else if (detect_is_client_hello(bytes, length)) {
        s->stage = HTTP1_LEFT; /* a client that does not wait for the proxy's answer */
    }
}

static bool http1_resync(void *state, enum observe_side side, const uint8_t *bytes, size_t length)
{
    struct http1 *http = state;
    enum http1_line line;

    if (side == OBSERVE_SERVER) {
        if (http1_read_status(bytes, length) == 0) {
            return false;
        }
        /* Of several requests some were answered unseen: this is most likely the last one's. */
        while (http->count > 1) {
            pop_method(http);
        }
    } else {
        line = http1_request_line(bytes, length);
        if (line != HTTP1_LINE_YES && line != HTTP1_LINE_BEGUN) {
            return false;
        }
    }
    http->side[side].stage = HTTP1_START;
    return true;
}

const struct parser http1_parser = {
    .want = http1_want,
    .unit = http1_unit,
    .skipped = http1_skipped,
    .hole = http1_hole,
    .held = http1_held,
    .resync = http1_resync,
};

bool http1_is_connect(const struct http1 *http)
{
    uint8_t newest = (http->first + http->count + LIMIT_HTTP_PIPELINE - 1) % LIMIT_HTTP_PIPELINE;

    return (http->count > 0 ? http->pending[newest] : http->last_method) == HTTP1_METHOD_CONNECT;
}

void http1_describe_last(const struct http1 *http, struct observe_state *out)
{
    bool under_way = http->count > 0;
    uint8_t method = under_way ? oldest_method(http) : http->last_method;
    uint16_t status = under_way ? http->status : http->last_status;

    if (http->count == 0 && http->status >= 200) {
        /* A response that answers no request seen here. */
        method = HTTP1_METHOD_NONE;
        status = http->status;
    }
    if (method != HTTP1_METHOD_NONE) {
        out->http_method = method == HTTP1_METHOD_OTHER ? http->other : http1_method_name(method);
    }
    out->request_mark = http->mark;
    out->http_status = status >= 200 || status == 101 ? status : 0;
}

static enum observe_phase http1_phase(const struct http1 *http, bool request, bool response)
{
    if (request) {
        return OBSERVE_PHASE_REQUEST;
    }
    if (response) {
        return OBSERVE_PHASE_RESPONSE;
    }
    if (http->side[OBSERVE_CLIENT].stage == HTTP1_LOST ||
        http->side[OBSERVE_SERVER].stage == HTTP1_LOST) {
        return OBSERVE_PHASE_UNKNOWN;
    }
    return http->count > 0 ? OBSERVE_PHASE_AWAITING : OBSERVE_PHASE_COMPLETE;
}

void http1_describe(const struct http1 *http, const struct stream streams[2],
                    struct observe_state *out)
{
    const struct http1_side *client = &http->side[OBSERVE_CLIENT];
    const struct http1_side *server = &http->side[OBSERVE_SERVER];
    bool request = is_in_message(client) || (client->stage == HTTP1_START &&
                                             stream_kept_length(&streams[OBSERVE_CLIENT]) > 0);
    bool interim = http->status > 0 && http->status < 200;
    bool response =
        (is_in_message(server) && !interim) ||
        (server->stage == HTTP1_START && stream_kept_length(&streams[OBSERVE_SERVER]) > 0);

    out->side[OBSERVE_CLIENT].lost = client->stage == HTTP1_LOST;
    out->side[OBSERVE_SERVER].lost = server->stage == HTTP1_LOST;
    out->phase = http1_phase(http, request, response);
    out->exact = out->phase != OBSERVE_PHASE_UNKNOWN && !client->resynced && !server->resynced;
    out->early_response = http->early && request;
    out->close_delimited = server->stage == HTTP1_TO_CLOSE;
    http1_describe_last(http, out);
}
