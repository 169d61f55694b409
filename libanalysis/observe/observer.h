/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * What the two byte streams of one connection say: TLS, HTTP/1.x, proxy prologues, or nothing.
 *
 * conn/ puts each side's payload in order and hands it over in chunks; an observer keeps no payload
 * beyond what an unfinished header or ClientHello needs (bounds in limits.h), skips bodies by
 * length, and says what it saw when asked. A chunk may be cut (snaplen) or wholly missing (packets
 * the capture lost): an observer that only skips bytes just then goes on, any other enters the
 * stated condition "lost" for that side, and never guesses.
 */
#ifndef OBSERVE_OBSERVER_H
#define OBSERVE_OBSERVER_H

#include <stdbool.h>
#include <stdint.h>

#include <whyrst/types.h>

#include "bytes/names.h"

enum observe_side { OBSERVE_CLIENT = 0, OBSERVE_SERVER = 1 };

/** What the streams are, as of now. */
enum observe_protocol {
    OBSERVE_NOTHING,  /**< too little payload to tell */
    OBSERVE_OPAQUE,   /**< payload of a protocol this library does not read */
    OBSERVE_PROLOGUE, /**< CONNECT, SOCKS or STARTTLS dialogue before what they lead to */
    OBSERVE_TLS,
    OBSERVE_HTTP1,
};

/** Where the dialogue stands. */
enum observe_phase {
    OBSERVE_PHASE_UNKNOWN, /**< lost, opaque, or a text dialogue before STARTTLS: only direction and
                                timing can tell */
    OBSERVE_PHASE_NO_DATA, /**< no application payload yet (TLS: handshake done, nothing sent) */
    OBSERVE_PHASE_HANDSHAKE, /**< TLS handshake under way, from the ClientHello's first byte */
    OBSERVE_PHASE_REQUEST,   /**< a request is incomplete, or its early answer came already */
    OBSERVE_PHASE_AWAITING,  /**< request complete, no byte of its final response */
    OBSERVE_PHASE_RESPONSE,  /**< a response has begun and is incomplete */
    OBSERVE_PHASE_COMPLETE,  /**< every request has its complete response */
};

/**
 * struct observe_chunk - the next payload bytes of one side, in order
 * @data:     first byte; may be NULL when @captured is 0
 * @captured: bytes present
 * @length:   bytes on the wire; those after @captured are missing (snaplen, or a lost packet)
 * @frame, @time_ns: the frame that carried them
 * @segment_start: the chunk begins where a segment begins (a lost observer may find its feet here)
 */
struct observe_chunk {
    const uint8_t *data;
    uint32_t captured;
    uint32_t length;
    uint64_t frame;
    int64_t time_ns;
    bool segment_start;
};

/** struct observe_hello - what a ClientHello says; strings are valid UTF-8, "" where absent */
struct observe_hello {
    uint64_t frame;  /**< that completed it */
    int64_t time_ns; /**< of that frame */
    /** The JA4's and the name's numbers among the texts of the observer's context: the same text,
     * the same number; 0 = none, or no room. */
    uint32_t ja4_number;
    uint32_t sni_number;
    const char *sni;
    char ja4[37];
    char *ja4_r;   /**< a GRefString of the observer's context, lives as long as it; NULL when the
                        context's cache is full or it is longer than LIMIT_JA4_RAW */
    char *own_sni; /**< where that is no shared text, else NULL */
    char *alpn;    /**< all values, comma-separated */
    const char *version; /**< highest offered: "1.3", "1.2", "1.1", "1.0", "SSL 3.0"... */
};

/**
 * struct observe_side_state - one side's application stream at its latest byte
 * @app_bytes:       application payload so far: HTTP or opaque bytes; of TLS the bytes of
 *                   application_data records that carry no handshake or ticket
 * @records:         TLS: number of such records
 * @last_app_frame, @last_app_time_ns: frame and time of the latest application payload, 0 = none
 * @full_record:     TLS: the last application_data record had the largest size that TLS allows, or
 *                   that this side uses (seen twice, more than 1 kB): more is likely to follow
 * @lost:            bytes that mattered were missing: nothing exact is known of this side any more
 */
struct observe_side_state {
    uint64_t app_bytes;
    uint64_t records;
    uint64_t last_app_frame;
    int64_t last_app_time_ns;
    bool full_record;
    bool lost;
};

/** struct observe_alert - a TLS alert record, as far as it can be read */
struct observe_alert {
    uint64_t frame; /**< 0: none */
    enum observe_side side;
    bool encrypted; /**< level and description not readable */
    bool probable;  /**< TLS 1.3: only the record's size says alert */
    uint8_t level;  /**< 1 warning, 2 fatal */
    uint8_t description;
};

enum observe_proxy_kind { OBSERVE_PROXY_HTTP = 1, OBSERVE_PROXY_SOCKS4, OBSERVE_PROXY_SOCKS5 };

