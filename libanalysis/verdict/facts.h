/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * Everything a rule may ask about a RST, gathered once, when it passes.
 *
 * A fact is known or unknown, and unknown never counts as "no": a field that may be unknown says so
 * by the flag or the zero frame that its comment names. Rules read facts and nothing else.
 */
#ifndef VERDICT_FACTS_H
#define VERDICT_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include <whyrst/segment.h>
#include <whyrst/types.h>

#include "conn/conn.h"
#include "conn/options.h"
#include "observe/hosts.h"
#include "observe/observer.h"

/** How the RST is built, by RFC 9293 section 3.5.2 and by what kernels do (tcp_v4_send_reset() and
 *  tcp_send_active_reset() of Linux). */
enum rst_shape {
    RST_SHAPE_OTHER,   /**< none of those below */
    RST_SHAPE_REFUSAL, /**< RST+ACK, ack = SYN's seq + 1 (+ its payload), nothing sent before:
                          answers a SYN; seq is 0 by the RFC, but not of every stack */
    RST_SHAPE_ANSWER,  /**< RST, no ACK, seq = ack of a segment: answers that segment */
    RST_SHAPE_ACTIVE,  /**< RST+ACK, seq = what the sender would send next: a live socket's */
};

/** struct trigger - the segment that provoked a RST; frame 0 = none known
 * @copies: second captures of it; those after the RST are hindsight, as are
 * @taken:  the RST's claimed sender has acknowledged its payload
 * @missed: the RST's claimed sender has repeated what it acknowledged: it never came
 */
struct trigger {
    int64_t time_ns;
    uint32_t frame;
    uint32_t length; /**< payload bytes */
    uint32_t seq;
    uint16_t window;
    uint8_t flags;
    uint8_t tos;
    uint8_t copies;
    bool taken;
    bool missed;
};

/** How the RST's hop count (initial TTL less TTL) compares with the claimed sender's. */
enum hop_match {
    HOPS_UNKNOWN, /**< the sender was not seen to send anything else */
    HOPS_SAME,    /**< the same TTL */
    HOPS_REBASED, /**< the same hop count from another initial TTL (a kernel's own answer takes the
                       system's default, whatever the socket was told to use) */
    HOPS_NEAR,    /**< one hop apart: routes do that */
    HOPS_OTHER,   /**< further apart */
};

/** How the RST's IPv4 identification compares with the claimed sender's. */
enum id_match {
    ID_UNKNOWN,   /**< IPv6, 0 (ordinary on Linux), or no regular numbers to compare with */
    ID_CONTINUES, /**< a small step further */
    ID_JUMPS,     /**< far from the sender's regular numbers */
    ID_ZERO,      /**< 0 on a live socket's RST, where the sender's regular numbers are not */
};

/** The mechanism that only other connections show. */
enum across_kind { ACROSS_NONE, ACROSS_FINGERPRINT, ACROSS_ADDRESS, ACROSS_RATE };

/**
 * struct across - what other connections say of RSTs; shared by all that it explains (g_rc_box)
 * @sender:   who built the RSTs where their own packets do not tell
 * @contrast: the comparison in words
 */
struct across {
    enum across_kind kind;
    enum whyrst_confidence confidence;
    enum whyrst_sender sender;
    char contrast[240];
};

/**
 * struct hindsight - what packets after the RST (and other connections) have shown; frames 0 = not
 * @life_frame:     the claimed sender went on: payload or acknowledgements that a reset side has
 * not
 * @syn_ack_frame:  a SYN-ACK after a refusal
 * @both_frame, @both_ns: a RST to the other end at about the same time, and how far apart
 * @train_frame:    a later RST of the same claimed sender with other numbers
 * @other_ttl_frame, @other_ttl: a later RST in the same name with another hop count
 * @burst:          connections of the claimed sender's endpoint reset actively in the same instant
 * @burst_refused_frame: the service's first answer to a SYN after that instant, a RST; 0 = not so
 * @burst_idle_min_ns, @burst_idle_max_ns: shortest and longest silence before them
 * @burst_alike:    all of them of one other end, in one phase
 * @burst_spell:    instants with such resets just before, see struct burst
 * @accept_frame, @refused_frame: the claimed sender's service answered a SYN later so
 * @copies:         second captures of this RST
 * @tally:          all RSTs of the claimed sender in this connection, earlier ones included
 * @lossy:          the capture lacks packets that were acknowledged, one of 200 or more
 * @across:         what other connections say, NULL = nothing; the record's reference
 */
