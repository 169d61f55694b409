/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * A connection of which nothing but one SYN has been seen, in as few bytes as can be.
 *
 * Scans and SYN floods make millions of them; all that anybody can ask about one is what its SYN
 * said. So that is kept, and when a second segment comes, or the connection must be reported, the
 * SYN is put together again and makes an ordinary connection. A SYN that says anything unusual, or
 * over IPv6, makes one at once.
 */
#ifndef CONN_HALF_OPEN_H
#define CONN_HALF_OPEN_H

#include "conn/conn.h"

/**
 * struct half_open - a SYN
 * @time:  since the engine's first segment, 47 bits of nanoseconds (39 hours), low part first; the
 *         highest bit: the IP ID was ZMap's
 * @stamp: as in struct ring_entry
 * @bits:  window scale (15: none), MSS, timestamps, DF, side
 */
struct half_open {
    struct flow_short_key key; /* first: flow/table.h wants it there */
    uint32_t seq;
    uint32_t frame;
    uint32_t stream;
    uint16_t time[3];
    uint16_t window;
    uint16_t stamp;
    uint8_t ttl;
    uint8_t bits;
};

_Static_assert(sizeof(struct half_open) == 36, "a flood makes millions of them");

/** Fills @entry (but for its key) from the first segment of a connection; false, and nothing done,
 *  when the segment is not as simple as that. @start_ns: the engine's first segment */
bool half_open_fill(struct half_open *entry, const struct whyrst_segment *segment, unsigned side,
                    uint32_t stream, int64_t start_ns);
/** Makes @conn the connection that the SYN begins. */
void half_open_unfold(struct conn_context *context, const struct half_open *entry, int64_t start_ns,
                      struct conn *conn);
/** The side of the key that sent the SYN. */
unsigned half_open_side(const struct half_open *entry);
/** Time of the SYN. */
int64_t half_open_time(const struct half_open *entry, int64_t start_ns);

#endif
