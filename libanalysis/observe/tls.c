/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The record walk (RFC 8446 section 5.1): headers, hellos and alerts are read, all else passes. */
#include "observe/tls.h"

#include <string.h>

#include "bytes/zeroed.h"
#include "limits.h"

/* What a segment carries on Ethernet, at most. */
#define ETHERNET_SEGMENT 1460u

enum {
    VERSION_MAJOR = 3,
    VERSION_MINOR_MAX = 4,
    RECORD_LENGTH_MAX = 16384 + 2048, /* TLSCiphertext of RFC 5246 section 6.2.3 */
    MESSAGE_HEADER = 4,
    MESSAGE_HELLO_REQUEST = 0,
    MESSAGE_CLIENT_HELLO = 1,
    MESSAGE_SERVER_HELLO = 2,
    SSLV2_HEADER = 2,
};

struct tls *tls_new(struct ja4_cache *cache, enum tls_entry entry)
{
    struct tls *tls = zeroed_new(struct tls);

    tls->cache = cache;
    tls->assumed = entry == TLS_ENTRY_DATA;
    tls->hello_complete = entry == TLS_ENTRY_HANDSHAKE;
    for (int side = 0; side < 2; side++) {
        tls->side[side].reads_hello = !tls->assumed;
    }
    return tls;
}

void tls_free(struct tls *tls)
{
    if (!tls) {
        return;
    }
    for (int side = 0; side < 2; side++) {
        g_free(tls->side[side].message);
    }
    tls_hello_free(tls->hello);
    tls_hello_free(tls->hello_retry);
    g_free(tls);
}

static void drop_message(struct tls_side *s)
{
    g_free(s->message);
    s->message = NULL;
    s->message_length = 0;
}

void tls_lose(struct tls *tls, enum observe_side side)
{
    struct tls_side *s = &tls->side[side];

    s->position = TLS_LOST;
    s->resynced = true;
    s->counts = false;
    tls->end_lost |= side == OBSERVE_CLIENT && tls->server_hello;
    drop_message(s);
}

bool tls_is_record(const uint8_t *bytes, size_t length)
{
    struct cursor c = cursor_make(bytes, length);
    uint8_t type = cursor_u8(&c);
    uint8_t major = cursor_u8(&c);
    uint8_t minor = cursor_u8(&c);
    uint16_t body = cursor_be16(&c);

    return !c.failed && type >= TLS_CHANGE_CIPHER_SPEC && type <= TLS_HEARTBEAT &&
           major == VERSION_MAJOR && minor <= VERSION_MINOR_MAX && body <= RECORD_LENGTH_MAX &&
           (body > 0 || type == TLS_APPLICATION_DATA);
}

enum tls_entry tls_entry_of(const uint8_t *bytes, size_t length)
{
    struct cursor c = cursor_make(bytes, length);
    uint8_t type = cursor_u8(&c);

    if (type != TLS_HANDSHAKE) {
        return type == TLS_CHANGE_CIPHER_SPEC ? TLS_ENTRY_HANDSHAKE : TLS_ENTRY_DATA;
    }
    cursor_skip(&c, TLS_RECORD_HEADER - 1);
    return cursor_u8(&c) == MESSAGE_CLIENT_HELLO ? TLS_ENTRY_START : TLS_ENTRY_HANDSHAKE;
}

/** The first bytes of the ClientHello's record are here. */
static void begin_hello(struct tls *tls, const struct unit *unit)
{
    if (!tls->hello_begun) {
        tls->hello_begun = true;
        tls->hello_frame = unit->first_frame;
        tls->hello_time_ns = unit->first_time_ns;
    }
}

/** The ClientHello is over, as far as it can be read. */
static void complete_hello(struct tls *tls, uint64_t frame, int64_t time_ns)
{
    if (!tls->hello_complete) {
        tls->hello_complete = true;
        tls->hello_frame = frame;
        tls->hello_time_ns = time_ns;
    }
}

