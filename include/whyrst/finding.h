/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * Across connections: how healthy each endpoint is, and what went wrong there.
 *
 * A diagnosis watches one engine, or is put together from those of several captures. It answers
 * with endpoints (servers, server names), with ClientHellos by their JA4 and with ranked findings,
 * all read through tables of fields as records are (record.h), and it revises records whose cause
 * only other connections show.
 *
 *     struct whyrst_diagnosis *diagnosis = whyrst_diagnosis_new(NULL, "shop.pcapng");
 *     whyrst_diagnosis_watch(diagnosis, engine);
 *     ... segments into the engine, whyrst_engine_finish() ...
 *     whyrst_diagnosis_conclude(diagnosis);
 *     whyrst_diagnosis_revise(diagnosis, record);     for each record, before it is read
 *     whyrst_diagnosis_finding(diagnosis, 0), 1, ...  until NULL
 */
#ifndef WHYRST_FINDING_H
#define WHYRST_FINDING_H

#include <whyrst/engine.h>
#include <whyrst/record.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a finding may be about. X(IDENTIFIER, "name", "meaning") */
#define WHYRST_FINDING_KINDS(X)                                                                    \
    X(TLS_FINGERPRINT_BLOCK, "tls-fingerprint-block",                                              \
      "one JA4 is reset in the TLS handshake, others are not")                                     \
    X(SNI_BLOCK, "sni-block", "one server name is reset in the TLS handshake, whatever the JA4")   \
    X(SPLIT_HELLO, "split-hello",                                                                  \
      "ClientHellos of several segments are reset, those in one are not")                          \
    X(IP_BLOCK, "ip-block", "clients are reset or refused, others are not")                        \
    X(RATE_LIMIT, "rate-limit", "a client is reset or refused beyond a number of connections")     \
    X(DEAD_NODE, "dead-node", "a host accepts no connection on any port, or is silent on all")     \
    X(WRONG_PORT, "wrong-port", "this port refuses, others of the same host accept")               \
    X(SERVICE_DOWN, "service-down", "it accepted, and from a moment on refuses, or did so once")   \
    X(FLAPPING, "flapping", "it refuses and accepts by turns")                                     \
    X(LOOPBACK_TRAP, "loopback-trap", "connections to the own host are refused")                   \
    X(UNANSWERED, "unanswered", "SYNs get no answer")                                              \
    X(UNREACHABLE, "unreachable", "SYNs are answered by ICMP errors")                              \
    X(REJECTED, "rejected", "a device before the host refuses connections")                        \
    X(PROXY_FAILURE, "proxy-failure", "a proxy denies, fails or resets on its own account")        \
    X(PROXY_TARGET, "proxy-target", "a proxy works, what lies behind it fails")                    \
    X(PROCESS_EXIT, "process-exit", "many connections of one endpoint end in one instant")         \
    X(ROLLING_DEPLOYMENT, "rolling-deployment",                                                    \
      "endpoints drop their connections one after another")                                        \
    X(FAIL_OVER, "fail-over", "connections meet a host that does not know them")                   \
    X(IDLE_TIMER, "idle-timer", "idle connections are reset or closed after the same silence")     \
    X(RESET_RATE, "reset-rate", "more connections are reset than the alert rate")                  \
    X(REFUSAL_RATE, "refusal-rate", "more connections are refused than the alert rate")

#define WHYRST_X_KIND(id, name, text) WHYRST_FINDING_##id,
enum whyrst_finding_kind { WHYRST_FINDING_KINDS(WHYRST_X_KIND) WHYRST_FINDING_COUNT };

/** Name of a kind as users see it; static string. */
WHYRST_API const char *whyrst_finding_kind_name(enum whyrst_finding_kind kind);
/** Its meaning in half a sentence; static string. */
WHYRST_API const char *whyrst_finding_kind_text(enum whyrst_finding_kind kind);

