/* SPDX-License-Identifier: GPL-2.0-or-later */
/** One client of a server against the others: what find_clients.c and find_bans.c share. */
#ifndef DIAGNOSE_CLIENTS_H
#define DIAGNOSE_CLIENTS_H

#include "diagnose/diagnosis.h"

/** As in contrast.c: failures that make a case, and the chance (corrected for the number of tests)
 *  not to be one. */
#define CLIENT_LEAST  3
#define CLIENT_CHANCE 0.001

/** struct census - what all clients tell: their pairs, how many clients failed at each server that
 * any failed at (struct server_key: number), and how many suspects there are to test */
struct census {
    const struct heavy *pairs;
    GHashTable *failing;
    uint64_t suspects;
};

/** struct others - the other clients of a server during one client's failures; @near_failed,
 *  @near_good: of their connections those next to one of the failures, before or after it */
struct others {
    uint32_t clients;
    uint32_t failed;
    uint32_t good;
    uint32_t near_failed;
    uint32_t near_good;
};

/** What a client of a server is in a comparison: of those that fail, of the others, or neither. */
enum client_role { CLIENT_OTHER, CLIENT_OWN, CLIENT_LEFT_OUT };

/** struct event - a connection of the pair with this index in its group */
struct event {
    int64_t time_ns;
    guint pair;
    bool failed;
};

/** struct crowd - the clients of one server
 * @events: their connections in the order of time
 * @roles:  what they are at present (enum client_role)
 * @answered: of asked_of(), which makes it; NULL until then */
struct crowd {
    const struct pair *const *pairs;
    guint count;
    GArray *events;
    uint8_t *roles;
    GHashTable *answered;
};

/** Sorts events (struct event) by their times. */
void events_sort(GArray *events);
/** Those of @events whose pairs (@count) have the role CLIENT_OTHER, from @first_ns to @last_ns,
 * and next to failures of pairs with the role CLIENT_OWN. */
struct others others_between(const GArray *events, const uint8_t *roles, guint count,
                             int64_t first_ns, int64_t last_ns);
/** The others from the first failure of @crowd's own clients to the last. */
struct others find_others(const struct crowd *crowd);
/** Whether others failed as well, then or at the same moments: it is the server's trouble. */
bool others_fail_too(const struct others *others);
/** What failures after a request say of a reason in the request itself: they came before any, or
 * each of these was answered to the client before, or to another one, or not (what it asks for may
 * be the reason). */
enum asked { ASKED_NOTHING, ASKED_KNOWN, ASKED_UNKNOWN };

/** What @crowd's clients with index @own had asked for when it failed. */
enum asked asked_of(struct crowd *crowd, guint own);
/** A new finding about @pair, with @block's evidence. */
struct whyrst_finding *client_finding(struct whyrst_diagnosis *diagnosis, const struct pair *pair,
                                      const struct block *block, enum whyrst_finding_kind kind,
                                      uint64_t failed, uint64_t all);
/** Adds a finding if the client with index @own is not let in. */
void find_ban(struct whyrst_diagnosis *diagnosis, struct crowd *crowd, guint own,
              const struct others *others, const struct census *census);
/** Adds a finding if several clients are not let in: they are left out of @crowd then. */
void find_bans(struct whyrst_diagnosis *diagnosis, struct crowd *crowd,
               const struct census *census);

#endif
