/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verdict/cause.h"
#include "verdict/causes/common.h"

/* A RST to the final ACK comes a round trip after it, give or take this much. */
#define ANSWER_SLACK_NS INT64_C(50000000)

/* Data or a FIN that left well after a RST to the final ACK would have come: the listener took that
 * ACK, or it would have answered it, or (where it drops instead) repeated its SYN-ACK. */
static bool was_accepted(const struct rst_facts *facts)
{
    int64_t slack = facts->rtt_ns > ANSWER_SLACK_NS ? facts->rtt_ns : ANSWER_SLACK_NS;

    return (facts->trigger.length > 0 || (facts->trigger.flags & WHYRST_TCP_FIN)) &&
           facts->sender.syns <= 1 && facts->sender_quiet_known && facts->reaction_ns >= 0 &&
           facts->rtt_ns >= 0 &&
           facts->sender_quiet_ns - facts->reaction_ns > facts->rtt_ns + slack;
}

/* The listener took the SYN but not the final ACK: its queue of connections to accept was full. */
static void weigh(const struct rst_facts *facts, struct scale *scale)
{
    if (!is_stateless_answer(facts) || facts->from_client || !(facts->conn_flags & CONN_SYN_ACK) ||
        facts->sender.last_payload_frame != 0 ||
        facts->trigger.seq != facts->receiver.base_seq + 1 ||
        facts->sender.ack != facts->receiver.base_seq + 1 || facts->segment.ack != 0 ||
        facts->segment.window != 0 || was_accepted(facts)) {
        return;
    }
    scale_add(scale, 40, EVIDENCE_HANDSHAKE_JUST_DONE, 0, 0, facts->trigger.frame);
    scale_add(scale, 5, EVIDENCE_NEVER_SPOKE, 0, 0, 0);
    if (facts->sender.syns > 1) {
        scale_add(scale, 15, EVIDENCE_SYN_ACK_AGAIN, facts->sender.syns, 0, 0);
    }
    if (facts->later.accept_frame) {
        scale_add(scale, 15, EVIDENCE_STILL_LISTENS, 0, 0, facts->later.accept_frame);
    } else if (facts->later.refused_frame) {
        scale_add(scale, -30, EVIDENCE_SERVICE_GONE, 0, 0, facts->later.refused_frame);
    }
    if (facts->answerable_ack && facts->answerable_data && facts->later.tally.bare < 2) {
        scale_add(scale, -30, EVIDENCE_ONE_ANSWER_OF_TWO, 0, 0, 0);
    }
    if (facts->origin == WHYRST_ORIGIN_IDLE_TIMEOUT) {
        scale_add(scale, -15, EVIDENCE_IDLE_GAP, facts->idle_ns, 0, 0);
    }
    if (facts->hops == HOPS_OTHER || facts->hops == HOPS_NEAR) {
        scale_add(scale, -25, EVIDENCE_TTL_OTHER, facts->segment.ttl, facts->ttl_expected, 0);
    }
    if (has_zero_label(facts)) {
        scale_add(scale, -25, EVIDENCE_FLOW_LABEL_ZERO, 0, 0, 0);
    }
}

const struct cause cause_accept_overflow = {
    .info = {.name = "accept-overflow",
             .meaning = "The listener's accept queue was full (Linux with tcp_abort_on_overflow).",
             .shown_by =
                 "The server sent SYN-ACK, then answered the final ACK and the first data with a "
                 "bare RST each, and goes on to accept others; often after repeating its SYN-ACK.",
             .advice = "Accept faster or raise the listen backlog and net.core.somaxconn; look at "
                       "ListenOverflows in nstat.",
             .references =
                 "Linux tcp_check_req() in net/ipv4/tcp_minisocks.c (LINUX_MIB_EMBRYONICRSTS)",
             .sample = "accept-overflow"},
    .weigh = weigh,
};
