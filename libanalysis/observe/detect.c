/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Detection by first bytes. Each signature says yes, no or perhaps, and exclusive first bytes keep
 * the answer independent of how many bytes have come.
 */
#include "observe/detect.h"

#include <string.h>

#include <glib.h>

#include "bytes/cursor.h"
#include "limits.h"
#include "observe/http1.h"
#include "observe/tls.h"

enum match { MATCH_NO, MATCH_PERHAPS, MATCH_YES };

typedef enum match signature(const uint8_t *bytes, size_t length);

/** Compares with a fixed text; @fold: letters of either case. */
static enum match match_text(const uint8_t *bytes, size_t length, const char *text, bool fold)
{
    size_t full, n;
    bool same;

    if (length > 0 && (bytes[0] | 0x20) != (text[0] | 0x20)) {
        return MATCH_NO; /* nearly always: the texts are many */
    }
    full = strlen(text);
    n = MIN(length, full);
    same =
        fold ? g_ascii_strncasecmp((const char *)bytes, text, n) == 0 : memcmp(bytes, text, n) == 0;

    if (!same) {
        return MATCH_NO;
    }
    return length >= full ? MATCH_YES : MATCH_PERHAPS;
}

/** The best match among texts. */
static enum match match_texts(const uint8_t *bytes, size_t length, const char *const *texts,
                              size_t count, bool fold)
{
    enum match best = MATCH_NO;

    for (size_t i = 0; i < count; i++) {
        best = MAX(best, match_text(bytes, length, texts[i], fold));
    }
    return best;
}

/** A handshake record: 22, major version 3; on a stream's start only a ClientHello begins so. */
static enum match tls_start(const uint8_t *bytes, size_t length)
{
    struct cursor c = cursor_make(bytes, length);
    uint8_t type = cursor_u8(&c);
    uint8_t major = cursor_u8(&c);
    uint8_t minor = cursor_u8(&c);

    if (type != TLS_HANDSHAKE || (length > 1 && major != 3) || (length > 2 && minor > 4)) {
        return MATCH_NO;
    }
    return length > 2 ? MATCH_YES : MATCH_PERHAPS;
}

/** A record with a ServerHello: its ClientHello was not captured. */
static enum match tls_server_start(const uint8_t *bytes, size_t length)
{
    enum match match = tls_start(bytes, length);
    struct cursor c = cursor_make(bytes, length);

    cursor_skip(&c, TLS_RECORD_HEADER);
    if (match == MATCH_YES) {
        match = cursor_u8(&c) == 2 ? MATCH_YES : MATCH_NO;
        match = c.failed ? MATCH_PERHAPS : match;
    }
    return match;
}

/** SSL 2.0 framing of a ClientHello for version 3.x (RFC 5246 appendix E.2). */
static enum match sslv2_start(const uint8_t *bytes, size_t length)
{
    struct cursor c = cursor_make(bytes, length);
    uint16_t header = cursor_be16(&c);
    uint8_t type = cursor_u8(&c);
    uint8_t major = cursor_u8(&c);
    uint8_t minor = cursor_u8(&c);
    uint16_t ciphers = cursor_be16(&c);
    uint16_t session = cursor_be16(&c);
    uint16_t challenge = cursor_be16(&c);
    struct cursor first = cursor_make(bytes, length);

    if ((cursor_u8(&first) & 0x80) == 0 || (length > 2 && type != 1) ||
        (length > 3 && major != 3) || (length > 4 && minor > 4)) {
        return MATCH_NO;
    }
    if (c.failed) {
        return MATCH_PERHAPS;
    }
    return ciphers % 3 == 0 && ciphers > 0 && (header & 0x7fff) == 9 + ciphers + session + challenge
               ? MATCH_YES
               : MATCH_NO;
}

/** A well-known method and a target decide, whatever follows: the parser finds out the rest. */
static enum match http_request_start(const uint8_t *bytes, size_t length)
{
    const uint8_t *end = memchr(bytes, '\n', length);
    enum http1_line line = http1_request_line(bytes, end ? (size_t)(end - bytes) : length);

    if (line != HTTP1_LINE_BEGUN) {
        line = http1_request_line(bytes, length);
    }
    switch (line) {
    case HTTP1_LINE_NO:
        return MATCH_NO;
    case HTTP1_LINE_PARTIAL:
        return MATCH_PERHAPS;
    default:
        return MATCH_YES;
    }
}

static enum match http_response_start(const uint8_t *bytes, size_t length)
{
    return match_text(bytes, length, "HTTP/1.", false);
}

/** HAProxy's proxy-protocol.txt sections 2.1 and 2.2. */
static enum match proxy_start(const uint8_t *bytes, size_t length)
{
    static const char *const texts[] = {"PROXY TCP", "PROXY UNKNOWN"};
    static const uint8_t version2[] = "\r\n\r\n\0\r\nQUIT";
    size_t full = sizeof version2 - 1;

