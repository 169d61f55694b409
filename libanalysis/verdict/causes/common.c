/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verdict/causes/common.h"

#include "bytes/seq.h"

/* An answer at once takes its way, and on a busy machine this much more. */
#define AT_ONCE_NS INT64_C(200000000)

bool is_refusal(const struct rst_facts *facts)
{
    return facts->shape == RST_SHAPE_REFUSAL && facts->origin == WHYRST_ORIGIN_REFUSED_HANDSHAKE;
}

bool is_probe_refusal(const struct rst_facts *facts)
{
    return facts->shape == RST_SHAPE_REFUSAL && facts->trigger.frame != 0 &&
           !(facts->trigger.flags & (WHYRST_TCP_SYN | WHYRST_TCP_ACK));
}

bool is_bare_abort(const struct rst_facts *facts)
{
    const struct endpoint *sender = &facts->sender;
    /* Only a connection knows what its socket acknowledged last; an answer has none (Windows puts
     * the sequence number into the unused field). */
    bool own_ack = facts->segment.ack != 0 && facts->segment.ack != facts->segment.seq &&
                   (sender->flags & ENDPOINT_ACKED) && facts->segment.ack == sender->ack;
    bool own_window = facts->segment.window != 0 && facts->segment.window == sender->window &&
                      facts->hops == HOPS_SAME;

    return (facts->shape == RST_SHAPE_OTHER || own_window || own_ack) &&
           !(facts->segment.flags & WHYRST_TCP_ACK) && (sender->flags & ENDPOINT_SPOKE) &&
           facts->segment.seq == sender->next && facts->origin != WHYRST_ORIGIN_AFTER_CLOSE &&
           (facts->conn_flags & CONN_ESTABLISHED);
}

bool is_like_answer(const struct rst_facts *facts)
{
    return facts->shape == RST_SHAPE_OTHER && !(facts->segment.flags & WHYRST_TCP_ACK) &&
           facts->segment.ack == 0 && facts->segment.window == 0 && !facts->options.timestamps &&
           facts->ip_id != ID_CONTINUES;
}

bool is_bare_decision(const struct rst_facts *facts)
{
    return is_bare_abort(facts) && !is_like_answer(facts);
}

bool is_ahead(const struct rst_facts *facts)
{
    return (facts->sender.flags & ENDPOINT_SEEN) &&
           seq_after(facts->segment.seq, facts->sender.next) &&
           !(facts->previous.frame && facts->previous.seq == facts->segment.seq);
}

bool is_subflow_refusal(const struct rst_facts *facts)
{
    return facts->shape == RST_SHAPE_ANSWER && facts->options.mptcp_reset &&
           facts->origin != WHYRST_ORIGIN_AFTER_CLOSE;
}

bool is_stateless_answer(const struct rst_facts *facts)
{
    return facts->shape == RST_SHAPE_ANSWER && !is_bare_abort(facts) &&
           !is_subflow_refusal(facts) && facts->origin != WHYRST_ORIGIN_AFTER_CLOSE &&
           !(facts->sender.flags & ENDPOINT_FIN) && facts->later.train_frame == 0;
}

/* A close waits until all is sent (RFC 9293 section 3.10.4), and what is sent waits for room. */
bool may_have_closed(const struct rst_facts *facts)
{
    return is_stateless_answer(facts) && facts->trigger.length > 0 &&
           fills_window(&facts->sender, &facts->receiver, facts->conn_flags);
}

bool is_live_abort(const struct rst_facts *facts)
{
    /* In SYN-SENT an abort sends nothing (RFC 9293 section 3.10.5), and there is nothing to
     * acknowledge. */
    if (!(facts->conn_flags & (CONN_SYN_ACK | CONN_ESTABLISHED)) && facts->segment.ack == 0) {
        return false;
    }
    return facts->shape == RST_SHAPE_ACTIVE && facts->origin != WHYRST_ORIGIN_AFTER_CLOSE &&
           bytes_after_fin(facts) == 0;
}

/* A socket that is closed answers what comes at once (RFC 9293 section 3.6.1). One that resets
 * later had taken what came; the capture has lost that it said so. */
static bool had_been_taken(const struct rst_facts *facts)
{
    int64_t trip_ns = facts->rtt_ns > 0 ? facts->rtt_ns : 0;

    return facts->told_ns > 2 * trip_ns + AT_ONCE_NS;
}

uint32_t bytes_after_fin(const struct rst_facts *facts)
{
    const struct endpoint *sender = &facts->sender;
    uint32_t covered = facts->segment.ack;

    if (!(sender->flags & ENDPOINT_FIN) || !(sender->flags & ENDPOINT_ACKED) || facts->read_on ||
        had_been_taken(facts) || facts->shape != RST_SHAPE_ACTIVE ||
        facts->receiver.last_payload_frame == 0) {
        return 0;
    }
    if (seq_after(covered, facts->receiver.payload_end)) {
        covered = facts->receiver.payload_end;
    }
    return seq_after(covered, sender->ack) ? covered - sender->ack : 0;
}

bool has_own_timestamps(const struct rst_facts *facts)
{
    return facts->options.timestamps && (facts->sender.flags & ENDPOINT_TIMESTAMPS);
}

