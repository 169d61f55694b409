/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "head.h"

void head_add(struct head *head, const struct whyrst_frame *frame)
{
    gint64 time_ns = GINT64_TO_LE(frame->time_ns);
    size_t length;

    if (head->taken >= HEAD_BYTES) {
        return;
    }
    if (!head->sum) {
        head->sum = g_checksum_new(G_CHECKSUM_SHA256);
    }
    length = MIN(frame->captured, HEAD_BYTES - head->taken);
    g_checksum_update(head->sum, (const guchar *)&time_ns, sizeof time_ns);
    g_checksum_update(head->sum, frame->data, (gssize)length);
    head->taken += sizeof time_ns + length;
}

char *head_finish(struct head *head)
{
    char *text = head->sum ? g_strdup(g_checksum_get_string(head->sum)) : NULL;

    g_clear_pointer(&head->sum, g_checksum_free);
    head->taken = 0;
    return text;
}
