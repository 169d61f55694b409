/* SPDX-License-Identifier: GPL-2.0-or-later */
/** ClientHellos of a JA4, or of a name, against comparable ones of others. */
#ifndef DIAGNOSE_CONTRAST_H
#define DIAGNOSE_CONTRAST_H

#include "diagnose/clients.h"
#include "diagnose/combos.h"
#include "diagnose/diagnosis.h"

/** Resets that make a case, and the chance (corrected for the number of tests) not to be one. */
#define CONTRAST_LEAST  3
#define CONTRAST_CHANCE 0.001

/**
 * struct group - ClientHellos that are compared
 * @cells:  those of one server, or of one name; NULL: of all
 * @combos: the same, summed up
 * @wide:   of several servers, each of which has been looked at by itself
 * @split:  ClientHellos of several segments are reset there, whatever the JA4
 * @tests:  of the whole diagnosis
 */
struct group {
    struct whyrst_diagnosis *diagnosis;
    const struct hello_cell *const *cells;
    guint count;
    const GPtrArray *combos;
    bool wide;
    bool split;
    double tests;
};

/** struct spell - a JA4's or name's ClientHellos from the first that was reset to the last, and how
 * many were answered before and after */
struct spell {
    int64_t first_ns;
    int64_t last_ns;
    uint32_t failed;
    uint32_t good;
    uint32_t before;
    uint32_t after;
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
 * @alpn:       those with its ALPN are several, all are blocked, and no other
 * @marks:      which of the two ClientHellos belong to, by their marks (tables_hello_mark())
 * @meanwhile:  the others in the time of its failures, its @spell
 * @passing:    it was answered before or after: of its own only those of its spell count
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
    bool alpn;
    GHashTable *marks;
    struct others meanwhile;
    struct spell spell;
    bool passing;
    double p;
};

/** The other JA4s with the names that @ja4 was reset under; contrast_clear() it. */
void contrast_ja4(const struct group *group, uint32_t ja4, struct contrast *contrast);
/** The JA4s that were reset under @name, under the servers' other names; contrast_clear() it. */
void contrast_name(const struct group *group, uint32_t name, struct contrast *contrast);
void contrast_clear(struct contrast *contrast);
/** Whether the contrast is large enough not to be chance; its p gets the chance. */
bool contrast_is_clear(const struct group *group, struct contrast *contrast);
/** Server and time may be the reason as well: those compared must be answered while others are
 * reset.
 *  @role_of says of a connection which it is, as enum client_role + 1; 0: neither. */
struct others contrast_meanwhile(const struct group *group, GHashTable *servers,
                                 guint (*role_of)(const struct moment *moment, const void *data),
                                 const void *data, struct spell *spell);
/** Whether it may be the size of its ClientHellos: those of several segments are reset, whoever's.
 */
bool contrast_may_be_size(const struct score *own, const struct score *others);
/** Adds a finding if a server's ClientHellos of several segments are reset, and those in one not.
 */
bool find_split_hellos(const struct group *group);
enum whyrst_confidence contrast_confidence(const struct contrast *contrast);

#endif
