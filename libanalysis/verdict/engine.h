/* SPDX-License-Identifier: GPL-2.0-or-later */
/** For those inside the library who look at all connections of an engine: one call at the end of
 *  each, at each final verdict and at each close after a silence, none per segment. */
#ifndef VERDICT_ENGINE_H
#define VERDICT_ENGINE_H

#include <whyrst/engine.h>

#include "conn/conn.h"
#include "conn/half_open.h"
#include "verdict/record.h"

/**
 * struct engine_listener - who wants to know
 * @connection: a connection is over, or (@over false) still there when the capture has ended;
 *              @now_ns is the capture's time
 * @half_open:  the same of one of which there is only a SYN; @start_ns: the capture's first segment
 * @silent_close: the server closes (FIN) after @idle_ns, at least the idle threshold, of silence in
 *              which nobody owed the other anything; the connection goes on to its end
 * @reset:      a RST's verdict is final
 * @finish:     the capture has ended; the connections that are still there follow, all of them
 *              again when segments were added since the last time
 * @told:       they have followed
 */
struct engine_listener {
    void (*connection)(void *context, const struct conn *conn, const struct observe_state *state,
                       int64_t now_ns, bool over);
    void (*half_open)(void *context, const struct half_open *entry, int64_t start_ns,
                      int64_t now_ns, bool over);
    void (*silent_close)(void *context, const struct conn *conn, const struct whyrst_segment *fin,
                         int64_t idle_ns);
    void (*reset)(void *context, struct whyrst_record *record);
    void (*finish)(void *context);
    void (*told)(void *context);
    void *context;
};

/** The texts that numbers in struct observe_hello stand for; whoever outlives the engine keeps a
 *  reference. */
struct names *engine_texts(const struct whyrst_engine *engine);
/** Has @listener told; it must live as long as the engine. */
void engine_listen(struct whyrst_engine *engine, const struct engine_listener *listener);

#endif
