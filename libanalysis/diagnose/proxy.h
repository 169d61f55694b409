/* SPDX-License-Identifier: GPL-2.0-or-later */
/** What became of requests to a proxy (CONNECT, SOCKS): whose failure each was, counted. */
#ifndef DIAGNOSE_PROXY_H
#define DIAGNOSE_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diagnose/frames.h"
#include "observe/observer.h"

/** What became of one connection to a proxy. */
enum proxy_result {
    PROXY_NONE,    /**< nothing was asked of a proxy */
    PROXY_TUNNEL,  /**< the tunnel stood */
    PROXY_BROKEN,  /**< the tunnel stood and was reset in the proxy's name: by the target, whose end
                        the proxy passes on, or by the proxy */
    PROXY_DROPPED, /**< the tunnel stood until the proxy's process or host ended it */
    PROXY_OWN,     /**< the proxy refused, or reset the connection instead of answering */
    PROXY_TARGET,  /**< the proxy says that the target could not be reached */
    PROXY_UNCLEAR, /**< the reply may mean either */
    PROXY_PENDING, /**< no answer was seen */
    PROXY_RESULT_COUNT
};

/** Different replies of one proxy that are counted. */
#define PROXY_REPLIES 8u

/** struct proxy_reply - how often a proxy gave a failing reply; count 0 = free */
struct proxy_reply {
    uint8_t kind;
    uint16_t reply;
    uint32_t count;
};

/** struct proxy_tally - connections with one result, and frames that show it */
struct proxy_tally {
    uint32_t count;
    int64_t first_ns;
    int64_t last_ns;
    struct frames frames;
};

/** struct proxy_health - whose failures there were, as find_proxies.c concluded */
struct proxy_health {
    uint32_t own;
    uint32_t target;
    uint32_t unclear;
};

/**
 * struct proxy_stats - what is counted of a server that was asked to be a proxy
 * @proven:   it answered as only a proxy does
 * @resets:   RSTs instead of an answer
 * @health:   set by a conclusion
 */
struct proxy_stats {
    bool proven;
    uint32_t resets;
    struct proxy_tally of[PROXY_RESULT_COUNT];
    struct proxy_reply replies[PROXY_REPLIES];
    struct proxy_health health;
};

struct outcome;

/** What a failing @reply of a proxy means. */
enum proxy_result proxy_reply_means(enum observe_proxy_kind kind, uint16_t reply);
/** "HTTP 407 (asks for a login)", "SOCKS5 reply 5 (connection refused)" into @text. */
const char *proxy_reply_text(char *text, size_t size, uint8_t kind, uint16_t reply);
/** Sets what @outcome says of the proxy from what was @asked (may be NULL). */
void proxy_judge(struct outcome *outcome, const struct observe_proxy *asked);
/** How many tunnels stood. */
uint32_t proxy_tunnels(const struct proxy_stats *stats);
/** Counts a connection; *@stats is made when NULL (proxy_free()); its frame is of file number
 * @file. */
void proxy_add(struct proxy_stats **stats, const struct outcome *outcome, uint32_t file);
/** Adds @other, which may be NULL, and whose files follow @files others. */
void proxy_merge(struct proxy_stats **stats, const struct proxy_stats *other, uint32_t files);
void proxy_free(struct proxy_stats *stats);

#endif
