/* SPDX-License-Identifier: GPL-2.0-or-later */
/** What an observer is made of: for the coordinator and for what tells of its state. */
#ifndef OBSERVE_READING_H
#define OBSERVE_READING_H

#include <stdbool.h>
#include <stdint.h>

#include "observe/observer.h"
#include "observe/stream.h"

/** Who reads a side's stream. */
enum reader {
    READER_DETECTION,
    READER_PROLOGUE,
    READER_HTTP1,
    READER_TLS,
    READER_OPAQUE,
};

/** struct payload - all that one side has sent, and where the latest byte came */
struct payload {
    uint64_t bytes;
    uint64_t frame;
    int64_t time_ns;
};

/**
 * struct observer - one connection
 * @reader:     of each side
 * @unknown:    per side: no known protocol began with its first bytes
 * @middle:     per side: its first bytes were not captured
 * @current:    the latest protocol recognised on either side
 */
struct observer {
    struct observe_context *context;
    struct tls *tls;
    struct http1 *http;
    struct prologue *prologue;
    struct stream streams[2];
    struct payload payload[2];
    uint8_t reader[2];
    bool unknown[2];
    bool middle[2];
    uint8_t current;
    bool server_first;
    bool tunnel;
};

#endif
