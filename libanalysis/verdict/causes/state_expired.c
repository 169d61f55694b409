/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verdict/cause.h"
#include "verdict/causes/common.h"
#include "verdict/timers.h"

static void weigh(const struct rst_facts *facts, struct scale *scale)
{
    int64_t timer_ns;

    if (!is_stateless_answer(facts) || facts->origin != WHYRST_ORIGIN_IDLE_TIMEOUT) {
        return;
    }
    scale_add(scale, 42, EVIDENCE_IDLE_GAP, facts->idle_ns, 0, facts->trigger.frame);
    weigh_foreign_answer(facts, scale);
    timer_ns = timers_nearest(facts->idle_ns);
    if (timer_ns > 0) {
        scale_add(scale, 5, EVIDENCE_KNOWN_TIMER, facts->idle_ns, timer_ns, 0);
    }
}

const struct cause cause_state_expired = {
    .info = {.name = "state-expired",
             .meaning =
                 "A firewall, NAT or load balancer forgot the connection while it was idle; the "
                 "next segment met a RST.",
             .shown_by =
                 "A bare RST answers the first segment after a silence and was not built by "
                 "the host it names (hop count, flow label).",
             .advice = "Send TCP keep-alives more often than the device's timeout, or close idle "
                       "connections before it.",
             .references =
                 "AWS NLB and NAT gateway (350 s); Linux nf_conntrack-sysctl (established timeout)",
             .sample = "state-expired"},
    .weigh = weigh,
};
