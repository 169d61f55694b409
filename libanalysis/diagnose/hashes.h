/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Hashes of what connections are counted by: those of a pair and its ClientHellos are made of
 * their parts', since each connection needs all of them. */
#ifndef DIAGNOSE_HASHES_H
#define DIAGNOSE_HASHES_H

#include "bytes/hash.h"

static inline uint64_t hash_client(const uint8_t address[16])
{
    return hash_address(address, 0);
}

static inline uint64_t hash_server(uint8_t version, const uint8_t address[16], uint16_t port)
{
    return hash_address(address, (uint64_t)version << 16 | port);
}

/** @server, @client: of its two ends. */
static inline uint64_t hash_pair(uint64_t server, uint64_t client)
{
    return hash_with(server, client);
}

/** @pair: of whoever says it to whom. */
static inline uint64_t hash_hello(uint64_t pair, uint32_t name, uint32_t ja4)
{
    return hash_with(pair, (uint64_t)name << 32 | ja4);
}

/** Of a text's number. */
static inline uint64_t hash_number(uint32_t number)
{
    return hash_with(number, number);
}

#endif
