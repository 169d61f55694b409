/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bytes/seq.h"
#include "verdict/cause.h"
#include "verdict/causes/common.h"

static void weigh(const struct rst_facts *facts, struct scale *scale)
{
    if (facts->origin != WHYRST_ORIGIN_AFTER_CLOSE) {
        return;
    }
    if (facts->conn_flags & CONN_RESET) {
        uint32_t frame = facts->previous.frame > facts->opposite.frame ? facts->previous.frame
                                                                       : facts->opposite.frame;

        scale_add(scale, facts->later.both_frame ? 35 : 70, EVIDENCE_RESET_BEFORE, 0, 0, frame);
    } else {
        scale_add(scale, 70, EVIDENCE_CLOSED_BEFORE, 0, 0, 0);
    }
    if (facts->shape == RST_SHAPE_OTHER && is_ahead(facts)) {
        /* neither a duplicate nor an answer */
        scale_add(scale, -40, EVIDENCE_SEQUENCE_AHEAD,
                  seq_diff(facts->segment.seq, facts->sender.next), 0, 0);
    }
    if (facts->hops == HOPS_OTHER) { /* harmless all the same, but not the endpoint's */
        scale_add(scale, 0, facts->ttl_of_host ? EVIDENCE_TTL_OTHER_HOST : EVIDENCE_TTL_OTHER,
                  facts->segment.ttl, facts->ttl_expected, 0);
    }
    if (facts->trigger.frame) {
        scale_add(scale, 10,
                  facts->shape == RST_SHAPE_REFUSAL ? EVIDENCE_ANSWERS_UNACKED
                                                    : EVIDENCE_ANSWERS_SEGMENT,
                  0, 0, facts->trigger.frame);
    }
}

const struct cause cause_time_wait = {
    .info = {.name = "time-wait",
             .meaning = "An endpoint in TIME-WAIT, or a duplicate RST; harmless.",
             .shown_by = "The connection had already been closed or reset.",
             .advice = "Nothing to do: the connection was over.",
             .references = "RFC 9293 section 3.6.1; RFC 1337; Linux tcp_timewait_state_process()",
             .sample = "time-wait"},
    .seen = true,
    .weigh = weigh,
};
