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
#include "flow/key.h"
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
    ENDPOINT_SYN_ODD = 1 << 17,   /**< its SYN's TTL and IP ID are a scanner's */
    ENDPOINT_SYN_PLAIN = 1 << 18, /**< it sent a SYN without ACK */
    ENDPOINT_SYN_ACK = 1 << 19,   /**< it sent a SYN-ACK */
    ENDPOINT_CUT = 1 << 20,       /**< the capture holds its payload only in part (snaplen) */
    ENDPOINT_LETTER_A = 1 << 21,  /**< the history has, or has no room for, its pure ACK */
    ENDPOINT_LETTER_D = 1 << 22,  /**< the same for its payload */
    ENDPOINT_SYN_AGAIN = 1 << 23, /**< its SYN repeats one that was refused: the same attempt */
};

/**
 * struct endpoint - one side of a connection
 * @last_payload_ns, @last_payload_frame: latest segment with payload not sent before
 * @base_seq:     Wireshark's base of relative numbers: the ISN where a SYN was seen
 * @next:         number after the highest byte sent (SYN and FIN count one)
 * @ack:          highest acknowledgement sent
 * @payload_end:  number after the highest payload byte sent
 * @window:       latest window, unscaled; @wscale: shift, 0xff = not negotiated or not seen
 * @segment_size: largest payload of one segment
 * @ip_id:        IPv4 identification of the latest segment that was no RST
 * @ttl, @ttl_min, @ttl_max: of the first segment, and the range of all but RSTs
 * @keepalives:   keep-alive probes since the other side last answered
 * @syns:         SYNs or SYN-ACKs sent
 * @retransmits:  retransmissions since the other side last acknowledged something new
 */
struct endpoint {
    int64_t last_payload_ns;
    uint64_t bytes;
    uint32_t last_payload_frame;
    uint32_t base_seq;
    uint32_t next;
    uint32_t ack;
    uint32_t payload_end;
    uint32_t flags;
    uint16_t window;
    uint16_t segment_size;
    uint16_t ip_id;
    uint8_t wscale;
    uint8_t ttl;
    uint8_t ttl_min;
    uint8_t ttl_max;
    uint8_t tos;
    uint8_t keepalives;
    uint8_t retransmits;
    uint8_t syns;
};

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
 * @after_ns, @after_frame: the payload that ended it
 * @sides:     bits: which sides (key order) have sent payload since
 * @owed:      phase of the dialogue before it (enum observe_phase)
 */
struct quiet {
    int64_t before_ns;
    int64_t after_ns;
    uint32_t after_frame;
    uint8_t sides;
    uint8_t phase;
};

struct whyrst_record;

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
    struct whyrst_record *oldest;
    struct whyrst_record *newest;
};

/** struct app - payload state, from the first payload byte until the protocol is known opaque */
struct app {
    struct reassembly side[2]; /* key order */
    struct observer *observer;
};

/** How long Zeek-style history may get. */
#define CONN_HISTORY 12

struct conn {
    struct flow_key key; /* first: flow/table.h wants it there */
    uint8_t client;      /* index of the client in key and side[] */
    uint8_t copies;      /* most extra captures seen of one packet (mirror ports) */
    uint16_t flags;
    uint16_t resets; /* RSTs, stops at its maximum */
    uint32_t stream;
    uint32_t syn_frame; /* of the first SYN; without a SYN 0 */
    uint32_t first_frame;
    uint32_t packets;
    uint32_t recent;            /* number of the latest ring entry */
    char history[CONN_HISTORY]; /* letters in order, unterminated when full */
    int64_t first_ns;           /* first segment; with a SYN: the first SYN */
    int64_t last_ns;
    int64_t syn_ns;        /* latest SYN */
    int64_t irtt_ns;       /* SYN to SYN-ACK: the way to the server and back */
    int64_t client_rtt_ns; /* SYN-ACK to ACK: the way to the client and back */
    int64_t ttfb_ns;
    struct app *app;
    struct conn_extra *extra;
    struct endpoint side[2]; /* key order */
};

_Static_assert(sizeof(struct conn) <= 256, "millions of connections are kept at once");

/** What conn functions share, for one engine. */
struct conn_context {
    struct ring *ring;
    struct observe_context *observers;
    int64_t idle_threshold_ns;
    uint64_t reassembly_caps; /* counts bounds hit */
};

/** What conn_segment() found the segment to be. */
struct conn_event {
    bool completes_close;  /**< both FINs are acknowledged, as of this segment */
    bool new_payload;      /**< it carries bytes not sent before */
    bool retransmission;   /**< it carries only bytes sent before (keep-alives excluded) */
    bool keepalive;        /**< TCP keep-alive or zero-window probe */
    uint32_t duplicate_of; /**< frame of which it is a second capture; then nothing was updated */
};

/** Makes @conn a new connection of @key; @side is where its first segment comes from. */
void conn_init(struct conn *conn, const struct flow_key *key, unsigned side, uint32_t stream);
/** Whether the segment starts a new stream although @conn has its key, as Wireshark does it. */
bool conn_is_reused(const struct conn *conn, unsigned side, const struct whyrst_segment *segment);
/** Whether it nevertheless continues the connection: a SYN-ACK to the SYN that a RST seemed to have
 *  refused. Only the stream number changes then. */
bool conn_is_late_answer(const struct conn *conn, unsigned side,
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
/** Latest payload of either side; 0 = none. */
static inline int64_t conn_last_payload(const struct conn *conn)
{
    int64_t a = conn->side[0].last_payload_ns;
    int64_t b = conn->side[1].last_payload_ns;

    return a > b ? a : b;
}

struct conn_extra *conn_extra(struct conn *conn);
/** Frees what @conn points to (not its records). */
void conn_clear(struct conn *conn);

#endif
