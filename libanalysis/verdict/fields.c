/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of fields and one getter for each: how a record becomes values. */
#include <stdio.h>
#include <string.h>

#include <glib.h>

#include "bytes/strbuf.h"
#include "verdict/record.h"
#include "verdict/reset_text.h"
#include "verdict/retry.h"
#include "verdict/tampering.h"
#include "verdict/timers.h"
#include "verdict/words.h"

#define ROW(id, name, type, bits, title, help) {name, WHYRST_TYPE_##type, bits, title, help},

static const struct whyrst_field_info rows[] = {WHYRST_FIELDS(ROW)};

const struct whyrst_field_info *whyrst_field_info(enum whyrst_field field)
{
    return (unsigned)field < WHYRST_FIELD_COUNT ? &rows[field] : NULL;
}

static bool set_string(struct whyrst_value *value, const char *text)
{
    value->string = text;
    return text && text[0];
}

static bool set_integer(struct whyrst_value *value, uint64_t number)
{
    value->integer = number;
    return true;
}

static bool set_frame(struct whyrst_value *value, uint64_t frame)
{
    value->integer = frame;
    return frame != 0;
}

/* Durations are from earlier to later packets; a capture with times out of order gives none. */
static bool set_duration(struct whyrst_value *value, int64_t ns)
{
    value->time_ns = ns;
    return ns >= 0;
}

static const char *address_text(const struct whyrst_record *record, unsigned side)
{
    struct record_texts *texts = record_texts(record);
    char *text = texts->address[side];

    if (text[0] == '\0') {
        struct strbuf s = strbuf_make(text, sizeof texts->address[side]);

        words_address(&s, record->key.version, record->key.address[side]);
    }
    return text;
}

static bool get_connection(const struct whyrst_record *r, enum whyrst_field field,
                           struct whyrst_value *value)
{
    switch (field) {
    case WHYRST_FIELD_FRAME:
        return set_frame(value, r->frame);
    case WHYRST_FIELD_TIME:
        value->time_ns = r->time_ns;
        return true;
    case WHYRST_FIELD_STREAM:
        return set_integer(value, r->stream);
    case WHYRST_FIELD_CLIENT_IP:
        return set_string(value, address_text(r, r->client));
    case WHYRST_FIELD_CLIENT_PORT:
        return set_integer(value, r->key.port[r->client]);
    case WHYRST_FIELD_SERVER_IP:
        return set_string(value, address_text(r, !r->client));
    case WHYRST_FIELD_SERVER_PORT:
        return set_integer(value, r->key.port[!r->client]);
    case WHYRST_FIELD_CLOSE_TYPE:
        return set_string(value, whyrst_close_type_name(r->close_type));
    case WHYRST_FIELD_CLIENT_BYTES:
        return set_integer(value, r->bytes[0]);
    case WHYRST_FIELD_SERVER_BYTES:
        return set_integer(value, r->bytes[1]);
    case WHYRST_FIELD_PACKETS:
        return set_integer(value, r->packets);
    case WHYRST_FIELD_DURATION:
        return set_duration(value, r->duration_ns);
    case WHYRST_FIELD_RESETS:
        return set_integer(value, r->resets);
    default:
        return false;
    }
}

static bool get_tls_http(const struct whyrst_record *r, enum whyrst_field field,
                         struct whyrst_value *value)
{
    switch (field) {
    case WHYRST_FIELD_JA4:
        return set_string(value, r->ja4);
    case WHYRST_FIELD_JA4_R:
        return set_string(value, r->ja4_r);
    case WHYRST_FIELD_JA4_RETRY:
        return set_string(value, r->ja4_retry);
    case WHYRST_FIELD_SNI:
        return set_string(value, r->sni);
    case WHYRST_FIELD_ALPN:
        return set_string(value, r->alpn);
    case WHYRST_FIELD_TLS_VERSION:
        return set_string(value, r->tls_version);
    case WHYRST_FIELD_TLS_STAGE:
        return set_string(value, whyrst_tls_stage_name(r->facts.state.tls_stage));
    case WHYRST_FIELD_CLIENT_HELLO_FRAME:
        return set_frame(value, r->hello_frame);
    case WHYRST_FIELD_TIME_SINCE_CLIENT_HELLO:
        return r->hello_frame && set_duration(value, r->time_ns - r->hello_ns);
    case WHYRST_FIELD_HTTP_METHOD:
        return set_string(value, r->http_method);
    case WHYRST_FIELD_HTTP_STATUS:
        return set_frame(value, r->facts.state.http_status);
    default:
        return false;
    }
}

static bool get_alert(const struct whyrst_record *r, struct whyrst_value *value)
{
    const struct observe_alert *alert = &r->facts.state.alert;
    struct record_texts *texts;
    struct strbuf s;

    if (alert->frame == 0) {
        return false;
    }
    texts = record_texts(r);
    s = strbuf_make(texts->alert, sizeof texts->alert);
    if (!alert->encrypted && !alert->probable) {
        words_alert(&s, alert->level, alert->description);
    } else if (r->facts.state.phase != OBSERVE_PHASE_HANDSHAKE) {
        strbuf_add(&s, "probable close_notify");
    }
    return set_string(value, texts->alert);
}

