/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagnose/network.h"

#include <string.h>

#include <glib.h>

#include "diagnose/endpoint.h"

static unsigned width(const struct network *network)
{
    return network->version == 4 ? 32 : 128;
}

/* How many bits the addresses have in common, @most at most. */
static unsigned common_bits(const uint8_t a[16], const uint8_t b[16], unsigned most)
{
    unsigned bits = 0;

    while (bits < most && !((a[bits / 8] ^ b[bits / 8]) >> (7 - bits % 8) & 1)) {
        bits++;
    }
    return bits;
}

void network_add(struct network *network, uint8_t version, const uint8_t address[16])
{
    if (network->version == 0) {
        network->version = version;
        memcpy(network->address, address, sizeof network->address);
        network->bits = width(network);
    }
    network->bits = common_bits(network->address, address, network->bits);
}

bool network_has(const struct network *network, const uint8_t address[16])
{
    return common_bits(network->address, address, network->bits) == network->bits;
}

bool network_is_narrow(const struct network *network)
{
    return network->version && network->bits >= width(network) / 4;
}

void network_text(const struct network *network, char *text, size_t size)
{
    uint8_t address[16] = {0};
    char name[48];

    for (unsigned i = 0; i < network->bits; i++) {
        address[i / 8] |= network->address[i / 8] & (0x80 >> i % 8);
    }
    endpoint_text(name, sizeof name, network->version, address, 0, false);
    g_snprintf(text, size, "%s/%u", name, network->bits);
}
