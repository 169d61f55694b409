/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * What the engine answers: records, read through one table of fields.
 *
 * A record is one RST's verdict, one completed FIN close, or one connection. Its fields are those
 * of the table in field order below; the Wireshark plugin registers one display-filter field for
 * each ("rst." + name), the writers print one key or column for each (dots as underscores). Adding
 * a field is one line here and one getter; renaming one breaks users.
 */
#ifndef WHYRST_RECORD_H
#define WHYRST_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <whyrst/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum whyrst_record_kind {
    WHYRST_RECORD_RST,        /**< a RST: all fields */
    WHYRST_RECORD_CLOSE,      /**< the frame that completes a FIN close: close_type only */
    WHYRST_RECORD_CONNECTION, /**< a connection that has ended or been evicted */
};

/** How a field's value is typed. */
enum whyrst_type {
    WHYRST_TYPE_STRING,   /**< UTF-8 text */
    WHYRST_TYPE_INTEGER,  /**< unsigned 64-bit integer */
    WHYRST_TYPE_FRAME,    /**< number of another frame of the capture */
    WHYRST_TYPE_DURATION, /**< nanoseconds; shown as seconds */
    WHYRST_TYPE_TIME,     /**< nanoseconds since 1970-01-01 UTC */
    WHYRST_TYPE_ADDRESS,  /**< IPv4 or IPv6 address, as text */
    WHYRST_TYPE_STRINGS,  /**< a list of UTF-8 texts */
    WHYRST_TYPE_NUMBER,   /**< a real number (findings and endpoints only) */
    WHYRST_TYPE_NUMBERS,  /**< a list of integers (findings only) */
};

/** Which records and programs carry a field (bits). */
#define WHYRST_ON_RST        0x01u /**< in RST records */
#define WHYRST_ON_CONNECTION 0x02u /**< in connection records */
#define WHYRST_ON_CLOSE      0x04u /**< in FIN close records */
#define WHYRST_ON_PLUGIN     0x08u /**< a display-filter field too; the others are the CLI's only */
#define WHYRST_HINDSIGHT     0x10u /**< later packets may revise it */

