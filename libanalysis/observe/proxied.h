/* SPDX-License-Identifier: GPL-2.0-or-later */
/** What a client asks of a proxy and is answered: noted by the readers of CONNECT and of SOCKS. */
#ifndef OBSERVE_PROXIED_H
#define OBSERVE_PROXIED_H

#include <stddef.h>

#include "observe/observer.h"

/** A request begins, in place of an earlier one in *@proxy, which is made when NULL. */
void proxied_ask(struct observe_proxy **proxy, enum observe_proxy_kind kind);
/** Its target: a host of @length bytes and a port, or the two as one text when @port is negative.
 *  @proxy may be NULL, here and below. */
void proxied_target(struct observe_proxy *proxy, const void *host, size_t length, int port);
/** The same of an address in network order, of 4 or 16 bytes. */
void proxied_address(struct observe_proxy *proxy, const uint8_t *address, size_t length, int port);
/** The answer's head is complete, as of @frame. */
void proxied_answer(struct observe_proxy *proxy, bool granted, uint16_t reply, uint64_t frame);

#endif
