/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagnose/ja4s.h"

#include <string.h>

#include <glib.h>

#include "diagnose/hashes.h"
#include "diagnose/stats.h"

uint64_t ja4_hash(const void *key)
{
    const struct ja4_key *ja4 = key;

    return hash_number(ja4->ja4);
}

static enum ja4_end end_of(const struct outcome *outcome)
{
    if (outcome->end == OUTCOME_RESET && outcome->origin == WHYRST_ORIGIN_TLS_PHASE) {
        return JA4_TLS_PHASE;
    }
    if (outcome->tls_alert) {
        return JA4_ALERT;
    }
    switch (outcome->end) {
    case OUTCOME_RESET:
    case OUTCOME_REFUSED: /* a ClientHello in the SYN (RFC 7413) */
    case OUTCOME_ABORTED:
        return JA4_RESET_LATER;
    case OUTCOME_FIN:
        return JA4_FIN;
    case OUTCOME_OPEN:
    case OUTCOME_UNANSWERED:
    case OUTCOME_UNREACHABLE:
        break;
    }
    return JA4_OPEN;
}

void ja4_add(struct ja4_stats *stats, const struct outcome *outcome, struct place place)
{
    stats->ends[end_of(outcome)]++;
    stats->handshakes += outcome->tls_done;
    place_note(&stats->first, place);
}

void ja4_merge(struct ja4_stats *stats, const struct ja4_stats *other, uint32_t files)
{
    for (unsigned i = 0; i < JA4_END_COUNT; i++) {
        stats->ends[i] += other->ends[i];
    }
    stats->handshakes += other->handshakes;
    place_note(&stats->first, place_moved(other->first, files));
}

static uint64_t connections(const struct ja4_stats *stats)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < JA4_END_COUNT; i++) {
        sum += stats->ends[i];
    }
    return sum;
}

/* Those reset most often in the TLS handshake first, then the most frequent. */
static gint compare_rows(gconstpointer a, gconstpointer b)
{
    const struct whyrst_ja4 *x = a, *y = b;
    uint32_t x_resets = x->stats->ends[JA4_TLS_PHASE], y_resets = y->stats->ends[JA4_TLS_PHASE];
    uint64_t x_all = connections(x->stats), y_all = connections(y->stats);

    if (x_resets != y_resets) {
        return x_resets > y_resets ? -1 : 1;
    }
    if (x_all != y_all) {
        return x_all > y_all ? -1 : 1;
    }
    return strcmp(x->text, y->text);
}

void ja4_rows(GArray *rows, const struct heavy *ja4s, const struct names *names)
{
    g_array_set_size(rows, 0);
    for (size_t i = 0; i < ja4s->count; i++) {
        struct whyrst_ja4 row = {.stats = heavy_entry(ja4s, i)};

        row.text = names_text(names, row.stats->key.ja4);
        g_array_append_val(rows, row);
    }
    g_array_sort(rows, compare_rows);
}

#define COLUMN(id, name, type, help) {name, WHYRST_TYPE_##type, help},

static const struct whyrst_column columns[] = {WHYRST_JA4_FIELDS(COLUMN)};

const struct whyrst_column *whyrst_ja4_column(enum whyrst_ja4_field field)
{
    return (unsigned)field < WHYRST_JA4_FIELD_COUNT ? &columns[field] : NULL;
}

bool whyrst_ja4_get(const struct whyrst_ja4 *ja4, enum whyrst_ja4_field field,
                    struct whyrst_value *value)
{
    static const enum ja4_end ends[] = {
        [WHYRST_JA4_FIELD_TLS_PHASE] = JA4_TLS_PHASE,
        [WHYRST_JA4_FIELD_ALERTS] = JA4_ALERT,
        [WHYRST_JA4_FIELD_RESET_LATER] = JA4_RESET_LATER,
        [WHYRST_JA4_FIELD_FINS] = JA4_FIN,
        [WHYRST_JA4_FIELD_OPEN] = JA4_OPEN,
    };
    const struct ja4_stats *stats = ja4->stats;
    struct interval share = stats_share(stats->ends[JA4_TLS_PHASE], connections(stats));

    if ((unsigned)field >= WHYRST_JA4_FIELD_COUNT) {
        return false;
    }
    *value = (struct whyrst_value){.type = columns[field].type};
    switch (field) {
    case WHYRST_JA4_FIELD_JA4:
        value->string = ja4->text;
        break;
    case WHYRST_JA4_FIELD_CONNECTIONS:
        value->integer = connections(stats);
        break;
    case WHYRST_JA4_FIELD_HANDSHAKES:
        value->integer = stats->handshakes;
        break;
    case WHYRST_JA4_FIELD_TLS_PHASE_RATE:
        value->number = share.rate;
        break;
    case WHYRST_JA4_FIELD_RATE_LOW:
        value->number = share.low;
        break;
    case WHYRST_JA4_FIELD_RATE_HIGH:
        value->number = share.high;
        break;
    default:
        value->integer = stats->ends[ends[field]];
        break;
    }
    return true;
}

uint64_t whyrst_ja4_frame(const struct whyrst_ja4 *ja4)
{
    return ja4->stats->first.frame;
}
