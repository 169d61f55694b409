/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verdict/cause.h"
#include "verdict/causes/common.h"

/* A response that has not moved for this long did not flow: the client's own timeout. */
#define STALLED_NS INT64_C(3000000000)

/* A bare RST without a FIN or another RST before it: the client's host knows no such connection,
 * and what has become of the program no packet tells. */
static bool is_decision(const struct rst_facts *facts)
{
    return facts->shape == RST_SHAPE_ACTIVE || (facts->sender.flags & ENDPOINT_FIN) ||
           is_bare_decision(facts);
}

/* The client had ended its direction with the request, and now ends the response's, too. */
static bool is_half_closed_download(const struct rst_facts *facts)
{
    return facts->origin == WHYRST_ORIGIN_AFTER_FIN && facts->shape == RST_SHAPE_ACTIVE &&
           !(facts->receiver.flags & ENDPOINT_FIN) && facts->state.exact &&
           facts->state.phase == OBSERVE_PHASE_RESPONSE;
}

static void weigh(const struct rst_facts *facts, struct scale *scale)
{
    if (!facts->from_client || facts->origin == WHYRST_ORIGIN_AFTER_CLOSE ||
        (facts->shape != RST_SHAPE_ACTIVE && facts->shape != RST_SHAPE_ANSWER &&
         !is_bare_abort(facts))) {
        return;
    }
    if (facts->phase == OBSERVE_PHASE_RESPONSE || facts->origin == WHYRST_ORIGIN_MID_RESPONSE ||
        is_half_closed_download(facts)) {
        if (facts->window_shut && facts->shape == RST_SHAPE_ACTIVE) {
            scale_add(scale, facts->state.exact ? 75 : 65, EVIDENCE_WINDOW_SHUT, 0, 0, 0);
        } else if (facts->idle_known && facts->silent_ns >= STALLED_NS) {
            scale_add(scale, 50, EVIDENCE_WAITED, facts->silent_ns, 0, 0);
        } else if (!is_decision(facts)) {
            scale_add(scale, 35, EVIDENCE_RESPONSE_FLOWING, 0, 0,
                      facts->receiver.last_payload_frame);
        } else {
            scale_add(scale, facts->state.exact ? 75 : 65, EVIDENCE_RESPONSE_FLOWING, 0, 0,
                      facts->receiver.last_payload_frame);
        }
        weigh_own_stack(facts, scale);
    } else if (facts->phase == OBSERVE_PHASE_AWAITING && facts->shape == RST_SHAPE_ACTIVE) {
        scale_add(scale, 50, EVIDENCE_CLIENT_WAITED, 0, 0, 0);
        weigh_own_stack(facts, scale);
    }
}

const struct cause cause_client_cancel = {
    .info = {.name = "client-cancel",
             .meaning = "The client stopped wanting the answer (closed while the response flowed).",
             .shown_by = "The client's own RST in the middle of a response.",
             .advice = "Usually harmless for the server: a closed tab, a client's timeout, a "
                       "kill; look at the client if it was not meant.",
             .references = "RFC 9112 section 9.5; RFC 2525 section 2.17",
             .sample = "client-cancel"},
    .weigh = weigh,
};
