/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/counters.h"

const struct counter_kind counter_kinds[WHYRST_COUNTER_COUNT] = {
    [WHYRST_COUNT_SEGMENTS] = {"tcp_segments", true, false, NULL},
    [WHYRST_COUNT_CONNECTIONS] = {"connections", true, false, NULL},
    [WHYRST_COUNT_RESETS] = {"resets", true, false, NULL},
    [WHYRST_COUNT_QUOTED] = {"quoted", false, false, NULL},
    [WHYRST_COUNT_DUPLICATES] = {"duplicates", false, false,
                                 "segments were captured twice and count once"},
    [WHYRST_COUNT_EVICTED] = {"evicted", false, true,
                              "connections were given up to save memory (--max-connections)"},
    [WHYRST_COUNT_REASSEMBLY_CAP] = {"reassembly_dropped", false, true,
                                     "segments out of order were not reassembled: too many"},
    [WHYRST_COUNT_JA4_CAP] = {"ja4_r_dropped", false, true,
                              "ClientHellos have no ja4_r: too many different ones before"},
    [WHYRST_COUNT_HOSTS_CAP] = {"hosts_forgotten", false, true,
                                "addresses and services were forgotten: too many at once"},
    [WHYRST_COUNT_EARLY] = {"final_early", false, true,
                            "records went out before their time of hindsight: too many waited"},
    [WHYRST_COUNT_ACKED_UNSEEN] = {"acked_unseen", false, false,
                                   "acknowledgements were of segments that are not in the capture"},
};