/* A finding's fields, in output order: X(IDENTIFIER, "name", TYPE, "help"). */
#define WHYRST_FINDING_FIELDS(X)                                                                   \
    X(RANK, "rank", INTEGER, "1 is the finding to look at first")                                  \
    X(KIND, "kind", STRING, "What it is, see the list of kinds")                                   \
    X(TEXT, "text", STRING, "What happened, to whom, how often: one sentence")                     \
    X(CONFIDENCE, "confidence", STRING, "How sure it is: low, medium or high")                     \
    X(SENDER, "sender", STRING, "Who built the RSTs: client, server, middlebox or unknown")        \
    X(SERVER, "server", STRING, "Address and port of the server, or an address alone")             \
    X(CLIENT, "client", ADDRESS, "Address of the client, where it matters")                        \
    X(SNI, "sni", STRING, "Server name, where it matters")                                         \
    X(JA4, "ja4", STRING, "JA4 fingerprint, where it matters")                                     \
    X(RESETS, "resets", INTEGER, "Connections that show it")                                       \
    X(CONNECTIONS, "connections", INTEGER, "Connections that could have shown it")                 \
    X(RATE, "rate", NUMBER, "Share of the two")                                                    \
    X(RATE_LOW, "rate_low", NUMBER, "Lower end of its 95 % interval (Wilson)")                     \
    X(RATE_HIGH, "rate_high", NUMBER, "Upper end of its 95 % interval (Wilson)")                   \
    X(OTHER_RESETS, "other_resets", INTEGER, "Of those it is compared with: how many show it")     \
    X(OTHER_CONNECTIONS, "other_connections", INTEGER, "Those it is compared with")                \
    X(P_VALUE, "p_value", NUMBER, "Chance of so large a contrast without a reason, corrected")     \
    X(SECONDS, "seconds", DURATION, "The timer, the window, or how long it lasted")                \
    X(FIRST_TIME, "first_time", TIME, "First connection that shows it")                            \
    X(LAST_TIME, "last_time", TIME, "Last connection that shows it")                               \
    X(EVIDENCE, "evidence", STRINGS, "Facts behind it, with their figures")                        \
    X(FRAMES_FILE, "frames_file", STRING, "Capture that has the frames")                           \
    X(FRAMES, "frames", NUMBERS, "Frames to open, some of the first")                              \
    X(OPEN, "open", STRING, "Command that shows them")                                             \
    X(ADVICE, "advice", STRING, "What to do about it")

#define WHYRST_X_FINDING_FIELD(id, name, type, help) WHYRST_FINDING_FIELD_##id,
enum whyrst_finding_field {
    WHYRST_FINDING_FIELDS(WHYRST_X_FINDING_FIELD) WHYRST_FINDING_FIELD_COUNT
};

