/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each connection counts once: where a RST that its receiver must accept ended it, by that RST's
 * verdict, otherwise when the connection is over. What a RST says is known before the connection
 * leaves the table, so that a diagnosis under way does not lack what it counts.
 */
#include "diagnose/outcome.h"

#include <string.h>

#include <glib.h>

/* A SYN without an answer for this long has none: round trips and a first retransmission (1 s, RFC
 * 6298) are over. */
#define NO_ANSWER_NS INT64_C(3000000000)

/* Nobody pauses for this long in the middle of a message. */
#define STALLED_NS INT64_C(3000000000)

#define TLS_ALERT_FATAL 2

static void set_ends(struct outcome *outcome, const struct flow_key *key, unsigned client)
{
    outcome->version = key->version;
    memcpy(outcome->client, key->address[client], sizeof outcome->client);
    memcpy(outcome->server, key->address[!client], sizeof outcome->server);
    outcome->server_port = key->port[!client];
    outcome->client_port = key->port[client];
}

static bool is_unanswered(const struct conn *conn, int64_t now_ns)
{
    const struct endpoint *client = &conn->side[conn->client];
    const struct endpoint *server = &conn->side[!conn->client];

    /* A client that acknowledges was answered, in a direction that was not captured. */
    return (conn->flags & CONN_SYN) && !(server->flags & ENDPOINT_SEEN) &&
           !(client->flags & (ENDPOINT_ACKED | ENDPOINT_RST)) &&
           (client->syns > 1 || now_ns - conn->first_ns >= NO_ANSWER_NS);
}

static enum outcome_end end_of(const struct conn *conn, int64_t now_ns)
{
    const struct conn_extra *extra = conn_extra(conn);

    if (conn->flags & CONN_CLOSED) {
        return OUTCOME_FIN;
    }
    if (extra && extra->unreachable && !(conn->flags & CONN_SYN_ACK)) {
        return OUTCOME_UNREACHABLE;
    }
    return is_unanswered(conn, now_ns) ? OUTCOME_UNANSWERED : OUTCOME_OPEN;
}

/* The latest packet that came from the server, or must have: what the client sends into silence is
 * no answer. */
static int64_t server_word(const struct endpoint *client, const struct endpoint *server,
                           int64_t first_ns, int64_t last_ns)
{
    if (!(server->flags & ENDPOINT_SEEN)) {
        return 0;
    }
    if (!client->retransmits && !client->keepalives) {
        return last_ns;
    }
    return server->last_payload_frame ? first_ns + server->last_payload : 0;
}

/* A SYN repeated after a refusal is no further attempt, unless it gets further. */
static bool is_counted(uint16_t conn_flags, const struct endpoint *client)
{
    return (client->flags & ENDPOINT_SYN_AGAIN) && !(conn_flags & CONN_ESTABLISHED);
}

/* How far TLS got. Warnings that can be read end nothing (RFC 5246 section 7.2). */
static void set_tls(struct outcome *outcome, const struct observe_state *state)
{
    const struct observe_alert *alert = &state->alert;
    bool is_warning = !alert->encrypted && !alert->probable && alert->level != TLS_ALERT_FATAL;

    outcome->tls_answered = state->tls_stage >= WHYRST_TLS_SERVER_HELLO;
    outcome->tls_done = state->tls_stage == WHYRST_TLS_ESTABLISHED;
    outcome->tls_alert = !outcome->tls_done && alert->frame && !is_warning;
}

bool outcome_of_connection(const struct conn *conn, const struct observe_state *state,
                           int64_t now_ns, struct outcome *outcome)
{
    const struct conn_extra *extra = conn_extra(conn);
    const struct flow_key key = conn_key(conn);

    if (!(conn->flags & CONN_USED) || (conn->flags & CONN_RESET) ||
        is_counted(conn->flags, &conn->side[conn->client])) {
        return false;
    }
    *outcome = (struct outcome){
        .end = end_of(conn, now_ns),
        .attempt = conn->flags & CONN_SYN,
        .isn = conn->side[conn->client].base_seq,
        .syn_again = conn->side[conn->client].syns > 1,
        .established = conn->flags & CONN_ESTABLISHED,
        .accepted = conn->flags & CONN_ESTABLISHED,
        .answered = conn->side[!conn->client].last_payload_frame != 0,
        .hello = state->hello != NULL,
        .hello_split = state->hello_split,
        .start_ns = conn->first_ns,
        .end_ns = conn->last_ns,
        .server_ns = server_word(&conn->side[conn->client], &conn->side[!conn->client],
                                 conn->first_ns, conn->last_ns),
        .unreachable = extra ? extra->unreachable : WHYRST_REACHABLE,
        .idle_ns = -1,
        .frame = conn->first_frame,
        .request_mark = state->request_mark,
        .ja4 = state->hello ? state->hello->ja4 : NULL,
        .sni = state->hello ? state->hello->sni : NULL,
        .ja4_number = state->hello ? state->hello->ja4_number : 0,
        .sni_number = state->hello ? state->hello->sni_number : 0,
    };
    set_ends(outcome, &key, conn->client);
    set_tls(outcome, state);
    proxy_judge(outcome, state->proxy);
    return true;
}

