/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * Filters: which records are shown.
 *
 * Every filter given must match, by any one of its values. A filter on a field that a kind of
 * record never has (the origin of a connection) does not concern that kind.
 */
#ifndef CLI_FILTER_H
#define CLI_FILTER_H

#include <stdbool.h>

#include <whyrst/record.h>

enum filter_id {
    FILTER_ORIGIN,
    FILTER_CAUSE,
    FILTER_SENDER,
    FILTER_JA4,
    FILTER_HOST,
    FILTER_PORT,
    FILTER_COUNT
};

struct filter;

struct filter *filter_new(void);
void filter_free(struct filter *filter);
/**
 * Adds the comma-separated @values of one filter. Returns NULL when all are valid, else a text
 * (g_free) that says which is not and which are.
 */
char *filter_add(struct filter *filter, enum filter_id id, const char *values);
bool filter_matches(const struct filter *filter, const struct whyrst_record *record);

#endif