/* An endpoint's fields, in output order: X(IDENTIFIER, "name", TYPE, "help"). */
#define WHYRST_ENDPOINT_FIELDS(X)                                                                  \
    X(KIND, "kind", STRING, "server, proxy, sni; rest: many servers without any trouble")          \
    X(NAME, "name", STRING, "Address and port, or server name")                                    \
    X(ADDRESS, "address", ADDRESS, "Address of a server or proxy")                                 \
    X(PORT, "port", INTEGER, "Port of a server or proxy")                                          \
    X(STATE, "state", STRING, "Kind of the finding that describes it best, absent when healthy")   \
    X(FLAGGED, "flagged", INTEGER, "1: its reset rate is above the alert rate for certain")        \
    X(CLIENTS, "clients", INTEGER, "Different client addresses, about")                            \
    X(ATTEMPTS, "attempts", INTEGER, "Connections of which the SYN was captured")                  \
    X(HANDSHAKES, "handshakes", INTEGER, "Of these, those whose handshake was completed")          \
    X(HANDSHAKE_RATE, "handshake_rate", NUMBER, "Share of the two")                                \
    X(REFUSED, "refused", INTEGER, "SYNs answered by a RST")                                       \
    X(UNANSWERED, "unanswered", INTEGER, "SYNs without any answer")                                \
    X(UNREACHABLE, "unreachable", INTEGER, "SYNs answered by an ICMP error")                       \
    X(ABORTED, "aborted", INTEGER, "Handshakes begun and reset by either side")                    \
    X(CONNECTIONS, "connections", INTEGER, "Established connections, late starts included")        \
    X(FINS, "fins", INTEGER, "Of these, closed in order")                                          \
    X(FIN_RATE, "fin_rate", NUMBER, "Share of orderly closes among those that ended")              \
    X(RESETS, "resets", INTEGER, "Established connections reset in the server's name")             \
    X(RESET_RATE, "reset_rate", NUMBER, "Their share of the established connections")              \
    X(RATE_LOW, "rate_low", NUMBER, "Lower end of the rate's 95 % interval (Wilson)")              \
    X(RATE_HIGH, "rate_high", NUMBER, "Upper end of the rate's 95 % interval (Wilson)")            \
    X(BY_CLIENT, "by_client", INTEGER, "Established connections reset by the client")              \
    X(BY_SERVER, "by_server", INTEGER, "Established connections reset by the server itself")       \
    X(BY_MIDDLEBOX, "by_middlebox", INTEGER,                                                       \
      "Established connections reset by a device on the path")                                     \
    X(BY_UNKNOWN, "by_unknown", INTEGER,                                                           \
      "Established connections reset by the packets do not tell whom")                             \
    X(ORIGIN_TLS_PHASE, "tls_phase", INTEGER, "Reset in the TLS handshake")                        \
    X(ORIGIN_BEFORE_DATA, "before_data", INTEGER, "Reset before any payload")                      \
    X(ORIGIN_MID_REQUEST, "mid_request", INTEGER, "Reset while a request was being sent")          \
    X(ORIGIN_AWAITING_RESPONSE, "awaiting_response", INTEGER, "Reset while an answer was awaited") \
    X(ORIGIN_MID_RESPONSE, "mid_response", INTEGER, "Reset during an answer")                      \
    X(ORIGIN_AFTER_RESPONSE, "after_response", INTEGER, "Reset after a complete answer")           \
    X(ORIGIN_IDLE_TIMEOUT, "idle_timeout", INTEGER, "Reset while idle")                            \
    X(ORIGIN_AFTER_FIN, "after_fin", INTEGER, "Reset after one side's FIN")                        \
    X(ORIGIN_UNKNOWN, "origin_unknown", INTEGER,                                                   \
      "Reset in a phase that the capture does not show")                                           \
    X(RST_TIME_MEDIAN, "rst_time_median", DURATION, "SYN to RST: median")                          \
    X(RST_TIME_P10, "rst_time_p10", DURATION, "SYN to RST: one in ten is shorter")                 \
    X(RST_TIME_P90, "rst_time_p90", DURATION, "SYN to RST: one in ten is longer")                  \
    X(TUNNELS, "tunnels", INTEGER, "Proxy: connections that it led to their targets")              \
    X(PROXY_FAILED, "proxy_failed", INTEGER,                                                       \
      "Proxy: connections that it refused, denied or failed itself")                               \
    X(TARGET_FAILED, "target_failed", INTEGER,                                                     \
      "Proxy: connections whose target could not be reached, or reset them")                       \
    X(PROXY_UNCLEAR, "proxy_unclear", INTEGER,                                                     \
      "Proxy: connections that failed by the one or the other")                                    \
    X(PROXY_REPLIES, "proxy_replies", STRINGS, "Proxy: its failing replies and their numbers")

#define WHYRST_X_ENDPOINT_FIELD(id, name, type, help) WHYRST_ENDPOINT_FIELD_##id,
enum whyrst_endpoint_field {
    WHYRST_ENDPOINT_FIELDS(WHYRST_X_ENDPOINT_FIELD) WHYRST_ENDPOINT_FIELD_COUNT
};

