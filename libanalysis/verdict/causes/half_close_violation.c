/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bytes/seq.h"
#include "verdict/cause.h"
#include "verdict/causes/common.h"

/* The trigger brought payload that the RST's sender had not acknowledged yet: no keep-alive probe,
 * which may repeat the last byte, and no retransmission for want of an ACK that was lost. */
static bool answers_data(const struct rst_facts *facts)
{
    uint32_t end = facts->trigger.seq + facts->trigger.length;

    return facts->shape == RST_SHAPE_ANSWER && facts->trigger.length > 0 &&
           (!(facts->sender.flags & ENDPOINT_ACKED) || seq_after(end, facts->sender.ack));
}

/* The trigger is a FIN or an ACK, but data with the same ack came, too, and was never acknowledged:
 * which of them this RST answers is not to be told. */
static bool came_with_data(const struct rst_facts *facts)
{
    return facts->shape == RST_SHAPE_ANSWER && facts->trigger.length == 0 &&
           facts->answerable_data && facts->unacked_known && facts->unacked_bytes > 0;
}

static void weigh(const struct rst_facts *facts, struct scale *scale)
{
    if (may_have_closed(facts)) {
        scale_add(scale, 45, EVIDENCE_FIN_MAY_WAIT, 0, 0, facts->trigger.frame);
        weigh_host_answer(facts, scale);
        return;
    }
    if (!(facts->sender.flags & ENDPOINT_FIN) || (facts->conn_flags & CONN_RESET)) {
        return;
    }
    if (answers_data(facts)) {
        scale_add(scale, 85, EVIDENCE_DATA_AFTER_FIN, facts->trigger.length, 0,
                  facts->trigger.frame);
    } else if (bytes_after_fin(facts) > 0) {
        scale_add(scale, 85, EVIDENCE_DATA_AFTER_FIN_ACKED, bytes_after_fin(facts), 0, 0);
    } else if (came_with_data(facts)) {
        scale_add(scale, 70, EVIDENCE_DATA_AFTER_FIN_OPEN, (int64_t)facts->unacked_bytes, 0,
                  facts->receiver.last_payload_frame);
    } else if (facts->shape == RST_SHAPE_ANSWER) {
        scale_add(scale, 45, EVIDENCE_ANSWERS_SEGMENT, 0, 0, facts->trigger.frame);
        scale_add(scale, 0, EVIDENCE_SENDER_HAD_CLOSED, 0, 0, 0);
    } else {
        scale_add(scale, 35, EVIDENCE_SENDER_HAD_CLOSED, 0, 0, 0);
    }
    if (facts->origin == WHYRST_ORIGIN_AFTER_CLOSE) {
        scale->points -= 40; /* whatever still came, the connection was over */
    }
}

static const char *advise(const struct rst_facts *facts)
{
    if (may_have_closed(facts)) {
        return "The sender's program had probably closed while its data still waited for the other "
               "side to read: look at why that side had stopped.";
    }
    if (!answers_data(facts) && bytes_after_fin(facts) == 0 && !came_with_data(facts)) {
        return "Harmless: the connection was being closed, and no data came late.";
    }
    if (facts->state.alert.frame != 0 && facts->state.alert.frame == facts->trigger.frame) {
        return facts->state.phase == OBSERVE_PHASE_HANDSHAKE
                   ? "The other side closed in the middle of the TLS handshake: look there for the "
                     "reason; the alert only says that it did."
                   : "Harmless: a close_notify crossed the close.";
    }
    return facts->from_client
               ? "Harmless unless the client still wanted the answer: it had closed before the "
                 "server's data came."
               : "The server had closed when the data came: keep idle connections shorter on "
                 "the client than on the server, and retry what is idempotent.";
}

const struct cause cause_half_close_violation = {
    .info = {.name = "half-close-violation",
             .meaning = "Data arrived for a side that had already closed.",
             .shown_by =
                 "The RST's sender had sent FIN, or its data had filled the window so that its FIN "
                 "could not leave; a bare RST then answers data.",
             .advice = "Stop sending when the other side has closed; keep idle connections "
                       "shorter on the client than on the server.",
             .references =
                 "RFC 9293 section 3.6.1 (MUST-13, SHLD-3); RFC 1122 section 4.2.2.13; Linux "
                 "tcp_rcv_state_process() (TCPAbortOnData)",
             .sample = "data-after-fin"},
    .seen = true,
    .weigh = weigh,
    .advise = advise,
};
