/* SPDX-License-Identifier: GPL-2.0-or-later */
/** A TLS ClientHello as a plain struct: views into its bytes, nothing interpreted beyond the shape.
 */
#ifndef OBSERVE_CLIENT_HELLO_H
#define OBSERVE_CLIENT_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes/cursor.h"

enum hello_result {
    HELLO_OK = 0,
    HELLO_MALFORMED = -1,  /**< lengths contradict each other, or another message */
    HELLO_INCOMPLETE = -2, /**< a correct beginning; more bytes must follow */
};

/**
 * struct client_hello - the parts of a ClientHello (RFC 8446 section 4.1.2), borrowed
 * @version:              legacy_version
 * @cipher_suites:        16-bit values
 * @extensions:           the whole block: type, length, body of each; empty when there is none
 * @versions:             16-bit values of supported_versions, when @has_versions
 * @server_name:          first host_name; empty when absent or unreadable
 * @protocols:            ALPN: one-byte length and name of each
 * @signature_algorithms: 16-bit values
 * @has_server_name:      the extension is there, whatever it holds
 * @early_data:           the client means to send 0-RTT data
 */
struct client_hello {
    uint16_t version;
    struct cursor cipher_suites;
    struct cursor extensions;
    struct cursor versions;
    struct cursor server_name;
    struct cursor protocols;
    struct cursor signature_algorithms;
    bool has_versions;
    bool has_server_name;
    bool early_data;
};

/** Parses a handshake message (type and 24-bit length first) of which @length bytes are there. */
enum hello_result client_hello_parse(const uint8_t *data, size_t length,
                                     struct client_hello *hello);

/** Whether @value is one of the 16 values of RFC 8701 that mean nothing: 0x0a0a, 0x1a1a... */
static inline bool tls_is_grease(uint16_t value)
{
    return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

#endif
