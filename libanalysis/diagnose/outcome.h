/* SPDX-License-Identifier: GPL-2.0-or-later */
/** What became of one connection, in the few words that matter across connections. */
#ifndef DIAGNOSE_OUTCOME_H
#define DIAGNOSE_OUTCOME_H

#include "diagnose/proxy.h"
#include "verdict/engine.h"
#include "verdict/retry.h"

enum outcome_end {
    OUTCOME_OPEN,        /**< no end seen */
    OUTCOME_FIN,         /**< closed in order, whatever RST came afterwards */
    OUTCOME_RESET,       /**< established, then reset */
    OUTCOME_REFUSED,     /**< the SYN was answered by a RST */
    OUTCOME_ABORTED,     /**< reset between SYN-ACK and the handshake's end */
    OUTCOME_UNANSWERED,  /**< no answer to the SYN */
    OUTCOME_UNREACHABLE, /**< the SYN was answered by an ICMP error */
};

/**
 * struct outcome - one connection
 * @attempt:     its SYN was captured
 * @isn:         the SYN's number, when that was captured
 * @syn_again:   the SYN was repeated: the server may have accepted it much later
 * @established: its handshake was completed, or must have been
 * @accepted:    it was, or the server had answered its SYN by a SYN-ACK
 * @by_server:   the RST bears the server's address
 * @answered:    the server has sent payload
 * @hello:       a complete ClientHello was seen
 * @hello_split: which takes several segments
 * @tls_answered: the server has sent its ServerHello
 * @tls_done:    the TLS handshake was completed
 * @tls_alert:   it was not, and an alert ended it
 * @told_why:    an error response came while its request was still on its way
 * @lone:        neither a handshake nor payload was captured of it
 * @stalled:     the client had stopped in the middle of what it had to send
 * @survived_ns: an earlier silence that the connection survived, 0 = none
 * @idle_ns:     silence before the RST (origin idle-timeout), else -1
 * @prompted:    the RST answers a segment: how long the silence was its sender has chosen
 * @start_ns, @end_ns: first segment; the RST, else the last segment
 * @server_ns:   the server's last sign of life, 0 = none; never too early
 * @unreachable: what an ICMP error said of the server (enum whyrst_unreachable)
 * @frame:       of the RST, else of the connection's first segment
 * @request_mark: of the latest request in clear, see struct observe_state
 * @retry:       whether the request that the RST hit may be repeated
 * @proxy:       what became of a request to a proxy; then also
 * @proxy_kind, @proxy_reply: its protocol and answer (kind 0: none was given)
 * @proxy_frame: that shows it; @proxy_target: what was asked for, "" = not seen
 * @ja4, @sni:   NULL where there is none
 * @ja4_number, @sni_number: see struct observe_hello
 */
struct outcome {
    enum outcome_end end;
    bool attempt;
    bool syn_again;
    bool established;
    bool accepted;
    bool by_server;
    bool answered;
    bool hello;
    bool hello_split;
    bool tls_answered;
    uint8_t unreachable;
    bool tls_done;
    bool tls_alert;
    bool told_why;
    bool lone;
    bool stalled;
    bool prompted;
    uint8_t proxy_kind;
    uint16_t proxy_reply;
    uint16_t request_mark;
    enum retry retry;
    enum proxy_result proxy;
    uint64_t proxy_frame;
    const char *proxy_target;
    uint8_t version;
    uint8_t client[16];
    uint8_t server[16];
    uint16_t server_port;
    uint16_t client_port;
    uint32_t isn;
    enum whyrst_origin origin;
    enum whyrst_sender sender;
    int64_t start_ns;
    int64_t end_ns;
    int64_t server_ns;
    int64_t idle_ns;
    int64_t survived_ns;
    uint64_t frame;
    const char *ja4;
    const char *sni;
    uint32_t ja4_number;
    uint32_t sni_number;
    const char *cause;
};

/** Of a connection that no RST ended; false when it says nothing (or a verdict speaks for it). */
bool outcome_of_connection(const struct conn *conn, const struct observe_state *state,
                           int64_t now_ns, struct outcome *outcome);
/** struct lone_syn - a connection of which there is only a SYN over IPv4; @unanswered: an answer
 *  would have come by now */
struct lone_syn {
    uint8_t client[16];
    uint8_t server[16];
    uint16_t client_port;
    uint16_t server_port;
    uint32_t isn;
    uint32_t frame;
    bool unanswered;
    int64_t time_ns;
};

/** Of a half-open connection, of which floods have millions; @start_ns: the capture's first
 *  segment. */
void outcome_of_half_open(const struct half_open *entry, int64_t start_ns, int64_t now_ns,
                          struct lone_syn *syn);
/** Of the connection that @record's RST ended; false when it ended none (second RSTs...). */
bool outcome_of_reset(const struct whyrst_record *record, struct outcome *outcome);

/** How long the connection was open, as far as is known: UINT32_MAX where it did not end. */
uint32_t outcome_age_ms(const struct outcome *outcome);

#endif
