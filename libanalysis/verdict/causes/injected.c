/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include <glib.h>

#include "bytes/seq.h"
#include "verdict/cause.h"
#include "verdict/causes/common.h"

/* RSTs to both ends within this time are one decision. */
#define SAME_TIME_NS INT64_C(5000000)

/* Routes change by some hops, and another site may answer for an address. */
#define ROUTE_HOPS 8

static void weigh_later(const struct rst_facts *facts, struct scale *scale)
{
    const struct hindsight *later = &facts->later;

    if (later->syn_ack_frame) {
        scale_add(scale, 70, EVIDENCE_SYN_ACK_AFTER, 0, 0, later->syn_ack_frame);
    } else if (later->life_frame && !is_answer_on_the_way(facts)) {
        scale_add(scale, is_unsettled_answer(facts) ? 45 : 55, EVIDENCE_LIFE_AFTER, 0, 0,
                  later->life_frame);
    }
    if (later->both_frame && later->both_ns <= SAME_TIME_NS) {
        scale_add(scale, 30, EVIDENCE_BOTH_ENDS, later->both_ns, 0, later->both_frame);
    }
    if (passed_one_point(facts) && !is_unsettled_answer(facts)) {
        scale_add(scale, 30, EVIDENCE_CAPTURED_ONCE, 0, 0, 0);
    }
    if (later->train_frame) {
        scale_add(scale, 35, EVIDENCE_RST_AHEAD_FOLLOWED, 0, 0, later->train_frame);
    }
    if (later->other_ttl_frame) {
        scale_add(scale, 20, EVIDENCE_OTHER_RST_TTL, facts->segment.ttl, later->other_ttl,
                  later->other_ttl_frame);
    }
}

static void weigh_sequence(const struct rst_facts *facts, struct scale *scale)
{
    const struct endpoint *sender = &facts->sender;
    const struct endpoint *receiver = &facts->receiver;
    int32_t ahead = seq_diff(facts->segment.seq, sender->next);

    if (facts->origin == WHYRST_ORIGIN_REFUSED_HANDSHAKE && facts->shape == RST_SHAPE_OTHER &&
        (facts->segment.flags & WHYRST_TCP_ACK) && facts->segment.ack != receiver->next) {
        scale_add(scale, 35, EVIDENCE_ACK_NOT_OF_SYN, facts->segment.ack, receiver->next, 0);
    }
    if (facts->shape != RST_SHAPE_OTHER || !(sender->flags & ENDPOINT_SEEN) ||
        !(receiver->flags & ENDPOINT_SEEN)) {
        return;
    }
    if (lacks_plain_segments(facts) ||
        ((receiver->flags & ENDPOINT_ACKED) && seq_after(receiver->ack, sender->next))) {
        return; /* the capture lacks what the sender had sent */
    }
    if (is_ahead(facts)) {
        scale_add(scale, 30, EVIDENCE_SEQUENCE_AHEAD, ahead, 0, 0);
    } else if (ahead < -1 && !is_unsettled_answer(facts)) {
        scale_add(scale, 25, EVIDENCE_SEQUENCE_STALE, -(int64_t)ahead, 0, 0);
    }
}

static void weigh_build(const struct rst_facts *facts, struct scale *scale)
{
    if (is_unsettled_answer(facts) && facts->hops_closer > 0) {
        /* a firewall's rule on the way answers from there as well */
    } else if (facts->hops == HOPS_OTHER) {
        /* From much further away than the host itself: a TTL that somebody made up. */
        scale_add(scale, facts->hops_closer < -ROUTE_HOPS ? 50 : 30,
                  facts->ttl_of_host ? EVIDENCE_TTL_OTHER_HOST : EVIDENCE_TTL_OTHER,
                  facts->segment.ttl, facts->ttl_expected, 0);
    } else if (facts->hops == HOPS_NEAR && facts->shape != RST_SHAPE_ANSWER &&
               facts->shape != RST_SHAPE_REFUSAL) {
        scale_add(scale, 12, EVIDENCE_TTL_NEAR, facts->segment.ttl, facts->ttl_expected, 0);
    }
    if ((facts->segment.flags & WHYRST_TCP_ACK) && facts->shape != RST_SHAPE_REFUSAL &&
        lacks_timestamps(facts)) {
        scale_add(scale, 8, EVIDENCE_NO_TIMESTAMPS, 0, 0, 0);
    }
    if ((facts->segment.flags & WHYRST_TCP_ACK) && has_own_timestamps(facts)) {
        scale_add(scale, -25, EVIDENCE_OWN_STACK, 0, 0, 0); /* few devices follow these */
    }
    if (facts->ip_id == ID_JUMPS) {
        scale_add(scale, 12, EVIDENCE_IP_ID_JUMPS, facts->segment.ip_id, facts->sender.ip_id, 0);
    }
    if (facts->segment.ip_version == 4 && !facts->segment.dont_fragment &&
        (facts->sender.flags & ENDPOINT_DF) && !(facts->sender.flags & ENDPOINT_NOT_DF)) {
        scale_add(scale, 10, EVIDENCE_DF_DIFFERS, 0, 0, 0);
    }
}

static void weigh(const struct rst_facts *facts, struct scale *scale)
{
    const struct past_reset *previous = &facts->previous;

    weigh_later(facts, scale);
    if (facts->known_payload) {
        scale_add(scale, 60, EVIDENCE_KNOWN_PAYLOAD, 0, 0, 0);
    }
    if (facts->rtt_ns > 0 && facts->reaction_ns >= 0 && facts->reaction_ns < facts->rtt_ns / 2 &&
        !is_unsettled_answer(facts)) {
        scale_add(scale, 35, EVIDENCE_TOO_EARLY, facts->reaction_ns, facts->rtt_ns, 0);
    }
    weigh_sequence(facts, scale);
    weigh_build(facts, scale);
    if (previous->frame && facts->shape == RST_SHAPE_OTHER &&
        facts->segment.time_ns - previous->time_ns < INT64_C(2000000000) &&
        previous->seq != facts->segment.seq && !(facts->sender.flags & ENDPOINT_FIN) &&
        !is_unsettled_answer(facts)) {
        scale_add(scale, 20, EVIDENCE_RST_TRAIN, previous->count + 1, 0, previous->frame);
    }
    if (scale->points > 0 && facts->trigger.frame && facts->hops <= HOPS_REBASED &&
        (facts->later.life_frame == 0 || is_answer_on_the_way(facts)) &&
        facts->later.syn_ack_frame == 0) {
        /* an ordinary answer by a host at the right distance, or on the way to it */
        scale->points -= 35;
    }
    if (scale->points > 0 && is_own_stack(facts)) {
        scale->points -= 40;
    }
    /* One oddity is no proof, and packets that a program made up went along no path. */
    if (scale->points < 45 || is_made_up(facts)) {
        scale->points = 0;
    }
}

const struct cause cause_injected = {
    .info = {.name = "injected",
             .meaning = "A device on the path forged the RST.",
             .shown_by =
                 "The alleged sender goes on afterwards, or the RST came sooner than the "
                 "path allows, from another hop count, with numbers or a form that no stack "
                 "has, or to both ends at once.",
             .advice = "Look for a filtering device at that hop count; compare a capture at the "
                       "alleged sender, which will not show this RST.",
             .references =
                 "Weaver, Sommer, Paxson (NDSS 2009); Sundara Raman et al. (SIGCOMM 2023); Clayton "
                 "et al. (PET 2006)",
             .sample = "injected-sni"},
    .weigh = weigh,
};
