/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * What a cause is, to the rule engine.
 *
 * Each file in causes/ defines one struct cause. Its weigh() looks at the facts of one RST and puts
 * points on the scale, each with the evidence that earns them; what does not fit at all it leaves
 * at nothing. The cause with most points wins, and its lead over the runner-up is the confidence
 * (judge.c), so points of different causes must mean the same: about 50 for the mechanism's bare
 * shape, 20 to 30 for a fact that few other mechanisms explain, 10 for a hint; negative for what
 * speaks against. Evidence is data until a writer words it (evidence.def).
 */
#ifndef VERDICT_CAUSE_H
#define VERDICT_CAUSE_H

#include <stdbool.h>
#include <stdint.h>

#include <whyrst/causes.h>

#include "verdict/facts.h"

#define EVIDENCE(id, text) EVIDENCE_##id,
enum evidence_kind {
#include "verdict/evidence.def"
    EVIDENCE_COUNT
};
#undef EVIDENCE

/** Evidence items one verdict keeps: what a person reads, and every rule stays below it. */
#define EVIDENCE_MAX 10

/** struct evidence - one fact: what was observed, what was to be expected, in which frame; it may
 *  speak against the cause that won all the same */
struct evidence {
    enum evidence_kind kind;
    bool against;
    uint32_t frame;
    int64_t observed;
    int64_t expected;
    const char *text; /**< of facts.later.across, or NULL */
};

/** struct scale - what a cause has collected */
struct scale {
    int points;
    unsigned count;
    struct evidence items[EVIDENCE_MAX];
};

/** Puts @points on the scale for one fact. */
void scale_add(struct scale *scale, int points, enum evidence_kind kind, int64_t observed,
               int64_t expected, uint32_t frame);

/**
 * struct cause - one mechanism
 * @info:   what users read
 * @weigh:  puts points for @facts on @scale; nothing when the cause is impossible
 * @advise: advice that depends on the facts, or NULL for info.advice
 * @across: other connections show it (diagnose/), and then it comes before all others
 * @seen:   it rests on packets that are there, on none that is not
 */
struct cause {
    struct whyrst_cause_info info;
    bool seen;
    enum across_kind across;
    void (*weigh)(const struct rst_facts *facts, struct scale *scale);
    const char *(*advise)(const struct rst_facts *facts);
};

/** struct judgement - the verdict on one RST's cause and sender */
struct judgement {
    const struct cause *cause; /**< NULL = unknown */
    enum whyrst_confidence confidence;
    enum whyrst_sender sender;
    struct scale scale; /**< the winner's, or for unknown the best attempt's */
};

/** Weighs all causes. */
void judge(const struct rst_facts *facts, struct judgement *judgement);
/** Words one item of evidence into @buffer of @size bytes; returns @buffer. */
const char *evidence_word(const struct evidence *evidence, char *buffer, size_t size);

#endif
