/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Reassembly of IPv4 and IPv6 fragments, within bounds. */
#ifndef DECODE_FRAGMENTS_H
#define DECODE_FRAGMENTS_H

#include "decode/packet.h"

struct fragments;

/**
 * struct fragment - one fragment's place
 * @id:       identification: 16 bits in IPv4, 32 in IPv6
 * @offset:   of its first byte in the datagram's payload
 * @more:     others follow
 * @protocol: IPv4 protocol or IPv6 next header
 */
struct fragment {
    uint32_t id;
    uint32_t offset;
    bool more;
    uint8_t protocol;
};

struct fragments *fragments_new(void);
void fragments_free(struct fragments *fragments);
bool fragments_add(struct packet *p, const struct fragment *fragment);
void fragments_finish(struct whyrst_decoder *decoder);

#endif