struct hindsight {
    uint32_t life_frame;
    uint32_t syn_ack_frame;
    uint8_t copies;
    uint32_t both_frame;
    uint32_t train_frame;
    uint32_t other_ttl_frame;
    uint32_t burst;
    uint32_t burst_refused_frame;
    uint32_t burst_spell;
    int64_t burst_idle_min_ns;
    int64_t burst_idle_max_ns;
    bool burst_alike;
    bool lossy;
    uint32_t accept_frame;
    uint32_t refused_frame;
    uint8_t other_ttl;
    int64_t both_ns;
    struct reset_tally tally;
    struct across *across;
};

/**
 * struct rst_facts - one RST and its connection just before it
 * @from:      index of the side whose address it bears; @from_client: whether that is the client
 * @origin_sure: the origin follows from message framing or TCP state, not from inference
 * @sender, @receiver: the endpoints (copies), of the RST's claimed sender and of its receiver
 * @conn_flags: of the connection
 * @idle_ns:   from the latest payload of either side before the trigger (or the RST) to that; valid
 *             when @idle_known
 * @survived_ns: an earlier silence, the latest of idle_threshold or more, that payload ended while
 *             nobody owed anything; 0 = none, or @idle_ns is it
 * @silent_ns: from the latest payload to the RST, valid when @idle_known
 * @partial:   the capture lacks the connection's start, one of its directions, or payload that
 *             mattered: what is not seen may be otherwise
 * @past_syn:  the other side's SYN is all that was captured, but the RST tells of more: it has what
 *             only a connection's segments have, or acknowledges payload
 * @past_handshake: the handshake's end was not captured, but had happened
 * @window_shut: the claimed sender had no room for another segment: what had come lay unread
 * @phase:     of the dialogue, inferred where it cannot be read
 * @hops, @ttl_expected, @hops_closer: comparison with the claimed sender's other segments, the TTL
 *             they had, and how many hops nearer to the capture point the RST was built (negative:
 *             further); @ttl_of_host: those segments are of other connections
 * @latest:    the latest segment that could be the trigger: what a device near the capture point
 *             would have answered
 * @reaction_ns: from the segment that the RST answers or acknowledges to the RST; -1 = unknown
 * @rtt_ns:    round trip between the capture point and the claimed sender; -1 = unknown
 * @sender_quiet_ns: from the claimed sender's latest other segment to the RST
 * @told_ns:   from the receiver's latest payload, new or repeated, to the RST; -1 = none seen
 * @unanswered_bytes: payload of the receiver since the sender's last payload, acknowledged or
 *             covered by the RST's ack
 * @in_flight_bytes: payload of the receiver that the RST's ack does not cover
 * @answerable_ack, @answerable_data: the receiver sent a pure ACK, and data, that a host without
 * the connection would answer with this RST's number
 * @passes:    second captures that each of the claimed sender's other segments has, at least: of
 *             two capture points, 1
 * @passes_once: ... at one point, each of them
 * @copies:    second captures that the connection's segments usually have, at most
 * @accept_frame: the refusing service had accepted another connection; 0 = not seen
 * @refusals:  attempts that the same service has refused, this one included
 * @half_open: handshakes that this initiator reset, this one included
 * @previous, @opposite: latest RST of the same side and of the other before this one
 * @syn_elsewhere_frame: the SYN that the trigger answers went to another address; 0 = not seen
 */
struct rst_facts {
    struct whyrst_segment segment; /* pointers cleared */
    struct tcp_options options;
    struct endpoint sender;
    struct endpoint receiver;
    struct observe_state state; /* pointers cleared: see record.h for the strings */
    struct trigger trigger;
    struct trigger latest;
    enum rst_shape shape;
    enum whyrst_sequence_check sequence_check;
    enum whyrst_origin origin;
    bool origin_sure;
    uint8_t from;
    bool from_client;
    bool idle_known;
    uint16_t conn_flags;
    int64_t idle_ns;
    uint64_t unacked_bytes;
    bool unacked_known;

