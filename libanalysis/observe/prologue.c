/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all prologues share: bounds, the way over to the next protocol, phases; and those that are
 * too short for a file of their own.
 */
#include "observe/prologue.h"

#include <glib.h>

#include "bytes/cursor.h"
#include "bytes/zeroed.h"
#include "limits.h"

void prologue_next(struct prologue *p, enum observe_side side, uint8_t step, uint32_t need)
{
    p->step[side] = step;
    p->need[side] = need;
    p->inside[side] = true;
}

void prologue_message(struct prologue *p, enum observe_side side)
{
    p->inside[side] = false;
    p->owed = side == OBSERVE_CLIENT;
}

void prologue_grant(struct prologue *p)
{
    p->progress = PROLOGUE_GRANTED;
    p->left[OBSERVE_CLIENT] = true;
    p->left[OBSERVE_SERVER] = true;
}

static struct want bytes(uint32_t length)
{
    return (struct want){.kind = WANT_BYTES, .length = length};
}

/*
 * The PROXY header (haproxy.org, proxy-protocol.txt): a line, or 12 fixed bytes, version, family,
 * a length, and addresses. Nobody answers it.
 */
enum {
    PROXY_FIRST,
    PROXY_LINE,
    PROXY_BINARY,
    PROXY_ADDRESSES,
    PROXY_LINE_MAX = 107, /* section 2.1 */
    PROXY_BINARY_REST = 15,
};

static struct want proxy_want(const struct prologue *p, enum observe_side side)
{
    switch (p->step[side]) {
    case PROXY_LINE:
        return (struct want){.kind = WANT_UNTIL, .length = PROXY_LINE_MAX, .stop = '\n'};
    case PROXY_BINARY:
        return bytes(PROXY_BINARY_REST);
    case PROXY_ADDRESSES:
        return (struct want){.kind = WANT_SKIP, .length = p->need[side]};
    default:
        return bytes(1);
    }
}

static void proxy_unit(struct prologue *p, enum observe_side side, const struct unit *unit)
{
    struct cursor c = cursor_make(unit->bytes, unit->length);
    uint16_t addresses;

    switch (p->step[side]) {
    case PROXY_FIRST:
        prologue_next(p, side, cursor_u8(&c) == 'P' ? PROXY_LINE : PROXY_BINARY, 0);
        return;
    case PROXY_BINARY:
        cursor_skip(&c, PROXY_BINARY_REST - 2);
        addresses = cursor_be16(&c);
        if (addresses > 0) {
            prologue_next(p, side, PROXY_ADDRESSES, addresses);
            return;
        }
        break;
    default:
        break;
    }
    p->left[side] = !unit->cut;
    p->progress = unit->cut ? PROLOGUE_FOREIGN : PROLOGUE_GRANTED;
}

static void proxy_skipped(struct prologue *p, enum observe_side side)
{
    p->left[side] = true;
    p->progress = PROLOGUE_GRANTED;
}

static const struct dialogue proxy_dialogue = {
    .want = proxy_want,
    .unit = proxy_unit,
    .skipped = proxy_skipped,
};

/*
 * PostgreSQL: SSLRequest (8 bytes), answered by one byte: S yes, N no. GSSENCRequest may come
 * before and be refused. (PostgreSQL manual, "SSL Session Encryption".)
 */
enum {
    POSTGRESQL_REQUEST = 8,
    POSTGRESQL_ANSWER = 1,
};

static struct want postgresql_want(const struct prologue *p, enum observe_side side)
{
    if (side == OBSERVE_SERVER) {
        return bytes(POSTGRESQL_ANSWER);
    }
    return p->owed ? (struct want){.kind = WANT_HOLD} : bytes(POSTGRESQL_REQUEST);
}

static void postgresql_unit(struct prologue *p, enum observe_side side, const struct unit *unit)
{
    struct cursor c = cursor_make(unit->bytes, unit->length);
    uint8_t answer;

    if (side == OBSERVE_CLIENT) {
        p->progress = detect_start(side, unit->bytes, unit->length) == DETECT_POSTGRESQL
                          ? PROLOGUE_ASKED
                          : PROLOGUE_FOREIGN;
        prologue_message(p, side);
        return;
    }
    answer = cursor_u8(&c);
    prologue_message(p, side);
    if (p->progress != PROLOGUE_ASKED) {
        p->progress = PROLOGUE_FOREIGN;
    } else if (answer == 'S') {
        prologue_grant(p);
    } else {
        p->progress = answer == 'N' ? PROLOGUE_TALKING : PROLOGUE_FOREIGN;
    }
}