    if (memcmp(bytes, version2, MIN(length, full)) == 0) {
        return length >= full ? MATCH_YES : MATCH_PERHAPS;
    }
    return match_texts(bytes, length, texts, G_N_ELEMENTS(texts), false);
}

/* No standard bounds the name, real ones have a few characters. */
#define SOCKS4_NAME_MAX 256u

/** SOCKS 4: version, CONNECT or BIND, a port. The user name after the address is printable. */
static enum match socks4_start(const uint8_t *bytes, size_t length)
{
    struct cursor c = cursor_make(bytes, length);
    uint8_t version = cursor_u8(&c);
    uint8_t command = cursor_u8(&c);
    uint16_t port = cursor_be16(&c);
    unsigned name = 0;

    if (version != 4 || (length > 1 && (command < 1 || command > 2)) || (length > 3 && port == 0)) {
        return MATCH_NO;
    }
    if (!cursor_skip(&c, 4)) {
        return MATCH_PERHAPS;
    }
    while (cursor_left(&c) > 0) {
        uint8_t byte = cursor_u8(&c);

        if (byte == 0) {
            return MATCH_YES;
        }
        if (!g_ascii_isprint(byte) || ++name > SOCKS4_NAME_MAX) {
            return MATCH_NO;
        }
    }
    return MATCH_PERHAPS;
}

/** SOCKS 5 (RFC 1928 section 3): version, number of methods, methods: assigned or private ones. */
static enum match socks5_start(const uint8_t *bytes, size_t length)
{
    struct cursor c = cursor_make(bytes, length);
    uint8_t version = cursor_u8(&c);
    uint8_t count = cursor_u8(&c);

    if (version != 5 || (length > 1 && (count == 0 || count > 16))) {
        return MATCH_NO;
    }
    for (unsigned i = 0; i < count && cursor_left(&c) > 0; i++) {
        uint8_t method = cursor_u8(&c);

        if (method > 9 && method < 0x80) {
            return MATCH_NO;
        }
    }
    return length >= 2u + count && length > 2 ? MATCH_YES : MATCH_PERHAPS;
}

/** SSLRequest or GSSENCRequest: length 8 and a code (PostgreSQL manual, message formats). */
static enum match postgresql_start(const uint8_t *bytes, size_t length)
{
    static const uint8_t request[] = {0, 0, 0, 8, 0x04, 0xd2, 0x16};
    size_t n = MIN(length, sizeof request);
    struct cursor c = cursor_make(bytes, length);
    uint8_t last;

    if (memcmp(bytes, request, n) != 0) {
        return MATCH_NO;
    }
    cursor_skip(&c, sizeof request);
    last = cursor_u8(&c);
    if (c.failed) {
        return MATCH_PERHAPS;
    }
    return last == 0x2f || last == 0x30 ? MATCH_YES : MATCH_NO;
}

/** LDAPMessage: SEQUENCE, a message number of one byte, a request's tag (RFC 4511 section 4.1.1).
 */
static enum match ldap_start(const uint8_t *bytes, size_t length)
{
    static const uint8_t requests[] = {0x60, 0x63, 0x77};
    struct cursor c = cursor_make(bytes, length);
    uint8_t tag = cursor_u8(&c);
    uint8_t first = cursor_u8(&c);

    if (tag != 0x30) {
        return MATCH_NO;
    }
    if (first > 0x80) {
        if (first > 0x84) {
            return MATCH_NO;
        }
        cursor_skip(&c, first & 0x7f);
    }
    if (c.failed) {
        return MATCH_PERHAPS;
    }
    for (unsigned i = 0; i < 4 && cursor_left(&c) > 0; i++) {
        uint8_t byte = cursor_u8(&c);

        if ((i == 0 && byte != 2) || (i == 1 && byte != 1) ||
            (i == 3 && !memchr(requests, byte, sizeof requests))) {
            return MATCH_NO;
        }
        if (i == 3) {
            return MATCH_YES;
        }
    }
    return MATCH_PERHAPS;
}

/** Remote Desktop: TPKT (RFC 1006) with an X.224 connection request. */
static enum match rdp_start(const uint8_t *bytes, size_t length)
{
    struct cursor c = cursor_make(bytes, length);
    uint16_t version = cursor_be16(&c);
    uint16_t total = cursor_be16(&c);
    uint8_t rest = cursor_u8(&c);
    uint8_t code = cursor_u8(&c);
    struct cursor first = cursor_make(bytes, length);

    if (c.failed) {
        return cursor_u8(&first) == 3 && (length < 2 || cursor_u8(&first) == 0) ? MATCH_PERHAPS
                                                                                : MATCH_NO;
    }
    return version == 0x0300 && total >= 11 && rest == total - 5 && code == 0xe0 ? MATCH_YES
                                                                                 : MATCH_NO;
}

static enum match xmpp_start(const uint8_t *bytes, size_t length)
{
    static const char *const texts[] = {"<?xml ", "<stream:stream"};