/* What became of the connections whose ClientHello has one JA4, in output order. Of tls_phase,
 * alerts, reset_later, fins and open each connection counts under one: X(IDENTIFIER, "name", TYPE,
 * "help"). */
#define WHYRST_JA4_FIELDS(X)                                                                       \
    X(JA4, "ja4", STRING, "JA4 fingerprint")                                                       \
    X(CONNECTIONS, "connections", INTEGER, "Connections whose ClientHello has it")                 \
    X(HANDSHAKES, "handshakes", INTEGER, "Of these, those whose TLS handshake was completed")      \
    X(TLS_PHASE, "tls_phase", INTEGER, "Reset in the TLS handshake")                               \
    X(ALERTS, "alerts", INTEGER, "Given up in the TLS handshake with an alert, not reset in it")   \
    X(RESET_LATER, "reset_later", INTEGER, "Reset at another moment, as a rule later")             \
    X(FINS, "fins", INTEGER, "Closed in order")                                                    \
    X(OPEN, "open", INTEGER, "No end seen")                                                        \
    X(TLS_PHASE_RATE, "tls_phase_rate", NUMBER, "Share that was reset in the TLS handshake")       \
    X(RATE_LOW, "rate_low", NUMBER, "Lower end of its 95 % interval (Wilson)")                     \
    X(RATE_HIGH, "rate_high", NUMBER, "Upper end of its 95 % interval (Wilson)")

#define WHYRST_X_JA4_FIELD(id, name, type, help) WHYRST_JA4_FIELD_##id,
enum whyrst_ja4_field { WHYRST_JA4_FIELDS(WHYRST_X_JA4_FIELD) WHYRST_JA4_FIELD_COUNT };

/** struct whyrst_column - one row of the tables above; static, never freed */
struct whyrst_column {
    const char *name;
    enum whyrst_type type;
    const char *help;
};

/** The table's row for a finding's @field, NULL when out of range. */
WHYRST_API const struct whyrst_column *whyrst_finding_column(enum whyrst_finding_field field);
/** The table's row for an endpoint's @field, NULL when out of range. */
WHYRST_API const struct whyrst_column *whyrst_endpoint_column(enum whyrst_endpoint_field field);
/** The table's row for a JA4's @field, NULL when out of range. */
WHYRST_API const struct whyrst_column *whyrst_ja4_column(enum whyrst_ja4_field field);

/**
 * struct whyrst_diagnosis_options - what a caller may choose; zero means the default
 * @alert_rate: share of connections reset from which an endpoint is flagged; default 0.02
 * @live:       segments may follow whyrst_engine_finish(), and more conclusions
 */
struct whyrst_diagnosis_options {
    double alert_rate;
    bool live;
};

#define WHYRST_ALERT_RATE 0.02

struct whyrst_diagnosis;
struct whyrst_finding;
struct whyrst_endpoint;
struct whyrst_ja4;

/** A new diagnosis of capture @file (may be NULL); @options may be NULL. */
WHYRST_API struct whyrst_diagnosis *
whyrst_diagnosis_new(const struct whyrst_diagnosis_options *options, const char *file);
/** Frees the diagnosis with its findings and rows. NULL is allowed. */
WHYRST_API void whyrst_diagnosis_free(struct whyrst_diagnosis *diagnosis);

/** Has it watch @engine, from before the first segment and no other one; it must live until the
 *  engine is freed. */
WHYRST_API void whyrst_diagnosis_watch(struct whyrst_diagnosis *diagnosis,
                                       struct whyrst_engine *engine);
/**
 * Adds what @other has seen; the engines of both have been finished. Captures merged in the same
 * order give the same findings, however they were analysed. To be concluded afterwards.
 */
WHYRST_API void whyrst_diagnosis_merge(struct whyrst_diagnosis *diagnosis,
                                       const struct whyrst_diagnosis *other);
