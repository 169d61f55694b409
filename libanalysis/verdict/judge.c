/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From facts to cause, sender and confidence.
 *
 * Every cause weighs the facts; the heaviest wins. Confidence is high only when the winner is well
 * supported and far ahead of the runner-up. Below a threshold nothing is claimed: unknown, with the
 * best attempt's evidence.
 */
#include <string.h>

#include <glib.h>

#include "verdict/cause.h"
#include "verdict/causes/common.h"

/* The least that names a cause; what medium and high need, and the lead over the runner-up. */
enum { POINTS_ANY = 30, POINTS_MEDIUM = 50, LEAD_MEDIUM = 13, POINTS_HIGH = 75, LEAD_HIGH = 25 };

#define CAUSE(id, file) extern const struct cause cause_##file;
#include "verdict/causes.def"
#undef CAUSE

#define CAUSE(id, file) &cause_##file,
static const struct cause *const causes[] = {
#include "verdict/causes.def"
};
#undef CAUSE

static const struct whyrst_cause_info unknown_info = {
    .name = "unknown",
    .meaning = "The evidence does not decide.",
    .shown_by = "No mechanism fits the packets seen, or several fit alike.",
    .advice = "Capture at both ends, from before the connection starts, with whole packets.",
    .references = "",
    .sample = "",
};

size_t whyrst_cause_count(void)
{
    return G_N_ELEMENTS(causes) + 1;
}

const struct whyrst_cause_info *whyrst_cause_info(size_t index)
{
    if (index < G_N_ELEMENTS(causes)) {
        return &causes[index]->info;
    }
    return index == G_N_ELEMENTS(causes) ? &unknown_info : NULL;
}

const struct whyrst_cause_info *whyrst_cause_find(const char *name)
{
    for (size_t i = 0; i < whyrst_cause_count(); i++) {
        const struct whyrst_cause_info *info = whyrst_cause_info(i);

        if (strcmp(info->name, name) == 0) {
            return info;
        }
    }
    return NULL;
}

void scale_add(struct scale *scale, int points, enum evidence_kind kind, int64_t observed,
               int64_t expected, uint32_t frame)
{
    scale->points += points;
    if (scale->count < EVIDENCE_MAX) {
        scale->items[scale->count++] = (struct evidence){.kind = kind,
                                                         .against = points < 0,
                                                         .observed = observed,
                                                         .expected = expected,
                                                         .frame = frame,
                                                         .text = NULL};
    }
}

static enum whyrst_confidence confidence(int points, int lead)
{
    if (points >= POINTS_HIGH && lead >= LEAD_HIGH) {
        return WHYRST_CONFIDENCE_HIGH;
    }
    return points >= POINTS_MEDIUM && lead >= LEAD_MEDIUM ? WHYRST_CONFIDENCE_MEDIUM
                                                          : WHYRST_CONFIDENCE_LOW;
}

/* Whether the verdict's evidence itself says that another box than the named host built the RST. */
static bool built_elsewhere(const struct judgement *judgement)
{
    for (unsigned i = 0; i < judgement->scale.count; i++) {
        if (judgement->scale.items[i].against) {
            continue;
        }
        switch (judgement->scale.items[i].kind) {
        case EVIDENCE_TTL_OTHER:
        case EVIDENCE_TTL_OTHER_HOST:
        case EVIDENCE_TTL_NEAR:
        case EVIDENCE_BOTH_ENDS:
            return true;
        default:
            break;
        }
    }
    return false;
}

/* After a reset a host answers each segment still in flight, always with the same number; the
 * capture remembers only the latest of these segments. */
static bool is_answer_again(const struct rst_facts *facts)
{
    return facts->origin == WHYRST_ORIGIN_AFTER_CLOSE && is_like_answer(facts) &&
           facts->hops == HOPS_SAME && !has_zero_label(facts) && facts->previous.frame != 0 &&
           facts->previous.seq == facts->segment.seq;
}

/* Two hints, each of which routes or stacks may explain alone. */
static bool is_unlike_host(const struct rst_facts *facts)
{
    int hints = (facts->hops == HOPS_NEAR) + lacks_timestamps(facts) +
                (facts->ip_id == ID_JUMPS || facts->ip_id == ID_ZERO) + has_zero_label(facts) +
                is_like_answer(facts);

    return (facts->shape == RST_SHAPE_ACTIVE || is_like_answer(facts)) && hints >= 2 &&
           !is_answer_again(facts);
}

/* Two capture points, of which the RST passed one, or a route that changed: that it has one of the
 * named host's hop counts tells little of where it was built. */
static bool is_heard_at_two(const struct rst_facts *facts)
{
    return facts->shape == RST_SHAPE_ANSWER && (facts->sender.flags & ENDPOINT_SPOKE) &&
           (facts->sender.ttl_min != facts->sender.ttl_max || facts->copies > facts->later.copies);
}

/* An answer that any box with the address could give, in a dialogue of which the capture has
 * nothing else of the host: neither here nor in other connections. */
static bool is_from_unheard(const struct rst_facts *facts)
{
    return facts->shape == RST_SHAPE_ANSWER && facts->hops == HOPS_UNKNOWN &&
           (facts->conn_flags & CONN_PAYLOAD);
}

