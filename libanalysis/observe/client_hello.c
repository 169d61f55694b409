/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ClientHello's shape (RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2). */
#include "observe/client_hello.h"

enum {
    HANDSHAKE_CLIENT_HELLO = 1,
    SESSION_ID_MAX = 32,
    NAME_TYPE_HOST = 0,
};

enum {
    EXTENSION_SERVER_NAME = 0,
    EXTENSION_SIGNATURE_ALGORITHMS = 13,
    EXTENSION_ALPN = 16,
    EXTENSION_EARLY_DATA = 42,
    EXTENSION_SUPPORTED_VERSIONS = 43,
};

/** A vector with a 16-bit length; empty when the length contradicts the bytes there. */
static struct cursor vector16(struct cursor body)
{
    uint16_t length = cursor_be16(&body);
    struct cursor vector = cursor_sub(&body, length);

    return vector.failed ? cursor_make(NULL, 0) : vector;
}

/** The first host_name of a server_name extension (RFC 6066 section 3). */
static struct cursor host_name(struct cursor body)
{
    struct cursor list = vector16(body);

    while (cursor_left(&list) > 0) {
        uint8_t type = cursor_u8(&list);
        struct cursor name = cursor_sub(&list, cursor_be16(&list));

        if (list.failed) {
            break;
        }
        if (type == NAME_TYPE_HOST) {
            return name;
        }
    }
    return cursor_make(NULL, 0);
}

/** Notes one extension. A body that cannot be read counts as there, and empty (JA4 counts it). */
static void note_extension(struct client_hello *hello, uint16_t type, struct cursor body)
{
    switch (type) {
    case EXTENSION_SERVER_NAME:
        if (!hello->has_server_name) {
            hello->server_name = host_name(body);
        }
        hello->has_server_name = true;
        break;
    case EXTENSION_SIGNATURE_ALGORITHMS:
        hello->signature_algorithms = vector16(body);
        break;
    case EXTENSION_ALPN:
        hello->protocols = vector16(body);
        break;
    case EXTENSION_EARLY_DATA:
        hello->early_data = true;
        break;
    case EXTENSION_SUPPORTED_VERSIONS: {
        uint8_t length = cursor_u8(&body);
        struct cursor versions = cursor_sub(&body, length);

        hello->versions = versions.failed ? cursor_make(NULL, 0) : versions;
        hello->has_versions = true;
        break;
    }
    default:
        break;
    }
}

static enum hello_result parse_extensions(struct cursor message, struct client_hello *hello)
{
    struct cursor extensions;

    if (cursor_left(&message) == 0) {
        /* TLS 1.2 and older may end here (RFC 5246 section 7.4.1.2). */
        return HELLO_OK;
    }
    extensions = cursor_sub(&message, cursor_be16(&message));
    hello->extensions = extensions;
    while (!extensions.failed && cursor_left(&extensions) > 0) {
        uint16_t type = cursor_be16(&extensions);
        struct cursor body = cursor_sub(&extensions, cursor_be16(&extensions));

        if (!extensions.failed) {
            note_extension(hello, type, body);
        }
    }
    return extensions.failed || message.failed ? HELLO_MALFORMED : HELLO_OK;
}

static enum hello_result parse_body(struct cursor message, struct client_hello *hello)
{
    uint16_t cipher_length;
    uint8_t session_id_length;

    hello->version = cursor_be16(&message);
    cursor_skip(&message, 32); /* random */
    session_id_length = cursor_u8(&message);
    cursor_skip(&message, session_id_length);
    cipher_length = cursor_be16(&message);
    hello->cipher_suites = cursor_sub(&message, cipher_length);
    cursor_skip(&message, cursor_u8(&message)); /* legacy_compression_methods */
    if (message.failed || session_id_length > SESSION_ID_MAX || cipher_length % 2) {
        return HELLO_MALFORMED;
    }
    return parse_extensions(message, hello);
}

enum hello_result client_hello_parse(const uint8_t *data, size_t length, struct client_hello *hello)
{
    struct cursor c = cursor_make(data, length);
    struct cursor message;
    uint8_t type;

    *hello = (struct client_hello){0};
    if (length == 0) {
        return HELLO_INCOMPLETE;
    }
    type = cursor_u8(&c);
    if (type != HANDSHAKE_CLIENT_HELLO) {
        return HELLO_MALFORMED;
    }
    message = cursor_sub(&c, cursor_be24(&c));
    if (c.failed) {
        return HELLO_INCOMPLETE;
    }
    return parse_body(message, hello);
}