/** Replies of SOCKS 5 (RFC 1928) are the REP of the answer; these stand for what comes before. */
enum {
    OBSERVE_SOCKS5_NO_METHOD = 0x100, /**< none of the offered ways to log in will do */
    OBSERVE_SOCKS5_LOGIN = 0x101,     /**< user name and password are refused (RFC 1929) */
};

/**
 * struct observe_proxy - what the client asked of a proxy, the latest time, and was answered
 * @answered: the answer's head is complete; @granted: the tunnel stands
 * @reply:    status code (CONNECT), CD (SOCKS 4) or REP (SOCKS 5, see above)
 * @frame:    that completed the answer's head
 * @target:   host and port as asked for, printable ASCII; "" = not seen
 */
struct observe_proxy {
    enum observe_proxy_kind kind;
    bool answered;
    bool granted;
    uint16_t reply;
    uint64_t frame;
    char target[128];
};

/** struct observe_state - everything an observer says, filled by observer_state() */
struct observe_state {
    enum observe_protocol protocol;
    enum observe_phase phase;
    bool exact;        /**< phase follows from message framing; false: best inference */
    bool server_first; /**< the first payload byte came from the server */
    struct observe_side_state side[2];

    bool tls; /**< TLS was seen at any time on this connection */
    enum whyrst_tls_stage tls_stage;
    const struct observe_hello *hello;       /**< first ClientHello of the TLS handshake, or NULL */
    const struct observe_hello *hello_retry; /**< after a HelloRetryRequest, or NULL */
    bool hello_split;     /**< it takes more than one segment of the usual size */
    uint64_t hello_frame; /**< that completes the ClientHello; partial: that begins it; or 0 */
    int64_t hello_time_ns;
    struct observe_alert alert; /**< the latest alert */

    const char *http_method; /**< of the request under way or last finished; NULL = none */
    uint16_t request_mark;   /**< of the latest request's method and path, even; 0 = none */
    unsigned http_status;    /**< of the latest final response to it; 0 = none */
    bool early_response;     /**< a final response began while its request was incomplete */
    bool close_delimited;    /**< the response under way ends with the connection (RFC 9112 6.3) */
    bool tunnel;             /**< CONNECT or SOCKS succeeded: the payload is another protocol's */
    const struct observe_proxy *proxy; /**< CONNECT or SOCKS was asked for; else NULL */
};

/** What observers of one engine share: a bounded cache from ClientHello contents to JA4. */
struct observe_context;
struct observe_context *observe_context_new(void);
void observe_context_free(struct observe_context *context);
/** The texts of their ClientHellos, for those who keep a reference for longer. */
struct names *observe_context_texts(const struct observe_context *context);
/** JA4s without ja4_r, since the cache did not take them (LIMIT_JA4_CACHE, LIMIT_JA4_RAW). */
uint64_t observe_context_refused(const struct observe_context *context);

struct observer;

/**
 * A new observer.
 * @from_start: both streams are seen from their first byte (the SYNs were captured); otherwise the
 *              first chunk of a side may begin anywhere in a message.
 */
struct observer *observer_new(struct observe_context *context, bool from_start);
void observer_free(struct observer *observer);
/** Asks the processor for the memory that observer_chunk() will touch. */
void observer_prefetch(const struct observer *observer);
/** The same for observer_state(), when the observer itself has come: what it reads with, then the
 *  ClientHello. */
void observer_prefetch_readers(const struct observer *observer);
void observer_prefetch_hello(const struct observer *observer);
/**
 * The next @length bytes of @side, if nothing need be looked at: the inside of a body or record
 * that does not end with them. Else false, and nothing done.
 */
bool observer_pass(struct observer *observer, enum observe_side side, uint32_t length,
                   uint64_t frame, int64_t time_ns);
/** Feeds the next bytes of @side. Chunks of one side come in stream order, without overlap. */
void observer_chunk(struct observer *observer, enum observe_side side,
                    const struct observe_chunk *chunk);
/** What is known now. Pointers in @state live until the next call with this observer. */
void observer_state(const struct observer *observer, struct observe_state *state);
/**
 * Whether further chunks can change nothing but byte counts (opaque payload, both sides): the
 * caller may then count bytes itself with observer_skip() and need not put segments in order.
 */
bool observer_is_opaque(const struct observer *observer);
void observer_skip(struct observer *observer, enum observe_side side, uint32_t length,
                   uint64_t frame, int64_t time_ns);
/** What was asked of a proxy, taken from an observer that is to be freed (g_free), or NULL. */
struct observe_proxy *observer_take_proxy(struct observer *observer);

/**
 * Who sent a payload of a connection whose SYN was not captured: 1 a client (ClientHello, HTTP
 * request, SOCKS greeting...), -1 a server (ServerHello, HTTP response, SMTP/SSH/FTP banner...), 0
 * cannot tell.
 */
int observe_guess_role(const uint8_t *data, uint32_t captured);

#endif
