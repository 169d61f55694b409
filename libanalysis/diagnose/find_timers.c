/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The timer that a server or a device before it really uses: the silences before its RSTs, or
 * before its FINs, lie close together. They are measured where the capture was made, so a product's
 * timer may look a little longer (its sweep) or shorter (the way).
 *
 * A close by FIN harms nobody but the request that crosses it, so such a timer ranks low.
 */
#include "diagnose/diagnosis.h"
#include "verdict/timers.h"

/* Silences that make a timer. */
#define LEAST 5

/* What a close by FIN weighs against a reset. */
#define FIN_WEIGHT 0.05

/** struct timer - a duration that most silences come near */
struct timer {
    int64_t ns;
    int64_t width_ns; /* of half of them */
    int64_t near_ns;
    unsigned within;
};

static bool measure(const struct sample *idle, struct timer *timer)
{
    if (!sample_mode(idle, LEAST, &timer->ns, &timer->width_ns)) {
        return false;
    }
    timer->near_ns = MAX(timer->ns / 50, TIMER_NEAR_NS);
    timer->within = sample_within(idle, timer->ns - timer->near_ns, timer->ns + timer->near_ns);
    return timer->width_ns <= timer->near_ns && timer->within * 3 >= sample_kept(idle) * 2;
}

static struct whyrst_finding *add(struct whyrst_diagnosis *diagnosis,
                                  const struct whyrst_endpoint *row, const struct timer *timer,
                                  const struct sample *idle)
{
    struct whyrst_finding *finding =
        finding_add(diagnosis->findings, WHYRST_FINDING_IDLE_TIMER,
                    timer->within >= 2 * LEAST ? WHYRST_CONFIDENCE_HIGH : WHYRST_CONFIDENCE_MEDIUM);
    char names[160];

    finding->server = g_strdup(endpoint_name(row));
    finding->seconds_ns = timer->ns;
    finding_evidence(finding, "half of the silences lie within %.3f s, %u of %u within %.2f s",
                     (double)timer->width_ns / 1e9, timer->within, sample_kept(idle),
                     (double)timer->near_ns / 1e9);
    timers_name(timer->ns, names, sizeof names);
    if (names[0]) {
        finding_evidence(finding, "fits %s", names);
    }
    return finding;
}

static void add_resets(struct whyrst_diagnosis *diagnosis, struct whyrst_endpoint *row,
                       const struct timer *timer)
{
    const struct endpoint_faults *faults = faults_of(row->stats);
    const struct sample *idle = faults->idle;
    struct whyrst_finding *finding = add(diagnosis, row, timer, idle);

    finding_count(finding, idle->count, MAX(idle->count, row->stats->connections));
    finding_sender(finding, endpoint_sender(faults->by));
    finding->first_ns = faults->first_reset_ns;
    finding->last_ns = faults->last_reset_ns;
    frames_merge(&finding->places, &faults->reset_frames, 0);
    finding_text(finding, "%s resets connections after %.2f s of silence: %" G_GUINT64_FORMAT,
                 endpoint_name(row), (double)timer->ns / 1e9, idle->count);
    row->state = WHYRST_FINDING_IDLE_TIMER;
}

static void add_closes(struct whyrst_diagnosis *diagnosis, const struct whyrst_endpoint *row,
                       const struct timer *timer)
{
    const struct silent_closes *closes = row->stats->closes;
    struct whyrst_finding *finding = add(diagnosis, row, timer, closes->idle);

    finding_count(finding, closes->idle->count, MAX(closes->idle->count, row->stats->connections));
    finding->weight *= FIN_WEIGHT;
    finding->first_ns = closes->first_ns;
    finding->last_ns = closes->last_ns;
    frames_merge(&finding->places, &closes->frames, 0);
    finding_text(finding, "%s closes connections (FIN) after %.2f s of silence: %" G_GUINT64_FORMAT,
                 endpoint_name(row), (double)timer->ns / 1e9, closes->idle->count);
    finding_evidence(finding, "an orderly close: only a request that crosses it meets a RST");
}

void find_timers(struct whyrst_diagnosis *diagnosis, struct whyrst_endpoint *row)
{
    struct timer resets, closes;

    if (measure(faults_of(row->stats)->idle, &resets)) {
        add_resets(diagnosis, row, &resets);
    }
    if (row->stats->closes && measure(row->stats->closes->idle, &closes)) {
        add_closes(diagnosis, row, &closes);
    }
}
