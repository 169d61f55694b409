/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Whether the request that a RST hit may be sent again. */
#ifndef VERDICT_RETRY_H
#define VERDICT_RETRY_H

#include "bytes/strbuf.h"
#include "verdict/cause.h"

/** Adds to @s, where there is something to say, the request under way: "; the GET is
 * idempotent...".
 *  @method may be NULL. */
void retry_advise(struct strbuf *s, const struct rst_facts *facts,
                  const struct judgement *judgement, const char *method);

#endif
