/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verdict/cause.h"
#include "verdict/causes/common.h"

static void weigh(const struct rst_facts *facts, struct scale *scale)
{
    weigh_across(facts, ACROSS_RATE, scale);
}

const struct cause cause_rate_limit = {
    .info =
        {.name = "rate-limit",
         .meaning = "Resets or refusals start after a number of connections within a window.",
         .shown_by =
             "This client's connections fail only while many others of its own came shortly before, and "
             "are accepted again afterwards.",
         .advice =
             "Open fewer connections: reuse them, keep a limit of your own below that number, and back "
             "off after a reset.",
         .references =
             "Fisher's exact test; iptables hashlimit and connlimit, nginx limit_req and limit_conn, haproxy stick-tables",
         .sample = "rate-hashlimit-router"},
    .across = ACROSS_RATE,
    .weigh = weigh,
};