bool lacks_timestamps(const struct rst_facts *facts)
{
    bool agreed = facts->receiver.flags & ENDPOINT_SPOKE
                      ? (facts->receiver.flags & ENDPOINT_TIMESTAMPS) != 0
                      : (facts->conn_flags & CONN_ESTABLISHED) != 0;

    return (facts->sender.flags & ENDPOINT_TIMESTAMPS) && agreed && !facts->options.timestamps;
}

bool is_own_stack(const struct rst_facts *facts)
{
    return facts->hops == HOPS_SAME && (has_own_timestamps(facts) || facts->ip_id == ID_CONTINUES);
}

bool is_made_up(const struct rst_facts *facts)
{
    return (facts->sender.flags & facts->receiver.flags & ENDPOINT_SYN) &&
           facts->sender.base_seq == 0 && facts->receiver.base_seq == 0;
}

bool passed_one_point(const struct rst_facts *facts)
{
    return facts->later.copies < facts->passes;
}

/* Data that got through is acknowledged; that a bare ACK did not, two capture points show, or a
 * repetition of what it acknowledged. */
static bool has_trigger_ended(const struct rst_facts *facts)
{
    if (facts->trigger.length > 0) {
        return !facts->trigger.taken;
    }
    return facts->trigger.missed || (facts->trigger.frame != 0 && facts->passes > 0 &&
                                     facts->trigger.copies < facts->copies);
}

bool is_answer_on_the_way(const struct rst_facts *facts)
{
    return facts->shape == RST_SHAPE_ANSWER && facts->later.life_frame != 0 &&
           has_trigger_ended(facts);
}

bool is_unsettled_answer(const struct rst_facts *facts)
{
    const struct whyrst_segment *rst = &facts->segment;
    bool plain = !(rst->flags & WHYRST_TCP_ACK) && rst->ack == 0 && rst->window == 0 &&
                 rst->payload_length == 0 && !facts->options.any && facts->ip_id == ID_UNKNOWN;

    if (!plain || is_answer_on_the_way(facts)) {
        return false;
    }
    if (facts->trigger.frame == 0) {
        return !(facts->receiver.flags & ENDPOINT_SEEN) ||
               !((facts->sender.flags | facts->receiver.flags) & ENDPOINT_LETTER_A);
    }
    return facts->trigger.length == 0 && facts->reaction_ns <= facts->rtt_ns + AT_ONCE_NS;
}

bool has_zero_label(const struct rst_facts *facts)
{
    return facts->segment.ip_version == 6 && facts->segment.flow_label == 0 &&
           (facts->sender.flags & ENDPOINT_LABEL);
}

/* DSCP of the trigger, where it has one to be copied: Linux copies it without the ECN bits
 * (tcp_v4_send_reset()), firewalls send 0. */
static uint8_t trigger_dscp(const struct rst_facts *facts)
{
    return facts->trigger.frame ? facts->trigger.tos >> 2 : 0;
}

/* IPv6: Linux sets a label on its own answers, firewall rules send 0. That is telling where the
 * host is seen to set labels, and a hint where nothing of it was seen (older kernels send 0 as
 * well). */
static void weigh_label(const struct rst_facts *facts, int host_points, struct scale *scale)
{
    bool set = facts->segment.flow_label != 0;
    bool spoke = facts->sender.flags & ENDPOINT_SPOKE;

    if (facts->segment.ip_version != 6 || (spoke && !facts->labels_known)) {
        return;
    }
    if (!facts->labels_known) {
        host_points = host_points > 0 ? 8 : -8;
    }
    scale_add(scale, set ? host_points : -host_points,
              set ? EVIDENCE_FLOW_LABEL_SET : EVIDENCE_FLOW_LABEL_ZERO, 0, 0, 0);
}

void weigh_life_after(const struct rst_facts *facts, struct scale *scale)
{
    if (facts->later.syn_ack_frame) {
        scale_add(scale, -60, EVIDENCE_SYN_ACK_AFTER, 0, 0, facts->later.syn_ack_frame);
    } else if (facts->later.life_frame) {
        scale_add(scale, -50, EVIDENCE_LIFE_AFTER, 0, 0, facts->later.life_frame);
    }
}

static void weigh_dscp(const struct rst_facts *facts, int host_points, struct scale *scale)
{
    uint8_t dscp = trigger_dscp(facts);
    /* Windows (initial TTL 128, and an ack in the bare RST) copies no DSCP either. */
    bool linux_like = facts->segment.ttl <= 64 &&
                      ((facts->segment.flags & WHYRST_TCP_ACK) || facts->segment.ack == 0);

    if (dscp != 0 && linux_like) {
        bool echoed = facts->segment.tos >> 2 == dscp;

        /* Routers before the capture point may have cleared it, on either way. */
        int zero_points = hop_count(facts->segment.ttl) > 0 ? -host_points / 4 : -host_points;

        scale_add(scale, echoed ? host_points : zero_points,
                  echoed ? EVIDENCE_DSCP_ECHOED : EVIDENCE_DSCP_ZERO, echoed ? dscp : 0, dscp, 0);
    }
}

