/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Whether a client's failures are those of a limit. */
#ifndef DIAGNOSE_LIMIT_H
#define DIAGNOSE_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diagnose/moments.h"

/**
 * What is limited: attempts within a window, connections open at once, attempts in each period of a
 * clock, connections accepted within a window, or by a token bucket.
 */
enum limit_kind { LIMITED_WINDOW, LIMITED_OPEN, LIMITED_PERIOD, LIMITED_ACCEPTED, LIMITED_BUCKET };

/**
 * struct limit - a limit on how many connections, and the table: beyond that number (failed,
 * accepted), below it (odd, below)
 * @window_ns: window or period; 0 where those open at once count; the time in which an empty bucket
 *         gets full
 * @rate:  of a bucket, per second
 * @odd:   failures below the number, few
 * @times: failures in a row, with connections below the number between them
 * @regular: each n-th connection fails, whenever it comes
 * @p:     the chance that failures which have nothing to do with it look like this, 1 = no limit
 */
struct limit {
    enum limit_kind kind;
    int64_t window_ns;
    double rate;
    uint32_t number;
    uint32_t failed;
    uint32_t accepted;
    uint32_t below;
    uint32_t odd;
    uint32_t times;
    bool regular;
    double p;
};

/** The most likely limit behind a client's connections to a server; @paced: also one that a single
 * connection before it may have used up. */
struct limit limit_find(const struct moments *moments, bool paced);
/** Of each of @moments, which are sorted: whether as many connections as before it came before
 * others that were accepted, in whatever window of @longest_ns at most, so that no limit on
 * attempts refuses it. */
void limit_below(const struct moment *moments, uint32_t count, int64_t longest_ns, bool *below);
/** Where failures begin, as limit_find() says of it: "after 5 or more within 2 s". */
void limit_text(const struct limit *limit, char *text, size_t size);

#endif
