/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether what a client asks for may be why it fails: a path whose handler crashes, a name whose
 * backend is dead, another protocol than the port's. It is not where the same request was answered:
 * to another client, when it is in clear, or to this one, before it failed.
 */
#include "diagnose/clients.h"

/* One in so many may be unknown. */
#define FEW 5

/* Requests in clear; of TLS the ClientHello alone is marked, and what follows it is hidden. */
static bool is_in_clear(uint16_t mark)
{
    return mark && !(mark & 1);
}

/* The RST came when the client had asked for something, and not for its ClientHello. */
static bool is_after_request(const struct moment *moment)
{
    return moment->failed && (moment->origin == WHYRST_ORIGIN_MID_REQUEST ||
                              moment->origin == WHYRST_ORIGIN_AWAITING_RESPONSE);
}

/* In @answered, instead of a client's number. */
#define BY_SEVERAL G_MAXUINT

/* Which requests in clear were answered: by their marks the number of the client that asked. */
static GHashTable *make_answered(const struct crowd *crowd)
{
    GHashTable *answered = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < crowd->count; i++) {
        uint32_t count;
        const struct moment *moments = moments_kept(&crowd->pairs[i]->moments, &count);

        for (uint32_t m = 0; m < count; m++) {
            gpointer mark = GUINT_TO_POINTER(moments[m].mark);
            guint by = i + 1, before;

            if (moments[m].failed || !is_in_clear(moments[m].mark)) {
                continue;
            }
            before = GPOINTER_TO_UINT(g_hash_table_lookup(answered, mark));
            if (before != by && before != BY_SEVERAL) {
                g_hash_table_insert(answered, mark, GUINT_TO_POINTER(before ? BY_SEVERAL : by));
            }
        }
    }
    return answered;
}

/* Of the client with index @own, what was answered before it failed. */
static GHashTable *answered_before(const struct crowd *crowd, guint own)
{
    GHashTable *marks = g_hash_table_new(NULL, NULL);
    const struct pair *pair = crowd->pairs[own];
    uint32_t count;
    const struct moment *moments = moments_kept(&pair->moments, &count);

    for (uint32_t m = 0; m < count; m++) {
        if (!moments[m].failed && moments[m].time_ns < pair->score.failures->first_ns) {
            g_hash_table_add(marks, GUINT_TO_POINTER(moments[m].mark));
        }
    }
    return marks;
}

static bool is_known(const struct crowd *crowd, guint own, GHashTable *before, uint16_t mark)
{
    guint by = GPOINTER_TO_UINT(g_hash_table_lookup(crowd->answered, GUINT_TO_POINTER(mark)));

    return (by && by != own + 1) || g_hash_table_contains(before, GUINT_TO_POINTER(mark));
}

enum asked asked_of(struct crowd *crowd, guint own)
{
    g_autoptr(GHashTable) before = answered_before(crowd, own);
    uint32_t count, asked = 0, known = 0;
    const struct moment *moments = moments_kept(&crowd->pairs[own]->moments, &count);

    if (!crowd->answered) {
        crowd->answered = make_answered(crowd);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (is_after_request(&moments[i])) {
            asked++;
            known += is_known(crowd, own, before, moments[i].mark);
        }
    }
    if (asked == 0) {
        return ASKED_NOTHING;
    }
    return (asked - known) * FEW > asked ? ASKED_UNKNOWN : ASKED_KNOWN;
}
