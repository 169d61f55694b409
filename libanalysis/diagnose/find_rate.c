/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Endpoints that reset too much, for which nothing else gives a reason. */
#include "diagnose/diagnosis.h"

/* Fewer connections show nothing. */
#define LEAST 3

bool findings_explain(const struct whyrst_diagnosis *diagnosis, struct whyrst_endpoint *row,
                      uint32_t count)
{
    uint64_t explained = 0, most = 0;

    for (guint i = diagnosis->first_finding; i < diagnosis->findings->len; i++) {
        const struct whyrst_finding *finding = g_ptr_array_index(diagnosis->findings, i);

        if (g_strcmp0(finding->server, endpoint_name(row)) == 0) {
            explained += finding->resets - finding->replies;
            row->state = finding->resets > most ? finding->kind : row->state;
            most = MAX(most, finding->resets);
        }
    }
    return explained * 5 >= (uint64_t)count * 4;
}

void finding_retries(struct whyrst_finding *finding, const struct endpoint_stats *stats)
{
    const struct endpoint_faults *faults = faults_of(stats);

    if (finding->resets != faults->resets) {
        return;
    }
    if (faults->retry[RETRY_SAFE]) {
        finding_evidence(finding, "%u of them hit a request that is idempotent and may be repeated",
                         faults->retry[RETRY_SAFE]);
    }
    if (faults->retry[RETRY_UNSAFE]) {
        finding_evidence(finding, "%u of them hit a request that may have taken effect",
                         faults->retry[RETRY_UNSAFE]);
    }
}

/* Whoever sends the RSTs has forgotten connections by then: a firewall, a NAT, a server behind a
 * load balancer. When it did is not known, but that it was no later. */
static void tell_forgotten(struct whyrst_finding *finding, const struct endpoint_stats *stats)
{
    const struct endpoint_faults *faults = faults_of(stats);

    if (faults->forgotten < LEAST || faults->forgotten * 2 < faults->resets) {
        return;
    }
    finding_evidence(finding,
                     "%u answered the first segment after a silence, the shortest of %.1f s: by "
                     "then the connection is forgotten",
                     faults->forgotten, (double)faults->forgotten_ns / 1e9);
    finding->advice = "Send keep-alives more often than the shortest of these silences, or close "
                      "idle connections before it; repeat with back-off only what is idempotent.";
}

void find_rate(struct whyrst_diagnosis *diagnosis, struct whyrst_endpoint *row)
{
    const struct endpoint_stats *stats = row->stats;
    const struct endpoint_faults *faults = faults_of(stats);
    bool lone = 2 * faults->lone > faults->resets; /* ACK pings are no connections */
    struct whyrst_finding *finding;

    if (faults->resets < LEAST || findings_explain(diagnosis, row, faults->resets) ||
        !row->flagged) {
        return;
    }
    finding = finding_add(diagnosis->findings, WHYRST_FINDING_RESET_RATE,
                          lone ? WHYRST_CONFIDENCE_LOW : WHYRST_CONFIDENCE_HIGH);
    finding->server = g_strdup(endpoint_name(row));
    finding_count(finding, faults->resets, stats->connections);
    finding_sender(finding, endpoint_sender(faults->by));
    finding->first_ns = faults->first_reset_ns;
    finding->last_ns = faults->last_reset_ns;
    frames_merge(&finding->places, &faults->reset_frames, 0);
    finding_text(finding, "%s%s resets %u of %u connections (%.1f %%, at least %.1f %%)",
                 endpoint_sender(faults->by) == WHYRST_SENDER_MIDDLEBOX ? "A device before " : "",
                 endpoint_name(row), faults->resets, stats->connections, 100 * finding->share.rate,
                 100 * finding->share.low);
    for (unsigned i = 0; i < WHYRST_ORIGIN_COUNT; i++) {
        if (faults->origins[i]) {
            finding_evidence(finding, "%u reset in phase %s", faults->origins[i],
                             whyrst_origin_name((enum whyrst_origin)i));
        }
    }
    if (faults->lone) {
        finding_evidence(finding,
                         "%u reset without a handshake or payload before, as far as captured: "
                         "probes, or the rests of older connections",
                         faults->lone);
    }
    finding_retries(finding, stats);
    tell_forgotten(finding, stats);
    if (row->state == WHYRST_FINDING_COUNT) {
        row->state = WHYRST_FINDING_RESET_RATE;
    }
}
