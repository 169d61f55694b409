/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conn/history.h"

#include <string.h>

#include <glib.h>

/*
 * Letters are kept in five bits each, the first one lowest: their number, and the key's side. They
 * are turned by role when read, since the role may become certain only later.
 */
#define LETTER_BITS 5u
#define LETTER_MASK 0xfu
#define LETTER_SIDE 0x10u

enum letter { NO_LETTER, S, H, A, D, F, R, W, T, Q, I };

static const char letters[] = " shadfrwtqi";

_Static_assert(CONN_HISTORY *LETTER_BITS <= 64, "the history is one word");

static unsigned code_at(const struct conn *conn, unsigned place)
{
    return place < CONN_HISTORY ? conn->history >> place * LETTER_BITS & (LETTER_SIDE | LETTER_MASK)
                                : NO_LETTER;
}

static void add_letter(struct conn *conn, unsigned side, enum letter letter)
{
    unsigned code = (unsigned)letter | (side ? LETTER_SIDE : 0);
    unsigned at = 0;

    for (uint64_t rest = conn->history; rest; rest >>= LETTER_BITS) {
        if ((rest & (LETTER_SIDE | LETTER_MASK)) == code) {
            return;
        }
        at += LETTER_BITS;
    }
    if (at < CONN_HISTORY * LETTER_BITS) {
        conn->history |= (uint64_t)code << at;
    }
    conn->side[side].flags |=
        (letter == A ? ENDPOINT_LETTER_A : 0) | (letter == D ? ENDPOINT_LETTER_D : 0);
}

static enum letter flag_letter(uint8_t flags)
{
    if ((flags & WHYRST_TCP_SYN) && (flags & (WHYRST_TCP_FIN | WHYRST_TCP_RST))) {
        return Q;
    }
    if ((flags & WHYRST_TCP_FIN) && (flags & WHYRST_TCP_RST)) {
        return I;
    }
    if (flags & WHYRST_TCP_SYN) {
        return flags & WHYRST_TCP_ACK ? H : S;
    }
    return flags & WHYRST_TCP_RST ? R : NO_LETTER;
}

void history_add(struct conn *conn, unsigned side, const struct whyrst_segment *segment,
                 const struct conn_event *event)
{
    enum letter letter = flag_letter(segment->flags);
    bool fin = segment->flags & WHYRST_TCP_FIN;

    if (letter) {
        add_letter(conn, side, letter);
    } else if (fin) {
        add_letter(conn, side, F);
    } else if (segment->payload_length > 0) {
        add_letter(conn, side, D);
    } else if (segment->flags & WHYRST_TCP_ACK) {
        add_letter(conn, side, A);
    }
    if (segment->window == 0 && !(segment->flags & WHYRST_TCP_RST) &&
        !(conn->side[side].flags & ENDPOINT_RST) && !(conn->side[!side].flags & ENDPOINT_FIN)) {
        add_letter(conn, side, W);
    }
    if (segment->payload_length > 0 && !(segment->flags & WHYRST_TCP_RST) &&
        (event->retransmission || event->keepalive)) {
        add_letter(conn, side, T);
    }
}

/* Zeek's states of an endpoint (src/analyzer/protocol/tcp/TCP_Endpoint.h). */
enum state { INACTIVE, SYN_SENT, SYN_ACK_SENT, PARTIAL, ESTABLISHED, CLOSED, RESET };

/* One step of Zeek's state machine (TCPSessionAdapter::UpdateStateMachine()): @state of originator
 * and responder, @reset_after_fin of each. */
static void step_inactive(enum state state[2], unsigned side, char letter)
{
    switch (letter) {
    case 's':
    case 'h':
        if (side == 0) {
            state[0] = letter == 's' ? SYN_SENT : SYN_ACK_SENT;
        } else {
            state[0] = state[0] == SYN_SENT ? ESTABLISHED : state[0];
            state[1] = ESTABLISHED;
        }
        break;
    case 'f':
        state[side] = CLOSED;
        break;
    case 'r':
        state[side] = RESET;
        break;
    case 'a':
    case 'd':
        if (side == 1 && letter == 'a' && state[0] == SYN_SENT) {
            break; /* some stacks acknowledge a SYN before they answer it */
        }
        state[side] = state[!side] == ESTABLISHED ? ESTABLISHED : PARTIAL;
        break;
    default:
        break;
    }
}

