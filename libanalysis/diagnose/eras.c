/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which captures are about the same days: only these are compared with one another.
 *
 * "It went down", "another port accepts", "others were served meanwhile" hold for one place at one
 * time. Captures whose times overlap or touch are taken together (files of a ring buffer, the
 * interfaces of a router); any other one stands for itself, since the same private address may be
 * another host there. Nor are captures of the same traffic, from two points of its way, taken
 * together: each connection would count twice. Endpoints and JA4s are only counted, over all.
 */
#include <string.h>

#include "diagnose/diagnosis.h"
#include "limits.h"

#define SECOND INT64_C(1000000000)

/* A ring buffer's next file begins with the next packet. */
#define TOUCH_NS SECOND

/* Before 1980 nobody captured anything: such clocks were not set, and say nothing. */
#define CLOCK_SET_NS (INT64_C(3652) * 24 * 3600 * SECOND)

void eras_free_tables(void *data)
{
    struct tables *tables = data;

    tables_clear(tables);
    g_free(tables);
}

static struct span span_of(const struct tables *tables)
{
    return (struct span){.first_ns = tables->first_ns, .last_ns = tables->last_ns};
}

static bool touch(struct span a, struct span b)
{
    return a.first_ns >= CLOCK_SET_NS && b.first_ns >= CLOCK_SET_NS &&
           a.first_ns - TOUCH_NS <= b.last_ns && b.first_ns - TOUCH_NS <= a.last_ns;
}

/* Concludes the first era and keeps no more of it than findings and sums. */
static void settle_first(struct whyrst_diagnosis *diagnosis)
{
    struct tables *first = g_ptr_array_index(diagnosis->eras, 0);
    struct span span = span_of(first);

    diagnosis_forget(diagnosis);
    diagnosis_conclude_tables(diagnosis, first);
    for (guint i = diagnosis->first_finding; i < diagnosis->findings->len; i++) {
        struct whyrst_finding *finding = g_ptr_array_index(diagnosis->findings, i);

        finding->settled = true;
    }
    diagnosis->past_left_out += findings_rank(diagnosis->findings);
    tables_merge_sums(&diagnosis->past, first, 0);
    g_array_append_val(diagnosis->past_spans, span);
    g_ptr_array_remove_index(diagnosis->eras, 0);
}

static size_t bytes_of(const GPtrArray *eras)
{
    size_t sum = 0;

    for (guint i = 0; i < eras->len; i++) {
        sum += tables_bytes(g_ptr_array_index(eras, i));
    }
    return sum;
}

/* Whether they are about the same days, and not the same traffic, which would count twice. */
static bool belongs(const struct tables *a, const struct tables *b)
{
    return touch(span_of(a), span_of(b)) && !sketch_is_same(&a->sketch, &b->sketch);
}

/* All eras that @tables belongs to, as one, or a new one. */
static struct tables *join(struct whyrst_diagnosis *diagnosis, const struct tables *tables)
{
    struct tables *joined = NULL;

    for (guint i = 0; i < diagnosis->eras->len;) {
        struct tables *era = g_ptr_array_index(diagnosis->eras, i);
        bool one_of_them = belongs(era, tables);

        if (one_of_them && joined && !sketch_is_same(&era->sketch, &joined->sketch)) {
            tables_merge(joined, era, 0);
            g_ptr_array_remove_index(diagnosis->eras, i);
            continue;
        }
        joined = one_of_them && !joined ? era : joined;
        i++;
    }
    if (!joined) {
        joined = g_new(struct tables, 1);
        tables_init(joined, NULL);
        g_ptr_array_add(diagnosis->eras, joined);
    }
    return joined;
}

void eras_add(struct whyrst_diagnosis *diagnosis, const struct tables *tables, uint32_t files)
{
    struct span span = span_of(tables);

    if (tables->connections == 0) {
        return;
    }
    for (guint i = 0; i < diagnosis->past_spans->len; i++) {
        if (touch(g_array_index(diagnosis->past_spans, struct span, i), span)) {
            diagnosis->apart++;
            break;
        }
    }
    tables_merge(join(diagnosis, tables), tables, files);
    while (diagnosis->eras->len > 1 && bytes_of(diagnosis->eras) > LIMIT_ERAS) {
        settle_first(diagnosis);
    }
}

void eras_conclude(struct whyrst_diagnosis *diagnosis)
{
    tables_merge_sums(&diagnosis->both, &diagnosis->past, 0);
    for (guint i = 0; i < diagnosis->eras->len; i++) {
        const struct tables *era = g_ptr_array_index(diagnosis->eras, i);

        diagnosis_conclude_tables(diagnosis, era);
        tables_merge_sums(&diagnosis->both, era, 0);
    }
}
