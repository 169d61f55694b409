/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RSTs that wait for what other connections say of them, in their order. */
#include "diagnose/diagnosis.h"

/* While records go out before the end, conclusions are drawn anew when a quarter more was seen. */
static void catch_up(struct whyrst_diagnosis *diagnosis)
{
    if (diagnosis->seen.connections * 4 >= diagnosis->concluded_at * 5 + 4) {
        whyrst_diagnosis_conclude(diagnosis);
        diagnosis->concluded_at = diagnosis->seen.connections;
    }
}

void whyrst_diagnosis_hold(struct whyrst_diagnosis *diagnosis, struct whyrst_record *record)
{
    g_queue_push_tail(&diagnosis->held, record);
}

struct whyrst_record *whyrst_diagnosis_release(struct whyrst_diagnosis *diagnosis, bool now)
{
    struct whyrst_record *record = g_queue_peek_head(&diagnosis->held);
    bool may_change = record && whyrst_diagnosis_may_revise(diagnosis, record);

    if (!record || (may_change && !now && diagnosis->held.length <= LIMIT_HELD_RESETS)) {
        return NULL;
    }
    if (may_change && !diagnosis->concluded) {
        catch_up(diagnosis);
        diagnosis->early += !diagnosis->concluded;
    }
    if (may_change) {
        whyrst_diagnosis_revise(diagnosis, record);
    }
    return g_queue_pop_head(&diagnosis->held);
}

uint64_t whyrst_diagnosis_early(const struct whyrst_diagnosis *diagnosis)
{
    return diagnosis->early;
}