static void on_client_hello(struct tls *tls, const uint8_t *message, size_t length,
                            const struct unit *unit)
{
    struct observe_hello **slot = tls->hello_complete ? &tls->hello_retry : &tls->hello;
    struct observe_hello *hello;

    if (!tls->hello_complete) {
        /* Offloading shows several segments as one. */
        tls->hello_split = tls->hello_frame != unit->frame || length > ETHERNET_SEGMENT;
    }
    complete_hello(tls, unit->frame, unit->time_ns);
    if (*slot) {
        return;
    }
    hello = tls_read_client_hello(tls, message, length);
    if (hello) {
        hello->frame = unit->frame;
        hello->time_ns = unit->time_ns;
    }
    *slot = hello;
}

/** A message in clear that is no hello has begun. */
static void on_other_message(struct tls *tls, enum observe_side side, uint8_t type)
{
    struct tls_side *s = &tls->side[side];

    if (side == OBSERVE_CLIENT && !tls->hello_complete && !s->resynced) {
        tls->foreign = true;
    }
    s->finished |= s->changed;
    /* But for HelloRequest, it belongs to TLS 1.2 or older. */
    if (type != MESSAGE_HELLO_REQUEST) {
        tls->legacy = true;
        s->reads_hello = false;
    }
}

/** A handshake message in clear is complete. */
static void on_message(struct tls *tls, enum observe_side side, const uint8_t *message,
                       size_t length, const struct unit *unit)
{
    struct tls_side *s = &tls->side[side];
    struct cursor c = cursor_make(message, length);
    uint8_t type = cursor_u8(&c);

    if (side == OBSERVE_CLIENT && type == MESSAGE_CLIENT_HELLO) {
        on_client_hello(tls, message, length, unit);
        return;
    }
    if (side == OBSERVE_SERVER && type == MESSAGE_SERVER_HELLO) {
        if (tls->hello_complete && !tls->hello_delay_ns) {
            tls->hello_delay_ns = unit->time_ns - tls->hello_time_ns;
        }
        tls_read_server_hello(tls, message, length);
        if (tls->server_hello) {
            s->reads_hello = false;
            tls->side[OBSERVE_CLIENT].reads_hello = false;
        }
        return;
    }
    on_other_message(tls, side, type);
}

/** Whether a handshake message of @length bytes is more than this side's hello may take. */
static bool too_long(enum observe_side side, size_t length)
{
    return length > (side == OBSERVE_CLIENT ? LIMIT_CLIENT_HELLO : LIMIT_SERVER_HELLO);
}

static uint8_t hello_type(enum observe_side side)
{
    return side == OBSERVE_CLIENT ? MESSAGE_CLIENT_HELLO : MESSAGE_SERVER_HELLO;
}

/** The handshake messages at @bytes; returns how many bytes whole messages took. */
static size_t read_messages(struct tls *tls, enum observe_side side, const uint8_t *bytes,
                            size_t length, const struct unit *unit)
{
    struct tls_side *s = &tls->side[side];
    struct cursor c = cursor_make(bytes, length);

    while (s->reads_hello && cursor_left(&c) > 0) {
        struct cursor peek = c;
        uint8_t type = cursor_u8(&peek);
        size_t total = MESSAGE_HEADER + cursor_be24(&peek);

        if (type != hello_type(side) && type != MESSAGE_HELLO_REQUEST) {
            on_other_message(tls, side, type);
            break;
        }
        if (peek.failed) {
            break;
        }
        if (too_long(side, total)) {
            s->unreadable = true;
            s->reads_hello = false;
            break;
        }
        if (total > cursor_left(&c)) {
            break;
        }
        on_message(tls, side, c.at, total, unit);
        cursor_skip(&c, total);
    }
    return length - cursor_left(&c);
}

/** The body of a plaintext handshake record: messages may span records (RFC 8446 section 5.1). */
static void on_handshake(struct tls *tls, enum observe_side side, const struct unit *unit)
{
    struct tls_side *s = &tls->side[side];
    size_t taken;

    if (s->message_length == 0) {
        taken = read_messages(tls, side, unit->bytes, unit->length, unit);
        if (s->reads_hello && taken < unit->length) {
            s->message_length = (uint32_t)(unit->length - taken);
            s->message = g_memdup2(unit->bytes + taken, s->message_length);
        }
        return;
    }
    s->message = g_realloc(s->message, s->message_length + unit->length);
    memcpy(s->message + s->message_length, unit->bytes, unit->length);
    s->message_length += (uint32_t)unit->length;
    taken = read_messages(tls, side, s->message, s->message_length, unit);
    if (!s->reads_hello || taken == s->message_length) {
        drop_message(s);
    } else if (taken > 0) {
        s->message_length -= (uint32_t)taken;
        memmove(s->message, s->message + taken, s->message_length);
    }
}