/* X(IDENTIFIER, "name", TYPE, bits, "title", "help text") in output order. */
#define WHYRST_R  WHYRST_ON_RST
#define WHYRST_C  WHYRST_ON_CONNECTION
#define WHYRST_F  WHYRST_ON_CLOSE
#define WHYRST_P  WHYRST_ON_PLUGIN
#define WHYRST_H  WHYRST_HINDSIGHT
#define WHYRST_FIELDS(X)                                                                          \
    X(FRAME, "frame", INTEGER, WHYRST_R | WHYRST_F, "Frame", "Number of the frame")               \
    X(TIME, "time", TIME, WHYRST_R | WHYRST_C | WHYRST_F, "Time",                                 \
      "Time of the RST; of a connection: of its first segment")                                   \
    X(STREAM, "stream", INTEGER, WHYRST_R | WHYRST_C | WHYRST_F, "Stream",                        \
      "TCP stream number as in Wireshark 4.4 and later")                                          \
    X(CLIENT_IP, "client_ip", ADDRESS, WHYRST_R | WHYRST_C | WHYRST_F, "Client address",          \
      "Address of the side that opened the connection")                                           \
    X(CLIENT_PORT, "client_port", INTEGER, WHYRST_R | WHYRST_C | WHYRST_F, "Client port",         \
      "Port of the side that opened the connection")                                              \
    X(SERVER_IP, "server_ip", ADDRESS, WHYRST_R | WHYRST_C | WHYRST_F, "Server address",          \
      "Address of the side that accepted the connection")                                         \
    X(SERVER_PORT, "server_port", INTEGER, WHYRST_R | WHYRST_C | WHYRST_F, "Server port",         \
      "Port of the side that accepted the connection")                                            \
    X(RST_SRC, "rst_src", STRING, WHYRST_R, "RST source",                                         \
      "Whose address the RST bears: client or server")                                            \
    X(ORIGIN, "origin", STRING, WHYRST_R | WHYRST_P, "Origin",                                    \
      "Phase of the connection's life that the RST hit")                                          \
    X(CAUSE, "cause", STRING, WHYRST_R | WHYRST_P | WHYRST_H, "Cause",                            \
      "Mechanism that produced the RST")                                                          \
    X(SENDER, "sender", STRING, WHYRST_R | WHYRST_P | WHYRST_H, "Sender",                         \
      "Who built the RST: client, server, middlebox or unknown")                                  \
    X(CONFIDENCE, "confidence", STRING, WHYRST_R | WHYRST_P | WHYRST_H, "Confidence",             \
      "How sure the cause is: low, medium or high")                                               \
    X(CLOSE_TYPE, "close_type", STRING, WHYRST_R | WHYRST_C | WHYRST_F | WHYRST_P, "Close type",  \
      "How the connection has ended so far: fin, fin-then-rst, rst, refused or open")             \
    X(JA4, "ja4", STRING, WHYRST_R | WHYRST_C | WHYRST_P, "JA4",                                  \
      "JA4 fingerprint of the ClientHello that precedes the RST")                                 \
    X(JA4_R, "ja4_r", STRING, WHYRST_R | WHYRST_P, "JA4 raw", "Raw form of the JA4 fingerprint")  \
    X(JA4_RETRY, "ja4_retry", STRING, WHYRST_R | WHYRST_P, "JA4 after retry",                     \
      "JA4 of the second ClientHello, after a HelloRetryRequest")                                 \
    X(SNI, "sni", STRING, WHYRST_R | WHYRST_C | WHYRST_P, "Server name",                          \
      "Server name (SNI) in the ClientHello")                                                     \
    X(ALPN, "alpn", STRING, WHYRST_R | WHYRST_P, "ALPN",                                          \
      "Application protocols offered in the ClientHello, comma-separated")                        \
    X(TLS_VERSION, "tls_version", STRING, WHYRST_R | WHYRST_P, "TLS version",                     \
      "Highest TLS version offered in the ClientHello")                                           \
    X(TLS_STAGE, "tls_stage", STRING, WHYRST_R | WHYRST_P, "TLS stage",                           \
      "How far the TLS handshake got before the RST")                                             \
    X(CLIENT_HELLO_FRAME, "client_hello_frame", FRAME, WHYRST_R | WHYRST_P, "ClientHello in",     \
      "Frame that completes the ClientHello (of a partial one: that begins it)")                  \
    X(SYN_FRAME, "syn_frame", FRAME, WHYRST_R | WHYRST_P, "SYN in", "Frame of the first SYN")     \
    X(TRIGGER_FRAME, "trigger_frame", FRAME, WHYRST_R | WHYRST_P, "Triggered by",                 \
      "Frame of the segment that provoked the RST")                                               \
    X(TIME_SINCE_SYN, "time_since_syn", DURATION, WHYRST_R | WHYRST_P, "Time since SYN",          \
      "Time from the first SYN to the RST")                                                       \
    X(TIME_SINCE_CLIENT_HELLO, "time_since_client_hello", DURATION, WHYRST_R | WHYRST_P,          \
      "Time since ClientHello", "Time from the ClientHello to the RST")                           \
    X(IDLE_TIME, "idle_time", DURATION, WHYRST_R | WHYRST_P, "Idle time",                         \
      "Time from the last payload of either side to the RST or the segment that provoked it")     \
    X(TTFB, "ttfb", DURATION, WHYRST_R | WHYRST_P, "Time to first byte",                          \
      "Time from the client's first payload to the server's first payload")                       \
    X(CLIENT_BYTES, "client_bytes", INTEGER, WHYRST_R | WHYRST_C | WHYRST_P, "Client bytes",      \
      "Payload bytes from the client before the RST, retransmissions counted once")               \
    X(SERVER_BYTES, "server_bytes", INTEGER, WHYRST_R | WHYRST_C | WHYRST_P, "Server bytes",      \
      "Payload bytes from the server before the RST, retransmissions counted once")               \
    X(IRTT, "irtt", DURATION, WHYRST_R | WHYRST_P, "Initial RTT",                                 \
      "Time from the SYN to the SYN-ACK")                                                         \
    X(UNACKED_BYTES, "unacked_bytes", INTEGER, WHYRST_R | WHYRST_P, "Unacknowledged bytes",       \
      "Payload the RST's receiver had sent that was never acknowledged")                          \
    X(SEQUENCE_CHECK, "sequence_check", STRING, WHYRST_R | WHYRST_P, "Sequence check",            \
      "RST's sequence number by RFC 5961: exact, in-window, out-of-window or unknown")            \
    X(IDLE_TIMER, "idle_timer", STRING, WHYRST_R | WHYRST_P, "Idle timer",                        \
      "Well-known timers that fit the idle time")                                                 \
    X(TLS_ALERT, "tls_alert", STRING, WHYRST_R | WHYRST_P, "TLS alert",                           \
      "Readable alert just before the RST, or a probable close_notify")                           \
    X(HTTP_METHOD, "http_method", STRING, WHYRST_R | WHYRST_P, "HTTP method",                     \
      "Method of the request under way (plaintext HTTP/1.x)")                                     \
    X(HTTP_STATUS, "http_status", INTEGER, WHYRST_R | WHYRST_P, "HTTP status",                    \
      "Status of the response under way (plaintext HTTP/1.x)")                                    \
    X(CONN_STATE, "conn_state", STRING, WHYRST_R | WHYRST_P, "Connection state",                  \
      "Zeek's conn_state up to the RST")                                                          \
    X(HISTORY, "history", STRING, WHYRST_R | WHYRST_P, "History", "Zeek's history up to the RST") \
    X(TAMPERING_SIGNATURE, "tampering_signature", STRING, WHYRST_R | WHYRST_P | WHYRST_H,         \
      "Tampering signature",                                                                      \
      "Signature of Sundara Raman et al. (SIGCOMM 2023) that the packets match")                  \
    X(DUPLICATE_OF, "duplicate_of", FRAME, WHYRST_R | WHYRST_P, "Duplicate of",                   \
      "This RST is a second capture of that frame")                                               \
    X(RESET_TEXT, "reset_text", STRING, WHYRST_R | WHYRST_P, "Reset text",                        \
      "Diagnostic text carried by the RST itself")                                                \
    X(MPTCP_REASON, "mptcp_reason", STRING, WHYRST_R | WHYRST_P, "MPTCP reason",                  \
      "Reason in the MP_TCPRST option")                                                           \
    X(EVIDENCE, "evidence", STRINGS, WHYRST_R | WHYRST_P | WHYRST_H, "Evidence",                  \
      "Facts behind the verdict, with their figures")                                             \
    X(ADVICE, "advice", STRING, WHYRST_R | WHYRST_P | WHYRST_H, "Advice",                         \
      "What to do about it; whether a plain HTTP request may be repeated")                        \
    X(PACKETS, "packets", INTEGER, WHYRST_C, "Packets", "Segments of the connection")             \
    X(DURATION, "duration", DURATION, WHYRST_C, "Duration", "First to last segment")              \
    X(RESETS, "resets", INTEGER, WHYRST_C, "Resets", "RST segments of the connection")

