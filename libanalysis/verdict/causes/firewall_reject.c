/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verdict/cause.h"
#include "verdict/causes/common.h"

static void weigh(const struct rst_facts *facts, struct scale *scale)
{
    if (is_refusal(facts) || is_probe_refusal(facts)) {
        scale_add(scale, 40, is_refusal(facts) ? EVIDENCE_REFUSES_SYN : EVIDENCE_REFUSES_PROBE, 0,
                  0, facts->trigger.frame);
        if (facts->accept_frame && facts->later.accept_frame) {
            scale_add(scale, 12, EVIDENCE_LISTENS_ELSEWHERE, facts->accept_frame, 0,
                      facts->later.accept_frame);
        }
        weigh_foreign_answer(facts, scale);
        if (facts->segment.seq != 0) {
            scale_add(scale, 5, EVIDENCE_REFUSAL_NUMBERED, 0, 0, 0);
        }
        return;
    }
    if (!is_stateless_answer(facts) || facts->origin == WHYRST_ORIGIN_ABORTED_HANDSHAKE) {
        return;
    }
    scale_add(scale, facts->origin == WHYRST_ORIGIN_IDLE_TIMEOUT ? 20 : 35,
              EVIDENCE_ANSWERS_SEGMENT, 0, 0, facts->trigger.frame);
    weigh_foreign_answer(facts, scale);
}

static const char *advise(const struct rst_facts *facts)
{
    if (is_refusal(facts) || is_probe_refusal(facts)) {
        return "Look for a rule that rejects this port, on the host or on the device at that hop "
               "count.";
    }
    return "Look at the device at that hop count: for a rule that rejects (state INVALID, too), or "
           "for a table of connections that it lost (flush, failover, full).";
}

const struct cause cause_firewall_reject = {
    .info =
        {.name = "firewall-reject",
         .meaning = "A firewall answered a segment, usually the SYN, with a RST (REJECT).",
         .shown_by =
             "The RST has the form of a kernel's answer but not its marks: another hop count, "
             "IPv6 flow label 0, DSCP not copied; or the port accepts others.",
         .advice = "Look for a REJECT rule on the host or on the device at that hop count.",
         .references =
             "Linux nf_send_reset() in net/ipv4/netfilter/nf_reject_ipv4.c and nf_send_reset6()",
         .sample = "reject-on-router"},
    .weigh = weigh,
    .advise = advise,
};
