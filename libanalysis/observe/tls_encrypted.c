/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What encrypted records say by type, size and order.
 *
 * Up to TLS 1.2 the record type is true: data is type 23, alerts are 21, and the first handshake
 * record after ChangeCipherSpec is the Finished. TLS 1.3 disguises all as type 23 (RFC 8446 section
 * 5.2), and the following rules stand in:
 *
 * - The client's Finished is its first type-23 record of just the size that the cipher suite gives
 *   a Finished (hash + 4 header + 1 type + tag). A client certificate and its proof come first and
 *   have other sizes. Clients that put all three into one record, or pad, send no record of that
 *   size: then the server's next record that is no alert shows that the handshake is done, or the
 *   third client record (certificate, proof and Finished never take more).
 * - Where the capture lost part of the client's flight, its Finished was most likely there: few
 *   clients have a certificate, and what follows in another size is data.
 * - A capture may lack the client's side: after more server records than its flight ever takes the
 *   handshake is taken for done.
 * - With 0-RTT, client records before the ServerHello, and those of other sizes before the
 *   Finished, are early data; EndOfEarlyData has a size of its own.
 * - A record of an alert's size (2 + 1 type + tag) is an alert, unless its sender goes on.
 * - After the Finished, the server's first records are NewSessionTickets: all (up to four) before
 *   the client's first request; afterwards the first one, if it comes as fast as the handshake did
 *   and has a ticket's size, and those of just the same size. Wrong guesses cost one small record.
 * - The Finished counts as accepted when the server sent anything but an alert after it, or when
 *   the client went on to a request and nothing came yet. An alert as the only answer means that
 *   the server refused the client's certificate: the handshake was never complete. Not where the
 *   client sent nothing before its Finished: one that is asked for a certificate sends at least an
 *   empty one (RFC 8446 section 4.4.2), so that alert ends a connection that was up.
 *
 * Who owes what: the side that sent the last message has the turn. Records of HTTP/2 control frames
 * (SETTINGS, WINDOW_UPDATE, PING) are no message: they are known by size, where ALPN allows HTTP/2.
 */
#include "observe/tls.h"

enum {
    CIPHER_AES_256_GCM_SHA384 = 0x1302,
    CIPHER_AES_128_CCM_8_SHA256 = 0x1305,
    TICKETS_MAX = 4,
    TICKET_LENGTH_MIN = 40, /* its fixed fields, a ticket of 10 bytes, type, tag */
    TICKET_LENGTH_MAX = 1024,
    END_OF_EARLY_DATA = 21,
    FLIGHT_MAX = 3,
    SERVER_FLIGHT_MAX = 24,
    FULL_LENGTH = 16384, /* RFC 8446 section 5.1: the largest plaintext */
    FULL_LENGTH_MIN = 1024,
    CONTROL_LENGTH_MAX = 50,   /* two WINDOW_UPDATEs (26 bytes) and up to 24 bytes of overhead */
    SETTINGS_LENGTH_MAX = 128, /* a server's first frames: SETTINGS and WINDOW_UPDATE */
    ONE_MILLISECOND_NS = 1000000,
    TURN_CLIENT = 1,
    TURN_SERVER = 2,
};

bool tls_is_13(const struct tls *tls)
{
    /* 0x7f..: drafts of TLS 1.3; 0xfb..: Facebook's. */
    if (tls->version != 0) {
        return tls->version == 0x0304 || tls->version >> 8 == 0x7f || tls->version >> 8 == 0xfb;
    }
    return !tls->legacy;
}

static unsigned tag_length(const struct tls *tls)
{
    return tls->cipher == CIPHER_AES_128_CCM_8_SHA256 ? 8 : 16;
}

static bool is_alert_length(const struct tls *tls, uint16_t length)
{
    return length == 2 + 1 + tag_length(tls);
}

static bool is_finished_length(const struct tls *tls, uint16_t length)
{
    unsigned overhead = 4 + 1 + tag_length(tls);

    if (tls->cipher == 0) {
        return length == 32 + overhead || length == 48 + overhead;
    }
    return length == (tls->cipher == CIPHER_AES_256_GCM_SHA384 ? 48 : 32) + overhead;
}

/** Notes the size of a record with data, and whether it says that more follows. */
static void note_length(struct tls_side *s)
{
    bool again = s->length == s->largest;

    s->full = s->length >= FULL_LENGTH || (again && s->length > FULL_LENGTH_MIN);
    if (s->length > s->largest) {
        s->largest = s->length;
    }
    s->records++;
}

