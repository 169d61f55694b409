/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verdict/attach.h"

void record_detach(struct whyrst_record *record)
{
    struct conn_extra *extra;

    if (!record->conn) {
        return;
    }
    extra = conn_extra(record->conn);
    record->facts.later.tally = extra->tally[record->facts.from];
    *(record->older ? &record->older->newer : &extra->oldest) = record->newer;
    *(record->newer ? &record->newer->older : &extra->newest) = record->older;
    record->older = record->newer = NULL;
    record->conn = NULL;
}

void record_attach(struct whyrst_record *record, struct conn *conn)
{
    struct conn_extra *extra = conn_make_extra(conn);

    record->conn = conn;
    record->older = extra->newest;
    *(extra->newest ? &extra->newest->newer : &extra->oldest) = record;
    extra->newest = record;
}

void record_detach_all(struct conn *conn)
{
    const struct conn_extra *extra = conn_extra(conn);

    while (extra && extra->oldest) {
        record_detach(extra->oldest);
    }
}
