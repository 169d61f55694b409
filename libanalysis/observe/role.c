/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which side sends such a payload, for connections whose SYN was not captured. */
#include <string.h>

#include <glib.h>

#include "bytes/cursor.h"
#include "observe/detect.h"
#include "observe/observer.h"
#include "observe/tls.h"

enum {
    ROLE_CLIENT = 1,
    ROLE_SERVER = -1,
    ROLE_UNKNOWN = 0,
    MESSAGE_CLIENT_HELLO = 1,
    MESSAGE_CLIENT_KEY_EXCHANGE = 16,
};

/** Handshake messages in clear: 2 to 14 and 22 are a server's, 1 and 16 a client's (RFC 5246). */
static int tls_role(const uint8_t *data, uint32_t captured)
{
    struct cursor c = cursor_make(data, captured);
    uint8_t type;
    uint8_t message;

    type = cursor_u8(&c);
    cursor_skip(&c, TLS_RECORD_HEADER - 1);
    message = cursor_u8(&c);
    if (!tls_is_record(data, captured) || type != TLS_HANDSHAKE || c.failed) {
        return ROLE_UNKNOWN;
    }
    if (message == MESSAGE_CLIENT_HELLO || message == MESSAGE_CLIENT_KEY_EXCHANGE) {
        return ROLE_CLIENT;
    }
    return message == 2 || message == 4 || message == 12 || message == 14 || message == 22
               ? ROLE_SERVER
               : ROLE_UNKNOWN;
}

/** Banners of servers that speak first; SSH's is the same on both sides and says nothing. */
static bool is_banner(const uint8_t *data, uint32_t captured)
{
    static const char *const banners[] = {"RFB 00", "@RSYNCD:"};

    for (size_t i = 0; i < G_N_ELEMENTS(banners); i++) {
        size_t n = strlen(banners[i]);

        if (captured >= n && memcmp(data, banners[i], n) == 0) {
            return true;
        }
    }
    return false;
}

int observe_guess_role(const uint8_t *data, uint32_t captured)
{
    int role = captured > 0 ? tls_role(data, captured) : ROLE_UNKNOWN;

    if (captured == 0 || role != ROLE_UNKNOWN) {
        return role;
    }
    switch (detect_start(OBSERVE_CLIENT, data, captured)) {
    case DETECT_NONE:
    case DETECT_MORE:
    case DETECT_TLS:
        break;
    default:
        return ROLE_CLIENT;
    }
    switch (detect_start(OBSERVE_SERVER, data, captured)) {
    case DETECT_NONE:
    case DETECT_MORE:
        return is_banner(data, captured) ? ROLE_SERVER : ROLE_UNKNOWN;
    default:
        return ROLE_SERVER;
    }
}
