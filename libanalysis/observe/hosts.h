/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * What is ordinary for a host and for its services, learnt across connections.
 *
 * A RST without a word before it (a refused SYN) can only be compared with what the same address
 * sent in other connections; and whether a port is closed, its service overloaded or its process
 * gone shows in its other connections too. Bounded: at LIMIT_HOSTS entries the table starts anew.
 */
#ifndef OBSERVE_HOSTS_H
#define OBSERVE_HOSTS_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/key.h"

/** Resets of one endpoint within this time count as one instant (a process that dies). */
#define HOSTS_INSTANT_NS INT64_C(100000000)

/** Instants with resets closer to one another than this belong to one spell. */
#define HOSTS_SPELL_NS INT64_C(1000000000)

/**
 * struct host - an address (port 0) or one of its services (address and port)
 * @ttl_min, @ttl_max: of its first segments of connections; 0 = none seen
 * @labels:        IPv6: its first segments of connections carry a flow label
 * @twice:        its latest SYN-ACK passed two capture points
 * @accept_frame: its latest SYN-ACK; 0 = none
 * @burst:         the latest instant with resets by live sockets; a reference (g_rc_box), or NULL
 * @refused_frame: its latest RST to a SYN; 0 = none
 * @refusals:      attempts that it refused
 * @half_open:     handshakes that this address began and then reset
 */
struct host {
    struct flow_short_key key; /* first: flow/table.h wants it there */
    uint8_t ttl_min;
    uint8_t ttl_max;
    bool labels;
    bool twice;
    uint32_t accept_frame;
    uint32_t refused_frame;
    uint32_t refusals;
    uint32_t half_open;
    struct burst *burst;
};

/** struct burst - resets of one endpoint in one instant; shared by the verdicts of that instant */
struct burst {
    int64_t start_ns;
    int64_t idle_min_ns; /**< silences of its connections before, shortest and longest */
    int64_t idle_max_ns;
    uint32_t count;
    uint32_t refused_frame; /**< the service's first answer to a SYN since was a RST; 0 = not so */
    bool accepted;          /**< ... or a SYN-ACK */
    uint32_t origins;       /**< a bit for each phase that was hit */
    uint8_t peer[16];       /**< the first one's other end */
    bool several_peers;     /**< not all others' ends are the same */
    uint32_t
        spell; /**< instants with resets before it, each less than HOSTS_SPELL_NS after another */
};

struct hosts;

/** struct recent_syn - a client port's latest SYN, and to whom it went; frame 0 = none; @several:
 * with the same number to others before, as scanners do */
struct recent_syn {
    uint32_t tag;
    uint32_t to : 31;
    uint32_t several : 1;
    uint32_t seq;
    uint32_t frame;
};

struct hosts *hosts_new(uint64_t seed);
void hosts_free(struct hosts *hosts);
/** The entry of side @side of @key (its address alone when @port is false); made when @make. */
struct host *hosts_get(struct hosts *hosts, const struct flow_key *key, unsigned side, bool port,
                       bool make);
/** Entries dropped since LIMIT_HOSTS was reached. */
uint64_t hosts_forgotten(const struct hosts *hosts);
/** Notes the SYN that side @side of @key sent. Ports share places: each new SYN may push another's
 * out, the same one in every run. */
void hosts_note_syn(struct hosts *hosts, const struct flow_key *key, unsigned side, uint32_t seq,
                    uint32_t frame);
/** The latest SYN of side @side of @key, if it went to another end than @key's; NULL when it did
 * not, or is not remembered. */
const struct recent_syn *hosts_find_syn_elsewhere(const struct hosts *hosts,
                                                  const struct flow_key *key, unsigned side);

#endif
