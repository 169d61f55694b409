/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Whether the request that a RST hit may be sent again. */
#ifndef VERDICT_RETRY_H
#define VERDICT_RETRY_H

#include "bytes/strbuf.h"
#include "verdict/cause.h"

enum retry {
    RETRY_UNKNOWN, /**< no request lacks an answer, or nothing is known of it */
    RETRY_SAFE,    /**< idempotent */
    RETRY_UNSAFE,  /**< it may have taken effect */
    RETRY_COUNT
};

/** Whether the request under way may be sent again; @method may be NULL. */
enum retry retry_of(const struct rst_facts *facts, const struct judgement *judgement,
                    const char *method);
/** Adds to @s, where there is something to say, the request under way: "; the GET is
 * idempotent...".
 *  @method may be NULL. */
void retry_advise(struct strbuf *s, const struct rst_facts *facts,
                  const struct judgement *judgement, const char *method);

#endif
