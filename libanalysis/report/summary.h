/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * The summary: what the records of one or several captures have in common.
 *
 * Each capture counts into a summary of its own (one thread each); whyrst merges them.
 */
#ifndef REPORT_SUMMARY_H
#define REPORT_SUMMARY_H

#include <whyrst/record.h>

#include "report/output.h"
#include "report/writer.h"

struct summary;

struct summary *summary_new(void);
void summary_free(struct summary *summary);
/** Counts a RST or a connection. A RST that was captured twice counts once. */
void summary_add(struct summary *summary, const struct whyrst_record *record);
/** Adds one capture: what @other has counted in it, and what became of it. */
void summary_merge(struct summary *summary, const struct summary *other,
                   const struct file_report *report);
/** Writes it for people, the diagnosis first; apart from rows before it, if any. */
void summary_write(const struct summary *summary, const struct whyrst_diagnosis *diagnosis,
                   struct output *out, const struct writer_settings *settings, bool after_rows);

#endif
