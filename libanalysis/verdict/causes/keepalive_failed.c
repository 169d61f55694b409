/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verdict/cause.h"
#include "verdict/causes/common.h"

/* Stacks count the time between probes in seconds; a timer's second may be some ticks short. */
#define INTERVAL_NS INT64_C(900000000)

/* One probe is enough where so many are set, or TCP_USER_TIMEOUT ends the waiting; but the answer
 * must have had its time. */
static bool waited_for_answer(const struct rst_facts *facts)
{
    return facts->sender_quiet_known && facts->sender_quiet_ns >= INTERVAL_NS &&
           (facts->rtt_ns < 0 || facts->sender_quiet_ns > 4 * facts->rtt_ns);
}

static void weigh(const struct rst_facts *facts, struct scale *scale)
{
    if (facts->shape != RST_SHAPE_ACTIVE || facts->sender.keepalives == 0 ||
        !(facts->receiver.flags & ENDPOINT_SPOKE) || facts->origin == WHYRST_ORIGIN_AFTER_CLOSE ||
        (facts->sender.keepalives == 1 && !waited_for_answer(facts))) {
        return;
    }
    scale_add(scale, facts->sender.keepalives > 1 ? 70 : 44, EVIDENCE_KEEPALIVES_LOST,
              facts->sender.keepalives, 0, 0);
    weigh_own_stack(facts, scale);
    scale_add(scale, 25, EVIDENCE_LIVE_SOCKET, 0, 0, 0);
}

const struct cause cause_keepalive_failed = {
    .info = {.name = "keepalive-failed",
             .meaning = "Keep-alive probes went unanswered and the sender gave up.",
             .shown_by = "Probes of the RST's sender without an answer, then its RST+ACK.",
             .advice = "The other side or the path to it was gone: look for a crash, a lost "
                       "route, or a firewall that drops silently.",
             .references = "RFC 9293 section 3.8.4; Linux tcp_keepalive_timer()",
             .sample = "keepalive-failed"},
    .weigh = weigh,
};
