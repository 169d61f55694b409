/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two hellos say, in the form that outlives their bytes. */
#include "observe/tls.h"

#include <string.h>

#include "bytes/strbuf.h"
#include "bytes/zeroed.h"
#include "limits.h"

enum {
    EXTENSION_ALPN = 16,
    EXTENSION_SUPPORTED_VERSIONS = 43,
};

static char *text_of(const struct strbuf *text)
{
    return g_strndup(text->text, text->length);
}

/** Clients ask for the same few names: one copy of each will do, where the shared ones have room.
 */
static void keep_server_name(struct names *texts, const struct strbuf *text, uint64_t hash,
                             struct observe_hello *result)
{
    result->sni_number = names_take(texts, text->text, hash);
    result->own_sni = result->sni_number ? NULL : text_of(text);
    result->sni = result->sni_number ? names_text(texts, result->sni_number) : result->own_sni;
}

/** All protocols, comma-separated; notes whether HTTP/2 is one of them. */
static char *protocols_text(const struct client_hello *hello, bool *h2)
{
    char buffer[LIMIT_HELLO_TEXT];
    struct strbuf text = strbuf_make(buffer, sizeof buffer);
    struct cursor list = hello->protocols;

    *h2 = false;
    while (cursor_left(&list) > 0) {
        uint8_t length = cursor_u8(&list);
        const uint8_t *name = cursor_take(&list, length);

        if (!name) {
            break;
        }
        if (text.length > 0) {
            strbuf_add_char(&text, ',');
        }
        strbuf_add_wire(&text, name, length);
        *h2 |= length == 2 && memcmp(name, "h2", 2) == 0;
    }
    return text_of(&text);
}

/** The highest version offered that has a name. */
static const char *version_text(const struct client_hello *hello)
{
    static const struct {
        uint16_t version;
        const char *name;
    } known[] = {
        {0x0304, "1.3"}, {0x0303, "1.2"}, {0x0302, "1.1"}, {0x0301, "1.0"}, {0x0300, "SSL 3.0"},
    };
    size_t best = G_N_ELEMENTS(known);
    struct cursor list = hello->versions;

    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        if (!hello->has_versions && known[i].version == hello->version) {
            best = i;
        }
    }
    while (cursor_left(&list) >= 2) {
        uint16_t value = cursor_be16(&list);

        for (size_t i = 0; i < best; i++) {
            if (known[i].version == value) {
                best = i;
            }
        }
    }
    return best < G_N_ELEMENTS(known) ? known[best].name : "";
}

struct observe_hello *tls_read_client_hello(struct tls *tls, const uint8_t *message, size_t length)
{
    char buffer[LIMIT_HELLO_TEXT];
    struct strbuf name = strbuf_make(buffer, sizeof buffer);
    struct client_hello hello;
    struct observe_hello *result;
    uint64_t hash;

    if (client_hello_parse(message, length, &hello) != HELLO_OK) {
        return NULL;
    }
    strbuf_add_wire(&name, hello.server_name.at, cursor_left(&hello.server_name));
    hash = names_seek(tls->cache->texts, name.text);
    result = zeroed_new(struct observe_hello);
    result->ja4_r = ja4_of(tls->cache, &hello, result->ja4, &result->ja4_number);
    names_fetch(tls->cache->texts, hash);
    result->alpn = protocols_text(&hello, &tls->offers_h2);
    result->version = version_text(&hello);
    keep_server_name(tls->cache->texts, &name, hash, result);
    tls->early_data = hello.early_data;
    return result;
}

void tls_hello_free(struct observe_hello *hello)
{
    if (hello) {
        g_free(hello->own_sni);
        g_free(hello->alpn);
        g_free(hello);
    }
}

/** RFC 8446 section 4.1.3: the ServerHello with this random is a HelloRetryRequest. */
static const uint8_t retry_random[32] = {
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
    0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
};

/** struct server_choice - what a ServerHello decides */
struct server_choice {
    uint16_t version;
    uint16_t cipher;
    bool retry;
    bool h2;
};

static void read_server_extensions(struct cursor *message, struct server_choice *choice)
{
    struct cursor extensions = cursor_sub(message, cursor_be16(message));

    while (!extensions.failed && cursor_left(&extensions) > 0) {
        uint16_t type = cursor_be16(&extensions);
        struct cursor body = cursor_sub(&extensions, cursor_be16(&extensions));

        if (type == EXTENSION_SUPPORTED_VERSIONS && cursor_left(&body) == 2) {
            choice->version = cursor_be16(&body);
        } else if (type == EXTENSION_ALPN) {
            /* One name: list length, name length, name (RFC 7301 section 3.1). */
            const uint8_t *name = cursor_skip(&body, 3) ? cursor_take(&body, 2) : NULL;

            choice->h2 = name && memcmp(name, "h2", 2) == 0 && cursor_left(&body) == 0;
        }
    }
}

void tls_read_server_hello(struct tls *tls, const uint8_t *message, size_t length)
{
    struct cursor c = cursor_make(message, length);
    struct server_choice choice = {0};
    const uint8_t *random;

    cursor_skip(&c, 4);
    choice.version = cursor_be16(&c);
    random = cursor_take(&c, sizeof retry_random);
    choice.retry = random && memcmp(random, retry_random, sizeof retry_random) == 0;
    cursor_skip(&c, cursor_u8(&c));
    choice.cipher = cursor_be16(&c);
    cursor_skip(&c, 1);
    if (!c.failed) {
        read_server_extensions(&c, &choice);
    }
    if (choice.retry) {
        tls->retry = true;
        return;
    }
    tls->server_hello = true;
    tls->version = choice.version;
    tls->cipher = choice.cipher;
    if (!tls_is_13(tls)) {
        /* In clear up to TLS 1.2, so that silence says no; encrypted in TLS 1.3. */
        tls->offers_h2 = choice.h2;
    }
}