/* A text that still holds stays where it is: callers have been given it. */
static void keep_text(char **kept, const char *text)
{
    if (!*kept || strcmp(*kept, text) != 0) {
        g_free(*kept);
        *kept = g_strdup(text);
    }
}

static bool get_evidence(const struct whyrst_record *r, struct whyrst_value *value)
{
    const struct scale *scale = &record_judgement(r)->scale;
    struct record_words *words = record_words(record_original(r));

    for (unsigned i = 0; i < scale->count && !words->evidence_worded; i++) {
        char buffer[256];

        keep_text(&words->evidence[i], evidence_word(&scale->items[i], buffer, sizeof buffer));
    }
    words->evidence_worded = true;
    value->strings = (const char *const *)words->evidence;
    value->count = scale->count;
    return scale->count > 0;
}

/* One sentence: the cause's, and what holds for the request that the RST hit. */
static const char *get_advice(const struct whyrst_record *r, const struct judgement *judgement)
{
    const struct cause *cause = judgement->cause;
    const char *advice = !cause          ? whyrst_cause_find("unknown")->advice
                         : cause->advise ? cause->advise(&r->facts)
                                         : cause->info.advice;
    struct record_words *words = record_words(r);
    char text[400];
    struct strbuf s = strbuf_make(text, sizeof text);
    size_t length = strlen(advice) - g_str_has_suffix(advice, ".");

    if (!words->advice_worded) {
        strbuf_add_part(&s, advice, length);
        retry_advise(&s, &r->facts, judgement, r->http_method);
        strbuf_add(&s, advice + length);
        keep_text(&words->advice, text);
        words->advice_worded = true;
    }
    return words->advice;
}

/* Fields that later packets may revise. */
static bool get_verdict(const struct whyrst_record *r, enum whyrst_field field,
                        struct whyrst_value *value)
{
    const struct judgement *judgement = record_judgement(r);
    const struct cause *cause = judgement->cause;

    switch (field) {
    case WHYRST_FIELD_CAUSE:
        return set_string(value, cause ? cause->info.name : "unknown");
    case WHYRST_FIELD_SENDER:
        return set_string(value, whyrst_sender_name(judgement->sender));
    case WHYRST_FIELD_CONFIDENCE:
        return set_string(value, whyrst_confidence_name(judgement->confidence));
    case WHYRST_FIELD_EVIDENCE:
        return get_evidence(r, value);
    case WHYRST_FIELD_ADVICE:
        return set_string(value, get_advice(record_original(r), judgement));
    default:
        return false;
    }
}

static bool get_rst(const struct whyrst_record *r, enum whyrst_field field,
                    struct whyrst_value *value)
{
    const struct rst_facts *facts = &r->facts;

    switch (field) {
    case WHYRST_FIELD_RST_SRC:
        return set_string(value, facts->from_client ? "client" : "server");
    case WHYRST_FIELD_ORIGIN:
        return set_string(value, whyrst_origin_name(facts->origin));
    case WHYRST_FIELD_SYN_FRAME:
        return set_frame(value, r->syn_frame);
    case WHYRST_FIELD_TRIGGER_FRAME:
        return set_frame(value, facts->trigger.frame);
    case WHYRST_FIELD_TIME_SINCE_SYN:
        return r->syn_frame && set_duration(value, r->time_ns - r->syn_ns);
    case WHYRST_FIELD_IDLE_TIME:
        return facts->idle_known && set_duration(value, facts->idle_ns);
    case WHYRST_FIELD_TTFB:
        return set_duration(value, r->ttfb_ns);
    case WHYRST_FIELD_IRTT:
        return set_duration(value, r->irtt_ns);
    case WHYRST_FIELD_UNACKED_BYTES:
        return facts->unacked_known && set_integer(value, facts->unacked_bytes);
    case WHYRST_FIELD_SEQUENCE_CHECK:
        return set_string(value, whyrst_sequence_check_name(facts->sequence_check));
    case WHYRST_FIELD_CONN_STATE:
        return set_string(value, r->conn_state);
    case WHYRST_FIELD_HISTORY:
        return set_string(value, r->history);
    case WHYRST_FIELD_DUPLICATE_OF:
        return set_frame(value, r->duplicate_of);
    case WHYRST_FIELD_RESET_TEXT:
        return set_string(value, r->reset_text);
    case WHYRST_FIELD_IDLE_TIMER:
        return facts->idle_known && facts->origin == WHYRST_ORIGIN_IDLE_TIMEOUT &&
               (!facts->from_client || facts->trigger.frame) &&
               set_string(value, timers_name(facts->idle_ns, record_texts(r)->timer,
                                             sizeof record_texts(r)->timer));
    case WHYRST_FIELD_MPTCP_REASON:
        return facts->options.mptcp_reset &&
               set_string(value, reset_text_mptcp(facts->options.mptcp_reason));
    case WHYRST_FIELD_TAMPERING_SIGNATURE:
        record_judgement(r); /* counts the RSTs known by now */
        return set_string(value, tampering_signature(&record_original(r)->facts));
    case WHYRST_FIELD_TLS_ALERT:
        return get_alert(r, value);
    default:
        return false;
    }
}

