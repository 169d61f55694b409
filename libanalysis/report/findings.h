/* SPDX-License-Identifier: GPL-2.0-or-later */
/** What connections together say, for people and as NDJSON. */
#ifndef REPORT_FINDINGS_H
#define REPORT_FINDINGS_H

#include <whyrst/finding.h>

#include "report/output.h"
#include "report/writer.h"

/** The ranked findings in words; nothing when there is none. */
void findings_write(const struct whyrst_diagnosis *diagnosis, struct output *out,
                    const struct writer_settings *settings);
/** The endpoints that have something to be looked at, as a table; nothing when there is none. */
void findings_write_endpoints(const struct whyrst_diagnosis *diagnosis, struct output *out);
/** An object of type "endpoint" for each endpoint, then one of type "finding" for each finding;
 *  last, when something had no room, one of type "bounds". */
void findings_write_ndjson(struct output *out, const struct writer_settings *settings,
                           const struct whyrst_diagnosis *diagnosis);

#endif
