/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SOCKS 4, 4a and 5 up to the proxy's word that the tunnel stands. */
#include "observe/prologue.h"

#include <string.h>

#include <glib.h>

#include "bytes/cursor.h"
#include "observe/proxied.h"

static struct want bytes(uint32_t length)
{
    return (struct want){.kind = WANT_BYTES, .length = length};
}

/** Where it is noted: not of a proxy behind another one's tunnel. */
static struct observe_proxy *noted(const struct prologue *p)
{
    return p->within ? NULL : p->proxy;
}

/** The client begins to ask. */
static void ask(struct prologue *p, enum observe_proxy_kind kind)
{
    if (!p->within) {
        proxied_ask(&p->proxy, kind);
    }
}

/** The proxy's final answer is complete. */
static void conclude(struct prologue *p)
{
    prologue_message(p, OBSERVE_SERVER);
    if (p->failed) {
        p->progress = PROLOGUE_REFUSED;
        return;
    }
    p->tunnel = true;
    prologue_grant(p);
}

/*
 * SOCKS 4: version, command, port, address, user name and NUL; where the address is 0.0.0.x, a host
 * name and NUL (4a). The answer has 8 bytes, the second of which is 90 for success.
 */
enum {
    SOCKS4_REQUEST,
    SOCKS4_USER,
    SOCKS4_HOST,
    SOCKS4_WAIT,
    SOCKS4_LENGTH = 8,
    SOCKS4_TEXT_MAX = 512,
    SOCKS4_GRANTED = 90,
    SOCKS4_LAST_CODE = 93,
};

static struct want socks4_want(const struct prologue *p, enum observe_side side)
{
    if (side == OBSERVE_SERVER) {
        return bytes(SOCKS4_LENGTH);
    }
    switch (p->step[side]) {
    case SOCKS4_REQUEST:
        return bytes(SOCKS4_LENGTH);
    case SOCKS4_WAIT:
        return (struct want){.kind = WANT_HOLD};
    default:
        return (struct want){.kind = WANT_UNTIL, .length = SOCKS4_TEXT_MAX, .stop = '\0'};
    }
}

static void socks4_answer(struct prologue *p, const struct unit *unit)
{
    struct cursor c = cursor_make(unit->bytes, unit->length);
    uint8_t version = cursor_u8(&c);
    uint8_t code = cursor_u8(&c);

    if (!p->owed || version != 0 || code < SOCKS4_GRANTED || code > SOCKS4_LAST_CODE) {
        p->progress = PROLOGUE_FOREIGN;
        return;
    }
    p->failed = code != SOCKS4_GRANTED;
    proxied_answer(noted(p), !p->failed, code, unit->frame);
    conclude(p);
}

static void socks4_unit(struct prologue *p, enum observe_side side, const struct unit *unit)
{
    struct cursor c = cursor_make(unit->bytes, unit->length);
    uint32_t address;

    if (side == OBSERVE_SERVER) {
        socks4_answer(p, unit);
        return;
    }
    if (unit->cut) {
        p->progress = PROLOGUE_FOREIGN;
        return;
    }
    if (p->step[side] == SOCKS4_REQUEST) {
        cursor_skip(&c, 2);
        p->port = cursor_be16(&c);
        address = cursor_be32(&c);
        ask(p, OBSERVE_PROXY_SOCKS4);
        proxied_address(noted(p), unit->bytes + 4, 4, p->port);
        prologue_next(p, side, SOCKS4_USER, address > 0 && address < 256);
    } else if (p->step[side] == SOCKS4_USER && p->need[side]) {
        prologue_next(p, side, SOCKS4_HOST, 0);
    } else {
        if (p->step[side] == SOCKS4_HOST) {
            proxied_target(noted(p), unit->bytes, unit->length - 1, p->port);
        }
        prologue_next(p, side, SOCKS4_WAIT, 0);
        prologue_message(p, side);
    }
}

const struct dialogue socks4_dialogue = {
    .want = socks4_want,
    .unit = socks4_unit,
};

/*
 * SOCKS 5 (RFC 1928, RFC 1929): the client offers methods, the proxy chooses one; user name and
 * password where chosen; then the request and its answer, which both end with an address.
 */
enum {
    SOCKS5_FIRST,    /* version, number of methods | version, method */
    SOCKS5_METHODS,  /* the methods */
    SOCKS5_LOGIN,    /* version, length of the user name | version, status */
    SOCKS5_USER,     /* user name, length of the password */
    SOCKS5_PASSWORD, /* password */
    SOCKS5_REQUEST,  /* version, command or reply, reserved, address type, first byte of it */
    SOCKS5_ADDRESS,  /* the rest of the address, port */
    SOCKS5_WAIT,
    SOCKS5_NO_LOGIN = 0,
    SOCKS5_USER_LOGIN = 2,
    SOCKS5_NO_METHOD = 0xff,
    SOCKS5_CONNECT = 1,
    SOCKS5_NAME = 3,
};

static struct want socks5_want(const struct prologue *p, enum observe_side side)
{
    switch (p->step[side]) {
    case SOCKS5_FIRST:
    case SOCKS5_LOGIN:
        return bytes(2);
    case SOCKS5_REQUEST:
        return bytes(5);
    case SOCKS5_WAIT:
        return (struct want){.kind = WANT_HOLD};
    default:
        return bytes(p->need[side]);
    }
}

/** Bytes after the first one of an address of @type, port included; 0: no such type. */
static uint32_t socks5_rest(uint8_t type, uint8_t first)
{
    switch (type) {
    case 1:
        return 3 + 2;
    case SOCKS5_NAME:
        return first + 2u;
    case 4:
        return 15 + 2;
    default:
        return 0;
    }
}