/** Whether the record only steers the other side's transfer, and leaves the turn where it is: that
 * is HTTP/2's (where the ClientHello is missing, who knows), or comes while that transfer goes on.
 * After it, a small record of another protocol is an answer. */
static bool is_control(const struct tls *tls, enum observe_side side)
{
    const struct tls_side *s = &tls->side[side];
    const struct tls_side *peer = &tls->side[1 - side];
    bool peers_turn = tls->turn == (side == OBSERVE_CLIENT ? TURN_SERVER : TURN_CLIENT);

    if (!peers_turn) {
        return false;
    }
    if (s->length <= CONTROL_LENGTH_MAX) {
        return tls->offers_h2 || peer->full ||
               (peer->counts && (peer->position == TLS_IN_RECORD || !tls->hello_complete));
    }
    return tls->offers_h2 && side == OBSERVE_SERVER && s->records == 0 &&
           s->length <= SETTINGS_LENGTH_MAX;
}

/** The record carries application data. */
static void on_data(struct tls *tls, enum observe_side side)
{
    struct tls_side *s = &tls->side[side];

    if (!is_control(tls, side)) {
        tls->turn = side == OBSERVE_CLIENT ? TURN_CLIENT : TURN_SERVER;
    }
    note_length(s);
    s->counts = s->length > 0;
    if (tls->alert.probable && tls->alert.side == side) {
        tls->alert = (struct observe_alert){0}; /* nothing follows an alert that ends */
    }
}

static void on_probable_alert(struct tls *tls, enum observe_side side, uint64_t frame)
{
    tls->alert = (struct observe_alert){
        .frame = frame,
        .side = side,
        .encrypted = true,
        .probable = true,
    };
    tls->refused |= side == OBSERVE_SERVER && tls->finished13 && tls->flight > 0;
}

static void finish_13(struct tls *tls, int64_t time_ns)
{
    tls->finished13 = true;
    tls->finished_time_ns = time_ns;
}

/** TLS 1.3: a client record before its Finished is known. */
static void on_client_flight(struct tls *tls, int64_t time_ns)
{
    uint16_t length = tls->side[OBSERVE_CLIENT].length;

    if (tls->early_data && (!tls->server_hello || length == END_OF_EARLY_DATA)) {
        if (!tls->server_hello) {
            on_data(tls, OBSERVE_CLIENT);
        }
        return;
    }
    if (is_finished_length(tls, length)) {
        finish_13(tls, time_ns);
        return;
    }
    if (tls->early_data) {
        on_data(tls, OBSERVE_CLIENT);
        return;
    }
    tls->flight++;
    if (tls->flight > FLIGHT_MAX || tls->end_lost) {
        finish_13(tls, time_ns);
        on_data(tls, OBSERVE_CLIENT);
    }
}

/** TLS 1.3: whether a server record after the client's Finished is a NewSessionTicket. */
static bool is_ticket(struct tls *tls, int64_t time_ns)
{
    const struct tls_side *s = &tls->side[OBSERVE_SERVER];
    bool asked = tls->turn == TURN_CLIENT && tls->side[OBSERVE_CLIENT].records > 0;
    bool prompt = time_ns - tls->finished_time_ns <= 2 * tls->hello_delay_ns + ONE_MILLISECOND_NS;
    bool same = tls->tickets > 0 && s->length == tls->ticket_length;
    bool fits = s->length >= TICKET_LENGTH_MIN && s->length < TICKET_LENGTH_MAX;

    if (s->records > 0 || tls->tickets >= TICKETS_MAX) {
        return false;
    }
    if (asked && !same && (tls->tickets > 0 || !prompt || !fits)) {
        return false;
    }
    tls->tickets++;
    tls->ticket_length = s->length;
    return true;
}

static void on_server_13(struct tls *tls, uint64_t frame, int64_t time_ns)
{
    uint16_t length = tls->side[OBSERVE_SERVER].length;

    if (!tls->finished13 && tls->flight == 0 && !tls->end_lost) {
        /* EncryptedExtensions to Finished, and data sent before the client's Finished. */
        tls->server_flight++;
        tls->assumed = tls->server_flight > SERVER_FLIGHT_MAX;
        return;
    }
    if (is_alert_length(tls, length)) {
        on_probable_alert(tls, OBSERVE_SERVER, frame);
        return;
    }
    if (!tls->finished13) {
        finish_13(tls, time_ns);
    }
    tls->confirmed = true;
    if (!is_ticket(tls, time_ns)) {
        on_data(tls, OBSERVE_SERVER);
    }
}

