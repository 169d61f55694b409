/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Remote Desktop up to the security it negotiates (MS-RDPBCGR section 2.2.1): one request in TPKT
 * and X.224, one answer; TLS follows unless standard security was chosen. */
#include "observe/prologue.h"

#include "bytes/cursor.h"

enum {
    RDP_HEADER,
    RDP_BODY,
    RDP_WAIT,
    RDP_HEADER_LENGTH = 4, /* TPKT: version 3, 0, length */
    RDP_LENGTH_MIN = 11,
    RDP_LENGTH_MAX = 512,
    X224_CONFIRM = 0xd0,
    X224_FIXED = 5, /* references and class, after length and code */
    NEGOTIATION_RESPONSE = 2,
    NEGOTIATION_FAILURE = 3,
};

static struct want rdp_want(const struct prologue *p, enum observe_side side)
{
    switch (p->step[side]) {
    case RDP_HEADER:
        return (struct want){.kind = WANT_BYTES, .length = RDP_HEADER_LENGTH};
    case RDP_BODY:
        return (struct want){.kind = WANT_BYTES, .length = p->need[side]};
    default:
        return (struct want){.kind = WANT_HOLD};
    }
}

static void on_answer(struct prologue *p, struct cursor c)
{
    uint8_t code;
    uint8_t type;
    uint32_t protocol;

    cursor_u8(&c);
    code = cursor_u8(&c);
    cursor_skip(&c, X224_FIXED);
    type = cursor_u8(&c);
    cursor_skip(&c, 3); /* flags, length */
    protocol = cursor_be32(&c);
    if (c.failed || code != X224_CONFIRM || !p->owed) {
        p->progress = PROLOGUE_FOREIGN;
    } else if (type == NEGOTIATION_RESPONSE && protocol != 0) {
        prologue_grant(p);
    } else {
        p->progress = type == NEGOTIATION_FAILURE ? PROLOGUE_REFUSED : PROLOGUE_FOREIGN;
    }
    prologue_message(p, OBSERVE_SERVER);
}

static void rdp_unit(struct prologue *p, enum observe_side side, const struct unit *unit)
{
    struct cursor c = cursor_make(unit->bytes, unit->length);
    uint16_t length;

    if (p->step[side] == RDP_HEADER) {
        cursor_be16(&c);
        length = cursor_be16(&c);
        if (length < RDP_LENGTH_MIN || length > RDP_LENGTH_MAX) {
            p->progress = PROLOGUE_FOREIGN;
        } else {
            prologue_next(p, side, RDP_BODY, length - RDP_HEADER_LENGTH);
        }
        return;
    }
    prologue_next(p, side, RDP_WAIT, 0);
    if (side == OBSERVE_SERVER) {
        on_answer(p, c);
    } else {
        prologue_message(p, side);
    }
}

const struct dialogue rdp_dialogue = {
    .want = rdp_want,
    .unit = rdp_unit,
};