typedef bool getter(const struct whyrst_record *, enum whyrst_field, struct whyrst_value *);

/* Who knows a field; those not named here get_rst() does. */
static getter *const getters[WHYRST_FIELD_COUNT] = {
    [WHYRST_FIELD_FRAME] = get_connection,
    [WHYRST_FIELD_TIME] = get_connection,
    [WHYRST_FIELD_STREAM] = get_connection,
    [WHYRST_FIELD_CLIENT_IP] = get_connection,
    [WHYRST_FIELD_CLIENT_PORT] = get_connection,
    [WHYRST_FIELD_SERVER_IP] = get_connection,
    [WHYRST_FIELD_SERVER_PORT] = get_connection,
    [WHYRST_FIELD_CLOSE_TYPE] = get_connection,
    [WHYRST_FIELD_CLIENT_BYTES] = get_connection,
    [WHYRST_FIELD_SERVER_BYTES] = get_connection,
    [WHYRST_FIELD_PACKETS] = get_connection,
    [WHYRST_FIELD_DURATION] = get_connection,
    [WHYRST_FIELD_RESETS] = get_connection,
    [WHYRST_FIELD_JA4] = get_tls_http,
    [WHYRST_FIELD_JA4_R] = get_tls_http,
    [WHYRST_FIELD_JA4_RETRY] = get_tls_http,
    [WHYRST_FIELD_SNI] = get_tls_http,
    [WHYRST_FIELD_ALPN] = get_tls_http,
    [WHYRST_FIELD_TLS_VERSION] = get_tls_http,
    [WHYRST_FIELD_TLS_STAGE] = get_tls_http,
    [WHYRST_FIELD_CLIENT_HELLO_FRAME] = get_tls_http,
    [WHYRST_FIELD_TIME_SINCE_CLIENT_HELLO] = get_tls_http,
    [WHYRST_FIELD_HTTP_METHOD] = get_tls_http,
    [WHYRST_FIELD_HTTP_STATUS] = get_tls_http,
    [WHYRST_FIELD_CAUSE] = get_verdict,
    [WHYRST_FIELD_SENDER] = get_verdict,
    [WHYRST_FIELD_CONFIDENCE] = get_verdict,
    [WHYRST_FIELD_EVIDENCE] = get_verdict,
    [WHYRST_FIELD_ADVICE] = get_verdict,
};

bool whyrst_record_get(const struct whyrst_record *record, enum whyrst_field field,
                       struct whyrst_value *value)
{
    static const unsigned kind_bits[] = {[WHYRST_RECORD_RST] = WHYRST_ON_RST,
                                         [WHYRST_RECORD_CLOSE] = WHYRST_ON_CLOSE,
                                         [WHYRST_RECORD_CONNECTION] = WHYRST_ON_CONNECTION};
    struct whyrst_value got = {0};
    getter *get;

    if ((unsigned)field >= WHYRST_FIELD_COUNT || !(rows[field].bits & kind_bits[record->kind])) {
        return false;
    }
    get = getters[field] ? getters[field] : get_rst;
    if ((get == get_rst && record->kind != WHYRST_RECORD_RST) || !get(record, field, &got)) {
        return false;
    }
    got.type = rows[field].type;
    *value = got;
    return true;
}

static void add_when(struct strbuf *s, const struct whyrst_record *record)
{
    const struct rst_facts *facts = &record->facts;

    if (facts->origin == WHYRST_ORIGIN_IDLE_TIMEOUT && facts->idle_known) {
        strbuf_add(s, ", idle for ");
        words_duration(s, facts->idle_ns);
    } else if (facts->origin == WHYRST_ORIGIN_TLS_PHASE && record->hello_frame &&
               record->time_ns >= record->hello_ns) {
        strbuf_add(s, ", ");
        words_duration(s, record->time_ns - record->hello_ns);
        strbuf_add(s, " after ClientHello");
    } else if (record->syn_frame && record->time_ns >= record->syn_ns) {
        strbuf_add(s, ", ");
        words_duration(s, record->time_ns - record->syn_ns);
        strbuf_add(s, " after SYN");
    }
}

const char *whyrst_record_summary(const struct whyrst_record *record, char *buffer, size_t size)
{
    struct strbuf s;

    if (size == 0) {
        return buffer;
    }
    s = strbuf_make(buffer, size);
    if (record->kind != WHYRST_RECORD_RST) {
        strbuf_addf(&s, "connection ended: %s", whyrst_close_type_name(record->close_type));
        return buffer;
    }
    strbuf_add(&s, whyrst_origin_name(record->facts.origin));
    add_when(&s, record);
    if (record->ja4) {
        strbuf_addf(&s, ", JA4 %s", record->ja4);
    }
    return buffer;
}
