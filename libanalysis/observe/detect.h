/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Which protocol begins with these bytes. */
#ifndef OBSERVE_DETECT_H
#define OBSERVE_DETECT_H

#include <stddef.h>
#include <stdint.h>

#include "observe/observer.h"

enum detected {
    DETECT_NONE, /**< none known here */
    DETECT_MORE, /**< too few bytes to tell */
    DETECT_TLS,
    DETECT_SSLV2, /**< TLS whose ClientHello has SSL 2.0's framing */
    DETECT_HTTP1,
    DETECT_PROXY, /**< HAProxy's PROXY protocol header, before anything else */
    DETECT_SOCKS4,
    DETECT_SOCKS5,
    DETECT_POSTGRESQL,
    DETECT_MYSQL,
    DETECT_LDAP,
    DETECT_RDP,
    DETECT_XMPP,
    DETECT_TEXT, /**< lines: SMTP, IMAP, POP3, FTP... */
};

/**
 * What @side begins with. The answer for a beginning is the answer for the whole, or DETECT_MORE:
 * it does not depend on how the bytes were split.
 */
enum detected detect_start(enum observe_side side, const uint8_t *bytes, size_t length);

/** What a segment in the middle of a stream shows: DETECT_TLS, DETECT_HTTP1 or DETECT_NONE. */
enum detected detect_middle(enum observe_side side, const uint8_t *bytes, size_t length);

/** Whether @bytes begin a TLS record with a ClientHello (at least 6 bytes). */
bool detect_is_client_hello(const uint8_t *bytes, size_t length);
/** Whether they do, or may do so when more have come. */
bool detect_may_be_client_hello(const uint8_t *bytes, size_t length);

#endif
