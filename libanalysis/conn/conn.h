/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * One TCP connection's life, as two endpoints seen from outside.
 *
 * Theory of operation. Each segment updates the endpoint that sent it: what it has sent (next),
 * what it has acknowledged (ack), its window, its baselines (TTL, IP ID, timestamps). The
 * connection's own state is a set of flags that only grow: SYN, SYN-ACK, established, each side's
 * FIN, both FINs acknowledged, reset. Payload goes through reassembly.c in order to the observer
 * (observe/), which says what the application dialogue looks like; a connection that never carries
 * payload, or only an opaque protocol's, has none of that state. Nothing here decides what a RST
 * means: verdict/ reads.
 *
 * A capture may begin anywhere. What was not seen stays unknown: ENDPOINT_SEEN says that @next is
 * valid, ENDPOINT_ACKED that @ack is, ENDPOINT_SYN that the initial sequence number is.
 */
#ifndef CONN_CONN_H
#define CONN_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "conn/options.h"
#include "conn/ring.h"
#include "conn/reassembly.h"
#include "flow/table.h"
#include "observe/observer.h"

/** What is known of an endpoint (bits of endpoint.flags). */
enum {
    ENDPOINT_SEEN = 1 << 0,       /**< it sent a segment: next is valid */
    ENDPOINT_ACKED = 1 << 1,      /**< it sent an ACK: ack is valid */
    ENDPOINT_SYN = 1 << 2,        /**< its SYN or SYN-ACK was seen: base_seq is its ISN */
    ENDPOINT_FIN = 1 << 3,        /**< it sent FIN: next is the number after it */
    ENDPOINT_FIN_ACKED = 1 << 4,  /**< and the other side acknowledged it */
    ENDPOINT_BASE = 1 << 5,       /**< base_seq is set (as Wireshark sets it) */
    ENDPOINT_TIMESTAMPS = 1 << 6, /**< its segments carry RFC 7323 timestamps */
    ENDPOINT_PSH = 1 << 7,        /**< its latest payload segment had PSH */
    ENDPOINT_ID_ZERO = 1 << 8,    /**< IPv4: a segment other than SYN had identification 0 */
    ENDPOINT_ID_STEPS = 1 << 9,   /**< IPv4: its identifications have risen in small steps */
    ENDPOINT_ID_JUMPS = 1 << 10,  /**< IPv4: they have also jumped */
    ENDPOINT_DF = 1 << 11,        /**< IPv4: its segments have DF */
    ENDPOINT_NOT_DF = 1 << 12,    /**< IPv4: some have not */
    ENDPOINT_SPOKE = 1 << 13,     /**< ttl, ip_id, tos come from a segment that was no RST */
    ENDPOINT_RST = 1 << 14,       /**< it sent a RST */
    ENDPOINT_LABEL = 1 << 15,     /**< IPv6: its segments carry a flow label */
    ENDPOINT_SYN_BARE = 1 << 16,  /**< its SYN had no MSS option */
    ENDPOINT_SYN_ODD = 1 << 17,   /**< its SYN's TTL or IP ID is a scanner's */
    ENDPOINT_SYN_PLAIN = 1 << 18, /**< it sent a SYN without ACK */
    ENDPOINT_SYN_ACK = 1 << 19,   /**< it sent a SYN-ACK */
    ENDPOINT_CUT = 1 << 20,       /**< the capture holds its payload only in part (snaplen) */
    ENDPOINT_LETTER_A = 1 << 21,  /**< the history has, or has no room for, its pure ACK */
    ENDPOINT_LETTER_D = 1 << 22,  /**< the same for its payload */
    ENDPOINT_SYN_AGAIN = 1 << 23, /**< its SYN repeats one that was refused: the same attempt */
    ENDPOINT_FLAGS = (1 << 24) - 1,
};

/**
 * struct endpoint - one side of a connection, in few bits: millions of connections are kept at once
 * @last_payload, @last_payload_frame: latest segment with payload not sent before, its time in
 *                nanoseconds after the connection's first segment
 * @base_seq:     Wireshark's base of relative numbers: the ISN where a SYN was seen
 * @next:         number after the highest byte sent (SYN and FIN count one)
 * @ack:          highest acknowledgement sent
 * @payload_end:  number after the highest payload byte sent
 * @window:       latest window, unscaled; @wscale: shift, ENDPOINT_NO_WSCALE = not negotiated or
 * not seen
 * @segment_size: largest payload of one segment
 * @ip_id:        IPv4 identification of the latest segment that was no RST
 * @ttl, @ttl_min, @ttl_max: of the first segment, and the range of all but RSTs
 * @keepalives:   keep-alive probes since the other side last answered
 * @syns:         SYNs or SYN-ACKs sent
 * @retransmits:  retransmissions since the other side last acknowledged something new
 */
