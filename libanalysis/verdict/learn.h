/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * What other packets teach about a RST: habits of hosts before it, hindsight after it.
 */
#ifndef VERDICT_LEARN_H
#define VERDICT_LEARN_H

#include "observe/hosts.h"
#include "verdict/record.h"

/** A segment other than a RST, after conn_segment(): its host's habits, and what it says of earlier
 *  RSTs of its connection. */
void learn_segment(struct hosts *hosts, struct conn *conn, unsigned side,
                   const struct whyrst_segment *segment, const struct conn_event *event);
/** A second capture of a segment: its host's packets pass two capture points. */
void learn_duplicate(struct hosts *hosts, const struct conn *conn, unsigned side,
                     const struct whyrst_segment *segment, uint32_t of);
/** @copy is a second capture of the RST that @facts are of. */
void learn_copy(struct rst_facts *facts, const struct whyrst_segment *copy);
/** Fills the facts of a RST that come from other connections, before conn_reset(). */
void learn_facts(struct conn_context *context, struct hosts *hosts, const struct conn *conn,
                 struct rst_facts *facts);
/** A RST with its record: what it says of earlier ones, of its connection and of its endpoint. */
void learn_reset(struct hosts *hosts, struct conn *conn, struct whyrst_record *record);
/** The record is about to become final: what its host has shown since. */
void learn_final(struct hosts *hosts, struct whyrst_record *record);

#endif
