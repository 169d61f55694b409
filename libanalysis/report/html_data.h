/* SPDX-License-Identifier: GPL-2.0-or-later */
/** One capture's part of the data in a page; html.h has its grammar. */
#ifndef REPORT_HTML_DATA_H
#define REPORT_HTML_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <whyrst/record.h>

#include "report/output.h"

struct html_data;

/** Writes the element that all others follow. */
void html_data_describe(struct output *out);
/** A part with at most @rows_max RSTs; @drain gets its elements, a line each. */
struct html_data *html_data_new(uint64_t rows_max, bool (*drain)(void *, const char *, size_t),
                                void *context);
/** Hands on what is left. */
void html_data_free(struct html_data *data);
/** Writes a RST, counts a connection. @file is the capture's name. */
void html_data_record(struct html_data *data, const char *file, const struct whyrst_record *record);
/** Writes what has been counted. */
void html_data_totals(struct html_data *data, const char *file);
/** Where further elements can be written. */
struct output *html_data_output(struct html_data *data);

#endif
