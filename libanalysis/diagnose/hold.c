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
    g_ptr_array_add(diagnosis->held, record);
}

void hold_clear(struct whyrst_diagnosis *diagnosis)
{
    for (guint i = diagnosis->first_held; i < diagnosis->held->len; i++) {
        whyrst_record_unref(g_ptr_array_index(diagnosis->held, i));
    }
    g_ptr_array_unref(diagnosis->held);
}

static struct whyrst_record *held_at(const struct whyrst_diagnosis *diagnosis, guint ahead)
{
    return ahead < diagnosis->held->len - diagnosis->first_held
               ? g_ptr_array_index(diagnosis->held, diagnosis->first_held + ahead)
               : NULL;
}

static struct whyrst_record *take(struct whyrst_diagnosis *diagnosis)
{
    const struct whyrst_record *next;
    struct whyrst_record *record = held_at(diagnosis, 0);

    /* Nothing has looked at them since they were made. */
    if ((next = held_at(diagnosis, 6))) {
        record_prefetch(next);
    }
    if ((next = held_at(diagnosis, 3))) {
        record_prefetch_words(next);
    }
    diagnosis->first_held++;
    if (diagnosis->first_held * 2 >= diagnosis->held->len) { /* as few as are left are moved */
        g_ptr_array_remove_range(diagnosis->held, 0, diagnosis->first_held);
        diagnosis->first_held = 0;
    }
    return record;
}

struct whyrst_record *whyrst_diagnosis_release(struct whyrst_diagnosis *diagnosis, bool now)
{
    struct whyrst_record *record = held_at(diagnosis, 0);
    bool may_change = record && whyrst_diagnosis_may_revise(diagnosis, record);
    guint count = diagnosis->held->len - diagnosis->first_held;

    if (!record || (may_change && !now && count <= LIMIT_HELD_RESETS)) {
        return NULL;
    }
    if (may_change && !diagnosis->concluded) {
        catch_up(diagnosis);
        diagnosis->early += !diagnosis->concluded;
    }
    if (may_change) {
        whyrst_diagnosis_revise(diagnosis, record);
    }
    return take(diagnosis);
}

uint64_t whyrst_diagnosis_early(const struct whyrst_diagnosis *diagnosis)
{
    return diagnosis->early;
}
