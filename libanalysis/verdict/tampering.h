/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * Labels of "Global, Passive Detection of Connection Tampering" (Sundara Raman et al., SIGCOMM
 * 2023, table 1). A label says which pattern the packets have; it accuses nobody.
 */
#ifndef VERDICT_TAMPERING_H
#define VERDICT_TAMPERING_H

#include "verdict/facts.h"

/** The pattern that the client's packets and the RSTs make, or NULL; static string. */
const char *tampering_signature(const struct rst_facts *facts);

#endif