/* A cause that names a device, at the named host's own distance, may be the host's own firewall. */
static enum whyrst_sender find_sender(const struct rst_facts *facts,
                                      const struct judgement *judgement)
{
    enum whyrst_sender named = facts->from_client ? WHYRST_SENDER_CLIENT : WHYRST_SENDER_SERVER;
    const char *name = judgement->cause ? judgement->cause->info.name : "unknown";

    if (strcmp(name, "injected") == 0) {
        return WHYRST_SENDER_MIDDLEBOX;
    }
    if (strcmp(name, "scan") == 0) {
        return named; /* a scanner's raw SYN and its kernel's RST differ in TTL */
    }
    if (strcmp(name, "firewall-reject") == 0 || strcmp(name, "state-expired") == 0 ||
        strcmp(name, "idle-timer") == 0) {
        if (built_elsewhere(judgement) ||
            (facts->hops == HOPS_REBASED && facts->shape == RST_SHAPE_ACTIVE)) {
            return WHYRST_SENDER_MIDDLEBOX;
        }
        if (strcmp(name, "state-expired") == 0 && facts->hops == HOPS_UNKNOWN) {
            return WHYRST_SENDER_UNKNOWN;
        }
        return is_unlike_host(facts) || is_heard_at_two(facts) ? WHYRST_SENDER_UNKNOWN : named;
    }
    if (facts->hops == HOPS_OTHER || is_unlike_host(facts) ||
        (!(facts->sender.flags & ENDPOINT_SPOKE) &&
         (!judgement->cause || is_from_unheard(facts)))) {
        return WHYRST_SENDER_UNKNOWN;
    }
    return named;
}

/*
 * Other connections show a cause that this one alone cannot: it takes the place of what the RST was
 * taken for. Who built the RST its own packets say best; they stay in evidence.
 */
static void judge_across(const struct rst_facts *facts, struct judgement *judgement)
{
    const struct across *across = facts->later.across;

    for (size_t i = 0; i < G_N_ELEMENTS(causes); i++) {
        struct scale scale = {0};

        if (causes[i]->across != across->kind) {
            continue;
        }
        causes[i]->weigh(facts, &scale);
        for (unsigned j = 0; j < judgement->scale.count && scale.count < EVIDENCE_MAX; j++) {
            if (!judgement->scale.items[j].against) {
                scale.items[scale.count++] = judgement->scale.items[j];
            }
        }
        judgement->cause = causes[i];
        judgement->scale = scale;
        judgement->confidence = across->confidence;
        if (judgement->sender == WHYRST_SENDER_UNKNOWN ||
            (facts->hops == HOPS_UNKNOWN && judgement->sender != WHYRST_SENDER_MIDDLEBOX)) {
            judgement->sender = across->sender;
        }
    }
}

void judge(const struct rst_facts *facts, struct judgement *judgement)
{
    int second = 0;

    *judgement = (struct judgement){0};
    for (size_t i = 0; i < G_N_ELEMENTS(causes); i++) {
        struct scale scale; /* of the items only the first @count count */

        if (causes[i]->across != ACROSS_NONE) {
            continue;
        }
        scale.points = 0;
        scale.count = 0;
        causes[i]->weigh(facts, &scale);
        if (scale.points > judgement->scale.points) {
            second = judgement->scale.points;
            judgement->scale = scale;
            judgement->cause = causes[i];
        } else {
            second = MAX(second, scale.points);
        }
    }
    if (judgement->scale.points < POINTS_ANY) {
        judgement->cause = NULL;
        judgement->confidence = WHYRST_CONFIDENCE_LOW;
        if (judgement->scale.count == 0) {
            bool spoke = facts->sender.flags & ENDPOINT_SPOKE;

            scale_add(&judgement->scale, 0,
                      spoke ? EVIDENCE_UNEXPLAINED_SHAPE : EVIDENCE_UNHEARD_SENDER, 0, 0, 0);
        }
    } else {
        judgement->confidence =
            confidence(judgement->scale.points, judgement->scale.points - second);
        if (facts->partial && judgement->confidence > WHYRST_CONFIDENCE_LOW) {
            judgement->confidence--;
        }
        if (facts->later.lossy && !judgement->cause->seen &&
            judgement->confidence > WHYRST_CONFIDENCE_LOW) {
            scale_add(&judgement->scale, 0, EVIDENCE_LOSSY, 0, 0, 0);
            judgement->confidence--;
        }
    }
    if (is_made_up(facts)) {
        scale_add(&judgement->scale, 0, EVIDENCE_MADE_UP, 0, 0, 0);
        judgement->confidence = WHYRST_CONFIDENCE_LOW;
    }
    judgement->sender = find_sender(facts, judgement);
    if (passed_one_point(facts) && judgement->sender != WHYRST_SENDER_MIDDLEBOX) {
        scale_add(&judgement->scale, 0, EVIDENCE_CAPTURED_ONCE, 0, 0, 0);
        judgement->confidence = WHYRST_CONFIDENCE_LOW;
        judgement->sender = WHYRST_SENDER_UNKNOWN;
    }
    if (facts->later.across) {
        judge_across(facts, judgement);
    }
}
