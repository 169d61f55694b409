/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * The vocabulary: origins, senders, confidences, close types, TLS stages, sequence checks.
 *
 * Each list is an X-macro X(IDENTIFIER, "name"), so that enum, name and documentation cannot drift
 * apart. The names are the contract with users (filters, NDJSON, CSV): never rename one. The list
 * of causes has one file per entry and is in causes.h.
 */
#ifndef WHYRST_TYPES_H
#define WHYRST_TYPES_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) && !defined(WHYRST_STATIC)
#define WHYRST_API __attribute__((visibility("default")))
#else
#define WHYRST_API
#endif

/** The phase of the connection's life that the RST hit; first match from the top. */
#define WHYRST_ORIGINS(X)                                                                         \
    X(UNKNOWN, "unknown", "the capture does not show enough")                                     \
    X(AFTER_CLOSE, "after-close", "both FINs acknowledged, or an earlier valid RST")              \
    X(AFTER_FIN, "after-fin", "one side had sent FIN, the close was not complete")                \
    X(REFUSED_HANDSHAKE, "refused-handshake", "a SYN, no SYN-ACK, RST from the SYN's target")     \
    X(ABORTED_HANDSHAKE, "aborted-handshake", "RST before the handshake's final ACK")             \
    X(IDLE_TIMEOUT, "idle-timeout", "established, nothing owed, silent for the idle threshold")   \
    X(BEFORE_DATA, "before-data", "established, no payload in either direction, not yet idle")    \
    X(TLS_PHASE, "tls-phase", "a ClientHello has begun, the TLS handshake is not finished")       \
    X(MID_REQUEST, "mid-request", "a request is still being sent")                                \
    X(AWAITING_RESPONSE, "awaiting-response", "request complete, no byte of its response")        \
    X(MID_RESPONSE, "mid-response", "a response has begun and is not complete")                   \
    X(AFTER_RESPONSE, "after-response", "the last response is complete, not yet idle")

#define WHYRST_SENDERS(X)                                                                         \
    X(UNKNOWN, "unknown", "the packets do not tell who built the RST")                            \
    X(CLIENT, "client", "the side that opened the connection")                                    \
    X(SERVER, "server", "the side that accepted the connection")                                  \
    X(MIDDLEBOX, "middlebox", "a device on the path")

#define WHYRST_CONFIDENCES(X)                                                                     \
    X(LOW, "low", "other explanations fit nearly as well")                                        \
    X(MEDIUM, "medium", "the evidence favours this cause")                                        \
    X(HIGH, "high", "the packets leave little room for another cause")

#define WHYRST_CLOSE_TYPES(X)                                                                     \
    X(OPEN, "open", "no end seen")                                                                \
    X(FIN, "fin", "both sides closed in order")                                                   \
    X(FIN_THEN_RST, "fin-then-rst", "a FIN, then a RST")                                          \
    X(RST, "rst", "reset without any FIN")                                                        \
    X(REFUSED, "refused", "the SYN was answered by a RST")

#define WHYRST_TLS_STAGES(X)                                                                      \
    X(NONE, "", "no TLS")                                                                         \
    X(CLIENT_HELLO_PARTIAL, "client-hello-partial", "a ClientHello has begun")                    \
    X(CLIENT_HELLO, "client-hello", "the ClientHello is complete")                                \
    X(SERVER_HELLO, "server-hello", "the server has answered with a ServerHello")                 \
    X(CLIENT_FINISHED, "client-finished", "the client has sent its Finished")                     \
    X(ESTABLISHED, "established", "the TLS handshake is finished")

/** By RFC 5961 section 3.2: how the RST's sequence number fits the receiver's window. */
#define WHYRST_SEQUENCE_CHECKS(X)                                                                 \
    X(UNKNOWN, "unknown", "the receiver's next expected number was not seen")                     \
    X(EXACT, "exact", "equals the next expected sequence number")                                 \
    X(IN_WINDOW, "in-window", "inside the window: earns a challenge ACK")                         \
    X(OUT_OF_WINDOW, "out-of-window", "outside the window: is ignored")

#define WHYRST_X_ORIGIN(id, name, text)     WHYRST_ORIGIN_##id,
#define WHYRST_X_SENDER(id, name, text)     WHYRST_SENDER_##id,
#define WHYRST_X_CONFIDENCE(id, name, text) WHYRST_CONFIDENCE_##id,
#define WHYRST_X_CLOSE(id, name, text)      WHYRST_CLOSE_##id,
#define WHYRST_X_STAGE(id, name, text)      WHYRST_TLS_##id,
#define WHYRST_X_SEQUENCE(id, name, text)   WHYRST_SEQUENCE_##id,

enum whyrst_origin { WHYRST_ORIGINS(WHYRST_X_ORIGIN) WHYRST_ORIGIN_COUNT };
enum whyrst_sender { WHYRST_SENDERS(WHYRST_X_SENDER) WHYRST_SENDER_COUNT };
enum whyrst_confidence { WHYRST_CONFIDENCES(WHYRST_X_CONFIDENCE) WHYRST_CONFIDENCE_COUNT };
enum whyrst_close_type { WHYRST_CLOSE_TYPES(WHYRST_X_CLOSE) WHYRST_CLOSE_COUNT };
enum whyrst_tls_stage { WHYRST_TLS_STAGES(WHYRST_X_STAGE) WHYRST_TLS_COUNT };
enum whyrst_sequence_check { WHYRST_SEQUENCE_CHECKS(WHYRST_X_SEQUENCE) WHYRST_SEQUENCE_COUNT };

/** Names of the values above, as users see them; static strings, "" for a value out of range. */
WHYRST_API const char *whyrst_origin_name(enum whyrst_origin origin);
WHYRST_API const char *whyrst_sender_name(enum whyrst_sender sender);
WHYRST_API const char *whyrst_confidence_name(enum whyrst_confidence confidence);
WHYRST_API const char *whyrst_close_type_name(enum whyrst_close_type close_type);
WHYRST_API const char *whyrst_tls_stage_name(enum whyrst_tls_stage stage);
WHYRST_API const char *whyrst_sequence_check_name(enum whyrst_sequence_check check);
/** One-line meaning of an origin, for help texts; static string. */
WHYRST_API const char *whyrst_origin_text(enum whyrst_origin origin);

#ifdef __cplusplus
}
#endif
#endif