static void on_alert(struct tls *tls, enum observe_side side, const struct unit *unit)
{
    struct cursor c = cursor_make(unit->bytes, unit->length);

    tls->alert.frame = unit->frame; /* complete only now */
    tls->alert.level = cursor_u8(&c);
    tls->alert.description = cursor_u8(&c);
    tls->alert.encrypted = false;
    tls->refused |= side == OBSERVE_SERVER && tls->finished13;
}

static void note_alert(struct tls *tls, enum observe_side side, const struct unit *unit)
{
    tls->alert = (struct observe_alert){
        .frame = unit->frame,
        .side = side,
        .encrypted = true,
    };
}

/** A handshake record begins that is encrypted, or whose messages no longer matter. */
static void on_closed_handshake(struct tls *tls, enum observe_side side)
{
    struct tls_side *s = &tls->side[side];

    tls->legacy |= s->changed || (side == OBSERVE_CLIENT && tls->server_hello);
    s->finished |= s->changed;
}

/** A record header is here: decides what to do with the body. */
static void on_header(struct tls *tls, enum observe_side side, const struct unit *unit)
{
    struct tls_side *s = &tls->side[side];
    struct cursor c = cursor_make(unit->bytes, unit->length);

    if (!tls_is_record(unit->bytes, unit->length)) {
        tls->foreign |= side == OBSERVE_CLIENT && !tls->hello_begun && !s->resynced;
        tls_lose(tls, side);
        return;
    }
    s->type = cursor_u8(&c);
    cursor_be16(&c);
    s->length = cursor_be16(&c);
    s->left = s->length;
    s->counts = false;
    s->position = TLS_IN_RECORD;
    switch (s->type) {
    case TLS_CHANGE_CIPHER_SPEC:
        s->changed = true;
        break;
    case TLS_ALERT:
        note_alert(tls, side, unit);
        s->position = s->length == 2 ? TLS_IN_BODY : TLS_IN_RECORD;
        break;
    case TLS_HANDSHAKE:
        /* Also after ChangeCipherSpec, which TLS 1.3 sends before a second hello (RFC 8446
         * appendix D.4). */
        if (s->reads_hello) {
            s->position = TLS_IN_BODY;
        } else {
            on_closed_handshake(tls, side);
        }
        if (side == OBSERVE_CLIENT) {
            begin_hello(tls, unit);
        }
        break;
    case TLS_APPLICATION_DATA:
        tls_application_record(tls, side, unit->frame, unit->time_ns);
        break;
    default:
        break;
    }
    if (s->length == 0) {
        s->position = TLS_AT_HEADER;
    }
}

/** A ClientHello in SSL 2.0 framing (RFC 5246 appendix E.2) begins; it has no JA4. */
static void on_sslv2_header(struct tls *tls, const struct unit *unit)
{
    struct tls_side *s = &tls->side[OBSERVE_CLIENT];
    struct cursor c = cursor_make(unit->bytes, unit->length);

    s->sslv2 = false;
    s->type = TLS_HANDSHAKE;
    s->length = cursor_be16(&c) & 0x7fff;
    s->left = s->length;
    s->position = TLS_IN_RECORD;
    s->unreadable = true;
    begin_hello(tls, unit);
}

static struct want tls_want(const void *state, enum observe_side side)
{
    const struct tls *tls = state;
    const struct tls_side *s = &tls->side[side];

    if (tls->foreign) {
        return (struct want){.kind = WANT_OPAQUE};
    }
    switch (s->position) {
    case TLS_AT_HEADER:
        return (struct want){.kind = WANT_BYTES,
                             .length = s->sslv2 ? SSLV2_HEADER : TLS_RECORD_HEADER};
    case TLS_IN_BODY:
        return (struct want){.kind = WANT_BYTES, .length = s->length};
    case TLS_IN_RECORD:
        return (struct want){.kind = WANT_SKIP, .length = s->left, .app = s->counts};
    case TLS_LOST:
        break;
    }
    return (struct want){.kind = WANT_RESYNC, .app = tls_stage(tls) == WHYRST_TLS_ESTABLISHED};
}

