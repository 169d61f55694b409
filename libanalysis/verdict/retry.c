/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client does not know whether a request without a complete answer took effect. One that is
 * idempotent may be repeated all the same (RFC 9110 section 9.2.2); this is a property of the
 * method, which is known where HTTP/1.x is in the clear.
 */
#include "verdict/retry.h"

#include <string.h>

#include <glib.h>

/* Of those that observe/ knows by name; IANA registry "HTTP Methods". Of others nothing is said. */
static const char *const idempotent[] = {
    "GET",   "HEAD",      "PUT",    "DELETE", "OPTIONS",    "TRACE",  "PROPFIND",
    "COPY",  "PROPPATCH", "MKCOL",  "MOVE",   "UNLOCK",     "REPORT", "SEARCH",
    "MERGE", "BIND",      "REBIND", "UNBIND", "MKCALENDAR",
};
static const char *const unsafe[] = {"POST", "PATCH", "LOCK"};

static bool is_one_of(const char *method, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(method, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* A request lacks its answer. One that the server has answered early it does not want again. */
static bool is_owed(const struct rst_facts *facts)
{
    const struct observe_state *state = &facts->state;

    return facts->origin != WHYRST_ORIGIN_AFTER_CLOSE && state->protocol == OBSERVE_HTTP1 &&
           !state->early_response &&
           (state->phase == OBSERVE_PHASE_REQUEST || state->phase == OBSERVE_PHASE_AWAITING ||
            state->phase == OBSERVE_PHASE_RESPONSE);
}

/* The client still wants an answer, and another attempt does no harm whatever it asks for. */
static bool is_wanted(const struct rst_facts *facts, const struct judgement *judgement)
{
    enum across_kind across = judgement->cause ? judgement->cause->across : ACROSS_NONE;
    bool given_up = facts->from_client && judgement->sender != WHYRST_SENDER_MIDDLEBOX;

    return !given_up && across != ACROSS_ADDRESS && across != ACROSS_FINGERPRINT;
}

enum retry retry_of(const struct rst_facts *facts, const struct judgement *judgement,
                    const char *method)
{
    if (!method || !is_owed(facts) || !is_wanted(facts, judgement)) {
        return RETRY_UNKNOWN;
    }
    if (is_one_of(method, idempotent, G_N_ELEMENTS(idempotent))) {
        return RETRY_SAFE;
    }
    return is_one_of(method, unsafe, G_N_ELEMENTS(unsafe)) ? RETRY_UNSAFE : RETRY_UNKNOWN;
}

void retry_advise(struct strbuf *s, const struct rst_facts *facts,
                  const struct judgement *judgement, const char *method)
{
    enum retry retry = retry_of(facts, judgement, method);

    if (retry == RETRY_SAFE) {
        strbuf_addf(s, "; the %s is idempotent and may be repeated, with back-off", method);
    } else if (retry == RETRY_UNSAFE) {
        strbuf_addf(s, "; the %s may have taken effect: repeat it only where that does no harm",
                    method);
    }
}