struct endpoint {
    int64_t last_payload : 56;
    uint64_t keepalives : 8;
    uint64_t bytes : 44;
    uint64_t retransmits : 4;
    uint64_t window : 16;
    uint32_t last_payload_frame;
    uint32_t base_seq;
    uint32_t next;
    uint32_t ack;
    uint32_t payload_end;
    uint32_t flags : 24;
    uint32_t wscale : 4;
    uint32_t syns : 4;
    uint16_t segment_size;
    uint16_t ip_id;
    uint8_t ttl;
    uint8_t ttl_min;
    uint8_t ttl_max;
    uint8_t tos;
};

#define ENDPOINT_NO_WSCALE 15u /* the largest there is is 14 (RFC 7323 section 2.3) */
#define ENDPOINT_COUNT     15u /* where syns and retransmits stop */

/** What is known of the connection (bits of conn.flags). */
enum {
    CONN_USED = 1 << 0,         /**< a segment, not only a quote, has been seen */
    CONN_SYN = 1 << 1,          /**< a SYN was seen */
    CONN_SYN_ACK = 1 << 2,      /**< a SYN-ACK was seen */
    CONN_ESTABLISHED = 1 << 3,  /**< the handshake's final ACK was seen, or must have happened */
    CONN_CLOSED = 1 << 4,       /**< both FINs were acknowledged */
    CONN_RESET = 1 << 5,        /**< a RST that the receiver must accept was seen */
    CONN_REFUSED = 1 << 6,      /**< that RST refused the SYN */
    CONN_ROLES = 1 << 7,        /**< client is certain (SYN, SYN-ACK, or what the payload says) */
    CONN_OPAQUE = 1 << 8,       /**< the observer was freed: nothing to observe */
    CONN_SERVER_FIRST = 1 << 9, /**< the server sent the first payload */
    CONN_PAYLOAD = 1 << 10,     /**< payload was seen */
    CONN_RST_SEEN = 1 << 11,    /**< any RST was seen (stream numbering) */
    CONN_FIN_SEEN = 1 << 12,    /**< any FIN with ACK was seen (stream numbering) */
    CONN_TTFB = 1 << 13, /**< ttfb_ns is the time to first byte (else: first client payload) */
    CONN_IRTT = 1 << 14, /**< irtt_ns is set */
    CONN_CLIENT_RTT = 1 << 15, /**< client_rtt_ns is set */
};

/**
 * struct quiet - the latest silence of at least idle_threshold that payload ended
 * @before_ns: time of the last payload before it
 * @after_ns, @after_frame, @after_seq: the payload that ended it
 * @sides:     bits: which sides (key order) have sent payload since
 * @owed:      phase of the dialogue before it (enum observe_phase)
 */
struct quiet {
    int64_t before_ns;
    int64_t after_ns;
    uint32_t after_frame;
    uint32_t after_seq;
    uint8_t sides;
    uint8_t phase;
};

struct whyrst_record;

/** A RST that arrives ends all that its receiver sends, but for what was under way or held up. */
#define CONN_HELD_UP_NS INT64_C(900000000)

/** struct past_reset - the latest RST of one side; frame 0 = none */
struct past_reset {
    int64_t time_ns;
    uint32_t frame;
    uint32_t seq;
    uint32_t ack;
    uint16_t count;
    uint8_t ttl;
};

/**
 * struct reset_tally - a side's RSTs: without and with ACK flag, and whether their acks vary or one
 * of several is zero
 */
struct reset_tally {
    uint16_t bare;
    uint16_t with_ack;
    bool acks_differ;
    bool zero_ack;
};

/**
 * struct conn_extra - what few connections need; allocated when first needed
 * @quiet:      see above; after_frame 0 = none
 * @reset_next: the RST sender's next when the connection was reset
 * @reset_side: that sender
 * @resets, @tally: latest RST of each side, and all of them counted (key order)
 * @unreachable: what the latest ICMP error about it said (enum whyrst_unreachable)
 * @proxy:    what was asked of a proxy, once the observer is gone; else NULL
 * @reset_count: RSTs, stops at its maximum
 * @syn_frame:  of the first SYN, where that was not the first segment
 * @oldest, @newest: verdicts of this connection that later packets may revise
 */
