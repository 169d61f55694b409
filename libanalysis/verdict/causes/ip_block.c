/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verdict/cause.h"
#include "verdict/causes/common.h"

static void weigh(const struct rst_facts *facts, struct scale *scale)
{
    weigh_across(facts, ACROSS_ADDRESS, scale);
}

const struct cause cause_ip_block = {
    .info =
        {.name = "ip-block",
         .meaning =
             "The server, or a device before it, resets or refuses this client address and not others.",
         .shown_by =
             "Every connection of this client to the server failed from a moment on, while the same server "
             "went on to serve other addresses.",
         .advice =
             "Find the list that holds the address (firewall, fail2ban, WAF) and why; further attempts "
             "prolong most bans.",
         .references =
             "Fisher's exact test; fail2ban, ipset, nginx deny; nothing of it shows in one connection",
         .sample = "ban-on-server"},
    .across = ACROSS_ADDRESS,
    .weigh = weigh,
};
