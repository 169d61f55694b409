/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verdict/cause.h"
#include "verdict/causes/common.h"
#include "verdict/timers.h"

/* Silence shorter than this is no timer's in a dialogue under way. */
#define TIMER_NS INT64_C(3000000000)

/* What one call after the other sends. */
#define INSTANT_NS INT64_C(10000000)

/* Shorter timers that are known are of connections without a request: a response takes its time. */
#define RESPONSE_NS INT64_C(60000000000)

static void weigh_timer(int64_t silent_ns, bool idle, struct scale *scale)
{
    int64_t timer_ns = timers_nearest(silent_ns);

    if (timer_ns > 0 && (idle || timer_ns >= RESPONSE_NS)) {
        scale_add(scale, 10, EVIDENCE_KNOWN_TIMER, silent_ns, timer_ns, 0);
    }
}

/* A timer of each connection does not reset several at once after different silences. */
static void weigh_burst(const struct rst_facts *facts, struct scale *scale)
{
    const struct hindsight *later = &facts->later;

    if (later->burst >= 3 &&
        later->burst_idle_max_ns - later->burst_idle_min_ns > INT64_C(2000000000) &&
        timers_nearest(later->burst_idle_min_ns) == 0) {
        scale_add(scale, -40, EVIDENCE_SAME_INSTANT, later->burst, HOSTS_INSTANT_NS, 0);
    }
}

/* Built nearer than the named host, and not by its stack: a balancer or firewall ends what its
 * timer says is idle in that host's name, with the numbers it has kept. */
static bool is_device(const struct rst_facts *facts)
{
    return facts->hops == HOPS_OTHER && facts->hops_closer > 0 &&
           facts->sequence_check == WHYRST_SEQUENCE_EXACT && !facts->options.timestamps;
}

/* The sender's FIN had gone out an instant before: some close so, with SO_LINGER 0 after
 * shutdown(), and one decision after a silence was behind both. */
static bool is_one_close(const struct rst_facts *facts)
{
    enum observe_phase phase = facts->state.phase;

    return facts->origin == WHYRST_ORIGIN_AFTER_FIN && facts->shape == RST_SHAPE_ACTIVE &&
           (facts->sender.flags & ENDPOINT_FIN) && !(facts->receiver.flags & ENDPOINT_FIN) &&
           facts->sender_quiet_known && facts->sender_quiet_ns < INSTANT_NS && facts->idle_known &&
           facts->idle_ns >= TIMER_NS && facts->unanswered_bytes == 0 &&
           phase != OBSERVE_PHASE_HANDSHAKE && phase != OBSERVE_PHASE_REQUEST &&
           phase != OBSERVE_PHASE_AWAITING && phase != OBSERVE_PHASE_RESPONSE;
}

static void weigh(const struct rst_facts *facts, struct scale *scale)
{
    bool idle = facts->origin == WHYRST_ORIGIN_IDLE_TIMEOUT || is_one_close(facts);

    if ((facts->trigger.frame && !is_bare_abort(facts)) || facts->shape == RST_SHAPE_REFUSAL ||
        !facts->idle_known || (!idle && facts->silent_ns < TIMER_NS)) {
        return;
    }
    if (facts->later.both_frame) {
        scale_add(scale, 60, EVIDENCE_IDLE_GAP, facts->silent_ns, 0, 0);
        scale_add(scale, 25, EVIDENCE_BOTH_ENDS, facts->later.both_ns, 0, facts->later.both_frame);
    } else if (!is_live_abort(facts) && !is_bare_abort(facts)) {
        return;
    } else if (idle) {
        scale_add(scale, facts->from_client ? 55 : 65, EVIDENCE_IDLE_GAP, facts->idle_ns, 0, 0);
        if (is_device(facts)) {
            scale_add(scale, 0, EVIDENCE_TTL_OTHER, facts->segment.ttl, facts->ttl_expected, 0);
            weigh_life_after(facts, scale);
        } else {
            weigh_own_stack(facts, scale);
        }
        if (is_like_answer(facts)) {
            scale_add(scale, -16, EVIDENCE_LIKE_ANSWER, 0, 0, 0);
        }
        weigh_burst(facts, scale);
    } else {
        bool stalled = facts->from_client && facts->phase == OBSERVE_PHASE_RESPONSE;

        scale_add(scale,
                  facts->from_client && !stalled ? 40
                  : stalled                      ? 66
                                                 : 57,
                  EVIDENCE_WAITED, facts->silent_ns, 0, 0);
        if (facts->origin == WHYRST_ORIGIN_AFTER_FIN) {
            scale_add(scale, -20, EVIDENCE_CLOSE_BEGUN, 0, 0, 0);
        }
        weigh_own_stack(facts, scale);
        if (facts->window_shut) { /* nothing came because there was no room for it */
            scale_add(scale, -20, EVIDENCE_WINDOW_SHUT, 0, 0, 0);
        }
        if (facts->sender.retransmits >= 2) { /* it was not silent: nobody heard it */
            scale_add(scale, -20, EVIDENCE_RETRANSMITTED, facts->sender.retransmits, 0, 0);
        }
    }
    if (facts->sender.keepalives > 0) {
        scale_add(scale, facts->sender.keepalives > 1 ? -40 : -20, EVIDENCE_KEEPALIVES_LOST,
                  facts->sender.keepalives, 0, 0);
    }
    /* The known timers are those of servers and devices; by chance many a silence is as long, also
     * before something that the capture lacks. */
    if (!facts->from_client && !is_like_answer(facts)) {
        weigh_timer(idle ? facts->idle_ns : facts->silent_ns, idle, scale);
    }
}

static const char *advise(const struct rst_facts *facts)
{
    if (facts->from_client && facts->phase == OBSERVE_PHASE_RESPONSE) {
        return "The client stopped waiting for the rest of the response: look at why the server "
               "or the path stalled.";
    }
    if (facts->phase == OBSERVE_PHASE_REQUEST || facts->phase == OBSERVE_PHASE_HANDSHAKE) {
        return "The server stopped waiting for the rest of the request: see why it stalled, or "
               "raise the header, body or handshake timeout.";
    }
    if (facts->phase == OBSERVE_PHASE_AWAITING || facts->phase == OBSERVE_PHASE_RESPONSE) {
        return "A proxy's or server's timeout ended an exchange under way: see what was slow, "
               "or raise its response or send timeout.";
    }
    return facts->from_client ? "The client's own pool or idle timer closed it: harmless; where "
                                "it races with requests, let it close with FIN."
                              : "Make the client's keep-alive or pool timeout shorter than that "
                                "timer, or send keep-alives.";
}

const struct cause cause_idle_timer = {
    .info = {.name = "idle-timer",
             .meaning = "A proxy's, load balancer's or server's idle timer fired.",
             .shown_by = "After a silence a RST comes by itself, as no answer to anything; "
                         "often at a well-known time, sometimes to both ends at once.",
             .advice = "Make the client's keep-alive or pool timeout shorter than that timer, "
                       "or send keep-alives.",
             .references = "Timers: docs/TIMERS.md; nginx reset_timedout_connection; Azure Load "
                           "Balancer TCP reset",
             .sample = "idle-timer-rst"},
    .weigh = weigh,
    .advise = advise,
};
