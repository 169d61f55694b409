/* SPDX-License-Identifier: GPL-2.0-or-later */
/** ClientHellos of a JA4, or of a name, against comparable ones of others. */
#ifndef DIAGNOSE_CONTRAST_H
#define DIAGNOSE_CONTRAST_H

#include "diagnose/clients.h"
#include "diagnose/combos.h"
#include "diagnose/diagnosis.h"

/** Resets that make a case. */
#define CONTRAST_LEAST 3

/**
 * struct group - ClientHellos that are compared
 * @cells:  those of one server, or of one name; NULL: of all
 * @combos: the same, summed up
 * @wide:   of several servers, each of which has been looked at by itself
 * @tests:  of the whole diagnosis
 */
struct group {
    struct whyrst_diagnosis *diagnosis;
    const struct hello_cell *const *cells;
    guint count;
    const GPtrArray *combos;
    bool wide;
    double tests;
};

/**
 * struct contrast - a JA4 or a name against others
 * @servers:    where it failed; @first: the first of them
 * @own, @others: its ClientHellos, and those it is compared with
 * @blocked:    it and the others that look blocked as well: how many, and all together
 * @candidates: of which these were picked
 * @variety:    JA4s that @others, or, of a name, @own consists of
 * @name:       the only name that a JA4 was reset under, or 0
 * @version:    all JA4s with this one's TLS version are blocked, and no other; @alike: it is not
 *              the only one
 * @marks:      which of the two ClientHellos belong to, by their marks (tables_hello_mark())
 * @meanwhile:  the others in the time of its failures
 */
struct contrast {
    GHashTable *servers;
    struct server_key first;
    struct score own;
    struct score others;
    struct score picked;
    guint blocked;
    guint candidates;
    guint variety;
    uint32_t name;
    bool version;
    bool alike;
    GHashTable *marks;
    struct others meanwhile;
    double p;
};

/** The other JA4s with the names that @ja4 was reset under; contrast_clear() it. */
void contrast_ja4(const struct group *group, uint32_t ja4, struct contrast *contrast);
/** The JA4s that were reset under @name, under the servers' other names; contrast_clear() it. */
void contrast_name(const struct group *group, uint32_t name, struct contrast *contrast);
void contrast_clear(struct contrast *contrast);
/** Whether the contrast is large enough not to be chance; its p gets the chance. */
bool contrast_is_clear(const struct group *group, struct contrast *contrast);
enum whyrst_confidence contrast_confidence(const struct contrast *contrast);

#endif