    return match_texts(bytes, length, texts, G_N_ELEMENTS(texts), false);
}

/** Clients of line protocols that do not wait for a greeting, or that speak first (NoMachine). */
static enum match text_client_start(const uint8_t *bytes, size_t length)
{
    static const char *const texts[] = {
        "EHLO ",        "HELO ",    "LHLO ",    "STARTTLS\r\n", "AUTH TLS\r\n",
        "AUTH SSL\r\n", "STLS\r\n", "CAPA\r\n", "NXSH-",
    };

    return match_texts(bytes, length, texts, G_N_ELEMENTS(texts), true);
}

/** Greetings of SMTP and FTP, POP3, IMAP, NNTP and ManageSieve. */
static enum match text_server_start(const uint8_t *bytes, size_t length)
{
    static const char *const texts[] = {"220 ",      "220-", "+OK",  "* OK",
                                        "* PREAUTH", "200 ", "201 ", "\"IMPLEMENTATION\""};

    return match_texts(bytes, length, texts, G_N_ELEMENTS(texts), true);
}

/** MySQL's first packet: number 0, protocol 10, a version that begins with a digit. */
static enum match mysql_start(const uint8_t *bytes, size_t length)
{
    struct cursor c = cursor_make(bytes, length);
    uint8_t low = cursor_u8(&c);
    uint8_t middle = cursor_u8(&c);
    uint8_t high = cursor_u8(&c);
    uint8_t number = cursor_u8(&c);
    uint8_t protocol = cursor_u8(&c);
    uint8_t version = cursor_u8(&c);

    if ((length > 1 && middle > 1) || (length > 2 && (high != 0 || low + (middle << 8) < 40)) ||
        (length > 3 && number != 0) || (length > 4 && protocol != 10)) {
        return MATCH_NO;
    }
    if (c.failed) {
        return MATCH_PERHAPS;
    }
    return g_ascii_isdigit(version) ? MATCH_YES : MATCH_NO;
}

struct candidate {
    enum detected detected;
    signature *matches;
};

static const struct candidate client_candidates[] = {
    {DETECT_TLS, tls_start},
    {DETECT_SSLV2, sslv2_start},
    {DETECT_PROXY, proxy_start},
    {DETECT_TEXT, text_client_start},
    {DETECT_HTTP1, http_request_start},
    {DETECT_SOCKS4, socks4_start},
    {DETECT_SOCKS5, socks5_start},
    {DETECT_POSTGRESQL, postgresql_start},
    {DETECT_LDAP, ldap_start},
    {DETECT_RDP, rdp_start},
    {DETECT_XMPP, xmpp_start},
};

static const struct candidate server_candidates[] = {
    {DETECT_HTTP1, http_response_start},
    {DETECT_TEXT, text_server_start},
    {DETECT_MYSQL, mysql_start},
    {DETECT_TLS, tls_server_start},
};

static enum detected detect(const struct candidate *candidates, size_t count, const uint8_t *bytes,
                            size_t length)
{
    enum detected result = DETECT_NONE;

    if (length == 0) {
        return DETECT_MORE;
    }
    for (size_t i = 0; i < count; i++) {
        enum match match = candidates[i].matches(bytes, length);

        if (match == MATCH_YES) {
            return candidates[i].detected;
        }
        if (match == MATCH_PERHAPS) {
            result = DETECT_MORE;
        }
    }
    return length > LIMIT_HTTP_LINE ? DETECT_NONE : result;
}

enum detected detect_start(enum observe_side side, const uint8_t *bytes, size_t length)
{
    if (side == OBSERVE_CLIENT) {
        return detect(client_candidates, G_N_ELEMENTS(client_candidates), bytes, length);
    }
    return detect(server_candidates, G_N_ELEMENTS(server_candidates), bytes, length);
}

bool detect_is_client_hello(const uint8_t *bytes, size_t length)
{
    struct cursor c = cursor_make(bytes, length);

    if (!tls_is_record(bytes, length) || cursor_u8(&c) != TLS_HANDSHAKE) {
        return false;
    }
    cursor_skip(&c, TLS_RECORD_HEADER - 1);
    return cursor_u8(&c) == 1 && !c.failed;
}

bool detect_may_be_client_hello(const uint8_t *bytes, size_t length)
{
    return length > TLS_RECORD_HEADER ? detect_is_client_hello(bytes, length)
                                      : tls_start(bytes, length) != MATCH_NO;
}

enum detected detect_middle(enum observe_side side, const uint8_t *bytes, size_t length)
{
    bool http = side == OBSERVE_CLIENT ? http1_request_line(bytes, length) >= HTTP1_LINE_BEGUN
                                       : http_response_start(bytes, length) == MATCH_YES;

    if (tls_is_record(bytes, length) && length > TLS_RECORD_HEADER) {
        return DETECT_TLS;
    }
    return http ? DETECT_HTTP1 : DETECT_NONE;
}
