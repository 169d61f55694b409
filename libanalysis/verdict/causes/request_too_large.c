/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verdict/cause.h"
#include "verdict/causes/common.h"

static void weigh(const struct rst_facts *facts, struct scale *scale)
{
    unsigned status = facts->state.http_status;
    bool upload = facts->state.phase == OBSERVE_PHASE_REQUEST;

    if (facts->from_client || facts->shape == RST_SHAPE_REFUSAL ||
        facts->shape == RST_SHAPE_OTHER || facts->origin == WHYRST_ORIGIN_AFTER_CLOSE) {
        return;
    }
    if (status == 413 && (upload || facts->state.early_response)) {
        scale_add(scale, 95, EVIDENCE_STATUS_SENT, status, 0, 0);
    } else if (status >= 400 && facts->state.early_response) {
        scale_add(scale, 60, EVIDENCE_STATUS_SENT, status, 0, 0);
    } else if (upload && facts->state.protocol == OBSERVE_HTTP1 && status == 0 &&
               facts->silent_ns < INT64_C(1000000000) && facts->receiver.bytes > 2048) {
        scale_add(scale, 42, EVIDENCE_UPLOAD_FLOWING, 0, 0, facts->receiver.last_payload_frame);
    }
}

const struct cause cause_request_too_large = {
    .info = {.name = "request-too-large",
             .meaning =
                 "The server stopped reading an upload (413, or close while the body flows).",
             .shown_by =
                 "An error response such as 413 while the request body still flows, then the RST.",
             .advice = "Raise the server's body limit (nginx client_max_body_size) or send "
                       "less; clients should read the early response.",
             .references = "RFC 9110 section 15.5.14; RFC 9112 section 9.6",
             .sample = "nginx-413"},
    .weigh = weigh,
};
