/* SPDX-License-Identifier: GPL-2.0-or-later */
/** The verdicts that a connection may still revise hang on it, in the order of their RSTs. */
#ifndef VERDICT_ATTACH_H
#define VERDICT_ATTACH_H

#include "conn/conn.h"
#include "verdict/record.h"

/** Hangs the newest verdict on its connection. */
void record_attach(struct whyrst_record *record, struct conn *conn);
/** The verdict may no longer be revised by its connection. */
void record_detach(struct whyrst_record *record);
/** The connection goes; its verdicts stay in the queue as they are. */
void record_detach_all(struct conn *conn);

#endif