static void tls_unit(void *state, enum observe_side side, const struct unit *unit)
{
    struct tls *tls = state;
    struct tls_side *s = &tls->side[side];

    if (s->position == TLS_IN_BODY) {
        s->position = TLS_AT_HEADER;
        if (s->type == TLS_ALERT) {
            on_alert(tls, side, unit);
        } else {
            on_handshake(tls, side, unit);
        }
    } else if (s->sslv2) {
        on_sslv2_header(tls, unit);
    } else {
        on_header(tls, side, unit);
    }
}

/** A record whose bytes were not read is over. */
static void tls_skipped(void *state, enum observe_side side, uint64_t frame, int64_t time_ns)
{
    struct tls *tls = state;
    struct tls_side *s = &tls->side[side];

    s->position = TLS_AT_HEADER;
    if (!s->unreadable) {
        return;
    }
    s->unreadable = false;
    if (side == OBSERVE_CLIENT) {
        complete_hello(tls, frame, time_ns);
    } else {
        tls->server_hello = true;
        tls->side[OBSERVE_CLIENT].reads_hello = false;
    }
}

/** A record's boundary survives missing bytes of its body, but no missing header. */
static void tls_hole(void *state, enum observe_side side, uint64_t got)
{
    struct tls *tls = state;
    struct tls_side *s = &tls->side[side];

    if (s->position != TLS_IN_BODY) {
        tls_lose(tls, side);
        return;
    }
    s->position = TLS_IN_RECORD;
    s->left = (uint16_t)(s->length - got);
    if (s->type == TLS_HANDSHAKE) {
        s->unreadable = true;
        s->reads_hello = false;
        drop_message(s);
    }
}

static bool tls_resync(void *state, enum observe_side side, const uint8_t *bytes, size_t length)
{
    struct tls *tls = state;

    if (!tls_is_record(bytes, length)) {
        return false;
    }
    tls->side[side].position = TLS_AT_HEADER;
    return true;
}

static void tls_held(void *state, enum observe_side side, const uint8_t *bytes, size_t length)
{
    (void)state, (void)side, (void)bytes, (void)length; /* TLS never holds */
}

const struct parser tls_parser = {
    .want = tls_want,
    .unit = tls_unit,
    .skipped = tls_skipped,
    .hole = tls_hole,
    .held = tls_held,
    .resync = tls_resync,
};

static struct cursor kept_bytes(const struct stream *stream)
{
    return stream->kept ? cursor_make(stream->kept->bytes, stream->kept->length)
                        : cursor_make(NULL, 0);
}

void tls_describe(const struct tls *tls, const struct stream streams[2], struct observe_state *out)
{
    bool inside[2];
    enum whyrst_tls_stage stage = tls_stage(tls);

    for (int side = 0; side < 2; side++) {
        const struct tls_side *s = &tls->side[side];
        struct observe_side_state *o = &out->side[side];
        struct cursor kept = kept_bytes(&streams[side]);
        bool header = s->position == TLS_AT_HEADER && cursor_left(&kept) > 0;
        bool body = s->position == TLS_IN_BODY || s->position == TLS_IN_RECORD;

        o->app_bytes = streams[side].app_bytes;
        o->last_app_frame = streams[side].app_frame;
        o->last_app_time_ns = streams[side].app_time_ns;
        o->records = s->records;
        o->full_record = s->full;
        o->lost = s->position == TLS_LOST ||
                  (side == OBSERVE_CLIENT && tls->end_lost && stage != WHYRST_TLS_ESTABLISHED);
        inside[side] = (body && s->counts) || (header && cursor_u8(&kept) == TLS_APPLICATION_DATA);
    }
    out->tls = true;
    out->tls_stage = stage;
    out->phase = tls_phase(tls, inside, &out->exact);
    out->hello = tls->hello;
    out->hello_retry = tls->hello_retry;
    out->hello_split = tls->hello_split;
    out->hello_frame = tls->hello_frame;
    out->hello_time_ns = tls->hello_time_ns;
    out->alert = tls->alert;
}
