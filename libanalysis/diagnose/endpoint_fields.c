/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of an endpoint's fields and how each is read. */
#include "diagnose/endpoint.h"

#include <glib.h>

#include "diagnose/stats.h"

#define COLUMN(id, name, type, help) {name, WHYRST_TYPE_##type, help},

static const struct whyrst_column columns[] = {WHYRST_ENDPOINT_FIELDS(COLUMN)};

const struct whyrst_column *whyrst_endpoint_column(enum whyrst_endpoint_field field)
{
    return (unsigned)field < WHYRST_ENDPOINT_FIELD_COUNT ? &columns[field] : NULL;
}

static bool set_text(struct whyrst_value *value, const char *text)
{
    value->string = text;
    return text && text[0];
}

static bool set_count(struct whyrst_value *value, uint64_t count)
{
    value->integer = count;
    return true;
}

static bool set_share(struct whyrst_value *value, uint64_t part, uint64_t whole)
{
    value->number = whole ? (double)part / (double)whole : 0;
    return whole > 0;
}

/* Who it is. */
static bool get_identity(const struct whyrst_endpoint *e, enum whyrst_endpoint_field field,
                         struct whyrst_value *value)
{
    static const char *const kinds[] = {
        [ENDPOINT_SERVER] = "server", [ENDPOINT_NAME] = "sni", [ENDPOINT_REST] = "rest"};

    switch (field) {
    case WHYRST_ENDPOINT_FIELD_KIND:
        return set_text(value, endpoint_is_proxy(e) ? "proxy" : kinds[e->stats->key.kind]);
    case WHYRST_ENDPOINT_FIELD_NAME:
        return set_text(value, endpoint_name(e));
    case WHYRST_ENDPOINT_FIELD_ADDRESS:
        return set_text(value, endpoint_address(e));
    case WHYRST_ENDPOINT_FIELD_PORT:
        return endpoint_address(e)[0] && set_count(value, e->stats->key.port);
    case WHYRST_ENDPOINT_FIELD_STATE:
        return e->state < WHYRST_FINDING_COUNT &&
               set_text(value, whyrst_finding_kind_name(e->state));
    case WHYRST_ENDPOINT_FIELD_FLAGGED:
        return set_count(value, e->flagged);
    case WHYRST_ENDPOINT_FIELD_CLIENTS:
        return set_count(value, endpoint_clients(e->stats));
    default:
        return false;
    }
}

/* How connections began. */
static bool get_attempts(const struct endpoint_stats *s, enum whyrst_endpoint_field field,
                         struct whyrst_value *value)
{
    const struct endpoint_faults *faults = faults_of(s);

    switch (field) {
    case WHYRST_ENDPOINT_FIELD_ATTEMPTS:
        return set_count(value, s->attempts);
    case WHYRST_ENDPOINT_FIELD_HANDSHAKES:
        return set_count(value, s->handshakes);
    case WHYRST_ENDPOINT_FIELD_HANDSHAKE_RATE:
        return set_share(value, s->handshakes, s->attempts);
    case WHYRST_ENDPOINT_FIELD_REFUSED:
        return set_count(value, faults->troubles[TROUBLE_REFUSED]);
    case WHYRST_ENDPOINT_FIELD_UNANSWERED:
        return set_count(value, faults->troubles[TROUBLE_UNANSWERED]);
    case WHYRST_ENDPOINT_FIELD_UNREACHABLE:
        return set_count(value, faults->troubles[TROUBLE_UNREACHABLE]);
    case WHYRST_ENDPOINT_FIELD_ABORTED:
        return set_count(value, faults->aborted);
    default:
        return false;
    }
}

static uint64_t reset_by_anyone(const struct endpoint_stats *s)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < WHYRST_SENDER_COUNT; i++) {
        sum += faults_of(s)->by[i];
    }
    return sum;
}

/* How they ended. */
static bool get_ends(const struct endpoint_stats *s, enum whyrst_endpoint_field field,
                     struct whyrst_value *value)
{
    const struct endpoint_faults *faults = faults_of(s);

    switch (field) {
    case WHYRST_ENDPOINT_FIELD_CONNECTIONS:
        return set_count(value, s->connections);
    case WHYRST_ENDPOINT_FIELD_FINS:
        return set_count(value, s->fins);
    case WHYRST_ENDPOINT_FIELD_FIN_RATE:
        return set_share(value, s->fins, s->fins + reset_by_anyone(s));
    case WHYRST_ENDPOINT_FIELD_RESETS:
        return set_count(value, faults->resets);
    case WHYRST_ENDPOINT_FIELD_RESET_RATE:
        return set_share(value, faults->resets, s->connections);
    case WHYRST_ENDPOINT_FIELD_RATE_LOW:
        value->number = stats_share(faults->resets, s->connections).low;
        return s->connections > 0;
    case WHYRST_ENDPOINT_FIELD_RATE_HIGH:
        value->number = stats_share(faults->resets, s->connections).high;
        return s->connections > 0;
    case WHYRST_ENDPOINT_FIELD_BY_CLIENT:
        return set_count(value, faults->by[WHYRST_SENDER_CLIENT]);
    case WHYRST_ENDPOINT_FIELD_BY_SERVER:
        return set_count(value, faults->by[WHYRST_SENDER_SERVER]);
    case WHYRST_ENDPOINT_FIELD_BY_MIDDLEBOX:
        return set_count(value, faults->by[WHYRST_SENDER_MIDDLEBOX]);
    case WHYRST_ENDPOINT_FIELD_BY_UNKNOWN:
        return set_count(value, faults->by[WHYRST_SENDER_UNKNOWN]);
    default:
        return false;
    }
}

