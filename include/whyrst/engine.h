/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * The engine: TCP segments in, records out.
 *
 * An engine is one capture's worth of state. It reads no clock, file or preference and prints
 * nothing; several engines may live in several threads, one engine belongs to one thread at a time.
 *
 *     struct whyrst_engine *engine = whyrst_engine_new(NULL);
 *     while (next segment) {
 *         whyrst_engine_add(engine, &segment);
 *         while ((record = whyrst_engine_next(engine)))
 *             print, whyrst_record_unref(record);
 *     }
 *     whyrst_engine_finish(engine);
 *     ... drain whyrst_engine_next() once more ...
 *     whyrst_engine_free(engine);
 */
#ifndef WHYRST_ENGINE_H
#define WHYRST_ENGINE_H

#include <stddef.h>

#include <whyrst/record.h>
#include <whyrst/segment.h>

#ifdef __cplusplus
extern "C" {
#endif

struct whyrst_engine;

/**
 * struct whyrst_options - what a caller may choose; zero means the default
 * @idle_threshold_ns:   silence that makes a RST an idle-timeout; default 3 s
 * @hindsight_wait_ns:   capture time after which a verdict is final; default 10 s
 * @max_connections:     connections kept at once; the least useful are evicted beyond
 * @connection_records:  also answer with WHYRST_RECORD_CONNECTION records
 */
struct whyrst_options {
    int64_t idle_threshold_ns;
    int64_t hindsight_wait_ns;
    uint64_t max_connections;
    bool connection_records;
};

#define WHYRST_IDLE_THRESHOLD_NS INT64_C(3000000000)
#define WHYRST_HINDSIGHT_WAIT_NS INT64_C(10000000000)

/** Counters of one engine's life. */
enum whyrst_counter {
    WHYRST_COUNT_SEGMENTS,       /**< segments added, quoted ones and duplicates excluded */
    WHYRST_COUNT_QUOTED,         /**< headers quoted in ICMP errors */
    WHYRST_COUNT_DUPLICATES,     /**< segments captured twice */
    WHYRST_COUNT_CONNECTIONS,    /**< connections seen */
    WHYRST_COUNT_RESETS,         /**< RST segments, those captured twice excluded */
    WHYRST_COUNT_EVICTED,        /**< connections dropped because max_connections was reached */
    WHYRST_COUNT_REASSEMBLY_CAP, /**< segments dropped from reassembly because a bound was hit */
    WHYRST_COUNT_JA4_CAP,        /**< ClientHellos without ja4_r, since too many differed before */
    WHYRST_COUNT_HOSTS_CAP,    /**< addresses and services whose habits were forgotten, too many */
    WHYRST_COUNT_EARLY,        /**< records made final before their time: too many waited */
    WHYRST_COUNT_ACKED_UNSEEN, /**< acknowledgements of segments that were not there (Wireshark:
                                    "ACKed segment that wasn't captured") */
    WHYRST_COUNTER_COUNT
};

/** A new engine; @options may be NULL. Never NULL (memory exhaustion aborts, as in GLib). */
WHYRST_API struct whyrst_engine *whyrst_engine_new(const struct whyrst_options *options);
/** Frees the engine; records that the caller holds a reference to live on. NULL is allowed. */
WHYRST_API void whyrst_engine_free(struct whyrst_engine *engine);

/**
 * Adds one segment, in capture order.
 *
 * Returns the record of this very segment when it is a RST or completes a FIN close, else NULL.
 * The record is borrowed (take a reference to keep it past the next call); its causal fields are
 * set, those marked WHYRST_HINDSIGHT stay provisional until whyrst_record_is_final().
 */
WHYRST_API struct whyrst_record *whyrst_engine_add(struct whyrst_engine *engine,
                                                   const struct whyrst_segment *segment);

/**
 * Adds @count segments, in capture order: as whyrst_engine_add() for each, but quicker with many
 * connections, and the records that it would return are only to be had from whyrst_engine_next().
 */
WHYRST_API void whyrst_engine_add_all(struct whyrst_engine *engine,
                                      const struct whyrst_segment *segments, size_t count);

/**
 * The next final record, or NULL when none is ready. RSTs come in frame order, connections when
 * they are given up; those that whyrst_engine_finish() ends, in the order in which they began. The
 * caller owns a reference. FIN close records are only returned by whyrst_engine_add().
 */
WHYRST_API struct whyrst_record *whyrst_engine_next(struct whyrst_engine *engine);

/**
 * The capture has ended: everything provisional becomes final and, with connection_records, every
 * connection still open is reported (its record is made when whyrst_engine_next() comes to it, so
 * that millions of them take no memory). Segments may still be added afterwards (a live capture
 * that goes on); without connection_records they continue their connections.
 */
WHYRST_API void whyrst_engine_finish(struct whyrst_engine *engine);
/** The same for a capture that does not go on: no segment may follow. Quicker, since what is kept
 * of connections goes at once, not with the engine. */
WHYRST_API void whyrst_engine_end(struct whyrst_engine *engine);

/**
 * For a capture that comes in several files, whose frames the engine gets numbered on and on: says
 * which frame of its own file frame @number is. In another file than the record's, @name gets what
 * that file is called in evidence ("frame 7 of NAME"); it is NULL before the call.
 */
typedef uint64_t (*whyrst_locate)(void *context, uint64_t number, const char **name);
/**
 * A copy of a final @record, with its frame numbers, those in evidence too, as @locate gives them.
 * The caller owns the reference.
 */
WHYRST_API struct whyrst_record *whyrst_record_renumber(const struct whyrst_record *record,
                                                        whyrst_locate locate, void *context);

/** The counter's value so far; 0 for one that does not exist. */
WHYRST_API uint64_t whyrst_engine_count(const struct whyrst_engine *engine,
                                        enum whyrst_counter counter);

#ifdef __cplusplus
}
#endif
#endif