static void on_client_13(struct tls *tls, uint64_t frame, int64_t time_ns)
{
    if (is_alert_length(tls, tls->side[OBSERVE_CLIENT].length)) {
        on_probable_alert(tls, OBSERVE_CLIENT, frame);
    } else if (!tls->finished13) {
        on_client_flight(tls, time_ns);
    } else {
        on_data(tls, OBSERVE_CLIENT);
    }
}

void tls_application_record(struct tls *tls, enum observe_side side, uint64_t frame,
                            int64_t time_ns)
{
    if (tls->assumed) {
        on_data(tls, side);
        return;
    }
    if (tls_is_13(tls)) {
        if (side == OBSERVE_CLIENT) {
            on_client_13(tls, frame, time_ns);
        } else {
            on_server_13(tls, frame, time_ns);
        }
        return;
    }
    /* Up to TLS 1.2 data follows the sender's Finished; a server waits for the client's as well,
     * while a client may send early (RFC 7918: false start). */
    tls->side[side].finished = true;
    tls->side[OBSERVE_CLIENT].finished = true;
    on_data(tls, side);
}

static enum whyrst_tls_stage stage_13(const struct tls *tls)
{
    if (!tls->finished13) {
        return WHYRST_TLS_SERVER_HELLO;
    }
    if (tls->confirmed || (tls->side[OBSERVE_CLIENT].records > 0 && !tls->refused)) {
        return WHYRST_TLS_ESTABLISHED;
    }
    return WHYRST_TLS_CLIENT_FINISHED;
}

enum whyrst_tls_stage tls_stage(const struct tls *tls)
{
    bool client = tls->side[OBSERVE_CLIENT].finished;
    bool server = tls->side[OBSERVE_SERVER].finished;

    if (tls->assumed || (client && server)) {
        return WHYRST_TLS_ESTABLISHED;
    }
    if (client) {
        return WHYRST_TLS_CLIENT_FINISHED;
    }
    if (tls->finished13) {
        return stage_13(tls);
    }
    if (tls->server_hello || server) {
        return WHYRST_TLS_SERVER_HELLO;
    }
    return tls->hello_complete ? WHYRST_TLS_CLIENT_HELLO : WHYRST_TLS_CLIENT_HELLO_PARTIAL;
}

/** After the handshake: inside a record the phase is certain, else the last message tells. */
static enum observe_phase data_phase(const struct tls *tls, const bool inside[2])
{
    const struct tls_side *client = &tls->side[OBSERVE_CLIENT];
    const struct tls_side *server = &tls->side[OBSERVE_SERVER];

    if (inside[OBSERVE_CLIENT] && inside[OBSERVE_SERVER]) {
        /* The small record of the two steers the large one's transfer. */
        return client->length > server->length ? OBSERVE_PHASE_REQUEST : OBSERVE_PHASE_RESPONSE;
    }
    if (inside[OBSERVE_SERVER]) {
        return OBSERVE_PHASE_RESPONSE;
    }
    if (inside[OBSERVE_CLIENT]) {
        return OBSERVE_PHASE_REQUEST;
    }
    switch (tls->turn) {
    case TURN_CLIENT:
        return client->full ? OBSERVE_PHASE_REQUEST : OBSERVE_PHASE_AWAITING;
    case TURN_SERVER:
        return server->full ? OBSERVE_PHASE_RESPONSE : OBSERVE_PHASE_COMPLETE;
    default:
        return OBSERVE_PHASE_NO_DATA;
    }
}

enum observe_phase tls_phase(const struct tls *tls, const bool inside[2], bool *exact)
{
    const struct tls_side *client = &tls->side[OBSERVE_CLIENT];
    const struct tls_side *server = &tls->side[OBSERVE_SERVER];
    enum whyrst_tls_stage stage = tls_stage(tls);
    bool guessed = tls->assumed || client->resynced || server->resynced;

    if (stage != WHYRST_TLS_ESTABLISHED &&
        (tls->end_lost || (tls->server_hello && client->position == TLS_LOST))) {
        *exact = false; /* the client's Finished may be in what is missing */
        return OBSERVE_PHASE_UNKNOWN;
    }
    if (stage != WHYRST_TLS_ESTABLISHED) {
        *exact = !guessed && (!tls_is_13(tls) || stage < WHYRST_TLS_CLIENT_FINISHED);
        return OBSERVE_PHASE_HANDSHAKE;
    }
    if (client->position == TLS_LOST || server->position == TLS_LOST) {
        *exact = false;
        return OBSERVE_PHASE_UNKNOWN;
    }
    *exact = !guessed && (inside[OBSERVE_CLIENT] || inside[OBSERVE_SERVER]);
    return data_phase(tls, inside);
}
