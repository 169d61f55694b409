/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verdict/queue.h"

void queue_init(struct queue *queue)
{
    *queue = (struct queue){.tail = &queue->head};
}

void queue_push(struct queue *queue, struct whyrst_record *record)
{
    record->next = NULL;
    *queue->tail = record;
    queue->tail = &record->next;
    queue->count++;
}

struct whyrst_record *queue_pop(struct queue *queue)
{
    struct whyrst_record *record = queue->head;

    if (record) {
        queue->head = record->next;
        if (!queue->head) {
            queue->tail = &queue->head;
        }
        queue->count--;
        record->next = NULL;
    }
    return record;
}

void queue_clear(struct queue *queue)
{
    struct whyrst_record *record;

    while ((record = queue_pop(queue))) {
        whyrst_record_unref(record);
    }
}
