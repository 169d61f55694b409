/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verdict/cause.h"
#include "verdict/causes/common.h"

/* A host that spoke this recently cannot well have forgotten: something before it answered. */
#define RECENTLY_NS INT64_C(900000000)

/* A host without the connection answers when a segment comes; a busy one some time later. */
#define AT_ONCE_NS INT64_C(200000000)

static bool is_late(const struct rst_facts *facts)
{
    return facts->rtt_ns > 0 && facts->reaction_ns > 2 * facts->rtt_ns + AT_ONCE_NS;
}

/* One number more than the sender's payload was acknowledged: its FIN, most likely, was not
 * captured, and one that has closed answers data so. */
static bool lacks_fin(const struct rst_facts *facts)
{
    return (facts->sender.flags & ENDPOINT_SEEN) && (facts->receiver.flags & ENDPOINT_ACKED) &&
           facts->receiver.ack == facts->sender.next + 1;
}

static void weigh(const struct rst_facts *facts, struct scale *scale)
{
    if (!is_stateless_answer(facts)) {
        return;
    }
    scale_add(scale, 42, EVIDENCE_ANSWERS_SEGMENT, 0, 0, facts->trigger.frame);
    weigh_host_answer(facts, scale);
    if (facts->sender_quiet_known && facts->sender_quiet_ns < RECENTLY_NS &&
        facts->origin != WHYRST_ORIGIN_ABORTED_HANDSHAKE) {
        scale->points -= 15;
    }
    if (is_late(facts)) {
        scale_add(scale, -20, EVIDENCE_ANSWERED_LATE, facts->reaction_ns, facts->rtt_ns, 0);
    }
    if (facts->later.tally.with_ack > 0) {
        /* a RST+ACK that was not exact, and earned the ACK that this one answers (RFC 5961); or one
         * that this one has overtaken */
        scale_add(scale, -20, EVIDENCE_RESET_ITSELF, 0, 0, 0);
    }
    if (lacks_fin(facts)) {
        scale_add(scale, -20, EVIDENCE_FIN_UNSEEN, 0, 0, 0);
    }
    if (may_have_closed(facts)) {
        scale->points -= 5;
    }
}

static const char *advise(const struct rst_facts *facts)
{
    if (facts->origin == WHYRST_ORIGIN_ABORTED_HANDSHAKE &&
        !(facts->trigger.flags & WHYRST_TCP_SYN)) {
        return "The peer still knew an older connection on these ports; this RST clears it, the "
               "SYN is repeated.";
    }
    if (facts->origin == WHYRST_ORIGIN_ABORTED_HANDSHAKE) {
        return "The initiator had given up before the SYN-ACK came: another attempt (IPv6 or IPv4, "
               "another address) won, or its connect timeout is too short.";
    }
    return facts->from_client
               ? "The client's host no longer had the connection: look for a restart or a crash "
                 "there."
               : "The server's host no longer had the connection: let clients check or retire "
                 "pooled connections, and retry what is idempotent.";
}

const struct cause cause_no_socket = {
    .info =
        {.name = "no-socket",
         .meaning = "The host no longer knows the connection (restart, crash without a RST, stale "
                    "pooled connection) and answered a segment with a bare RST.",
         .shown_by =
             "A bare RST whose sequence number is the ack of a segment, with the host's own hop "
             "count and flow label.",
         .advice = "Let clients check or retire pooled connections, and retry what is idempotent.",
         .references = "RFC 9293 section 3.5.2, group 1; Linux tcp_v4_send_reset()",
         .sample = "stale-connection"},
    .weigh = weigh,
    .advise = advise,
};
