/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bytes/seq.h"
#include "verdict/cause.h"
#include "verdict/causes/common.h"

#define FATAL 2

/* The other side's alert is no reason where it came to one that had closed already, and never
 * acknowledged it: it answers that close. So it is where the bare RST answers the alert, or what
 * came just before: no socket was there to read it. */
static bool came_too_late(const struct rst_facts *facts)
{
    const struct observe_alert *alert = &facts->state.alert;
    bool from_client = alert->side == OBSERVE_CLIENT;

    if (facts->shape == RST_SHAPE_ANSWER && from_client != facts->from_client &&
        alert->frame >= facts->trigger.frame) {
        return true;
    }
    return (facts->sender.flags & ENDPOINT_FIN) &&
           alert->frame == facts->receiver.last_payload_frame &&
           seq_after(facts->receiver.payload_end, facts->sender.ack);
}

static void weigh(const struct rst_facts *facts, struct scale *scale)
{
    const struct observe_alert *alert = &facts->state.alert;
    int64_t code = alert->level << 8 | alert->description;

    if (alert->frame == 0 || facts->origin == WHYRST_ORIGIN_AFTER_CLOSE ||
        facts->shape == RST_SHAPE_REFUSAL || came_too_late(facts)) {
        return;
    }
    if (!alert->encrypted && !alert->probable && alert->level == FATAL) {
        scale_add(scale, 95, EVIDENCE_ALERT_BEFORE, code, 0, (uint32_t)alert->frame);
    } else if (facts->state.phase == OBSERVE_PHASE_HANDSHAKE && !facts->partial &&
               facts->state.side[alert->side].app_bytes == 0 &&
               (alert->encrypted || alert->probable)) {
        scale_add(scale, 80, EVIDENCE_ENCRYPTED_ALERT, 0, 0, (uint32_t)alert->frame);
    }
}

const struct cause cause_tls_alert = {
    .info = {.name = "tls-alert",
             .meaning = "A fatal TLS alert came first.",
             .shown_by =
                 "An alert record, readable or by its place in the handshake, just before the RST.",
             .advice = "Act on the alert: certificate, authority, protocol version or client "
                       "certificate; its sender's TLS log says more.",
             .references = "RFC 8446 section 6.2; RFC 5246 section 7.2.2",
             .sample = "tls-alert-unknown-ca"},
    .seen = true,
    .weigh = weigh,
};