void outcome_of_half_open(const struct half_open *entry, int64_t start_ns, int64_t now_ns,
                          struct lone_syn *syn)
{
    unsigned client = half_open_side(entry);
    int64_t time_ns = half_open_time(entry, start_ns);

    *syn = (struct lone_syn){.client_port = entry->key.port[client],
                             .server_port = entry->key.port[!client],
                             .isn = entry->seq,
                             .frame = entry->frame,
                             .unanswered = now_ns - time_ns >= NO_ANSWER_NS,
                             .time_ns = time_ns};
    memcpy(syn->client, &entry->key.address[client], sizeof entry->key.address[client]);
    memcpy(syn->server, &entry->key.address[!client], sizeof entry->key.address[!client]);
}

static enum outcome_end end_by(enum whyrst_origin origin)
{
    switch (origin) {
    case WHYRST_ORIGIN_AFTER_CLOSE:
        return OUTCOME_FIN;
    case WHYRST_ORIGIN_REFUSED_HANDSHAKE:
        return OUTCOME_REFUSED;
    case WHYRST_ORIGIN_ABORTED_HANDSHAKE:
        return OUTCOME_ABORTED;
    default:
        return OUTCOME_RESET;
    }
}

/* The client owed the rest of its request or ClientHello, and nothing came for long. */
static bool has_stalled(const struct rst_facts *facts)
{
    bool owes = facts->origin == WHYRST_ORIGIN_MID_REQUEST ||
                (facts->origin == WHYRST_ORIGIN_TLS_PHASE &&
                 facts->state.tls_stage == WHYRST_TLS_CLIENT_HELLO_PARTIAL);

    return owes && facts->idle_known && facts->silent_ns >= STALLED_NS;
}

bool outcome_of_reset(const struct whyrst_record *record, struct outcome *outcome)
{
    const struct rst_facts *facts = &record->facts;
    const struct endpoint *client = facts->from_client ? &facts->sender : &facts->receiver;
    const struct judgement *judgement;
    const struct endpoint *server;

    if (record->duplicate_of || (facts->conn_flags & CONN_RESET) ||
        facts->sequence_check == WHYRST_SEQUENCE_OUT_OF_WINDOW ||
        is_counted(facts->conn_flags, client)) {
        return false;
    }
    judgement = record_judgement(record);
    server = facts->from_client ? &facts->receiver : &facts->sender;
    *outcome = (struct outcome){
        .end = end_by(facts->origin),
        .attempt = facts->conn_flags & CONN_SYN,
        .isn = client->base_seq,
        .syn_again = client->syns > 1,
        .established = facts->conn_flags & CONN_ESTABLISHED,
        .accepted = facts->conn_flags & (CONN_ESTABLISHED | CONN_SYN_ACK),
        .by_server = !facts->from_client,
        .answered = server->last_payload_frame != 0,
        .hello = record->ja4 != NULL,
        .hello_split = facts->state.hello_split,
        .origin = facts->origin,
        .sender = judgement->sender,
        .start_ns = record->syn_frame ? record->syn_ns : record->time_ns,
        .end_ns = record->time_ns,
        .server_ns = facts->from_client
                         ? server_word(client, server, record->syn_ns, record->time_ns)
                         : record->time_ns,
        .idle_ns =
            facts->origin == WHYRST_ORIGIN_IDLE_TIMEOUT && facts->idle_known ? facts->idle_ns : -1,
        .survived_ns = facts->survived_ns,
        .prompted = facts->trigger.frame != 0,
        .frame = record->frame,
        .request_mark = facts->state.request_mark,
        .ja4 = record->ja4,
        .sni = record->sni,
        .ja4_number = record->ja4_number,
        .sni_number = record->sni_number,
        .retry = retry_of(facts, judgement, record->http_method),
        .cause = judgement->cause ? judgement->cause->info.name : "unknown",
        .lone = !(facts->conn_flags & (CONN_SYN | CONN_SYN_ACK | CONN_PAYLOAD)),
        .stalled = has_stalled(facts),
        .told_why = facts->state.early_response && facts->state.http_status >= 400,
    };
    set_ends(outcome, &record->key, record->client);
    set_tls(outcome, &facts->state);
    proxy_judge(outcome, record->proxy);
    return true;
}

uint32_t outcome_age_ms(const struct outcome *outcome)
{
    int64_t age = (outcome->end_ns - outcome->start_ns) / 1000000;

    return outcome->end == OUTCOME_OPEN ? UINT32_MAX : (uint32_t)CLAMP(age, 0, UINT32_MAX);
}