    bool partial;
    bool past_syn;
    bool past_handshake;
    bool window_shut;
    enum observe_phase phase;
    int64_t silent_ns;
    int64_t survived_ns;
    enum hop_match hops;
    uint8_t ttl_expected;
    int8_t hops_closer;
    bool ttl_of_host;
    bool labels_known; /**< IPv6: the claimed sender's other segments carry flow labels */
    enum id_match ip_id;
    int64_t reaction_ns;
    int64_t rtt_ns;
    bool sender_quiet_known;
    int64_t sender_quiet_ns;
    int64_t told_ns;
    uint32_t unanswered_bytes;
    uint32_t in_flight_bytes;
    bool answerable_ack;
    bool answerable_data;
    bool gave_up;   /**< the sender's repetitions had stopped before the trigger came */
    bool probed;    /**< they met a shut window, and the receiver answered so */
    bool reordered; /**< the claimed sender's latest segments came not in the order of sending */
    bool read_on;   /**< the claimed sender has acknowledged payload that came after its FIN */
    uint8_t passes;
    bool passes_once;
    uint8_t copies;
    uint32_t accept_frame;
    uint32_t refusals;
    uint32_t half_open;
    struct past_reset previous;
    struct past_reset opposite;
    uint32_t syn_elsewhere_frame;
    bool known_payload; /**< payload of a known injector */
    struct hindsight later;
};

/** Numbers no further apart are of one connection; among random ones few are. */
#define FACTS_NEAR (1u << 20)

/** Gathers the facts of @segment, a RST from key side @side of @conn. */
void facts_gather(struct conn_context *context, struct conn *conn, unsigned side,
                  const struct whyrst_segment *segment, struct rst_facts *facts);

/** Compares how the RST was built with the claimed sender's other segments, here and, by @host (may
 *  be NULL), in other connections. */
void facts_compare(struct conn_context *context, const struct conn *conn, const struct host *host,
                   struct rst_facts *facts);
/** Not one segment but with SYN, FIN or RST was captured, as by many capture filters: any numbers
 * may have been reached by what is not there. */
bool lacks_plain_segments(const struct rst_facts *facts);

/** Hop count a TTL stands for, from the usual initial values 32, 64, 128 and 255. */
int hop_count(uint8_t ttl);

/** Whether a segment with @ttl has come more or fewer hops than those of @sender, by more than
 * @slack. */
bool came_from_elsewhere(const struct endpoint *sender, uint8_t ttl, int slack);

/** The shortest round trip seen between the capture point and key side @side; -1 = unknown. */
int64_t round_trip_to(struct conn_context *context, const struct conn *conn, unsigned side);

/** Finds the segment that provoked the RST @facts->segment of key side @facts->from, by the rule
 * for its shape: @facts->trigger, @facts->latest and, where there is one, @facts->shape. */
void trigger_find(struct conn_context *context, struct conn *conn, struct rst_facts *facts);

/** Segments below the default MSS of IPv4 (RFC 9293 section 3.7.1) are messages, no flow of bulk.
 */
#define FULL_SEGMENT 536

/** @sender has filled the window that @receiver gave: another segment as large as its largest would
 *  not fit. One that has more to send waits (RFC 9293 section 3.8.6). */
bool fills_window(const struct endpoint *sender, const struct endpoint *receiver,
                  unsigned conn_flags);

/** How long all was silent, with nobody owing the other anything, before a FIN of side @side; -1
 * when somebody did, that is not known, or it was no longer than the idle threshold. A TLS alert
 * that announces the close is part of it. */
int64_t origin_silence_before_fin(struct conn_context *context, struct conn *conn, unsigned side,
                                  int64_t fin_ns);

/** The latest long silence that payload ended, with nobody owing anything; 0 = none. */
int64_t origin_silence_survived(const struct conn *conn);

/** The handshake is over, by segments that the capture lacks. */
bool origin_skips_handshake(const struct conn *conn, const struct rst_facts *facts);

/** Decides facts->origin (and origin_sure) by the first matching line of the table of origins. */
void origin_decide(const struct conn_context *context, const struct conn *conn,
                   struct rst_facts *facts);

#endif
