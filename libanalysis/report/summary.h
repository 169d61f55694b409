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
/** Counts a capture. */
void summary_add_file(struct summary *summary, const struct file_report *report);
/** Adds what @other has counted. */
void summary_merge(struct summary *summary, const struct summary *other);
/** Writes it for people. */
void summary_write(const struct summary *summary, struct output *out,
                   const struct writer_settings *settings);

#endif
