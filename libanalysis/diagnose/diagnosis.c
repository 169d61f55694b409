/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation. The engine tells of each connection once: by the verdict on the RST that
 * ended it, or when it is over (outcome.c). Every outcome is counted into bounded tables; nothing
 * else is kept. To conclude is to look through the tables: each finder (find_*.c) adds its
 * findings, which are then ranked. Tables of several captures can be added up, so that findings are
 * over all input and the same for any number of threads.
 */
#include "diagnose/diagnosis.h"

#include <string.h>

#include "verdict/facts.h"

/* Where to count: of a live capture, what is not over is counted anew the next time. */
static struct tables *tables_for(struct whyrst_diagnosis *diagnosis, bool over)
{
    diagnosis->concluded = false;
    return over || !diagnosis->options.live ? &diagnosis->seen : &diagnosis->open;
}

static void on_connection(void *context, const struct conn *conn, const struct observe_state *state,
                          int64_t now_ns, bool over)
{
    struct tables *tables = tables_for(context, over);

    if (outcome_of_connection(conn, state, now_ns, tables_next(tables))) {
        tables_add(tables);
    }
}

static void on_half_open(void *context, const struct half_open *entry, int64_t start_ns,
                         int64_t now_ns, bool over)
{
    struct lone_syn syn;

    outcome_of_half_open(entry, start_ns, now_ns, &syn);
    tables_add_syn(tables_for(context, over), &syn);
}

static void on_silent_close(void *context, const struct conn *conn,
                            const struct whyrst_segment *fin, int64_t idle_ns)
{
    struct whyrst_diagnosis *diagnosis = context;

    const struct flow_key key = conn_key(conn);

    tables_add_close(&diagnosis->seen, &key, !conn->client, idle_ns, origin_silence_survived(conn),
                     fin->time_ns, (struct place){.frame = (uint32_t)fin->frame});
    diagnosis->concluded = false;
}

static void on_reset(void *context, struct whyrst_record *record)
{
    struct tables *tables = tables_for(context, true);
    struct outcome *outcome = tables_next(tables);

    if (outcome_of_reset(record, outcome)) {
        record->explicable = outcome_is_failure(outcome);
        tables_add(tables);
    }
}

/* @names: texts to share, which may be the tables' own, or NULL. */
static void restart(struct tables *tables, struct names *names)
{
    struct names *kept = names ? names_ref(names) : NULL;

    tables_clear(tables);
    tables_init(tables, kept);
    if (kept) {
        names_unref(kept);
    }
}

static void on_finish(void *context)
{
    struct whyrst_diagnosis *diagnosis = context;

    restart(&diagnosis->open, diagnosis->seen.names);
}

static void settle(struct whyrst_diagnosis *diagnosis)
{
    tables_settle(&diagnosis->seen);
    tables_settle(&diagnosis->open);
}

static void on_told(void *context)
{
    settle(context);
}

struct whyrst_diagnosis *whyrst_diagnosis_new(const struct whyrst_diagnosis_options *options,
                                              const char *file)
{
    struct whyrst_diagnosis *diagnosis = g_new0(struct whyrst_diagnosis, 1);

    if (options) {
        diagnosis->options = *options;
    }
    if (!(diagnosis->options.alert_rate > 0)) {
        diagnosis->options.alert_rate = WHYRST_ALERT_RATE;
    }
    diagnosis->listener = (struct engine_listener){.connection = on_connection,
                                                   .half_open = on_half_open,
                                                   .silent_close = on_silent_close,
                                                   .reset = on_reset,
                                                   .finish = on_finish,
                                                   .told = on_told,
                                                   .context = diagnosis};
    diagnosis->files = g_ptr_array_new_with_free_func(g_free);
    if (file) {
        g_ptr_array_add(diagnosis->files, g_strdup(file));
    }
    tables_init(&diagnosis->seen, NULL);
    tables_init(&diagnosis->open, NULL);
    tables_init(&diagnosis->both, NULL);
    tables_init(&diagnosis->past, NULL);
    diagnosis->eras = g_ptr_array_new_with_free_func(eras_free_tables);
    diagnosis->past_spans = g_array_new(FALSE, FALSE, sizeof(struct span));
    diagnosis->whole = &diagnosis->seen;
    diagnosis->findings = g_ptr_array_new_with_free_func(finding_free);
    diagnosis->texts = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    diagnosis->held = g_ptr_array_new();
    diagnosis->blocks = blocks_new();
    diagnosis->rows = g_array_new(FALSE, TRUE, sizeof(struct whyrst_endpoint));
    diagnosis->ja4s = g_array_new(FALSE, TRUE, sizeof(struct whyrst_ja4));
    return diagnosis;
}