#define WHYRST_X_FIELD(id, name, type, bits, title, help) WHYRST_FIELD_##id,
enum whyrst_field { WHYRST_FIELDS(WHYRST_X_FIELD) WHYRST_FIELD_COUNT };

/** struct whyrst_field_info - one row of the table above; static, never freed */
struct whyrst_field_info {
    const char *name;
    enum whyrst_type type;
    unsigned bits;
    const char *title;
    const char *help;
};

/** The table's row for @field, NULL when out of range. */
WHYRST_API const struct whyrst_field_info *whyrst_field_info(enum whyrst_field field);

/**
 * struct whyrst_value - a field's value; only what belongs to its type is set
 *
 * Pointers live as long as the record stays as it is. Until it is final any segment may revise it,
 * and whyrst_engine_finish(); later whyrst_diagnosis_revise().
 */
struct whyrst_value {
    enum whyrst_type type;
    const char *string;         /**< STRING, ADDRESS */
    uint64_t integer;           /**< INTEGER, FRAME */
    int64_t time_ns;            /**< DURATION, TIME */
    const char *const *strings; /**< STRINGS */
    size_t count;               /**< STRINGS, NUMBERS: how many */
    double number;              /**< NUMBER */
    const uint64_t *numbers;    /**< NUMBERS */
};

/** A record belongs to its engine's thread: its texts are made when they are first asked for. */
struct whyrst_record;

/** Takes one more reference; returns @record. */
WHYRST_API struct whyrst_record *whyrst_record_ref(struct whyrst_record *record);
/** Gives a reference back; the last one frees the record. NULL is allowed. */
WHYRST_API void whyrst_record_unref(struct whyrst_record *record);
/** What the record is about. */
WHYRST_API enum whyrst_record_kind whyrst_record_kind(const struct whyrst_record *record);
/** Whether later packets can no longer revise the fields marked WHYRST_HINDSIGHT. */
WHYRST_API bool whyrst_record_is_final(const struct whyrst_record *record);
/** Number of the frame that the record describes (a connection's: its first). */
WHYRST_API uint64_t whyrst_record_frame(const struct whyrst_record *record);
/**
 * Reads one field. Returns false, and leaves @value alone, when the record has no such value:
 * unknown is absent, never zero.
 */
WHYRST_API bool whyrst_record_get(const struct whyrst_record *record, enum whyrst_field field,
                                  struct whyrst_value *value);
/**
 * One line for people, such as "tls-phase, 3.2 ms after ClientHello, JA4 t13d...". Writes at most
 * @size bytes with the final NUL into @buffer and returns @buffer; a longer line is cut.
 */
WHYRST_API const char *whyrst_record_summary(const struct whyrst_record *record, char *buffer,
                                             size_t size);

#ifdef __cplusplus
}
#endif
#endif
