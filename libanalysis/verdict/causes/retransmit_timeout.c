/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <glib.h>

#include "bytes/seq.h"
#include "verdict/cause.h"
#include "verdict/causes/common.h"

/* Linux gives up without a packet; its RST comes only when the other side speaks again. Other
 * stacks send the RST at once. Either way the sender's own data had gone unacknowledged. */
/* Windows' RST has the number of the first byte it gave up, or one further on. */
static bool is_between(const struct rst_facts *facts)
{
    return (facts->segment.flags & WHYRST_TCP_ACK) &&
           ((!(facts->receiver.flags & ENDPOINT_ACKED) &&
             facts->segment.seq == facts->sender.base_seq) ||
            (!seq_before(facts->segment.seq, facts->receiver.ack) &&
             !seq_after(facts->segment.seq, facts->sender.next)));
}

/* Behind a shut window a stack goes on as long as its probes are answered (RFC 9293
 * section 3.8.6.1, MUST-37); a close with data left waits in the same way, until data comes for it.
 */
static bool waits_for_room(const struct rst_facts *facts)
{
    return facts->probed && !facts->gave_up && may_have_closed(facts);
}

static void weigh(const struct rst_facts *facts, struct scale *scale)
{
    unsigned times = facts->sender.retransmits;
    /* Programs give up connecting long before stacks do: what answers a late SYN-ACK has no socket.
     */
    bool connecting = !(facts->conn_flags & CONN_ESTABLISHED) && facts->sender.syns > 0;

    if (connecting) {
        times = facts->sender.syns - 1u;
    }
    if (times < 2 || facts->origin == WHYRST_ORIGIN_AFTER_CLOSE ||
        facts->shape == RST_SHAPE_REFUSAL ||
        (facts->shape == RST_SHAPE_OTHER && !is_between(facts) && !is_bare_decision(facts)) ||
        waits_for_room(facts)) {
        return;
    }
    if (facts->probed) { /* where it did not give up, a crash looks the same */
        scale_add(scale, 45, EVIDENCE_PROBED, times, 0, 0);
    } else {
        bool by_program = connecting && facts->shape == RST_SHAPE_ANSWER;

        scale_add(scale, by_program ? 45 : 55 + 5 * (int)MIN(times, 5), EVIDENCE_RETRANSMITTED,
                  times, 0, 0);
    }
    if (facts->shape == RST_SHAPE_ANSWER) {
        weigh_host_answer(facts, scale);
    } else {
        weigh_own_stack(facts, scale);
    }
}

static const char *advise(const struct rst_facts *facts)
{
    return facts->probed ? "The other side had stopped reading for longer than the sender waits "
                           "(TCP_USER_TIMEOUT): look at why that side had stopped."
                         : "Data or their acknowledgements were lost for long: look at loss, "
                           "routes and silent firewalls, then at TCP_USER_TIMEOUT and "
                           "tcp_retries2.";
}

const struct cause cause_retransmit_timeout = {
    .info = {.name = "retransmit-timeout",
             .meaning = "Data was retransmitted without answer and the sender gave up.",
             .shown_by =
                 "Repeated segments of the RST's sender that were never acknowledged, then a RST, "
                 "or a bare RST when the other side speaks again.",
             .advice =
                 "The path or the peer lost packets for long: look at loss, routes and silent "
                 "firewalls, then at TCP_USER_TIMEOUT and tcp_retries2.",
             .references = "RFC 9293 section 3.8.3; RFC 5482; Linux tcp_write_err() in tcp_timer.c",
             .sample = "user-timeout"},
    .weigh = weigh,
    .advise = advise,
};