void whyrst_diagnosis_free(struct whyrst_diagnosis *diagnosis)
{
    if (!diagnosis) {
        return;
    }
    g_ptr_array_unref(diagnosis->findings);
    g_ptr_array_unref(diagnosis->texts);
    g_array_unref(diagnosis->blocks);
    g_array_unref(diagnosis->rows);
    g_array_unref(diagnosis->ja4s);
    hold_clear(diagnosis);
    tables_clear(&diagnosis->seen);
    tables_clear(&diagnosis->open);
    tables_clear(&diagnosis->both);
    tables_clear(&diagnosis->past);
    g_ptr_array_unref(diagnosis->eras);
    g_array_unref(diagnosis->past_spans);
    endpoint_release(&diagnosis->rest);
    g_ptr_array_unref(diagnosis->files);
    g_free(diagnosis);
}

void whyrst_diagnosis_watch(struct whyrst_diagnosis *diagnosis, struct whyrst_engine *engine)
{
    restart(&diagnosis->seen, engine_texts(engine));
    restart(&diagnosis->open, engine_texts(engine));
    engine_listen(engine, &diagnosis->listener);
}

void whyrst_diagnosis_locate(struct whyrst_diagnosis *diagnosis, whyrst_locate locate,
                             void *context)
{
    diagnosis->locate = locate;
    diagnosis->locate_context = context;
}

void whyrst_diagnosis_merge(struct whyrst_diagnosis *diagnosis,
                            const struct whyrst_diagnosis *other)
{
    uint32_t files = diagnosis->files->len;

    settle(diagnosis);
    if (diagnosis->seen.connections) { /* its own capture becomes the first of several */
        eras_add(diagnosis, &diagnosis->seen, 0);
        restart(&diagnosis->seen, diagnosis->seen.names);
    }
    eras_add(diagnosis, &other->seen, files);
    for (guint i = 0; i < other->eras->len; i++) {
        eras_add(diagnosis, g_ptr_array_index(other->eras, i), files);
    }
    diagnosis->early += other->early;
    diagnosis->concluded = false;
    for (guint i = 0; i < other->files->len; i++) {
        g_ptr_array_add(diagnosis->files, g_strdup(g_ptr_array_index(other->files, i)));
    }
}

/* Worst first: those with a state, then by resets, then the busiest; then by what they are. */
static gint compare_rows(gconstpointer a, gconstpointer b)
{
    const struct whyrst_endpoint *x = a, *y = b;

    if (x->weight != y->weight) {
        return x->weight > y->weight ? -1 : 1;
    }
    if (x->sni && y->sni) {
        return strcmp(x->sni, y->sni); /* numbers of names depend on the order of captures */
    }
    return memcmp(&x->stats->key, &y->stats->key, sizeof x->stats->key);
}

static bool is_healthy(const struct whyrst_endpoint *row)
{
    const struct endpoint_stats *stats = row->stats;
    const struct endpoint_faults *faults = faults_of(stats);
    uint32_t trouble = faults->aborted;

    for (unsigned i = 0; i < TROUBLE_COUNT; i++) {
        trouble += faults->troubles[i];
    }
    for (unsigned i = 0; i < WHYRST_SENDER_COUNT; i++) {
        trouble += faults->by[i];
    }
    if (stats->proxy) {
        trouble +=
            stats->proxy->health.own + stats->proxy->health.target + stats->proxy->health.unclear;
    }
    return trouble == 0;
}

/* Connections of healthy endpoints are told apart up to so many. */
#define BUSY 1024u

/* Sorting must not look at what is spread over memory. */
static void weigh_rows(GArray *rows)
{
    for (guint i = 0; i < rows->len; i++) {
        struct whyrst_endpoint *row = &g_array_index(rows, struct whyrst_endpoint, i);
        bool noted = row->state < WHYRST_FINDING_COUNT;

        row->weight = (uint64_t)noted << 63 |
                      (uint64_t)(faults_of(row->stats)->resets & INT32_MAX) << 32 |
                      row->stats->connections;
        row->healthy = is_healthy(row);
    }
}

