/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verdict/cause.h"
#include "verdict/causes/common.h"

static void weigh(const struct rst_facts *facts, struct scale *scale)
{
    if (is_probe_refusal(facts)) {
        /* Windows refuses probes of ports that listen, too. */
        scale_add(scale, facts->segment.ttl > 64 ? 35 : 55, EVIDENCE_REFUSES_PROBE, 0, 0,
                  facts->trigger.frame);
    } else if (is_refusal(facts)) {
        scale_add(scale, 55, EVIDENCE_REFUSES_SYN, 0, 0, facts->trigger.frame);
    } else {
        return;
    }
    weigh_host_answer(facts, scale);
    if (facts->segment.seq != 0) {
        scale_add(scale, -20, EVIDENCE_REFUSAL_NUMBERED, 0, 0, 0);
    }
    if (facts->refusals > 1) {
        scale_add(scale, 0, EVIDENCE_REFUSES_OTHERS, facts->refusals, 0, 0);
    }
    if (facts->hops == HOPS_UNKNOWN) {
        scale->points -= 5; /* nothing of the host to compare with */
    }
    if (facts->accept_frame && facts->later.accept_frame) {
        scale_add(scale, -12, EVIDENCE_LISTENS_ELSEWHERE, facts->accept_frame, 0,
                  facts->later.accept_frame);
    }
}

const struct cause cause_port_closed = {
    .info =
        {.name = "port-closed",
         .meaning = "The host has no listener on that port.",
         .shown_by =
             "A RST+ACK with sequence number 0 answers the SYN, built as the host's own kernel "
             "builds it. Over IPv4 a firewall's REJECT on the same host looks the same.",
         .advice =
             "Check address and port, and whether the service runs and listens on that address.",
         .references = "RFC 9293 section 3.10.7.1; Linux tcp_v4_send_reset(), __inet_lookup_skb()",
         .sample = "closed-port"},
    .seen = true,
    .weigh = weigh,
};
