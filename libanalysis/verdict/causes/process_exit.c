/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <glib.h>

#include "verdict/cause.h"
#include "verdict/causes/common.h"
#include "verdict/timers.h"

/* A process ends once, and the next one with it; so many instants are an endpoint's that goes on.
 */
#define SPELL 3

/* Nobody owed the other anything. */
static bool is_between_exchanges(const struct rst_facts *facts)
{
    return facts->origin == WHYRST_ORIGIN_IDLE_TIMEOUT ||
           facts->origin == WHYRST_ORIGIN_AFTER_RESPONSE ||
           facts->origin == WHYRST_ORIGIN_BEFORE_DATA;
}

/* The connections' last words had been said in one instant, too: whatever each of them met, or a
 * timer of each, resets them together as well as the end of a process does. */
static bool has_common_stimulus(const struct rst_facts *facts)
{
    return facts->idle_known &&
           facts->later.burst_idle_max_ns - facts->later.burst_idle_min_ns < HOSTS_INSTANT_NS;
}

static void weigh(const struct rst_facts *facts, struct scale *scale)
{
    if (!is_live_abort(facts) || facts->later.burst < 3) {
        return;
    }
    /* A client's program also drops many connections at once when it is done with them. */
    scale_add(scale, (facts->from_client ? 20 : 50) + (int)MIN(facts->later.burst, 8) * 5,
              EVIDENCE_SAME_INSTANT, facts->later.burst, HOSTS_INSTANT_NS, 0);
    weigh_own_stack(facts, scale);
    if (facts->later.burst_refused_frame) {
        scale_add(scale, 15, EVIDENCE_SERVICE_GONE, 0, 0, facts->later.burst_refused_frame);
    } else if (has_common_stimulus(facts)) {
        scale_add(scale, -35, EVIDENCE_SAME_STIMULUS, 0, HOSTS_INSTANT_NS, 0);
    } else if (!facts->from_client && facts->later.burst_alike) {
        /* Channels of one session end together while the process lives on; in the middle of an
         * exchange that is less likely. */
        scale_add(scale, is_between_exchanges(facts) ? -30 : -15, EVIDENCE_SAME_PEER, 0, 0, 0);
    }
    if (facts->later.burst_spell >= SPELL) {
        scale_add(scale, -30, EVIDENCE_SPELL, facts->later.burst_spell, 0, 0);
    }
    if (facts->origin == WHYRST_ORIGIN_IDLE_TIMEOUT && facts->segment.ttl <= 64) {
        /* A killed process has nothing unread on idle connections: Linux sends FIN there. */
        scale_add(scale, -40, EVIDENCE_IDLE_GAP, facts->idle_ns, 0, 0);
    }
    if (facts->from_client && facts->origin == WHYRST_ORIGIN_IDLE_TIMEOUT &&
        timers_nearest(facts->later.burst_idle_min_ns) > 0) {
        scale_add(scale, -40, EVIDENCE_KNOWN_TIMER, facts->later.burst_idle_min_ns,
                  timers_nearest(facts->later.burst_idle_min_ns), 0); /* a pool's sweep */
    }
    if (facts->origin == WHYRST_ORIGIN_AFTER_FIN) {
        scale_add(scale, -40, EVIDENCE_CLOSE_BEGUN, 0, 0, 0);
    }
}

static const char *advise(const struct rst_facts *facts)
{
    return facts->from_client ? "A program on the client ended or dropped its connections at "
                                "once: harmless unless requests failed."
                              : "Look for a crash, an out-of-memory kill or a deployment at "
                                "that time; drain before stopping.";
}

const struct cause cause_process_exit = {
    .info = {.name = "process-exit",
             .meaning = "The process died or was killed with connections open.",
             .shown_by =
                 "Live sockets' RSTs on several connections of one endpoint in one instant.",
             .advice = "Look for a crash, an out-of-memory kill or a deployment at that time; "
                       "drain before stopping.",
             .references =
                 "Linux do_exit() -> __tcp_close(): RST where data was unread, FIN elsewhere",
             .sample = "kill-process"},
    .weigh = weigh,
    .advise = advise,
};
