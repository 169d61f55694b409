/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Whether a client's failures are those of a limit. */
#ifndef DIAGNOSE_LIMIT_H
#define DIAGNOSE_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diagnose/moments.h"

/** What is limited: connections within a window, those open at once, or how soon one may follow
 * another (a bucket that is always empty: tokens come one by one). */
enum limit_kind { LIMITED_WINDOW, LIMITED_OPEN, LIMITED_PACE };

/**
 * struct limit - a window, how many earlier connections in it precede every failure, and the table:
 * beyond that number (failed, accepted), below it (all accepted)
 * @window_ns: 0 where those open at once count; of a pace the longest time from the connection
 *         accepted before to a failure
 * @odd:   failures below it, few
 * @times: failures in a row, with connections below the number between them
 * @p:     the chance that failures which have nothing to do with it look like this, 1 = no limit
 */
struct limit {
    enum limit_kind kind;
    int64_t window_ns;
    uint32_t number;
    uint32_t failed;
    uint32_t accepted;
    uint32_t below;
    uint32_t odd;
    uint32_t times;
    double p;
};

/** The most likely limit behind a client's connections to a server; @paced: also one that each
 * connection before it may have used up. */
struct limit limit_find(const struct moments *moments, bool paced);
/** Whether as many connections as before the one at @index came before others that were accepted,
 * in whatever window: no limit refused it. @moments are sorted. */
bool limit_is_below(const struct moment *moments, uint32_t count, uint32_t index);
/** Where failures begin, as limit_find() says of it: "after 5 or more within 2 s". */
void limit_text(const struct limit *limit, char *text, size_t size);

#endif
