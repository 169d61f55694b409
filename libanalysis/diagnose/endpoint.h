/* SPDX-License-Identifier: GPL-2.0-or-later */
/** The health of a server or a server name: counted, and as a row for users. */
#ifndef DIAGNOSE_ENDPOINT_H
#define DIAGNOSE_ENDPOINT_H

#include <whyrst/finding.h>

#include "diagnose/frames.h"
#include "diagnose/heavy.h"
#include "diagnose/moments.h"
#include "bytes/names.h"
#include "diagnose/outcome.h"
#include "diagnose/proxy.h"
#include "diagnose/sample.h"
#include "diagnose/timeline.h"

enum endpoint_kind { ENDPOINT_SERVER = 1, ENDPOINT_NAME, ENDPOINT_REST };

/** struct endpoint_key - a server by address and port, a server name by its number */
struct endpoint_key {
    uint8_t kind;
    uint8_t version;
    uint16_t port;
    uint32_t name;
    uint8_t address[16];
};

/** How near to one another the silences of one timer are at least, or 2 %: a sweep runs every
 * second or so. */
#define TIMER_NEAR_NS INT64_C(250000000)

/** The trouble that a connection had, as far as endpoints tell kinds apart. */
enum trouble { TROUBLE_REFUSED, TROUBLE_UNANSWERED, TROUBLE_UNREACHABLE, TROUBLE_COUNT };

#define SEVERAL_CLIENTS UINT32_MAX

/** struct silent_closes - closes (FIN) by a server after silence: how long, and when */
struct silent_closes {
    struct sample *idle;
    struct frames frames;
    int64_t first_ns;
    int64_t last_ns;
};

/** struct endpoint_texts - see endpoint_name() */
struct endpoint_texts {
    char name[80];
    char address[48];
};

/**
 * struct endpoint_faults - what went wrong with an endpoint's connections
 * @resets:      established connections that a RST in the server's name ended (not after a FIN)
 * @lone:        @resets of connections of which neither a handshake nor payload was captured
 * @by:          established connections that a RST ended, by sender
 * @origins:     the same by origin
 * @refused_by:  refusals, by sender; @icmp: connections that ICMP errors answered, by what they say
 * @retry:       @resets by whether the request that was hit may be repeated (enum retry)
 * @first_bad_ns, @last_bad_ns: starts of connections that got no handshake
 * @forgotten:   @resets that answered the first segment after a silence
 * @forgotten_ns: the shortest of these silences
 * @ends:        @resets: of a process that ended, of a host that did not know the connection, or
 *               of others
 * @rst_times:   SYN to RST; @idle: silences before RSTs of the server's side
 */
struct endpoint_faults {
    uint32_t troubles[TROUBLE_COUNT];
    uint32_t aborted;
    uint32_t resets;
    uint32_t lone;
    uint32_t by[WHYRST_SENDER_COUNT];
    uint32_t origins[WHYRST_ORIGIN_COUNT];
    uint32_t refused_by[WHYRST_SENDER_COUNT];
    uint32_t icmp[WHYRST_UNREACHABLE_COUNT];
    uint32_t retry[RETRY_COUNT];
    int64_t first_bad_ns;
    int64_t last_bad_ns;
    int64_t first_reset_ns;
    int64_t last_reset_ns;
    int64_t forgotten_ns;
    uint32_t forgotten;
    struct frames bad_frames;
    struct frames reset_frames;
    struct moments ends;
    struct sample *rst_times;
    struct sample *idle;
};

/**
 * struct endpoint_stats - an entry of the table of endpoints: what any connection changes. What
 * went wrong is elsewhere, since with most server names nothing did
 * @clients:     a bit for each client address, by its hash
 * @client:      a mark of the only client, by its hash, or SEVERAL_CLIENTS; 0 = none yet
 * @first:       the first frame of a connection that is known: of its RST, else its first
 * @file:        1 + index of the first capture that has it; @several: others have it, too
 * @state:       1 + kind of the finding that describes it best, 0 = none; set by a conclusion
 * @first_good_ns, @last_good_ns: starts of connections that were accepted; 0 = none
 * @last_word_ns: last sign of life of the server
 * @faults:      NULL = none, see faults_of()
 * @closes:      silences before its FINs, NULL = none
 * @proxy:       when it was asked to be a proxy, else NULL
 * @texts:       NULL until somebody asks for them: few of many endpoints are shown
 * @starts:      of a server: connections that began, accepted or not
 */
