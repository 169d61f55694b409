/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bytes/seq.h"
#include "verdict/cause.h"
#include "verdict/causes/common.h"

/* The other side closed first, and all it had sent arrived: many stacks and programs then reset. */
static bool peer_had_closed(const struct rst_facts *facts)
{
    return (facts->receiver.flags & ENDPOINT_FIN) && !(facts->sender.flags & ENDPOINT_FIN) &&
           facts->unacked_known && facts->unacked_bytes == 0;
}

static enum evidence_kind live_socket(const struct rst_facts *facts)
{
    if (!seq_after(facts->segment.seq, facts->sender.next)) {
        return EVIDENCE_LIVE_SOCKET;
    }
    return (facts->receiver.flags & ENDPOINT_ACKED) && facts->segment.seq == facts->receiver.ack
               ? EVIDENCE_LIVE_SOCKET_ACKED
               : EVIDENCE_LIVE_SOCKET_AHEAD;
}

static void weigh(const struct rst_facts *facts, struct scale *scale)
{
    if (is_bare_abort(facts)) {
        scale_add(scale, 40, EVIDENCE_BARE_ABORT, 0, 0, 0);
        if (is_like_answer(facts)) {
            scale_add(scale, -10, EVIDENCE_LIKE_ANSWER, 0, 0, 0);
        }
        weigh_own_stack(facts, scale);
        return;
    }
    if (is_subflow_refusal(facts)) {
        scale_add(scale, 45, EVIDENCE_MPTCP_RESET, 0, 0, facts->trigger.frame);
        return;
    }
    if (!is_live_abort(facts)) {
        return;
    }
    scale_add(scale, 45, live_socket(facts), seq_diff(facts->segment.seq, facts->sender.next), 0,
              0);
    if (peer_had_closed(facts)) {
        scale_add(scale, 0, EVIDENCE_PEER_HAD_CLOSED, 0, 0, 0);
    }
    weigh_own_stack(facts, scale);
    if (facts->unanswered_bytes == 0 && facts->origin == WHYRST_ORIGIN_AFTER_RESPONSE) {
        scale_add(scale, 15, EVIDENCE_LAST_WORD_WAS_RESPONSE, 0, 0, 0);
    } else if (facts->unanswered_bytes == 0) {
        scale->points += 15;
    }
}

static const char *advise(const struct rst_facts *facts)
{
    if (is_subflow_refusal(facts)) {
        return "One subflow of a Multipath TCP connection was refused, the others go on: see the "
               "reason it gives, and the limits of the path manager (ip mptcp limits).";
    }
    if (peer_had_closed(facts)) {
        return "Harmless as a rule: the other side had closed already, and all it had sent had "
               "arrived; whether the program read it, packets do not tell.";
    }
    if (facts->origin == WHYRST_ORIGIN_ABORTED_HANDSHAKE && facts->from_client) {
        return "A health check, or a connect given up at once: harmless when it repeats.";
    }
    if (facts->origin == WHYRST_ORIGIN_TLS_PHASE && !facts->from_client) {
        return "The server aborted right after the ClientHello: compare with a client whose JA4 "
               "it accepts, then its TLS logs.";
    }
    return facts->from_client
               ? "The client's program aborted the connection: look at its timeouts, its logs "
                 "and its use of SO_LINGER."
               : "The server's program aborted the connection: look at its logs of that moment, "
                 "its limits and its use of SO_LINGER.";
}

const struct cause cause_abortive_close = {
    .info = {.name = "abortive-close",
             .meaning = "A live socket aborted the connection: SO_LINGER 0, abort(), or unread "
                        "data or a dying process that the packets do not show.",
             .shown_by = "RST+ACK with seq = next expected, ack = all received, window and "
                         "timestamps as before.",
             .advice =
                 "Look at the program's logs of that moment, its limits and its use of SO_LINGER.",
             .references =
                 "RFC 9293 section 3.10.5 (ABORT); Linux tcp_send_active_reset(), tcp_disconnect()",
             .sample = "abort-awaiting-response"},
    .weigh = weigh,
    .advise = advise,
};
