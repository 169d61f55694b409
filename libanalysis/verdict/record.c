/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verdict/record.h"

#include <string.h>

#include <arpa/inet.h>
#include <glib.h>

#include "bytes/prefetch.h"
#include "conn/payload.h"
#include "verdict/reset_text.h"

struct whyrst_record *record_new(enum whyrst_record_kind kind, const struct conn *conn)
{
    struct whyrst_record *record = g_new0(struct whyrst_record, 1);

    record->references = 1;
    record->kind = kind;
    record->client = conn->client;
    record->key = conn_key(conn);
    record->stream = conn->stream;
    record->close_type = conn_close_type(conn);
    record->bytes[0] = payload_bytes(conn, conn->client);
    record->bytes[1] = payload_bytes(conn, !conn->client);
    record->irtt_ns = conn->flags & CONN_IRTT ? conn->times.irtt_ns : -1;
    record->ttfb_ns = conn->flags & CONN_TTFB ? conn->times.ttfb_ns : -1;
    record->syn_frame = conn_syn_frame(conn);
    record->syn_ns = conn->first_ns;
    return record;
}

static char *copy(const char *text)
{
    return text && text[0] ? g_strdup(text) : NULL;
}

void record_copy_names(struct whyrst_record *record, const struct observe_state *state)
{
    const struct observe_hello *hello = state->hello;

    record->hello_frame = state->hello_frame;
    record->hello_ns = state->hello_time_ns;
    if (hello) {
        record->ja4 = copy(hello->ja4);
        record->ja4_r = hello->ja4_r ? g_ref_string_acquire(hello->ja4_r) : NULL;
        record->sni = copy(hello->sni);
        record->ja4_number = hello->ja4_number;
        record->sni_number = hello->sni_number;
        record->alpn = copy(hello->alpn);
        record->tls_version = hello->version;
    }
    if (state->hello_retry) {
        record->ja4_retry = copy(state->hello_retry->ja4);
    }
    record->http_method = copy(state->http_method);
    record->proxy = g_memdup2(state->proxy, sizeof *state->proxy);
}

void record_copy_text(struct whyrst_record *record, const struct whyrst_segment *rst)
{
    char text[300];

    if (rst->payload_captured > 0) {
        record->reset_text = copy(reset_text_read(rst, text, sizeof text));
        record->facts.known_payload = reset_text_is_injector(rst);
    }
}

struct whyrst_record *record_copy(const struct whyrst_record *record)
{
    struct whyrst_record *twin = g_memdup2(record, sizeof *record);

    twin->references = 1;
    twin->ja4 = g_strdup(record->ja4);
    twin->ja4_r = record->ja4_r ? g_ref_string_acquire(record->ja4_r) : NULL;
    twin->ja4_retry = g_strdup(record->ja4_retry);
    twin->sni = g_strdup(record->sni);
    twin->alpn = g_strdup(record->alpn);
    twin->http_method = g_strdup(record->http_method);
    twin->proxy = g_memdup2(record->proxy, sizeof *record->proxy);
    twin->reset_text = g_strdup(record->reset_text);
    twin->twin = NULL;
    twin->burst = NULL;
    twin->facts.later.across = NULL;
    twin->words = NULL;
    twin->texts = NULL;
    twin->conn = NULL;
    twin->next = twin->older = twin->newer = NULL;
    return twin;
}

struct record_words *record_words(const struct whyrst_record *record)
{
    struct whyrst_record *cache = (struct whyrst_record *)record;

    if (!cache->words) {
        cache->words = g_new0(struct record_words, 1);
    }
    return cache->words;
}

struct record_texts *record_texts(const struct whyrst_record *record)
{
    struct whyrst_record *cache = (struct whyrst_record *)record;

    if (!cache->texts) {
        cache->texts = g_new0(struct record_texts, 1);
    }
    return cache->texts;
}

void record_prefetch(const struct whyrst_record *record)
{
    prefetch_all(record, sizeof *record);
}

void record_prefetch_words(const struct whyrst_record *record)
{
    prefetch_all(record->words, sizeof *record->words);
}

static void free_words(struct record_words *words)
{
    if (words) {
        for (unsigned i = 0; i < EVIDENCE_MAX; i++) {
            g_free(words->evidence[i]);
        }
        g_free(words->advice);
        g_free(words);
    }
}

void record_revise(struct whyrst_record *record)
{
    if (record->words) {
        record->words->judged = false;
    }
}

const struct whyrst_record *record_original(const struct whyrst_record *record)
{
    return record->twin ? record->twin : record;
}

/* While a verdict is provisional it is weighed anew each time. */
const struct judgement *record_judgement(const struct whyrst_record *record)
{
    struct whyrst_record *cache = (struct whyrst_record *)record_original(record);
    struct record_words *words = record_words(cache);

    if (!words->judged || !cache->final) {
        if (cache->conn) {
            cache->facts.later.tally = conn_extra(cache->conn)->tally[cache->facts.from];
        }
        if (cache->burst) {
            cache->facts.later.burst = cache->burst->count;
            cache->facts.later.burst_refused_frame = cache->burst->refused_frame;
            cache->facts.later.burst_idle_min_ns = cache->burst->idle_min_ns;
            cache->facts.later.burst_idle_max_ns = cache->burst->idle_max_ns;
            cache->facts.later.burst_spell = cache->burst->spell;
            cache->facts.later.burst_alike =
                !cache->burst->several_peers && __builtin_popcount(cache->burst->origins) == 1;
        }
        judge(&cache->facts, &words->judgement);
        words->judged = true;
        words->evidence_worded = words->advice_worded = false;
    }
    return &words->judgement;
}

void record_explain(struct whyrst_record *record, struct across *across)
{
    struct across **place = &record->facts.later.across;

    if (record->twin || *place == across) {
        return; /* the first capture's verdict is this one's; nothing is new */
    }
    if (*place) {
        g_rc_box_release(*place);
    }
    *place = across ? g_rc_box_acquire(across) : NULL;
    record_revise(record);
}

struct whyrst_record *whyrst_record_ref(struct whyrst_record *record)
{
    record->references++;
    return record;
}

void whyrst_record_unref(struct whyrst_record *record)
{
    if (!record || --record->references > 0) {
        return;
    }
    free_words(record->words);
    g_free(record->texts);
    whyrst_record_unref(record->twin);
    if (record->burst) {
        g_rc_box_release(record->burst);
    }
    if (record->facts.later.across) {
        g_rc_box_release(record->facts.later.across);
    }
    g_free(record->ja4);
    g_clear_pointer(&record->ja4_r, g_ref_string_release);
    g_free(record->ja4_retry);
    g_free(record->sni);
    g_free(record->alpn);
    g_free(record->http_method);
    g_free(record->proxy);
    g_free(record->reset_text);
    g_free(record);
}

enum whyrst_record_kind whyrst_record_kind(const struct whyrst_record *record)
{
    return record->kind;
}

bool whyrst_record_is_final(const struct whyrst_record *record)
{
    return record->final;
}

uint64_t whyrst_record_frame(const struct whyrst_record *record)
{
    return record->frame;
}