/* A weight that at least LIMIT_HEALTHY healthy rows reach, if there are as many: few others do. */
static uint64_t busy_weight(const GArray *rows)
{
    uint32_t counts[BUSY + 1] = {0};
    uint32_t sum = 0, weight = BUSY + 1;

    for (guint i = 0; i < rows->len; i++) {
        const struct whyrst_endpoint *row = &g_array_index(rows, struct whyrst_endpoint, i);

        counts[MIN(row->weight, BUSY)] += row->healthy;
    }
    while (weight > 0 && sum < LIMIT_HEALTHY) {
        sum += counts[--weight];
    }
    return weight;
}

/* Into the row for all that are not listed. */
static void sum_up(struct whyrst_diagnosis *diagnosis, const struct whyrst_endpoint *row,
                   guint *summed)
{
    if (row->stats->key.kind == ENDPOINT_SERVER) {
        endpoint_merge(&diagnosis->rest, row->stats, 0);
        (*summed)++;
    }
}

/* Most are healthy and not busy enough to be listed: they need no order. */
static void drop_idle_rows(struct whyrst_diagnosis *diagnosis, guint *summed)
{
    uint64_t least = busy_weight(diagnosis->rows);
    guint kept = 0;

    for (guint i = 0; i < diagnosis->rows->len; i++) {
        struct whyrst_endpoint *row = &g_array_index(diagnosis->rows, struct whyrst_endpoint, i);

        if (row->healthy && row->weight < least) {
            sum_up(diagnosis, row, summed);
        } else {
            g_array_index(diagnosis->rows, struct whyrst_endpoint, kept++) = *row;
        }
    }
    g_array_set_size(diagnosis->rows, kept);
}

/* In the order for users. Of the healthy ones the busiest are listed, the other servers summed up.
 */
static void sort_rows(struct whyrst_diagnosis *diagnosis)
{
    struct whyrst_endpoint rest = {.stats = &diagnosis->rest, .state = WHYRST_FINDING_COUNT};
    guint kept = 0, healthy = 0, summed = 0;

    endpoint_release(&diagnosis->rest);
    diagnosis->rest = (struct endpoint_stats){.key = {.kind = ENDPOINT_REST}};
    weigh_rows(diagnosis->rows);
    drop_idle_rows(diagnosis, &summed);
    g_array_sort(diagnosis->rows, compare_rows);
    for (guint i = 0; i < diagnosis->rows->len; i++) {
        struct whyrst_endpoint *row = &g_array_index(diagnosis->rows, struct whyrst_endpoint, i);

        if (row->healthy && ++healthy > LIMIT_HEALTHY) {
            sum_up(diagnosis, row, &summed);
        } else {
            g_array_index(diagnosis->rows, struct whyrst_endpoint, kept++) = *row;
        }
    }
    g_array_set_size(diagnosis->rows, kept);
    if (summed) {
        diagnosis->rest.texts = g_new0(struct endpoint_texts, 1);
        g_snprintf(diagnosis->rest.texts->name, sizeof diagnosis->rest.texts->name,
                   "%u other servers", summed);
        g_array_append_val(diagnosis->rows, rest);
    }
}

/* Servers first: findings are about them. */
static void make_rows(struct whyrst_diagnosis *diagnosis, const struct tables *tables)
{
    const struct heavy *endpoints = &tables->endpoints;
    struct whyrst_endpoint *rows;
    guint names = (guint)endpoints->count;

    diagnosis->servers = 0;
    g_array_set_size(diagnosis->rows, names);
    rows = (struct whyrst_endpoint *)diagnosis->rows->data;
    for (size_t i = 0; i < endpoints->count; i++) {
        struct endpoint_stats *stats = heavy_entry(endpoints, i);
        bool is_server = stats->key.kind == ENDPOINT_SERVER;

        endpoint_row(&rows[is_server ? diagnosis->servers++ : --names], stats, tables->names,
                     diagnosis->options.alert_rate);
    }
}

static void tell_replies(struct whyrst_diagnosis *diagnosis)
{
    g_ptr_array_set_size(diagnosis->texts, 0);
    for (guint i = 0; i < diagnosis->rows->len; i++) {
        struct whyrst_endpoint *row = &g_array_index(diagnosis->rows, struct whyrst_endpoint, i);

        if (endpoint_is_proxy(row)) {
            proxy_tell_replies(diagnosis, row);
        }
    }
}

