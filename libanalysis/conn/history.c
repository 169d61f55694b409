/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conn/history.h"

#include <string.h>

#include <glib.h>

/* The history is kept by key side (lower case side 0); letters are turned by role when read, since
 * the role may become certain only later. */

static void add_letter(struct conn *conn, unsigned side, char letter)
{
    size_t length = strnlen(conn->history, CONN_HISTORY);
    char c = side == 1 ? g_ascii_toupper(letter) : letter;

    if (length < CONN_HISTORY && !memchr(conn->history, c, length)) {
        conn->history[length] = c;
    }
}

static char flag_letter(uint8_t flags)
{
    if ((flags & WHYRST_TCP_SYN) && (flags & (WHYRST_TCP_FIN | WHYRST_TCP_RST))) {
        return 'q';
    }
    if ((flags & WHYRST_TCP_FIN) && (flags & WHYRST_TCP_RST)) {
        return 'i';
    }
    if (flags & WHYRST_TCP_SYN) {
        return flags & WHYRST_TCP_ACK ? 'h' : 's';
    }
    return flags & WHYRST_TCP_RST ? 'r' : '\0';
}

void history_add(struct conn *conn, unsigned side, const struct whyrst_segment *segment,
                 const struct conn_event *event)
{
    char letter = flag_letter(segment->flags);

    if (letter) {
        add_letter(conn, side, letter);
    }
    if (segment->payload_length > 0 && !event->keepalive && letter != 'r') {
        add_letter(conn, side, event->retransmission ? 't' : 'd');
    } else if (!letter && (segment->flags & WHYRST_TCP_ACK) && !(segment->flags & WHYRST_TCP_FIN)) {
        add_letter(conn, side, 'a');
    }
    if ((segment->flags & WHYRST_TCP_FIN) && letter != 'i' && letter != 'q') {
        add_letter(conn, side, 'f');
    }
    if (segment->window == 0 && !letter) {
        add_letter(conn, side, 'w');
    }
}

/* States as in Zeek's conn.log: S0 no answer, REJ refused, SF normal, S1 open, S2/S3 half closed,
 * RSTO/RSTR reset by originator/responder, RSTOS0/RSTRH reset in the handshake, SH/SHR half-seen
 * handshakes, OTH no SYN seen. */
const char *history_state(const struct conn *conn)
{
    const struct endpoint *originator = &conn->side[conn->client];
    const struct endpoint *responder = &conn->side[!conn->client];
    bool syn = conn->flags & CONN_SYN;
    bool answered = conn->flags & CONN_SYN_ACK;

    if (!syn && !answered) {
        return "OTH";
    }
    if (responder->flags & ENDPOINT_RST) {
        if (!syn) {
            return "RSTRH";
        }
        return answered || (conn->flags & CONN_ESTABLISHED) ? "RSTR" : "REJ";
    }
    if (originator->flags & ENDPOINT_RST) {
        return answered || (conn->flags & CONN_ESTABLISHED) ? "RSTO" : "RSTOS0";
    }
    if (!answered && !(conn->flags & CONN_ESTABLISHED)) {
        return originator->flags & ENDPOINT_FIN ? "SH" : "S0";
    }
    if (!syn) {
        return responder->flags & ENDPOINT_FIN ? "SHR" : "OTH";
    }
    if ((originator->flags & ENDPOINT_FIN) && (responder->flags & ENDPOINT_FIN)) {
        return "SF";
    }
    if (originator->flags & ENDPOINT_FIN) {
        return "S2";
    }
    return responder->flags & ENDPOINT_FIN ? "S3" : "S1";
}
