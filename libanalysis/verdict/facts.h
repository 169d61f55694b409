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
#include "observe/observer.h"

/** How the RST is built, by RFC 9293 section 3.5.2 and by what kernels do (tcp_v4_send_reset() and
 *  tcp_send_active_reset() of Linux). */
enum rst_shape {
    RST_SHAPE_OTHER,   /**< none of those below */
    RST_SHAPE_REFUSAL, /**< RST+ACK, seq 0, ack = SYN's seq + 1 (+ its payload): answers a SYN */
    RST_SHAPE_ANSWER,  /**< RST, no ACK, seq = ack of a segment: answers that segment */
    RST_SHAPE_ACTIVE,  /**< RST+ACK, seq = what the sender would send next: a live socket's */
};

/** struct trigger - the segment that provoked a RST; frame 0 = none known */
struct trigger {
    int64_t time_ns;
    uint32_t frame;
    uint32_t length; /**< payload bytes */
    uint32_t seq;
    uint8_t flags;
    uint8_t tos;
};

/**
 * struct rst_facts - one RST and its connection just before it
 * @from:      index of the side whose address it bears; @from_client: whether that is the client
 * @origin_sure: the origin follows from message framing or TCP state, not from inference
 * @sender, @receiver: the endpoints (copies), of the RST's claimed sender and of its receiver
 * @conn_flags: of the connection
 * @last_payload_ns: latest payload of either side before the trigger (or the RST); 0 = none
 * @idle_ns:   from then to the trigger or the RST; valid when @idle_known
 */
struct rst_facts {
    struct whyrst_segment segment; /* pointers cleared */
    struct tcp_options options;
    struct endpoint sender;
    struct endpoint receiver;
    struct observe_state state; /* pointers cleared: see record.h for the strings */
    struct trigger trigger;
    enum rst_shape shape;
    enum whyrst_sequence_check sequence_check;
    enum whyrst_origin origin;
    bool origin_sure;
    uint8_t from;
    bool from_client;
    bool idle_known;
    uint16_t conn_flags;
    uint32_t resets_before;
    int64_t idle_ns;
    int64_t last_payload_ns;
    uint64_t unacked_bytes;
    bool unacked_known;
};

/** Gathers the facts of @segment, a RST from key side @side of @conn. */
void facts_gather(struct conn_context *context, struct conn *conn, unsigned side,
                  const struct whyrst_segment *segment, struct rst_facts *facts);

/** The segment that provoked the RST, by the rule for its shape; frame 0 when none is known. */
struct trigger trigger_find(struct conn_context *context, struct conn *conn, unsigned side,
                            const struct whyrst_segment *segment, enum rst_shape *shape);

/** Decides facts->origin (and origin_sure) by the first matching line of the table of origins. */
void origin_decide(const struct conn_context *context, const struct conn *conn,
                   struct rst_facts *facts);

#endif
