/* SPDX-License-Identifier: GPL-2.0-or-later */
/** What several causes ask and weigh alike. */
#ifndef VERDICT_CAUSES_COMMON_H
#define VERDICT_CAUSES_COMMON_H

#include "verdict/cause.h"

/** A RST that refuses a SYN, from the SYN's target. */
bool is_refusal(const struct rst_facts *facts);
/** A RST+ACK that answers a segment with neither SYN nor ACK, as only probes have it, of a
 * connection that nobody has. */
bool is_probe_refusal(const struct rst_facts *facts);
/** A bare RST that knows the connection: a live socket's, of a stack that leaves out the ACK flag.
 */
bool is_bare_abort(const struct rst_facts *facts);
/** A bare RST like an answer's, with nothing that only a connection knows: what it answers may not
 * have been captured. */
bool is_like_answer(const struct rst_facts *facts);
/** A bare RST that only a live socket can have built. */
bool is_bare_decision(const struct rst_facts *facts);
/** It begins beyond all that its claimed sender has sent, and beyond that side's RST before it. */
bool is_ahead(const struct rst_facts *facts);
/** A bare answer with MP_TCPRST (RFC 8684 section 3.6): a Multipath TCP host refuses a subflow. */
bool is_subflow_refusal(const struct rst_facts *facts);
/** An answer to a segment by someone without the connection's state, the connection being alive. */
bool is_stateless_answer(const struct rst_facts *facts);
/** ... to data, while the sender's own may keep its FIN from leaving: it may be its host's, which
 * has closed. */
bool may_have_closed(const struct rst_facts *facts);
/** The decision of a live socket, before any close. */
bool is_live_abort(const struct rst_facts *facts);
/** Payload that a RST+ACK acknowledges and that came after its sender's FIN (which had the ack of
 * that moment): Windows and BSD so answer data for a closed side. 0 = none. */
uint32_t bytes_after_fin(const struct rst_facts *facts);
/** Timestamps, as the claimed sender's other segments have them. */
bool has_own_timestamps(const struct rst_facts *facts);
/** No timestamps, although the connection uses them: a SYN alone only offers them (RFC 7323
 * section 3.2). */
bool lacks_timestamps(const struct rst_facts *facts);
/** Timestamps or IP ID go on as in the claimed sender's other segments, at the same hop count. */
bool is_own_stack(const struct rst_facts *facts);
/** Both sides began with sequence number 0: a program wrote these packets for TCP's sake, so that
 * neither their numbers nor their times are a stack's. */
bool is_made_up(const struct rst_facts *facts);
/** The claimed sender's other segments passed two capture points, this RST only one. */
bool passed_one_point(const struct rst_facts *facts);
/** IPv6 flow label 0 although the claimed sender's other segments carry labels. */
bool has_zero_label(const struct rst_facts *facts);

/** The claimed sender goes on, but has never had what this RST answers: a firewall on the way to it
 * has dropped and answered that. */
bool is_answer_on_the_way(const struct rst_facts *facts);

/** A bare RST as a firewall's rule builds it, to an ACK of which nothing shows whether it got through,
 * or that the capture would not hold: that the claimed sender goes on tells no forger from such a
 * rule. */
bool is_unsettled_answer(const struct rst_facts *facts);

/** Weighs what tells a host's kernel from a device that answers in its name, for the host... */
void weigh_host_answer(const struct rst_facts *facts, struct scale *scale);
/** ... and for the device. */
void weigh_foreign_answer(const struct rst_facts *facts, struct scale *scale);
/** The claimed sender or its connection went on: nobody there, or on the way, refused the segment.
 */
void weigh_life_after(const struct rst_facts *facts, struct scale *scale);
/** Weighs what other connections show, for a cause of @kind. */
void weigh_across(const struct rst_facts *facts, enum across_kind kind, struct scale *scale);
/** Weighs whether a RST+ACK came from the claimed sender's own stack. */
void weigh_own_stack(const struct rst_facts *facts, struct scale *scale);

#endif
