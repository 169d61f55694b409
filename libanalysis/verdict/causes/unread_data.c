/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verdict/cause.h"
#include "verdict/causes/common.h"

/* An answer that comes this late was not for want of a reader at arrival. */
#define LATE_NS INT64_C(1000000000)

static void weigh(const struct rst_facts *facts, struct scale *scale)
{
    if (!is_live_abort(facts) || facts->unanswered_bytes == 0) {
        return;
    }
    scale_add(scale, 50, EVIDENCE_UNANSWERED_DATA, facts->unanswered_bytes, 0,
              facts->receiver.last_payload_frame);
    weigh_own_stack(facts, scale);
    if (facts->in_flight_bytes > 0) {
        scale_add(scale, 0, EVIDENCE_DATA_IN_FLIGHT, facts->in_flight_bytes, 0, 0);
    }
    if (facts->from_client && facts->phase != OBSERVE_PHASE_RESPONSE) {
        scale->points -= 20; /* a response is read, not answered: what came last proves nothing */
    }
    if (facts->origin == WHYRST_ORIGIN_TLS_PHASE) {
        scale->points -= 20; /* a server that dislikes a ClientHello has read it */
    }
    if (facts->window_shut && !facts->from_client) {
        scale_add(scale, 12, EVIDENCE_WINDOW_SHUT, 0, 0, 0);
    } else if (facts->idle_known && facts->silent_ns > LATE_NS) {
        scale_add(scale, -12, EVIDENCE_WAITED, facts->silent_ns, 0, 0);
    }
}

const struct cause cause_unread_data = {
    .info =
        {.name = "unread-data",
         .meaning = "The application closed the connection with received data unread.",
         .shown_by = "A live socket's RST+ACK soon after data that arrived and was never "
                     "answered. SO_LINGER 0 builds the same packet.",
         .advice =
             "Read until the end before close(), or shut down the sending side first and drain.",
         .references =
             "RFC 2525 section 2.17; RFC 9293 section 3.6.1; Linux __tcp_close() (TCPAbortOnClose)",
         .sample = "unread-request"},
    .weigh = weigh,
};