struct endpoint_stats {
    struct endpoint_key key;
    uint64_t clients;
    uint32_t client;
    uint32_t attempts;
    uint32_t handshakes;
    uint32_t connections;
    uint32_t fins;
    struct place first;
    uint32_t file;
    bool several;
    uint8_t state;
    int64_t first_good_ns;
    int64_t last_good_ns;
    int64_t last_word_ns;
    struct endpoint_faults *faults;
    struct silent_closes *closes;
    struct proxy_stats *proxy;
    struct endpoint_texts *texts;
    struct timeline starts;
};

/** Of an endpoint with which nothing went wrong. */
extern const struct endpoint_faults endpoint_no_faults;

static inline const struct endpoint_faults *faults_of(const struct endpoint_stats *stats)
{
    return stats->faults ? stats->faults : &endpoint_no_faults;
}

/** The hash of a struct endpoint_key. */
uint64_t endpoint_hash(const void *key);
/** Frees what an entry owns. */
void endpoint_release(void *entry);
/** Asks the processor for what endpoint_add() needs besides the entry. */
static inline void endpoint_prefetch(const struct endpoint_stats *stats)
{
    if (stats->starts.count) {
        __builtin_prefetch(&stats->starts.items[stats->starts.count - 1]);
        __builtin_prefetch(&stats->starts.items[stats->starts.count]);
    }
}

/** Counts a connection; @hash: hash_client() of its client; @place is of its frame. */
void endpoint_add(struct endpoint_stats *stats, const struct outcome *outcome, uint64_t hash,
                  struct place place);
/** Counts a connection of which there is only a SYN. */
void endpoint_add_syn(struct endpoint_stats *stats, const struct lone_syn *syn, uint64_t hash,
                      struct place place);
/** Adds a close of the server after @idle_ns of silence, when it had survived one of @survived_ns;
 *  its connection is counted elsewhere. */
void endpoint_add_close(struct endpoint_stats *stats, int64_t idle_ns, int64_t survived_ns,
                        int64_t time_ns, struct place place);
/** Adds @other's counts, whose files follow @files others; the keys are the caller's. */
void endpoint_merge(struct endpoint_stats *stats, const struct endpoint_stats *other,
                    uint32_t files);
/** Whether a server's address is 127.0.0.0/8 or ::1; whether two servers have the same address. */
bool endpoint_is_loopback(const struct endpoint_key *key);
bool endpoint_is_same_host(const struct endpoint_key *a, const struct endpoint_key *b);
/** The sender of most of @by. */
enum whyrst_sender endpoint_sender(const uint32_t by[WHYRST_SENDER_COUNT]);
/** How many connections got no handshake. */
uint32_t endpoint_bad(const struct endpoint_stats *stats);
/** How many different clients @stats has seen, about. */
uint64_t endpoint_clients(const struct endpoint_stats *stats);
/** "192.0.2.1:443", "[2001:db8::1]:443"; without the port when @port is false. */
void endpoint_text(char *text, size_t size, uint8_t version, const uint8_t address[16],
                   uint16_t port, bool with_port);

/**
 * struct whyrst_endpoint - a row
 * @replies: a proxy's failing replies, @reply_count of them; the diagnosis owns the texts
 * @state: kind of the finding that describes it best, WHYRST_FINDING_COUNT = none
 * @healthy, @weight: nothing went wrong; the order of rows: both set when they are sorted
 */
struct whyrst_endpoint {
    struct endpoint_stats *stats;
    const char *sni;
    bool flagged;
    char **replies;
    unsigned reply_count;
    enum whyrst_finding_kind state;
    bool healthy;
    uint64_t weight;
};

/** Whether the row is a proxy's: it was asked to be one, and answered as one. */
bool endpoint_is_proxy(const struct whyrst_endpoint *row);
/** The row's address and port, or server name; its address, "" of a server name. */
const char *endpoint_name(const struct whyrst_endpoint *row);
const char *endpoint_address(const struct whyrst_endpoint *row);
/** Fills @row from @stats, which must outlive it. */
void endpoint_row(struct whyrst_endpoint *row, struct endpoint_stats *stats,
                  const struct names *names, double alert_rate);

#endif
