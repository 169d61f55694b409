/* SPDX-License-Identifier: GPL-2.0-or-later */
/** What a limit of some kind has counted when each connection of a client comes. */
#ifndef DIAGNOSE_CHARGE_H
#define DIAGNOSE_CHARGE_H

#include <stdint.h>

#include "diagnose/moments.h"

/* Of each function, @moments are sorted, and @charge gets @count numbers. */

/** How many came within the window before. */
void charge_window(const struct moment *moments, uint32_t count, int64_t window_ns,
                   uint32_t *charge);
/** How many of those accepted before were still open. */
void charge_open(const struct moment *moments, uint32_t count, uint32_t *charge);
/** How many came before since the clock (since 1970) began another such period. */
void charge_period(const struct moment *moments, uint32_t count, int64_t period_ns,
                   uint32_t *charge);
/** How many were accepted within the window before. */
void charge_accepted(const struct moment *moments, uint32_t count, int64_t window_ns,
                     uint32_t *charge);
/** What a leaky bucket holds of those accepted, in thousandths of a connection; it has room for
 *  @size and loses @rate connections a second. Where one fails it must be full, where one is
 * accepted it had room: what came before the first may not have been captured. */
void charge_bucket(const struct moment *moments, uint32_t count, double rate, uint32_t size,
                   uint32_t *charge);

/**
 * charge_spans() - the shortest time in which so many were accepted
 * @spans: gets, for each n from 1 on, the shortest time between an accepted connection and the
 *         n-th accepted after it; room for @count
 *
 * Returns how many there are: one less than were accepted.
 */
uint32_t charge_spans(const struct moment *moments, uint32_t count, int64_t *spans);

#endif
