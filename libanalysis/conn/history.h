/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Zeek-style names for a connection's course (base/protocols/conn/main.zeek documents them). */
#ifndef CONN_HISTORY_H
#define CONN_HISTORY_H

#include "conn/conn.h"

/** Notes a segment: each letter once for each side, upper case the originator's. */
void history_add(struct conn *conn, unsigned side, const struct whyrst_segment *segment,
                 const struct conn_event *event);
/** Writes the letters to @text, of CONN_HISTORY + 1 bytes. */
void history_text(const struct conn *conn, char *text);
/** conn_state as Zeek would name it now; static string. */
const char *history_state(const struct conn *conn);

#endif
