/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/output.h"

#include <glib.h>

void output_init(struct output *out, bool (*drain)(void *, const char *, size_t), void *context)
{
    *out =
        (struct output){.data = g_malloc(OUTPUT_BUFFER_SIZE), .drain = drain, .context = context};
}

void output_clear(struct output *out)
{
    g_free(out->data);
    *out = (struct output){0};
}

static void drain(struct output *out, const char *data, size_t length)
{
    if (!out->failed && length) {
        out->failed = !out->drain(out->context, data, length);
    }
}

void output_flush(struct output *out)
{
    drain(out, out->data, out->length);
    out->length = 0;
}

void output_long(struct output *out, const char *bytes, size_t length)
{
    output_flush(out);
    if (length > OUTPUT_BUFFER_SIZE) {
        drain(out, bytes, length);
        return;
    }
    memcpy(out->data, bytes, length);
    out->length = length;
}