void diagnosis_conclude_tables(struct whyrst_diagnosis *diagnosis, const struct tables *tables)
{
    g_autoptr(GArray) stops = g_array_new(FALSE, FALSE, sizeof(struct stop));

    diagnosis->whole = tables;
    diagnosis->first_finding = diagnosis->findings->len;
    make_rows(diagnosis, tables);
    for (guint i = 0; i < diagnosis->rows->len; i++) { /* of an earlier conclusion */
        g_array_index(diagnosis->rows, struct whyrst_endpoint, i).state = WHYRST_FINDING_COUNT;
    }
    find_blocks(diagnosis);
    find_clients(diagnosis);
    find_bursts(diagnosis, stops);
    find_sweeps(diagnosis);
    find_nodes(diagnosis);
    find_endpoints(diagnosis);
    find_deployments(diagnosis, stops);
    for (guint i = 0; i < diagnosis->rows->len; i++) {
        const struct whyrst_endpoint *row =
            &g_array_index(diagnosis->rows, struct whyrst_endpoint, i);

        row->stats->state = row->state < WHYRST_FINDING_COUNT ? (uint8_t)(row->state + 1) : 0;
    }
}

void diagnosis_forget(struct whyrst_diagnosis *diagnosis)
{
    guint kept = 0;

    for (guint i = 0; i < diagnosis->findings->len; i++) {
        struct whyrst_finding *finding = g_ptr_array_index(diagnosis->findings, i);

        if (finding->settled) {
            diagnosis->findings->pdata[kept++] = finding;
        } else {
            finding_free(finding);
        }
    }
    diagnosis->findings->len = kept; /* what lies beyond has moved or is freed */
}

/* Of one capture: of what is over, and, live, of what is not. */
static const struct tables *conclude_own(struct whyrst_diagnosis *diagnosis)
{
    const struct tables *tables = &diagnosis->seen;

    if (diagnosis->options.live) {
        restart(&diagnosis->both, NULL);
        tables_merge(&diagnosis->both, &diagnosis->seen, 0);
        tables_merge(&diagnosis->both, &diagnosis->open, 0);
        tables = &diagnosis->both;
    }
    diagnosis_conclude_tables(diagnosis, tables);
    return tables;
}

static const struct tables *conclude_eras(struct whyrst_diagnosis *diagnosis)
{
    restart(&diagnosis->both, NULL);
    eras_conclude(diagnosis);
    return &diagnosis->both;
}

void whyrst_diagnosis_conclude(struct whyrst_diagnosis *diagnosis)
{
    if (diagnosis->concluded) {
        return;
    }
    settle(diagnosis);
    diagnosis_forget(diagnosis);
    g_array_set_size(diagnosis->blocks, 0);
    diagnosis->whole = diagnosis->eras->len ? conclude_eras(diagnosis) : conclude_own(diagnosis);
    if (diagnosis->eras->len) {
        make_rows(diagnosis, diagnosis->whole); /* of all of them */
    }
    tell_replies(diagnosis);
    diagnosis->left_out = diagnosis->past_left_out + findings_rank(diagnosis->findings);
    for (guint i = 0; i < diagnosis->findings->len; i++) {
        finding_tell_frames(g_ptr_array_index(diagnosis->findings, i), diagnosis->files,
                            diagnosis->locate, diagnosis->locate_context);
    }
    sort_rows(diagnosis);
    ja4_rows(diagnosis->ja4s, &diagnosis->whole->ja4s, diagnosis->whole->names);
    diagnosis->concluded = true;
}

const struct whyrst_finding *whyrst_diagnosis_finding(const struct whyrst_diagnosis *diagnosis,
                                                      size_t index)
{
    return index < diagnosis->findings->len ? g_ptr_array_index(diagnosis->findings, index) : NULL;
}

const struct whyrst_endpoint *whyrst_diagnosis_endpoint(const struct whyrst_diagnosis *diagnosis,
                                                        size_t index)
{
    return index < diagnosis->rows->len
               ? &g_array_index(diagnosis->rows, struct whyrst_endpoint, index)
               : NULL;
}

const struct whyrst_ja4 *whyrst_diagnosis_ja4(const struct whyrst_diagnosis *diagnosis,
                                              size_t index)
{
    return index < diagnosis->ja4s->len ? &g_array_index(diagnosis->ja4s, struct whyrst_ja4, index)
                                        : NULL;
}

uint64_t whyrst_diagnosis_dropped(const struct whyrst_diagnosis *diagnosis)
{
    return tables_dropped(diagnosis->whole) + diagnosis->apart;
}

uint64_t whyrst_diagnosis_left_out(const struct whyrst_diagnosis *diagnosis)
{
    return diagnosis->left_out;
}
