/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Every bound of the library, with its reason. Hitting one is counted and reported. */
#ifndef LIMITS_H
#define LIMITS_H

/** Bytes of one unfinished ClientHello: RFC 8446 allows 2^24, clients send under 4 KiB (with
 *  post-quantum key shares), so 64 KiB leaves room for all but attacks. */
#define LIMIT_CLIENT_HELLO (64u * 1024)

/** Bytes of one HTTP/1.x head line or field line kept while incomplete (servers refuse above 8 KiB
 *  by default); the rest of a longer line is skipped. */
#define LIMIT_HTTP_LINE (8u * 1024)

/** Requests waiting for their response on one connection (HTTP/1.x pipelining). */
#define LIMIT_HTTP_PIPELINE 64u

/** Entries of the cache from ClientHello contents to JA4; clients repeat a few thousand. */
#define LIMIT_JA4_CACHE 4096u

/** Out-of-order payload kept per side until the hole fills: what matters to observers is heads. */
#define LIMIT_REASSEMBLY_BYTES (256u * 1024)

/** Out-of-order pieces kept per side. */
#define LIMIT_REASSEMBLY_PIECES 256u

/** Nested headers decoded in one frame (VLAN, MPLS, tunnels, extension headers). */
#define LIMIT_HEADERS 32u

/** IP datagrams under reassembly at once, bytes of each (the IP maximum) and capture seconds that
 *  an incomplete one is kept (RFC 791: the reassembly timer). */
#define LIMIT_FRAGMENT_DATAGRAMS 256u
#define LIMIT_FRAGMENT_BYTES (65535u)
#define LIMIT_FRAGMENT_SECONDS 30u

#endif
