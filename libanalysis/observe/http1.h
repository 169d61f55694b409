/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * HTTP/1.x message framing (RFC 9112): where requests and responses begin and end, nothing more.
 *
 * http1.c walks the messages of both sides, http1_head.c reads lines.
 */
#ifndef OBSERVE_HTTP1_H
#define OBSERVE_HTTP1_H

#include "limits.h"
#include "observe/observer.h"
#include "observe/stream.h"

/** Longest method name recognised; IANA's longest (BASELINE-CONTROL, UPDATEREDIRECTREF) fit. */
#define HTTP1_METHOD_MAX 24u

/** Where one side's stream stands. */
enum http1_stage {
    HTTP1_START,      /**< before or in a start line */
    HTTP1_FIELDS,     /**< in the field lines */
    HTTP1_BODY,       /**< @left bytes of content to come */
    HTTP1_CHUNK_SIZE, /**< in a chunk's size line */
    HTTP1_CHUNK,      /**< in a chunk's data, @left to come */
    HTTP1_CHUNK_END,  /**< in the line end after it */
    HTTP1_TRAILERS,   /**< in the field lines after the last chunk */
    HTTP1_TO_CLOSE,   /**< content that ends with the connection */
    HTTP1_WAITING,    /**< client: after CONNECT, until the answer says whose bytes follow */
    HTTP1_UNSURE,     /**< client: body refused by a final response; it or a new request follows */
    HTTP1_LEFT,       /**< another protocol has begun */
    HTTP1_FOREIGN,    /**< what follows is not HTTP/1.x */
    HTTP1_LOST,
};

/**
 * struct http1_fields - what a head says about its content
 * @length:      Content-Length, when @has_length
 * @bad_length:  values contradict each other or are no numbers
 * @coded:       Transfer-Encoding is there; @chunked: and its last coding is chunked
 * @expects:     the client waits for 100 (Continue)
 * @last:        the field of the previous line, which an obs-fold line continues
 */
struct http1_fields {
    uint64_t length;
    bool has_length;
    bool bad_length;
    bool coded;
    bool chunked;
    bool expects;
    uint8_t last;
};

/** struct http1_side - one side's message under way */
struct http1_side {
    enum http1_stage stage;
    struct http1_fields fields;
    uint64_t left;
    uint64_t messages; /**< begun so far */
    bool resynced;     /**< was lost once: which response answers which request is guessed */
};

/**
 * struct http1 - an HTTP/1.x connection
 * @pending, @first, @count: methods of the requests without complete final response, oldest first
 * @status:      of the response under way; @last_status: of the last final one that is complete
 * @last_method: of the request it answered
 * @early:       a final response to the request under way has begun; @answered: and is complete
 * @tunnel:      a CONNECT succeeded
 * @within:      within another proxy's tunnel: a CONNECT is not noted
 * @proxy:       what a CONNECT asked and was answered, or NULL; owned
 * @mark:        of the latest request, see struct observe_state
 * @other:       the latest method that has no number
 */
struct http1 {
    struct http1_side side[2];
    uint8_t pending[LIMIT_HTTP_PIPELINE];
    uint8_t first;
    uint8_t count;
    uint8_t last_method;
    uint16_t status;
    uint16_t last_status;
    uint16_t mark;
    bool early;
    bool answered;
    bool tunnel;
    bool within;
    struct observe_proxy *proxy;
    char other[HTTP1_METHOD_MAX + 1];
};

struct http1 *http1_new(void);
void http1_free(struct http1 *http);
/** The bytes before this side's next one are not all known. */
void http1_lose(struct http1 *http, enum observe_side side);
/** Whether the latest request is a CONNECT, which makes this dialogue a prologue. */
bool http1_is_connect(const struct http1 *http);
void http1_describe(const struct http1 *http, const struct stream streams[2],
                    struct observe_state *out);
/** Method and status only, for connections that have left HTTP. */
void http1_describe_last(const struct http1 *http, struct observe_state *out);
extern const struct parser http1_parser;

/* http1_head.c */

enum http1_line {
    HTTP1_LINE_NO,
    HTTP1_LINE_PARTIAL, /**< may become one */
    HTTP1_LINE_BEGUN,   /**< incomplete, but surely one: a well-known method and a target */
    HTTP1_LINE_YES,
};

/** Numbers of the methods that framing depends on; others have names only. */
enum http1_method {
    HTTP1_METHOD_NONE,
    HTTP1_METHOD_OTHER,
    HTTP1_METHOD_HEAD,
    HTTP1_METHOD_CONNECT,
    HTTP1_METHOD_KNOWN, /**< this and above: index into the table of names */
};

/** Whether @bytes begin with the request line of an HTTP/1.x request. */
enum http1_line http1_request_line(const uint8_t *bytes, size_t length);
/** The method of a request line: its number, and its name in @other when it has none. */
uint8_t http1_read_method(const uint8_t *bytes, size_t length, char other[HTTP1_METHOD_MAX + 1]);
/** Name of a method with a number above HTTP1_METHOD_OTHER. */
const char *http1_method_name(uint8_t method);
/** The target of a request line; @target_length gets its length. */
const char *http1_read_target(const uint8_t *bytes, size_t length, size_t *target_length);
/** The status code of a status line, or 0 when it is none. */
unsigned http1_read_status(const uint8_t *bytes, size_t length);
/** Reads a field line of a head into @fields. */
void http1_read_field(struct http1_fields *fields, const uint8_t *bytes, size_t length);
/** The size on a chunk's size line; false when it is none. */
bool http1_read_chunk_size(const uint8_t *bytes, size_t length, uint64_t *size);
/** Whether the line holds its line end only (CRLF, or LF as RFC 9112 section 2.2 tolerates). */
bool http1_is_empty_line(const uint8_t *bytes, size_t length);

#endif