/**
 * For a capture that comes in several files: says which frame of its own file frame @number is, and
 * the file's name, when findings are concluded. May be NULL.
 */
WHYRST_API void whyrst_diagnosis_locate(struct whyrst_diagnosis *diagnosis, whyrst_locate locate,
                                        void *context);
/** Draws conclusions from all seen so far; findings and endpoints of an earlier time are gone. */
WHYRST_API void whyrst_diagnosis_conclude(struct whyrst_diagnosis *diagnosis);
/**
 * Gives @record, of a watched engine, the cause that other connections show. Without effect before
 * conclude() and on records that nothing across connections explains. Returns whether it did.
 */
WHYRST_API bool whyrst_diagnosis_revise(const struct whyrst_diagnosis *diagnosis,
                                        struct whyrst_record *record);
/** Whether other connections, still to come, might explain @record. */
WHYRST_API bool whyrst_diagnosis_may_revise(const struct whyrst_diagnosis *diagnosis,
                                            const struct whyrst_record *record);

/**
 * Holds a RST's final @record, whose reference it takes, until other connections have had their
 * say. Records come back in the order in which they were given.
 */
WHYRST_API void whyrst_diagnosis_hold(struct whyrst_diagnosis *diagnosis,
                                      struct whyrst_record *record);
/**
 * The next record that need not wait: nothing can revise it, too many wait, or @now (the capture
 * has ended and is concluded, or somebody is waiting for output). NULL when there is none. It has
 * been revised by what is known by now; the reference is the caller's.
 */
WHYRST_API struct whyrst_record *whyrst_diagnosis_release(struct whyrst_diagnosis *diagnosis,
                                                          bool now);
/** How many RSTs that other connections might explain were released before the end. */
WHYRST_API uint64_t whyrst_diagnosis_early(const struct whyrst_diagnosis *diagnosis);

/** Finding number @index by rank, from 0; NULL beyond the last. */
WHYRST_API const struct whyrst_finding *
whyrst_diagnosis_finding(const struct whyrst_diagnosis *diagnosis, size_t index);
/** Endpoint number @index, the most noteworthy first; NULL beyond the last. */
WHYRST_API const struct whyrst_endpoint *
whyrst_diagnosis_endpoint(const struct whyrst_diagnosis *diagnosis, size_t index);
/** JA4 number @index, those reset most often in the TLS handshake first; NULL beyond the last. */
WHYRST_API const struct whyrst_ja4 *whyrst_diagnosis_ja4(const struct whyrst_diagnosis *diagnosis,
                                                         size_t index);
/** How often an endpoint, a client or a name was given up because a bound was reached: what had
 * been counted of it until then, or its name, is missing. */
WHYRST_API uint64_t whyrst_diagnosis_dropped(const struct whyrst_diagnosis *diagnosis);
/** Findings that are not given, since there are too many of their kind. */
WHYRST_API uint64_t whyrst_diagnosis_left_out(const struct whyrst_diagnosis *diagnosis);

/** Reads one field, as whyrst_record_get(). Values live until the next conclude(). */
WHYRST_API bool whyrst_finding_get(const struct whyrst_finding *finding,
                                   enum whyrst_finding_field field, struct whyrst_value *value);
WHYRST_API bool whyrst_endpoint_get(const struct whyrst_endpoint *endpoint,
                                    enum whyrst_endpoint_field field, struct whyrst_value *value);
WHYRST_API bool whyrst_ja4_get(const struct whyrst_ja4 *ja4, enum whyrst_ja4_field field,
                               struct whyrst_value *value);
/** Number of a frame that belongs to it, the lowest known: of the first capture that has one. */
WHYRST_API uint64_t whyrst_endpoint_frame(const struct whyrst_endpoint *endpoint);
WHYRST_API uint64_t whyrst_ja4_frame(const struct whyrst_ja4 *ja4);

#ifdef __cplusplus
}
#endif
#endif