static const struct dialogue postgresql_dialogue = {
    .want = postgresql_want,
    .unit = postgresql_unit,
};

/*
 * MySQL: the server greets; a client that wants TLS sends the first 32 bytes of its login with
 * CLIENT_SSL set, and its ClientHello at once (MySQL internals, "Protocol::SSLRequest").
 */
enum {
    MYSQL_HEADER,
    MYSQL_BODY,
    MYSQL_GREETED,
    MYSQL_HEADER_LENGTH = 4,
    MYSQL_SSL_REQUEST = 32,
    MYSQL_CLIENT_SSL = 0x0800,
};

static struct want mysql_want(const struct prologue *p, enum observe_side side)
{
    switch (p->step[side]) {
    case MYSQL_HEADER:
        return bytes(MYSQL_HEADER_LENGTH);
    case MYSQL_BODY:
        return side == OBSERVE_CLIENT ? bytes(p->need[side])
                                      : (struct want){.kind = WANT_SKIP, .length = p->need[side]};
    default:
        return (struct want){.kind = WANT_HOLD};
    }
}

static uint32_t mysql_length(const struct unit *unit)
{
    struct cursor c = cursor_make(unit->bytes, unit->length);
    uint32_t length = cursor_u8(&c);

    length |= (uint32_t)cursor_u8(&c) << 8;
    return length | (uint32_t)cursor_u8(&c) << 16;
}

static void mysql_unit(struct prologue *p, enum observe_side side, const struct unit *unit)
{
    struct cursor c = cursor_make(unit->bytes, unit->length);
    uint32_t length;

    if (p->step[side] == MYSQL_HEADER) {
        length = mysql_length(unit);
        if (side == OBSERVE_CLIENT ? length == MYSQL_SSL_REQUEST : length > 0) {
            prologue_next(p, side, MYSQL_BODY, length);
        } else {
            p->progress = PROLOGUE_FOREIGN;
        }
        return;
    }
    cursor_u8(&c);
    if (cursor_u8(&c) & MYSQL_CLIENT_SSL >> 8) {
        prologue_grant(p);
    } else {
        p->progress = PROLOGUE_FOREIGN;
    }
    prologue_message(p, side);
}

static void mysql_skipped(struct prologue *p, enum observe_side side)
{
    p->step[side] = MYSQL_GREETED;
    prologue_message(p, side);
}

static const struct dialogue mysql_dialogue = {
    .want = mysql_want,
    .unit = mysql_unit,
    .skipped = mysql_skipped,
};

static const struct dialogue *dialogue_of(const struct prologue *p)
{
    switch (p->kind) {
    case DETECT_PROXY:
        return &proxy_dialogue;
    case DETECT_SOCKS4:
        return &socks4_dialogue;
    case DETECT_SOCKS5:
        return &socks5_dialogue;
    case DETECT_POSTGRESQL:
        return &postgresql_dialogue;
    case DETECT_MYSQL:
        return &mysql_dialogue;
    case DETECT_LDAP:
        return &ldap_dialogue;
    case DETECT_RDP:
        return &rdp_dialogue;
    case DETECT_XMPP:
        return &xmpp_dialogue;
    default:
        return &text_dialogue;
    }
}

struct prologue *prologue_new(enum detected kind)
{
    struct prologue *p = zeroed_new(struct prologue);

    p->kind = kind;
    return p;
}

void prologue_free(struct prologue *p)
{
    if (p) {
        g_free(p->proxy);
        g_free(p);
    }
}

static struct want prologue_want(const void *state, enum observe_side side)
{
    const struct prologue *p = state;

    if (p->left[side]) {
        return (struct want){.kind = WANT_SWITCH};
    }
    if (p->progress == PROLOGUE_FOREIGN) {
        return (struct want){.kind = WANT_OPAQUE};
    }
    if (p->progress == PROLOGUE_REFUSED) {
        return (struct want){.kind = WANT_ALL};
    }
    if (p->lost[side]) {
        return (struct want){.kind = WANT_RESYNC};
    }
    return dialogue_of(p)->want(p, side);
}

