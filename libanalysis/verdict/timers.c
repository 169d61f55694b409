/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verdict/timers.h"

#include <stdlib.h>

#include <glib.h>

#include "bytes/strbuf.h"

#define SECOND INT64_C(1000000000)

/* A timer runs from the last packet its owner saw: here it may look early by a part of a round
 * trip, and late by the period of its sweep. */
#define EARLY (SECOND / 4)

/* Defaults from the products' own documentation, read in November 2026; rarely changed ones only,
 * since a configured timer may have any length. */
static const struct {
    int seconds;
    const char *name;
} timers[] = {
    {5, "Node.js before 2026, Apache or uvicorn keep-alive 5 s"},
    {60, "AWS ALB/CLB idle or nginx request timeout 60 s"},
    {65, "Node.js keep-alive 65 s"},
    {75, "nginx keep-alive 75 s"},
    {90, "Heroku router or Go client pool 90 s"},
    {120, "IIS or http.sys 120 s"},
    {240, "Azure load balancer 240 s"},
    {300, "Envoy stream idle or OCI backend 300 s"},
    {350, "AWS NLB or NAT gateway 350 s"},
    {400, "Cloudflare client keep-alive 400 s"},
    {600, "GCP connection tracking or backend keep-alive 600 s"},
    {610, "GCP load balancer client keep-alive 610 s"},
    {900, "Cloudflare to origin 900 s"},
    {1200, "GCP Cloud NAT 1200 s"},
    {3600, "Envoy, AWS ALB keep-alive or firewall session 3600 s"},
    {7200, "Linux TCP keep-alive 7200 s"},
    {7875, "Linux TCP keep-alive given up 7875 s"},
    {432000, "Linux connection tracking 5 days"},
};

static int64_t distance(int64_t silent_ns, unsigned i)
{
    int64_t timer = timers[i].seconds * SECOND;
    int64_t tolerance = MAX(SECOND, timer / 50);
    int64_t off = silent_ns > timer ? silent_ns - timer : timer - silent_ns;

    if (timer - silent_ns > EARLY) {
        return -1;
    }

    /* Short timers are too common for a whole second of tolerance. */
    return off <= MIN(tolerance, timer / 10) ? off : -1;
}

int64_t timers_nearest(int64_t silent_ns)
{
    int64_t best = 0;
    int64_t best_off = INT64_MAX;

    for (unsigned i = 0; i < G_N_ELEMENTS(timers); i++) {
        int64_t off = distance(silent_ns, i);

        if (off >= 0 && off < best_off) {
            best_off = off;
            best = timers[i].seconds * SECOND;
        }
    }
    return best;
}

const char *timers_name(int64_t silent_ns, char *buffer, size_t size)
{
    struct strbuf s = strbuf_make(buffer, size);

    for (unsigned i = 0; i < G_N_ELEMENTS(timers); i++) {
        if (distance(silent_ns, i) >= 0) {
            strbuf_add(&s, s.length ? ", " : "");
            strbuf_add(&s, timers[i].name);
        }
    }
    return buffer;
}
