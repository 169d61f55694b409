/* SPDX-License-Identifier: GPL-2.0-or-later */
/** The smallest network that has some addresses in it. */
#ifndef DIAGNOSE_NETWORK_H
#define DIAGNOSE_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** struct network - @version: 4 or 6, 0 = none was added; @bits: those that all have in common */
struct network {
    uint8_t version;
    uint8_t address[16];
    unsigned bits;
};

void network_add(struct network *network, uint8_t version, const uint8_t address[16]);
bool network_has(const struct network *network, const uint8_t address[16]);
/** Whether it is one: everybody has a few bits in common. */
bool network_is_narrow(const struct network *network);
/** "192.0.2.0/24" */
void network_text(const struct network *network, char *text, size_t size);

#endif
