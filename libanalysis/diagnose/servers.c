/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagnose/servers.h"

#include <string.h>

#include "bytes/hash.h"

guint server_hash(gconstpointer server)
{
    return (guint)hash_bytes(server, sizeof(struct server_key));
}

gboolean server_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(struct server_key)) == 0;
}

guint servers_hash_address(gconstpointer address)
{
    return (guint)hash_bytes(address, 16);
}

gboolean servers_equal_addresses(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, 16) == 0;
}

void servers_init(struct servers *servers)
{
    *servers = (struct servers){.keys = g_hash_table_new(server_hash, server_equal)};
}

void servers_clear(struct servers *servers)
{
    g_hash_table_unref(servers->keys);
}

/* Its bit: cheap, and good enough to tell few servers from many. */
static unsigned bit_of(const struct server_key *server)
{
    uint64_t halves[2];
    uint64_t word;

    memcpy(halves, server->address, sizeof halves);
    word = (halves[0] ^ halves[1] ^ server->port) * UINT64_C(0x9e3779b97f4a7c15);
    return (unsigned)(word >> 52) % SERVERS_BITS;
}

void servers_add(struct servers *servers, const struct server_key *server)
{
    unsigned bit = bit_of(server);

    servers->bits[bit / 64] |= UINT64_C(1) << bit % 64;
    g_hash_table_add(servers->keys, (gpointer)server);
}

bool servers_have(const struct servers *servers, const struct server_key *server)
{
    unsigned bit = bit_of(server);

    return servers->bits[bit / 64] >> bit % 64 & 1 && g_hash_table_contains(servers->keys, server);
}