static void step(enum state state[2], bool reset_after_fin[2], unsigned side, char letter)
{
    if (letter == 'i') {
        letter = 'r'; /* FIN and RST */
    }
    if (state[side] == INACTIVE) {
        step_inactive(state, side, letter);
    } else if (letter == 'f' && state[side] < CLOSED) {
        state[side] = CLOSED;
        if (state[!side] == RESET && reset_after_fin[!side]) {
            state[!side] = CLOSED; /* FIN, RST, the other's FIN: a normal end */
        }
    } else if (letter == 'r' && state[side] != RESET &&
               !(state[side] == CLOSED && state[!side] == CLOSED)) {
        reset_after_fin[side] = state[side] == CLOSED;
        state[side] = RESET;
    }
}

/* function conn_state() of base/protocols/conn/main.zeek. */
static const char *name_states(enum state originator, enum state responder, bool no_data,
                               bool syn_then_rst)
{
    bool o_inactive = originator == INACTIVE || originator == PARTIAL;
    bool r_inactive = responder == INACTIVE || responder == PARTIAL;

    if (responder == RESET) {
        if (originator == SYN_SENT || originator == SYN_ACK_SENT ||
            (originator == RESET && no_data)) {
            return "REJ";
        }
        return o_inactive ? "RSTRH" : "RSTR";
    }
    if (originator == RESET) {
        return !r_inactive ? "RSTO" : syn_then_rst ? "RSTOS0" : "OTH";
    }
    if (originator == CLOSED && responder == CLOSED) {
        return "SF";
    }
    if (originator == CLOSED) {
        return r_inactive ? "SH" : "S2";
    }
    if (responder == CLOSED) {
        return o_inactive ? "SHR" : "S3";
    }
    if (originator == SYN_SENT && responder == INACTIVE) {
        return "S0";
    }
    return originator == ESTABLISHED && responder == ESTABLISHED ? "S1" : "OTH";
}

void history_text(const struct conn *conn, char *text)
{
    unsigned i;

    for (i = 0; code_at(conn, i); i++) {
        char letter = letters[code_at(conn, i) & LETTER_MASK];
        bool originator = (code_at(conn, i) & LETTER_SIDE ? 1u : 0u) == conn->client;

        text[i] = originator ? g_ascii_toupper(letter) : letter;
    }
    text[i] = '\0';
}

const char *history_state(const struct conn *conn)
{
    enum state state[2] = {INACTIVE, INACTIVE};
    bool reset_after_fin[2] = {false, false};
    bool syn_only = false;
    bool syn_then_rst = false;
    uint32_t seen[2] = {0, 0};

    for (unsigned i = 0; code_at(conn, i); i++) {
        char letter = letters[code_at(conn, i) & LETTER_MASK];
        unsigned side = (code_at(conn, i) & LETTER_SIDE ? 1u : 0u) != conn->client;

        if (side == 0 && letter == 's' && i == 0) {
            syn_only = true;
        } else if (side == 0 && strchr("hafiq", letter)) {
            syn_only = false;
        } else if (side == 0 && letter == 'r' && syn_only) {
            syn_then_rst = true;
        }
        step(state, reset_after_fin, side, letter);
        seen[side] |= (letter == 'f' ? ENDPOINT_FIN : 0) |
                      (letter == 'r' || letter == 'i' ? ENDPOINT_RST : 0);
    }
    for (unsigned side = 0; side < 2; side++) { /* letters that had no room */
        uint32_t left = conn->side[side == 0 ? conn->client : !conn->client].flags & ~seen[side];

        if (left & ENDPOINT_FIN) {
            step(state, reset_after_fin, side, 'f');
        }
        if (left & ENDPOINT_RST) {
            step(state, reset_after_fin, side, 'r');
        }
    }
    return name_states(state[0], state[1], conn->side[0].bytes == 0 && conn->side[1].bytes == 0,
                       syn_then_rst);
}
