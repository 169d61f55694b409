/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tap of what is known of all connections together.
 *
 * Theory of operation. Statistics are made of taps, and taps hear of frames; but findings,
 * endpoints and JA4s are known when the last frame was read. So each is told of with a frame that
 * belongs to it, when frames are dissected again: once in each pass, and a display filter of a
 * statistic chooses those of the frames that match it. In the first pass NULL stands for what is
 * not yet known.
 */
#include "together.h"

#include <epan/tap.h>

#include "results.h"

static int tap = -1;

/* Rows of the conclusion @number by frame; empty without TCP. */
static struct {
    unsigned number;
    GArray *rows; /* struct together_row */
} known;

/**
 * together_register - registers the tap
 */
void together_register(void)
{
    tap = register_tap(TOGETHER_TAP);
    known.rows = g_array_new(FALSE, FALSE, sizeof(struct together_row));
}

static gint compare_frames(gconstpointer a, gconstpointer b)
{
    const struct together_row *x = a, *y = b;

    if (x->frame != y->frame) {
        return x->frame < y->frame ? -1 : 1;
    }
    return x->rank == y->rank ? 0 : x->rank < y->rank ? -1 : 1;
}

/* Its first frame; the capture's where it has none. */
static uint32_t finding_frame(const struct whyrst_finding *finding)
{
    struct whyrst_value frames;

    return whyrst_finding_get(finding, WHYRST_FINDING_FIELD_FRAMES, &frames)
               ? (uint32_t)frames.numbers[0]
               : 1;
}

static void add_row(struct together_row row)
{
    g_array_append_val(known.rows, row);
}

static void make_rows(const struct whyrst_diagnosis *diagnosis)
{
    const struct whyrst_finding *finding;
    const struct whyrst_endpoint *endpoint;
    const struct whyrst_ja4 *ja4;

    g_array_set_size(known.rows, 0);
    for (uint32_t i = 0; diagnosis && (finding = whyrst_diagnosis_finding(diagnosis, i)); i++) {
        add_row((struct together_row){finding_frame(finding), i, .finding = finding});
    }
    for (uint32_t i = 0; diagnosis && (endpoint = whyrst_diagnosis_endpoint(diagnosis, i)); i++) {
        add_row((struct together_row){(uint32_t)whyrst_endpoint_frame(endpoint), i,
                                      .endpoint = endpoint});
    }
    for (uint32_t i = 0; diagnosis && (ja4 = whyrst_diagnosis_ja4(diagnosis, i)); i++) {
        add_row((struct together_row){(uint32_t)whyrst_ja4_frame(ja4), i, .ja4 = ja4});
    }
    g_array_sort(known.rows, compare_frames);
}

/* Index of the first row of @frame, or of a later one. */
static guint first_row(uint32_t frame)
{
    guint low = 0, high = known.rows->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;

        if (g_array_index(known.rows, struct together_row, middle).frame < frame) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/**
 * together_tap_frame - tells listeners, if there are any, of what the frame shows
 */
void together_tap_frame(packet_info *pinfo)
{
    const struct whyrst_diagnosis *diagnosis;
    unsigned number;

    if (!have_tap_listener(tap)) {
        return;
    }
    if (!PINFO_FD_VISITED(pinfo) || !results_diagnosis(&diagnosis, &number)) {
        tap_queue_packet(tap, pinfo, NULL);
        return;
    }
    if (number != known.number) {
        make_rows(diagnosis);
        known.number = number;
    }
    for (guint i = first_row(pinfo->num); i < known.rows->len; i++) {
        const struct together_row *row = &g_array_index(known.rows, struct together_row, i);

        if (row->frame != pinfo->num) {
            break;
        }
        tap_queue_packet(tap, pinfo, row);
    }
}

/**
 * together_numbers - "12, 40"
 *
 * Allocated in @scope.
 */
char *together_numbers(wmem_allocator_t *scope, const struct whyrst_value *value)
{
    wmem_strbuf_t *text = wmem_strbuf_new(scope, NULL);

    for (size_t i = 0; i < value->count; i++) {
        wmem_strbuf_append_printf(text, "%s%" G_GUINT64_FORMAT, i ? ", " : "", value->numbers[i]);
    }
    return wmem_strbuf_finalize(text);
}