struct conn_extra {
    struct quiet quiet;
    uint32_t reset_next;
    uint8_t reset_side;
    uint8_t close_before_reset;
    bool reset_in_window; /* the reset was not exact: RFC 5961 answers it with a challenge ACK */
    struct past_reset resets[2];
    struct reset_tally tally[2];
    uint8_t unreachable;
    struct observe_proxy *proxy;
    uint32_t syn_frame;
    uint16_t reset_count;
    struct whyrst_record *oldest;
    struct whyrst_record *newest;
};

/** struct app - payload state, from the first payload byte until the protocol is known opaque;
 *  @extra is the connection's */
struct app {
    struct reassembly side[2]; /* key order */
    struct observer *observer;
    struct conn_extra *extra;
};

/** How long Zeek-style history may get. */
#define CONN_HISTORY 12

/** The longest times after a connection's first segment that fields of so many bits hold: 9 minutes
 * for the handshake, 39 hours for the client's first byte, a year for its latest. */
#define CONN_TIME_MAX(bits) ((INT64_C(1) << ((bits)-1)) - 1)
#define CONN_RTT_BITS       40
#define CONN_TTFB_BITS      48
#define CONN_PAYLOAD_BITS   56

/** struct conn_times - see struct conn */
struct conn_times {
    int64_t irtt_ns : CONN_RTT_BITS;
    int64_t client_rtt_ns : CONN_RTT_BITS;
    int64_t ttfb_ns : CONN_TTFB_BITS;
} __attribute__((packed));

/**
 * struct conn - one connection
 * @client:  index of the client in key and side[]
 * @ipv6:    the addresses stand before the structure (flow/table.h)
 * @has_app: @more is payload state, which has what few connections need, else the latter
 * @copies:  most extra captures seen of one packet (mirror ports)
 * @times.irtt_ns: CONN_IRTT: SYN to SYN-ACK, the way to the server and back; before that when the
 * latest SYN passed, after @first_ns (as in the next two)
 * @times.client_rtt_ns: CONN_CLIENT_RTT: SYN-ACK to ACK, the way to the client and back; before
 * that when the latest SYN-ACK passed
 * @times.ttfb_ns: CONN_TTFB: time to first byte; with @client_began: when the client sent its
 * first; before any payload: when the handshake's latest segment passed
 * @history: letters in order (history.c)
 * @first_ns: of the first segment
 * @recent:  number of the latest ring entry
 * @side:    key order
 */
struct conn {
    struct flow_short_key key; /* first: flow/table.h wants it there */
    uint32_t stream;
    struct conn_times times;
    uint64_t history;
    int64_t first_ns;
    int64_t last_ns;
    union {
        struct app *app;
        struct conn_extra *extra;
    } more;
    uint16_t flags;
    uint8_t client : 1;
    uint8_t ipv6 : 1;
    uint8_t has_app : 1;
    uint8_t syn_first : 1; /* the first segment was the first SYN */
    uint8_t client_began : 1;
    uint8_t copies;
    uint32_t first_frame;
    uint32_t packets;
    uint32_t recent;
    struct endpoint side[2];
};

_Static_assert(sizeof(struct conn) <= 176, "millions of connections are kept at once");

/** What conn functions share, for one engine. */
struct conn_context {
    struct ring *ring;
    struct observe_context *observers;
    int64_t idle_threshold_ns;
    uint64_t reassembly_caps; /* counts bounds hit */
    uint64_t unseen;          /* acknowledgements of what the capture lacks */
    bool plain;               /* a segment with neither SYN, FIN nor RST was captured */
    bool closes;              /* one with FIN and ACK was */
};

/** What conn_segment() found the segment to be. */
struct conn_event {
    bool completes_close;  /**< both FINs are acknowledged, as of this segment */
    bool new_payload;      /**< it carries bytes not sent before */
    bool retransmission;   /**< it carries only bytes sent before (keep-alives excluded) */
    bool keepalive;        /**< TCP keep-alive or zero-window probe */
    uint32_t duplicate_of; /**< frame of which it is a second capture; then nothing was updated */
};

/** Makes @conn a new connection of @key, for which flow_table_add() has made it; @side is where its
 * first segment comes from. */
