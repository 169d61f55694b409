/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verdict/cause.h"
#include "verdict/causes/common.h"

static void weigh(const struct rst_facts *facts, struct scale *scale)
{
    weigh_across(facts, ACROSS_FINGERPRINT, scale);
}

const struct cause cause_tls_fingerprint_block = {
    .info =
        {.name = "tls-fingerprint-block",
         .meaning =
             "The server, or a device before it, resets this TLS client (JA4) in the handshake and not others.",
         .shown_by =
             "Of one server's connections those with this JA4 were reset in the TLS handshake, others with "
             "the same server name were answered, and neither name nor address explains it.",
         .advice =
             "Offer the ClientHello of a client that is accepted (another TLS library or profile), or "
             "have the JA4 allowed by whoever filters; more attempts change nothing.",
         .references = "Fisher's exact test; JA4 (FoxIO); nothing of it shows in one connection",
         .sample = "block-ja4-server"},
    .across = ACROSS_FINGERPRINT,
    .weigh = weigh,
};
