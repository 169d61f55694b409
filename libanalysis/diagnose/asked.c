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

static void add_answered(const struct pair *pair, int64_t before_ns, bool in_clear,
                         GHashTable *answered)
{
    uint32_t count;
    const struct moment *moments = moments_kept(&pair->moments, &count);

    for (uint32_t i = 0; i < count; i++) {
        if (!moments[i].failed && moments[i].time_ns < before_ns &&
            (!in_clear || is_in_clear(moments[i].mark))) {
            g_hash_table_add(answered, GUINT_TO_POINTER(moments[i].mark));
        }
    }
}

enum asked asked_of(const struct crowd *crowd, guint own)
{
    g_autoptr(GHashTable) answered = g_hash_table_new(NULL, NULL);
    const struct pair *pair = crowd->pairs[own];
    uint32_t count, asked = 0, known = 0;
    g_autofree struct moment *moments = moments_sorted(&pair->moments, &count);

    add_answered(pair, pair->score.failures->first_ns, false, answered);
    for (guint i = 0; i < crowd->count; i++) {
        if (i != own) {
            add_answered(crowd->pairs[i], INT64_MAX, true, answered);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (is_after_request(&moments[i])) {
            asked++;
            known += g_hash_table_contains(answered, GUINT_TO_POINTER(moments[i].mark));
        }
    }
    if (asked == 0) {
        return ASKED_NOTHING;
    }
    return (asked - known) * FEW > asked ? ASKED_UNKNOWN : ASKED_KNOWN;
}
