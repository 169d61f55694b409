/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verdict/cause.h"
#include "verdict/causes/common.h"

static void weigh(const struct rst_facts *facts, struct scale *scale)
{
    if (facts->shape != RST_SHAPE_ACTIVE || facts->sender.keepalives < 2 ||
        !(facts->receiver.flags & ENDPOINT_SPOKE) || facts->origin == WHYRST_ORIGIN_AFTER_CLOSE) {
        return;
    }
    scale_add(scale, 70, EVIDENCE_KEEPALIVES_LOST, facts->sender.keepalives, 0, 0);
    weigh_own_stack(facts, scale);
    scale_add(scale, 25, EVIDENCE_LIVE_SOCKET, 0, 0, 0);
}

const struct cause cause_keepalive_failed = {
    .info = {.name = "keepalive-failed",
             .meaning = "Keep-alive probes went unanswered and the sender gave up.",
             .shown_by =
                 "Two or more probes of the RST's sender without an answer, then its RST+ACK.",
             .advice = "The other side or the path to it was gone: look for a crash, a lost "
                       "route, or a firewall that drops silently.",
             .references = "RFC 9293 section 3.8.4; Linux tcp_keepalive_timer()",
             .sample = "keepalive-failed"},
    .weigh = weigh,
};
