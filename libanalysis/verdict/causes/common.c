/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verdict/causes/common.h"

bool is_refusal(const struct rst_facts *facts)
{
    return facts->shape == RST_SHAPE_REFUSAL && facts->origin == WHYRST_ORIGIN_REFUSED_HANDSHAKE;
}

bool is_stateless_answer(const struct rst_facts *facts)
{
    return facts->shape == RST_SHAPE_ANSWER && facts->origin != WHYRST_ORIGIN_AFTER_CLOSE &&
           !(facts->sender.flags & ENDPOINT_FIN);
}

bool is_live_abort(const struct rst_facts *facts)
{
    return facts->shape == RST_SHAPE_ACTIVE && facts->origin != WHYRST_ORIGIN_AFTER_CLOSE;
}

bool is_own_stack(const struct rst_facts *facts)
{
    return facts->hops == HOPS_SAME && (facts->options.timestamps || facts->ip_id == ID_CONTINUES);
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

/* For a RST without a word of the host before, IPv6 can still tell: the kernel sets a label. */
static bool label_tells(const struct rst_facts *facts)
{
    return facts->segment.ip_version == 6 &&
           ((facts->sender.flags & ENDPOINT_LABEL) || !(facts->sender.flags & ENDPOINT_SPOKE));
}

void weigh_host_answer(const struct rst_facts *facts, struct scale *scale)
{
    uint8_t dscp = trigger_dscp(facts);

    weigh_life_after(facts, scale);
    if (facts->hops == HOPS_SAME || facts->hops == HOPS_REBASED) {
        scale_add(scale, 8, facts->hops == HOPS_SAME ? EVIDENCE_TTL_SAME : EVIDENCE_TTL_REBASED,
                  facts->segment.ttl, facts->ttl_expected, 0);
    } else if (facts->hops != HOPS_UNKNOWN) {
        scale_add(scale, facts->hops == HOPS_OTHER ? -25 : -15,
                  facts->hops == HOPS_OTHER ? EVIDENCE_TTL_OTHER : EVIDENCE_TTL_NEAR,
                  facts->segment.ttl, facts->ttl_expected, 0);
    }
    if (label_tells(facts)) {
        bool set = facts->segment.flow_label != 0;

        scale_add(scale, set ? 15 : -20, set ? EVIDENCE_FLOW_LABEL_SET : EVIDENCE_FLOW_LABEL_ZERO,
                  0, 0, 0);
    }
    if (dscp != 0) {
        bool echoed = facts->segment.tos >> 2 == dscp;

        scale_add(scale, echoed ? 12 : -12, echoed ? EVIDENCE_DSCP_ECHOED : EVIDENCE_DSCP_ZERO,
                  echoed ? dscp : 0, dscp, 0);
    }
}

void weigh_foreign_answer(const struct rst_facts *facts, struct scale *scale)
{
    uint8_t dscp = trigger_dscp(facts);

    weigh_life_after(facts, scale);
    if (facts->segment.window != 0 && facts->segment.window == facts->trigger.window) {
        scale_add(scale, 20, EVIDENCE_WINDOW_COPIED, facts->segment.window, 0,
                  facts->trigger.frame);
    }
    if (facts->hops == HOPS_OTHER) {
        scale_add(scale, 30, facts->ttl_of_host ? EVIDENCE_TTL_OTHER_HOST : EVIDENCE_TTL_OTHER,
                  facts->segment.ttl, facts->ttl_expected, 0);
    } else if (facts->hops == HOPS_NEAR && facts->hops_closer > 0) {
        scale_add(scale, 20, EVIDENCE_TTL_NEAR, facts->segment.ttl, facts->ttl_expected, 0);
    } else if (facts->hops == HOPS_SAME || facts->hops == HOPS_REBASED) {
        scale_add(scale, -8, facts->hops == HOPS_SAME ? EVIDENCE_TTL_SAME : EVIDENCE_TTL_REBASED,
                  facts->segment.ttl, facts->ttl_expected, 0);
    }
    if (label_tells(facts)) {
        bool set = facts->segment.flow_label != 0;

        scale_add(scale, set ? -20 : 25, set ? EVIDENCE_FLOW_LABEL_SET : EVIDENCE_FLOW_LABEL_ZERO,
                  0, 0, 0);
    }
    if (dscp != 0) {
        bool echoed = facts->segment.tos >> 2 == dscp;

        scale_add(scale, echoed ? -12 : 20, echoed ? EVIDENCE_DSCP_ECHOED : EVIDENCE_DSCP_ZERO,
                  echoed ? dscp : 0, dscp, 0);
    }
}

void weigh_life_after(const struct rst_facts *facts, struct scale *scale)
{
    if (facts->later.syn_ack_frame) {
        scale_add(scale, -60, EVIDENCE_SYN_ACK_AFTER, 0, 0, facts->later.syn_ack_frame);
    } else if (facts->later.life_frame) {
        scale_add(scale, -50, EVIDENCE_LIFE_AFTER, 0, 0, facts->later.life_frame);
    }
}

void weigh_own_stack(const struct rst_facts *facts, struct scale *scale)
{
    if (is_own_stack(facts) && facts->options.timestamps) {
        scale_add(scale, 5, EVIDENCE_OWN_STACK, 0, 0, 0);
    } else if (is_own_stack(facts)) {
        scale_add(scale, 5, EVIDENCE_IP_ID_CONTINUES, facts->segment.ip_id, facts->sender.ip_id, 0);
    } else if ((facts->sender.flags & ENDPOINT_TIMESTAMPS) && !facts->options.timestamps) {
        scale_add(scale, -25, EVIDENCE_NO_TIMESTAMPS, 0, 0, 0);
    }
    if (facts->hops == HOPS_OTHER || facts->hops == HOPS_NEAR) {
        scale_add(scale, facts->hops == HOPS_OTHER ? -25 : -5,
                  facts->hops == HOPS_OTHER ? EVIDENCE_TTL_OTHER : EVIDENCE_TTL_NEAR,
                  facts->segment.ttl, facts->ttl_expected, 0);
    }
    weigh_life_after(facts, scale);
}
