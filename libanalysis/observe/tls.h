/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * TLS as seen from outside: record boundaries, how far the handshake got, who owes what.
 *
 * tls.c walks the records of each side and reads what is in clear; tls_encrypted.c infers from
 * records that are not (TLS 1.3's Finished, tickets and alerts; requests and responses).
 */
#ifndef OBSERVE_TLS_H
#define OBSERVE_TLS_H

#include "observe/ja4.h"
#include "observe/observer.h"
#include "observe/stream.h"

#define TLS_RECORD_HEADER 5u

enum tls_content {
    TLS_CHANGE_CIPHER_SPEC = 20,
    TLS_ALERT = 21,
    TLS_HANDSHAKE = 22,
    TLS_APPLICATION_DATA = 23,
    TLS_HEARTBEAT = 24,
};

/** Where one side's stream stands. */
enum tls_position {
    TLS_AT_HEADER, /**< the next bytes are a record header */
    TLS_IN_BODY,   /**< inside a record whose bytes are read */
    TLS_IN_RECORD, /**< inside a record whose bytes pass */
    TLS_LOST,      /**< no record boundary known */
};

/**
 * struct tls_side - one side's record layer
 * @position, @type, @length: where, and the record under way or last begun
 * @left:        bytes of its body that are to pass
 * @counts:      that record carries application data
 * @sslv2:       the next bytes are a ClientHello in SSL 2.0 framing
 * @reads_hello: this side's plaintext handshake messages still matter
 * @unreadable:  its hello is missing in part
 * @changed:     has sent ChangeCipherSpec
 * @finished:    TLS 1.2 and older: has sent its Finished
 * @resynced:    was lost once: boundaries were guessed
 * @full:        its last application record says that more follows
 * @largest_again: the largest size came more than once
 * @largest:     size of the largest application record
 * @records:     application records
 * @message, @message_length: beginning of a handshake message that spans records
 */
struct tls_side {
    enum tls_position position;
    uint8_t type;
    uint16_t length;
    uint16_t left;
    bool counts;
    bool sslv2;
    bool reads_hello;
    bool unreadable;
    bool changed;
    bool finished;
    bool resynced;
    bool full;
    uint16_t largest;
    uint64_t records;
    uint8_t *message;
    uint32_t message_length;
};

/**
 * struct tls - a TLS connection
 * @hello, @hello_retry: first and second ClientHello, NULL before
 * @hello_frame, @hello_time_ns: of the first ClientHello: begin, once complete its end
 * @version, @cipher: from the ServerHello, 0 unknown
 * @hello_begun, @hello_complete: the client's first ClientHello
 * @hello_split:   it takes several segments
 * @retry:         a HelloRetryRequest came
 * @server_hello:  the ServerHello came
 * @legacy:        something came that TLS 1.3 does not send
 * @foreign:       the client's first bytes are no ClientHello: this is not TLS
 * @assumed:       the capture does not show the handshake, which is taken for done
 * @early_data:    the ClientHello announces 0-RTT data
 * @offers_h2:     ALPN holds h2
 * @finished13:    TLS 1.3: the client's Finished came; @confirmed: and the server has reacted to it
 * @end_lost:      client records after the ServerHello are missing: its Finished may be among them
 * @refused:       TLS 1.3: the server's reaction was an alert
 * @flight:        TLS 1.3: encrypted client records before its Finished, as far as they count
 * @server_flight: TLS 1.3: encrypted server records before the client's Finished
 * @tickets, @ticket_length: TLS 1.3: tickets seen, length of each
 * @finished_time_ns, @hello_delay_ns: when the Finished came, how long the ServerHello took
 * @turn: 0 nobody, 1 client, 2 server sent application data last (control messages left out)
 */
struct tls {
    struct ja4_cache *cache;
    struct tls_side side[2];
    struct observe_hello *hello;
    struct observe_hello *hello_retry;
    uint64_t hello_frame;
    int64_t hello_time_ns;
    struct observe_alert alert;
    uint16_t version;
    uint16_t cipher;
    bool hello_begun;
    bool hello_complete;
    bool hello_split;
    bool retry;
    bool server_hello;
    bool legacy;
    bool foreign;
    bool assumed;
    bool early_data;
    bool offers_h2;
    bool finished13;
    bool confirmed;
    bool end_lost;
    bool refused;
    uint8_t flight;
    uint8_t server_flight;
    uint8_t tickets;
    uint8_t turn;
    uint16_t ticket_length;
    int64_t finished_time_ns;
    int64_t hello_delay_ns;
};

/** Where in the connection's life the first record seen stands. */
enum tls_entry {
    TLS_ENTRY_START,     /**< a ClientHello */
    TLS_ENTRY_HANDSHAKE, /**< a later record of the handshake */
    TLS_ENTRY_DATA,      /**< the handshake is done, as far as the record tells */
};

struct tls *tls_new(struct ja4_cache *cache, enum tls_entry entry);
void tls_free(struct tls *tls);
/** The bytes before this side's next one are not all known: it looks for a record's beginning. */
void tls_lose(struct tls *tls, enum observe_side side);
/** Fills the TLS part of @out; @streams: both sides'. */
void tls_describe(const struct tls *tls, const struct stream streams[2], struct observe_state *out);
extern const struct parser tls_parser;

/** Whether @bytes begin with a plausible record header (at least 5 bytes). */
bool tls_is_record(const uint8_t *bytes, size_t length);
/** What a plausible record says of the place where it is met. */
enum tls_entry tls_entry_of(const uint8_t *bytes, size_t length);

/* tls_hello.c: the messages in clear. */

/** Reads a complete ClientHello; NULL when it is malformed. */
struct observe_hello *tls_read_client_hello(struct tls *tls, const uint8_t *message, size_t length);
void tls_hello_free(struct observe_hello *hello);
/** Reads a complete ServerHello or HelloRetryRequest. */
void tls_read_server_hello(struct tls *tls, const uint8_t *message, size_t length);

/* tls_encrypted.c: what encrypted records say. */

/** Whether the connection speaks TLS 1.3, as far as known. */
bool tls_is_13(const struct tls *tls);
/** An application_data record of @side begins: notes what it is; side.counts says whether data. */
void tls_application_record(struct tls *tls, enum observe_side side, uint64_t frame,
                            int64_t time_ns);
enum whyrst_tls_stage tls_stage(const struct tls *tls);
enum observe_phase tls_phase(const struct tls *tls, const bool inside[2], bool *exact);

#endif