void conn_init(struct conn *conn, const struct flow_key *key, unsigned side, uint32_t stream);
/** Whether the segment starts a new stream although @conn has its key, as Wireshark does it. */
bool conn_is_reused(const struct conn *conn, unsigned side, const struct whyrst_segment *segment);
/** Whether it nevertheless continues the connection: a SYN-ACK to the SYN that a RST seemed to have
 *  refused. Only the stream number changes then. */
bool conn_is_late_answer(const struct conn *conn, unsigned side,
                         const struct whyrst_segment *segment);
/** Or a SYN-ACK that comes once more although a FIN has been seen: the client's ACK was lost or is
 *  late, and nobody has sent another SYN. Here, too, only the stream number changes. */
bool conn_is_repeated_answer(const struct conn *conn, unsigned side,
                             const struct whyrst_segment *segment);
/** Sets Wireshark's base sequence numbers from a segment of the connection. */
void conn_note_base(struct conn *conn, unsigned side, const struct whyrst_segment *segment);
/** Whether the segment is a second capture of one already seen: that one's frame, or 0. */
uint32_t conn_find_duplicate(struct conn_context *context, struct conn *conn, unsigned side,
                             const struct whyrst_segment *segment);
/**
 * The usual segment (usual.c): the next one in order of an established connection, with nothing
 * about it that anybody need look at. True when it was one, and everything is updated; false, and
 * nothing done, when it must go the long way.
 */
bool conn_usual(struct conn_context *context, struct conn *conn, unsigned side,
                const struct whyrst_segment *segment);
/** A segment other than a RST, with its options: updates everything. */
void conn_segment(struct conn_context *context, struct conn *conn, unsigned side,
                  const struct whyrst_segment *segment, const struct tcp_options *options,
                  struct conn_event *event);
/** A RST, after its verdict: notes that and how it ends the connection. */
void conn_reset(struct conn_context *context, struct conn *conn, unsigned side,
                const struct whyrst_segment *segment, enum whyrst_sequence_check check,
                bool refused);
/** How the connection has ended as far as seen. */
enum whyrst_close_type conn_close_type(const struct conn *conn);
/** Time of @side's latest payload, of which there must be some. */
static inline int64_t endpoint_last_payload(const struct conn *conn, unsigned side)
{
    return conn->first_ns + conn->side[side].last_payload;
}

/** Latest payload of either side; 0 = none. */
static inline int64_t conn_last_payload(const struct conn *conn)
{
    bool first = conn->side[0].last_payload_frame != 0;
    bool second = conn->side[1].last_payload_frame != 0;
    unsigned side =
        first && second ? conn->side[1].last_payload > conn->side[0].last_payload : second;

    return first || second ? endpoint_last_payload(conn, side) : 0;
}

/** Asks the processor for all of it. */
static inline void conn_prefetch(const struct conn *conn)
{
    const uint8_t *bytes = (const uint8_t *)conn;

    __builtin_prefetch(bytes);
    __builtin_prefetch(bytes + 64);
    __builtin_prefetch(bytes + 128);
    __builtin_prefetch(bytes + sizeof *conn - 1);
}

/** Payload state, or NULL. */
static inline struct app *conn_app(const struct conn *conn)
{
    return conn->has_app ? conn->more.app : NULL;
}

/** What few connections need, or NULL. */
static inline struct conn_extra *conn_extra(const struct conn *conn)
{
    return conn->has_app ? conn->more.app->extra : conn->more.extra;
}

/** The same, made if need be. */
struct conn_extra *conn_make_extra(struct conn *conn);

/** The connection's addresses and ports. */
static inline struct flow_key conn_key(const struct conn *conn)
{
    return flow_entry_key(conn, conn->ipv6 ? 6 : 4);
}

/** Whether it has @key. */
static inline bool conn_is(const struct conn *conn, const struct flow_key *key)
{
    return conn->ipv6 == (key->version == 6) && flow_entry_is(conn, key);
}

/** Frame of the first SYN; 0 without one. */
static inline uint32_t conn_syn_frame(const struct conn *conn)
{
    const struct conn_extra *extra = conn_extra(conn);

    return conn->syn_first ? conn->first_frame : extra ? extra->syn_frame : 0;
}

/** RSTs seen. */
static inline uint16_t conn_reset_count(const struct conn *conn)
{
    const struct conn_extra *extra = conn_extra(conn);

    return extra ? extra->reset_count : 0;
}

/** Frees what @conn points to (not its records). */
void conn_clear(struct conn *conn);

#endif
