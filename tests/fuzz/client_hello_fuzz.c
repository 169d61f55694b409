/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client_hello_parse() and ja4_of(): views stay inside the message, a beginning is incomplete or
 * malformed but never complete, a fingerprint has its shape and does not depend on the cache.
 */
#include <ctype.h>
#include <string.h>

#include "fuzz.h"
#include "limits.h"
#include "observe/ja4.h"

static void require_inside(struct cursor view, const uint8_t *data, size_t size)
{
    require(view.at == view.end || (view.at >= data && view.end <= data + size));
}

static void check_ja4(const struct client_hello *hello)
{
    struct ja4_cache cache;
    char first[JA4_LENGTH + 1];
    char second[JA4_LENGTH + 1];
    uint32_t number;
    char *raw;

    ja4_cache_init(&cache);
    raw = ja4_of(&cache, hello, first, &number);
    require(ja4_of(&cache, hello, second, &number) == raw);
    require(strcmp(first, second) == 0 && strlen(first) == JA4_LENGTH);
    require(first[0] == 't' && first[10] == '_' && first[23] == '_');
    require(isdigit(first[4]) && isdigit(first[5]) && isdigit(first[6]) && isdigit(first[7]));
    require(!raw || (strlen(raw) <= LIMIT_JA4_RAW && strncmp(raw, first, 11) == 0));
    require(g_hash_table_size(cache.entries) == (raw ? 1 : 0));
    ja4_cache_clear(&cache);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct client_hello hello;
    struct client_hello part;
    enum hello_result result = client_hello_parse(data, size, &hello);

    if (result != HELLO_OK) {
        return 0;
    }
    require_inside(hello.cipher_suites, data, size);
    require_inside(hello.extensions, data, size);
    require_inside(hello.versions, data, size);
    require_inside(hello.server_name, data, size);
    require_inside(hello.protocols, data, size);
    require_inside(hello.signature_algorithms, data, size);
    check_ja4(&hello);
    /* The message's own length, not the bytes behind it, says where it ends. */
    size = 4 + ((size_t)data[1] << 16 | (size_t)data[2] << 8 | data[3]);
    require(client_hello_parse(data, size, &part) == HELLO_OK);
    require(client_hello_parse(data, size - 1, &part) == HELLO_INCOMPLETE);
    return 0;
}
