/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LDAP up to StartTLS (RFC 4511 section 4.14): messages are framed by BER, one extended operation
 * and its answer are read. */
#include "observe/prologue.h"

#include <string.h>

#include <glib.h>

#include "bytes/cursor.h"

enum {
    LDAP_HEADER,      /* tag and first length byte */
    LDAP_LONG_LENGTH, /* the other length bytes */
    LDAP_BODY,        /* a message short enough to be read */
    LDAP_LONG_BODY,   /* another */
    LDAP_WAIT,
    LDAP_SEQUENCE = 0x30,
    LDAP_INTEGER = 0x02,
    LDAP_ENUMERATED = 0x0a,
    LDAP_EXTENDED_REQUEST = 0x77,
    LDAP_EXTENDED_RESPONSE = 0x78,
    LDAP_READ_MAX = 512,
};

static const char start_tls[] = "1.3.6.1.4.1.1466.20037";

static struct want ldap_want(const struct prologue *p, enum observe_side side)
{
    switch (p->step[side]) {
    case LDAP_HEADER:
        return (struct want){.kind = WANT_BYTES, .length = 2};
    case LDAP_LONG_BODY:
        return (struct want){.kind = WANT_SKIP, .length = p->need[side]};
    case LDAP_WAIT:
        return (struct want){.kind = WANT_HOLD};
    default:
        return (struct want){.kind = WANT_BYTES, .length = p->need[side]};
    }
}

static void begin_body(struct prologue *p, enum observe_side side, uint32_t length)
{
    if (length == 0) {
        p->progress = PROLOGUE_FOREIGN;
        return;
    }
    prologue_next(p, side, length <= LDAP_READ_MAX ? LDAP_BODY : LDAP_LONG_BODY, length);
}

static void on_header(struct prologue *p, enum observe_side side, struct cursor c)
{
    uint8_t tag = cursor_u8(&c);
    uint8_t length = cursor_u8(&c);

    if (tag != LDAP_SEQUENCE || length == 0x80 || length > 0x84) {
        p->progress = PROLOGUE_FOREIGN;
    } else if (length > 0x80) {
        prologue_next(p, side, LDAP_LONG_LENGTH, length & 0x7f);
    } else {
        begin_body(p, side, length);
    }
}

static void on_long_length(struct prologue *p, enum observe_side side, struct cursor c)
{
    uint32_t length = 0;

    while (cursor_left(&c) > 0) {
        length = length << 8 | cursor_u8(&c);
    }
    begin_body(p, side, length);
}

/** A BER element with a length of up to four bytes. */
static struct cursor element(struct cursor *c, uint8_t *tag)
{
    uint32_t length;

    *tag = cursor_u8(c);
    length = cursor_u8(c);
    if (length > 0x80) {
        unsigned count = length & 0x7f;

        length = 0;
        for (unsigned i = 0; i < count && !c->failed; i++) {
            length = length << 8 | cursor_u8(c);
        }
    }
    return cursor_sub(c, length);
}

static bool is_start_tls(struct cursor operation)
{
    uint8_t tag;
    struct cursor name = element(&operation, &tag);

    return cursor_left(&name) == sizeof start_tls - 1 &&
           memcmp(name.at, start_tls, sizeof start_tls - 1) == 0;
}

static void on_body(struct prologue *p, enum observe_side side, struct cursor c)
{
    uint8_t tag;
    struct cursor operation;
    struct cursor result;

    (void)element(&c, &tag); /* messageID */
    if (tag != LDAP_INTEGER) {
        p->progress = PROLOGUE_FOREIGN;
        return;
    }
    operation = element(&c, &tag);
    if (side == OBSERVE_CLIENT) {
        if (tag == LDAP_EXTENDED_REQUEST && is_start_tls(operation)) {
            p->progress = PROLOGUE_ASKED;
            p->step[side] = LDAP_WAIT;
        }
        return;
    }
    if (tag != LDAP_EXTENDED_RESPONSE || p->progress != PROLOGUE_ASKED) {
        return;
    }
    result = element(&operation, &tag);
    p->progress = PROLOGUE_TALKING;
    p->step[OBSERVE_CLIENT] = LDAP_HEADER;
    if (tag == LDAP_ENUMERATED && cursor_u8(&result) == 0 && !result.failed) {
        prologue_grant(p);
    }
}

static void ldap_skipped(struct prologue *p, enum observe_side side)
{
    p->step[side] = LDAP_HEADER;
    prologue_message(p, side);
}

static void ldap_unit(struct prologue *p, enum observe_side side, const struct unit *unit)
{
    struct cursor c = cursor_make(unit->bytes, unit->length);

    switch (p->step[side]) {
    case LDAP_HEADER:
        on_header(p, side, c);
        break;
    case LDAP_LONG_LENGTH:
        on_long_length(p, side, c);
        break;
    default:
        ldap_skipped(p, side);
        on_body(p, side, c);
        break;
    }
}

const struct dialogue ldap_dialogue = {
    .want = ldap_want,
    .unit = ldap_unit,
    .skipped = ldap_skipped,
};
