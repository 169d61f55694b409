/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verdict/cause.h"
#include "verdict/causes/common.h"

static void weigh(const struct rst_facts *facts, struct scale *scale)
{
    bool syn_ack = (facts->trigger.flags & (WHYRST_TCP_SYN | WHYRST_TCP_ACK)) ==
                   (WHYRST_TCP_SYN | WHYRST_TCP_ACK);

    if (facts->shape != RST_SHAPE_ANSWER || (facts->sender.flags & ENDPOINT_SPOKE) ||
        (facts->conn_flags & CONN_RESET)) {
        return;
    }
    if (!syn_ack) {
        scale_add(scale, 30, EVIDENCE_ANSWERS_SEGMENT, 0, 0, facts->trigger.frame);
        return;
    }
    scale_add(scale, 45, EVIDENCE_NEVER_SENT_SYN, 0, 0, facts->trigger.frame);
    if (facts->syn_elsewhere_frame) {
        scale_add(scale, 45, EVIDENCE_SYN_WENT_ELSEWHERE, 0, 0, facts->syn_elsewhere_frame);
    }
}

const struct cause cause_nat_mismatch = {
    .info = {.name = "nat-mismatch",
             .meaning = "A segment arrived from an address the receiver never talked to (un-NATed "
                        "reply), and the receiver reset it.",
             .shown_by =
                 "A SYN-ACK, without a SYN between these two addresses, met a bare RST; the "
                 "SYN went to another address.",
             .advice = "Make replies pass the device that translates addresses: check routes and "
                       "conntrack's INVALID packets (nf_conntrack_tcp_be_liberal, DROP INVALID).",
             .references =
                 "RFC 9293 section 3.5.2, group 1; Linux netfilter conntrack (ctstate INVALID)",
             .sample = "nat-mismatch"},
    .weigh = weigh,
};
