/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Records in the order in which callers get them; a record is in one queue at most. */
#ifndef VERDICT_QUEUE_H
#define VERDICT_QUEUE_H

#include "verdict/record.h"

struct queue {
    struct whyrst_record *head;
    struct whyrst_record **tail;
    size_t count;
};

/** An empty queue; it must not be moved. */
void queue_init(struct queue *queue);
/** Appends @record, and takes over the caller's reference. */
void queue_push(struct queue *queue, struct whyrst_record *record);
/** Takes the first record out, NULL when there is none; the reference is the caller's. */
struct whyrst_record *queue_pop(struct queue *queue);
/** Empties the queue. */
void queue_clear(struct queue *queue);

#endif