static void prologue_unit(void *state, enum observe_side side, const struct unit *unit)
{
    struct prologue *p = state;

    dialogue_of(p)->unit(p, side, unit);
    p->bytes += (uint32_t)MIN(unit->length, LIMIT_PROLOGUE);
    if (p->bytes > LIMIT_PROLOGUE && p->progress != PROLOGUE_GRANTED) {
        p->progress = PROLOGUE_FOREIGN;
    }
    if (p->progress == PROLOGUE_FOREIGN && !p->within) {
        g_clear_pointer(&p->proxy, g_free); /* nobody was asked to be a proxy */
    }
}

static void prologue_skipped(void *state, enum observe_side side, uint64_t frame, int64_t time_ns)
{
    struct prologue *p = state;

    (void)frame, (void)time_ns;
    dialogue_of(p)->skipped(p, side);
}

/** Text goes on at the next line; messages of fixed shape cannot be found again. */
static void prologue_hole(void *state, enum observe_side side, uint64_t got)
{
    struct prologue *p = state;

    (void)got;
    p->lost[side] = true;
    p->inside[side] = false;
}

/** A client that starts TLS although the server's word for it was not seen. */
static void leave_early(struct prologue *p)
{
    p->left[OBSERVE_CLIENT] = true;
    p->left[OBSERVE_SERVER] |= p->lost[OBSERVE_SERVER] || p->progress == PROLOGUE_TALKING;
}

static void prologue_held(void *state, enum observe_side side, const uint8_t *bytes_held,
                          size_t length)
{
    struct prologue *p = state;

    if (side == OBSERVE_CLIENT && detect_is_client_hello(bytes_held, length)) {
        leave_early(p);
    } else if (p->turn && !detect_may_be_client_hello(bytes_held, length)) {
        p->turn = false;
    }
}

static bool prologue_resync(void *state, enum observe_side side, const uint8_t *start,
                            size_t length)
{
    struct prologue *p = state;

    if (side == OBSERVE_CLIENT && detect_is_client_hello(start, length)) {
        leave_early(p);
        return true;
    }
    if (!dialogue_of(p)->text) {
        return false;
    }
    p->lost[side] = false;
    return true;
}

const struct parser prologue_parser = {
    .want = prologue_want,
    .unit = prologue_unit,
    .skipped = prologue_skipped,
    .hole = prologue_hole,
    .held = prologue_held,
    .resync = prologue_resync,
};

static enum observe_phase prologue_phase(const struct prologue *p, bool request, bool response)
{
    if (p->kind == DETECT_PROXY && p->left[OBSERVE_CLIENT]) {
        return OBSERVE_PHASE_NO_DATA; /* the header is no one's payload */
    }
    if (p->progress == PROLOGUE_GRANTED || p->progress == PROLOGUE_REFUSED) {
        return OBSERVE_PHASE_COMPLETE;
    }
    if (p->lost[OBSERVE_CLIENT] || p->lost[OBSERVE_SERVER] ||
        (dialogue_of(p)->text && p->progress != PROLOGUE_ASKED)) {
        return OBSERVE_PHASE_UNKNOWN;
    }
    if (request) {
        return OBSERVE_PHASE_REQUEST;
    }
    if (response) {
        return OBSERVE_PHASE_RESPONSE;
    }
    return p->owed ? OBSERVE_PHASE_AWAITING : OBSERVE_PHASE_COMPLETE;
}

void prologue_describe(const struct prologue *p, const struct stream streams[2],
                       struct observe_state *out)
{
    const struct stream *client = &streams[OBSERVE_CLIENT];
    bool request = p->inside[OBSERVE_CLIENT] || (stream_kept_length(client) > 0 && !client->held);
    bool response = p->inside[OBSERVE_SERVER] || stream_kept_length(&streams[OBSERVE_SERVER]) > 0;

    out->phase = prologue_phase(p, request, response);
    out->exact = out->phase != OBSERVE_PHASE_UNKNOWN;
    out->side[OBSERVE_CLIENT].lost = p->lost[OBSERVE_CLIENT];
    out->side[OBSERVE_SERVER].lost = p->lost[OBSERVE_SERVER];
}