static void add_ttl(const struct rst_facts *facts, int points, struct scale *scale)
{
    static const enum evidence_kind kinds[] = {[HOPS_SAME] = EVIDENCE_TTL_SAME,
                                               [HOPS_REBASED] = EVIDENCE_TTL_REBASED,
                                               [HOPS_NEAR] = EVIDENCE_TTL_NEAR,
                                               [HOPS_OTHER] = EVIDENCE_TTL_OTHER};
    enum evidence_kind kind = facts->hops == HOPS_OTHER && facts->ttl_of_host
                                  ? EVIDENCE_TTL_OTHER_HOST
                                  : kinds[facts->hops];

    scale_add(scale, points, kind, facts->segment.ttl, facts->ttl_expected, 0);
}

/* The distance is that of other ports of the address only: a gateway forwards some to hosts behind
 * it and refuses the rest itself, which is no rule of a firewall. */
static bool is_of_other_ports(const struct rst_facts *facts)
{
    return facts->ttl_of_host && is_refusal(facts) && facts->accept_frame == 0 &&
           facts->later.accept_frame == 0;
}

void weigh_host_answer(const struct rst_facts *facts, struct scale *scale)
{
    weigh_life_after(facts, scale);
    if (facts->hops == HOPS_SAME || facts->hops == HOPS_REBASED) {
        add_ttl(facts, 8, scale);
    } else if (facts->hops != HOPS_UNKNOWN) {
        add_ttl(facts,
                is_of_other_ports(facts)    ? -6
                : facts->hops == HOPS_OTHER ? -25
                                            : -15,
                scale);
    }
    weigh_label(facts, 18, scale);
    weigh_dscp(facts, 12, scale);
}

void weigh_foreign_answer(const struct rst_facts *facts, struct scale *scale)
{
    if (is_answer_on_the_way(facts)) {
        scale_add(scale, 20, EVIDENCE_LIFE_AFTER, 0, 0, facts->later.life_frame);
    } else if (!is_unsettled_answer(facts)) {
        weigh_life_after(facts, scale);
    }
    if (facts->segment.window != 0 && facts->segment.window == facts->trigger.window &&
        facts->segment.window != facts->sender.window) {
        scale_add(scale, 20, EVIDENCE_WINDOW_COPIED, facts->segment.window, 0,
                  facts->trigger.frame);
    }
    if (facts->hops == HOPS_OTHER && facts->hops_closer < 0) {
        add_ttl(facts, -20, scale); /* no device before the host is further away than the host */
    } else if (facts->hops == HOPS_OTHER) {
        add_ttl(facts, is_of_other_ports(facts) ? 12 : 30, scale);
    } else if (facts->hops == HOPS_NEAR && facts->hops_closer > 0) {
        add_ttl(facts, is_of_other_ports(facts) ? 12 : 20, scale);
    } else if (facts->hops == HOPS_SAME || facts->hops == HOPS_REBASED) {
        add_ttl(facts, -8, scale);
    }
    weigh_label(facts, -22, scale);
    weigh_dscp(facts, -16, scale);
}

void weigh_own_stack(const struct rst_facts *facts, struct scale *scale)
{
    if (is_own_stack(facts) && has_own_timestamps(facts)) {
        scale_add(scale, 5, EVIDENCE_OWN_STACK, 0, 0, 0);
    } else if (is_own_stack(facts)) {
        scale_add(scale, 5, EVIDENCE_IP_ID_CONTINUES, facts->segment.ip_id, facts->sender.ip_id, 0);
    } else if (lacks_timestamps(facts)) {
        scale_add(scale, -8, EVIDENCE_NO_TIMESTAMPS, 0, 0, 0);
    }
    if (facts->hops == HOPS_OTHER || facts->hops == HOPS_NEAR) {
        scale_add(scale, facts->hops == HOPS_OTHER ? -25 : -5,
                  facts->hops == HOPS_OTHER ? EVIDENCE_TTL_OTHER : EVIDENCE_TTL_NEAR,
                  facts->segment.ttl, facts->ttl_expected, 0);
    } else if (facts->hops == HOPS_REBASED) {
        scale_add(scale, -5, EVIDENCE_TTL_REBASED_LIVE, facts->segment.ttl, facts->ttl_expected, 0);
    }
    if (facts->ip_id == ID_JUMPS || facts->ip_id == ID_ZERO) {
        scale_add(scale, -12, EVIDENCE_IP_ID_JUMPS, facts->segment.ip_id, facts->sender.ip_id, 0);
    }
    if (facts->shape == RST_SHAPE_ACTIVE && has_zero_label(facts)) {
        scale_add(scale, -12, EVIDENCE_FLOW_LABEL_ZERO, 0, 0, 0);
    }
    weigh_life_after(facts, scale);
}

void weigh_across(const struct rst_facts *facts, enum across_kind kind, struct scale *scale)
{
    const struct across *across = facts->later.across;

    if (across && across->kind == kind) {
        scale_add(scale, 100, EVIDENCE_CONTRAST, 0, 0, 0);
        scale->items[0].text = across->contrast;
    }
}