/** The head of a request or of its answer. */
static void socks5_head(struct prologue *p, enum observe_side side, const struct unit *unit)
{
    struct cursor c = cursor_make(unit->bytes, unit->length);
    uint8_t version = cursor_u8(&c);
    uint8_t code = cursor_u8(&c);
    uint8_t reserved = cursor_u8(&c);
    uint8_t type = cursor_u8(&c);
    uint8_t first = cursor_u8(&c);
    uint32_t rest = socks5_rest(type, first);

    /* BIND and UDP ASSOCIATE lead to no tunnel on this connection. */
    if (version != 5 || reserved != 0 || rest == 0 ||
        (side == OBSERVE_CLIENT && code != SOCKS5_CONNECT)) {
        p->progress = PROLOGUE_FOREIGN;
        return;
    }
    if (side == OBSERVE_SERVER) {
        p->failed = code != 0;
        proxied_answer(noted(p), !p->failed, code, unit->frame);
    } else {
        p->address[0] = type;
        p->address[1] = first;
    }
    prologue_next(p, side, SOCKS5_ADDRESS, rest);
}

/** The request's address is complete: its first byte came with the head. */
static void socks5_target(struct prologue *p, const struct unit *unit)
{
    const uint8_t *port = unit->bytes + unit->length - 2;
    uint8_t address[16] = {p->address[1]};

    p->port = (uint16_t)(port[0] << 8 | port[1]);
    if (p->address[0] == SOCKS5_NAME) {
        proxied_target(noted(p), unit->bytes, unit->length - 2, p->port);
    } else if (unit->length - 2 < sizeof address) {
        memcpy(address + 1, unit->bytes, unit->length - 2);
        proxied_address(noted(p), address, unit->length - 1, p->port);
    }
}

static void socks5_client(struct prologue *p, const struct unit *unit)
{
    struct cursor c = cursor_make(unit->bytes, unit->length);
    const enum observe_side side = OBSERVE_CLIENT;

    switch (p->step[side]) {
    case SOCKS5_FIRST:
        cursor_u8(&c);
        prologue_next(p, side, SOCKS5_METHODS, cursor_u8(&c));
        return;
    case SOCKS5_LOGIN:
        cursor_u8(&c);
        prologue_next(p, side, SOCKS5_USER, cursor_u8(&c) + 1u);
        return;
    case SOCKS5_USER:
        cursor_skip(&c, unit->length - 1);
        prologue_next(p, side, SOCKS5_PASSWORD, cursor_u8(&c));
        if (p->need[side] > 0) {
            return;
        }
        break;
    case SOCKS5_REQUEST:
        socks5_head(p, side, unit);
        return;
    case SOCKS5_ADDRESS:
        socks5_target(p, unit);
        break;
    case SOCKS5_METHODS:
        ask(p, OBSERVE_PROXY_SOCKS5);
        break;
    default:
        break;
    }
    prologue_next(p, side, SOCKS5_WAIT, 0);
    prologue_message(p, side);
}

/** The answer to a message before the request: the client's next step, SOCKS5_WAIT for the end. */
static void socks5_go_on(struct prologue *p, uint8_t client_step, uint8_t server_step)
{
    prologue_message(p, OBSERVE_SERVER);
    p->step[OBSERVE_CLIENT] = client_step;
    p->step[OBSERVE_SERVER] = server_step;
}

/** The dialogue ends before the request. */
static void socks5_refuse(struct prologue *p, uint16_t reply, uint64_t frame)
{
    prologue_message(p, OBSERVE_SERVER);
    p->progress = PROLOGUE_REFUSED;
    proxied_answer(noted(p), false, reply, frame);
}

static void socks5_method(struct prologue *p, uint8_t method, uint64_t frame)
{
    switch (method) {
    case SOCKS5_NO_LOGIN:
        socks5_go_on(p, SOCKS5_REQUEST, SOCKS5_REQUEST);
        break;
    case SOCKS5_USER_LOGIN:
        socks5_go_on(p, SOCKS5_LOGIN, SOCKS5_LOGIN);
        break;
    case SOCKS5_NO_METHOD:
        socks5_refuse(p, OBSERVE_SOCKS5_NO_METHOD, frame);
        break;
    default:
        p->progress = PROLOGUE_FOREIGN; /* GSS-API and private methods may wrap all that follows */
        break;
    }
}

static void socks5_server(struct prologue *p, const struct unit *unit)
{
    struct cursor c = cursor_make(unit->bytes, unit->length);
    uint8_t version = cursor_u8(&c);
    uint8_t code = cursor_u8(&c);

    if (!p->owed) {
        p->progress = PROLOGUE_FOREIGN;
        return;
    }
    switch (p->step[OBSERVE_SERVER]) {
    case SOCKS5_FIRST:
        if (version == 5) {
            socks5_method(p, code, unit->frame);
        } else {
            p->progress = PROLOGUE_FOREIGN;
        }
        break;
    case SOCKS5_LOGIN:
        if (code == 0) {
            socks5_go_on(p, SOCKS5_REQUEST, SOCKS5_REQUEST);
        } else {
            socks5_refuse(p, OBSERVE_SOCKS5_LOGIN, unit->frame);
        }
        break;
    case SOCKS5_REQUEST:
        socks5_head(p, OBSERVE_SERVER, unit);
        break;
    default:
        conclude(p);
        break;
    }
}

static void socks5_unit(struct prologue *p, enum observe_side side, const struct unit *unit)
{
    if (side == OBSERVE_CLIENT) {
        socks5_client(p, unit);
    } else {
        socks5_server(p, unit);
    }
}

const struct dialogue socks5_dialogue = {
    .want = socks5_want,
    .unit = socks5_unit,
};