/* Resets by origin, and when they came. */
static bool get_resets(const struct endpoint_stats *s, enum whyrst_endpoint_field field,
                       struct whyrst_value *value)
{
    const struct endpoint_faults *faults = faults_of(s);
    static const uint8_t origins[] = {
        [WHYRST_ENDPOINT_FIELD_ORIGIN_TLS_PHASE - WHYRST_ENDPOINT_FIELD_ORIGIN_TLS_PHASE] =
            WHYRST_ORIGIN_TLS_PHASE,
        [WHYRST_ENDPOINT_FIELD_ORIGIN_BEFORE_DATA - WHYRST_ENDPOINT_FIELD_ORIGIN_TLS_PHASE] =
            WHYRST_ORIGIN_BEFORE_DATA,
        [WHYRST_ENDPOINT_FIELD_ORIGIN_MID_REQUEST - WHYRST_ENDPOINT_FIELD_ORIGIN_TLS_PHASE] =
            WHYRST_ORIGIN_MID_REQUEST,
        [WHYRST_ENDPOINT_FIELD_ORIGIN_AWAITING_RESPONSE - WHYRST_ENDPOINT_FIELD_ORIGIN_TLS_PHASE] =
            WHYRST_ORIGIN_AWAITING_RESPONSE,
        [WHYRST_ENDPOINT_FIELD_ORIGIN_MID_RESPONSE - WHYRST_ENDPOINT_FIELD_ORIGIN_TLS_PHASE] =
            WHYRST_ORIGIN_MID_RESPONSE,
        [WHYRST_ENDPOINT_FIELD_ORIGIN_AFTER_RESPONSE - WHYRST_ENDPOINT_FIELD_ORIGIN_TLS_PHASE] =
            WHYRST_ORIGIN_AFTER_RESPONSE,
        [WHYRST_ENDPOINT_FIELD_ORIGIN_IDLE_TIMEOUT - WHYRST_ENDPOINT_FIELD_ORIGIN_TLS_PHASE] =
            WHYRST_ORIGIN_IDLE_TIMEOUT,
        [WHYRST_ENDPOINT_FIELD_ORIGIN_AFTER_FIN - WHYRST_ENDPOINT_FIELD_ORIGIN_TLS_PHASE] =
            WHYRST_ORIGIN_AFTER_FIN,
        [WHYRST_ENDPOINT_FIELD_ORIGIN_UNKNOWN - WHYRST_ENDPOINT_FIELD_ORIGIN_TLS_PHASE] =
            WHYRST_ORIGIN_UNKNOWN,
    };

    if (field >= WHYRST_ENDPOINT_FIELD_ORIGIN_TLS_PHASE &&
        field - WHYRST_ENDPOINT_FIELD_ORIGIN_TLS_PHASE < (int)G_N_ELEMENTS(origins)) {
        return set_count(value,
                         faults->origins[origins[field - WHYRST_ENDPOINT_FIELD_ORIGIN_TLS_PHASE]]);
    }
    switch (field) {
    case WHYRST_ENDPOINT_FIELD_RST_TIME_MEDIAN:
        return sample_percentile(faults->rst_times, 50, &value->time_ns);
    case WHYRST_ENDPOINT_FIELD_RST_TIME_P10:
        return sample_percentile(faults->rst_times, 10, &value->time_ns);
    case WHYRST_ENDPOINT_FIELD_RST_TIME_P90:
        return sample_percentile(faults->rst_times, 90, &value->time_ns);
    default:
        return false;
    }
}

/* What a proxy did; absent where there is none. */
static bool get_proxy(const struct whyrst_endpoint *e, enum whyrst_endpoint_field field,
                      struct whyrst_value *value)
{
    const struct proxy_stats *stats = e->stats->proxy;

    if (!endpoint_is_proxy(e)) {
        return false;
    }
    switch (field) {
    case WHYRST_ENDPOINT_FIELD_TUNNELS:
        return set_count(value, proxy_tunnels(stats));
    case WHYRST_ENDPOINT_FIELD_PROXY_FAILED:
        return set_count(value, stats->health.own);
    case WHYRST_ENDPOINT_FIELD_TARGET_FAILED:
        return set_count(value, stats->health.target);
    case WHYRST_ENDPOINT_FIELD_PROXY_UNCLEAR:
        return set_count(value, stats->health.unclear);
    case WHYRST_ENDPOINT_FIELD_PROXY_REPLIES:
        value->strings = (const char *const *)e->replies;
        value->count = e->reply_count;
        return e->reply_count > 0;
    default:
        return false;
    }
}

bool whyrst_endpoint_get(const struct whyrst_endpoint *endpoint, enum whyrst_endpoint_field field,
                         struct whyrst_value *value)
{
    struct whyrst_value got = {0};
    bool present;

    if ((unsigned)field >= WHYRST_ENDPOINT_FIELD_COUNT) {
        return false;
    }
    got.type = columns[field].type;
    if (field < WHYRST_ENDPOINT_FIELD_ATTEMPTS) {
        present = get_identity(endpoint, field, &got);
    } else if (field < WHYRST_ENDPOINT_FIELD_CONNECTIONS) {
        present = get_attempts(endpoint->stats, field, &got);
    } else if (field < WHYRST_ENDPOINT_FIELD_ORIGIN_TLS_PHASE) {
        present = get_ends(endpoint->stats, field, &got);
    } else if (field < WHYRST_ENDPOINT_FIELD_TUNNELS) {
        present = get_resets(endpoint->stats, field, &got);
    } else {
        present = get_proxy(endpoint, field, &got);
    }
    if (present) {
        *value = got;
    }
    return present;
}

uint64_t whyrst_endpoint_frame(const struct whyrst_endpoint *endpoint)
{
    return endpoint->stats->first.frame;
}
