/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Every bound of the library, with its reason. Hitting one is counted and reported. */

/* GCC's own <limits.h> looks for the system's by a relative path and finds this file first: pass
 * the real one on, each time. */
#include_next <limits.h>

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

/** Bytes of one unfinished ServerHello or HelloRetryRequest: the largest hold a post-quantum key
 *  share (1.2 KiB) or a cookie. */
#define LIMIT_SERVER_HELLO (4u * 1024)

/** Bytes of the text form of one SNI or ALPN list: a name has 255 at most, each may become U+FFFD
 *  (3 bytes); ALPN lists of real clients have under 100. */
#define LIMIT_HELLO_TEXT 1024u

/** Entries of the cache from ClientHello contents to JA4, and characters of one entry (JA4_r of
 *  real clients have 200 to 600). Entries are kept for good, since verdicts point to them; clients
 *  repeat a few thousand, and this many of the largest take 64 MiB. */
#define LIMIT_JA4_CACHE 16384u
#define LIMIT_JA4_RAW   4096u

/** Bytes of a stream in which a switch of protocol is looked for: STARTTLS comes within the first
 *  lines; where a capture begins in mid-stream, a TLS record or HTTP head soon begins a segment. */
#define LIMIT_PROLOGUE (64u * 1024)

/** Bytes kept of a side that sends before the other has said what they are (a client that does not
 *  wait for a proxy's answer): a ClientHello or a request head. */
#define LIMIT_HELD (16u * 1024)

/** Out-of-order payload kept per side until the hole fills: what matters to observers is heads. */
#define LIMIT_REASSEMBLY_BYTES (256u * 1024)

/** Out-of-order pieces kept per side. */
#define LIMIT_REASSEMBLY_PIECES 256u

/** Recent segments remembered over all connections (a power of two; 64 bytes each): about a round
 *  trip at a million packets per second, minutes on an ordinary link. */
#define LIMIT_RING (16u * 1024)

/** Entries of one connection looked at when searching for a trigger or a duplicate. */
#define LIMIT_RING_WALK 64u

/** Verdicts that wait for hindsight at once; beyond, the oldest becomes final early. */
#define LIMIT_PENDING 65536u

/** Connections kept before closed ones are dropped to make room (small captures keep all, so that
 *  stray late segments keep their stream number as in Wireshark), the capture time after its last
 *  segment that a closed one stays (TIME-WAIT of Linux and FreeBSD), and the same of a SYN that
 *  nobody answered or repeated (tcp(7): Linux gives up after 127 s). */
#define LIMIT_KEEP_CLOSED    65536u
#define LIMIT_CLOSED_SECONDS 60
#define LIMIT_SYN_SECONDS    130

/** Addresses and services whose habits are remembered. */
#define LIMIT_HOSTS 65536u

/** Server names and JA4s that a diagnosis tells apart (text of LIMIT_HELLO_TEXT each at most, under
 *  100 bytes as a rule). */
#define LIMIT_NAMES 16384u

/** Endpoints whose health is kept, and pairs of client and server, and combinations of client,
 *  server, name and JA4 that are compared: of more the busiest are kept. */
#define LIMIT_ENDPOINTS 8192u
#define LIMIT_PAIRS     32768u
#define LIMIT_HELLOS    32768u

/** Connections by which captures of the same traffic are known (8 bytes each). */
#define LIMIT_SKETCH 64u

/** Bytes that counts of captures take which may still be found to belong together: of more the
 * first are concluded, and only the endpoints' sums kept. */
#define LIMIT_ERAS (64u * 1024 * 1024)

/** JA4s whose connections are counted: of more the most frequent are kept. */
#define LIMIT_JA4S 4096u

/** Proxies' targets that are compared, of all proxies together; of more the busiest are kept. */
#define LIMIT_TUNNELS 8192u

/** Connections of one client to one server whose times are kept (the latest), resets of one server
 *  (the latest), spans of time of its handshakes, and of all together (24 bytes each). */
#define LIMIT_MOMENTS_EACH 1024u
#define LIMIT_ENDS         4096u
#define LIMIT_TIMELINE     512u
#define LIMIT_MOMENTS      524288u

/** RSTs that wait for the end of the capture, since other connections may explain them (1.5 KB
 *  each); beyond, the oldest goes out with what is known by then. */
#define LIMIT_HELD_RESETS 16384u

/** Clients and JA4s of one server that are looked into: those with most failures. */
#define LIMIT_SUSPECTS 64u

/** Frames that one finding shows, and resets of which an endpoint keeps the times. */
#define LIMIT_FINDING_FRAMES 12u
#define LIMIT_SAMPLE         64u

/** Endpoints without any trouble that are listed: the busiest; the others are summed up in one. */
#define LIMIT_HEALTHY 100u

/** Findings of each kind: a network scan meets thousands of closed ports. */
#define LIMIT_FINDINGS 20u

/** Client ports whose latest SYN is remembered (a power of two; 12 bytes each): it is asked for
 * within a round trip. */
#define LIMIT_RECENT_SYNS 32768u

/** Stream numbers whose connections are put in order at once when a capture has ended (8 bytes for
 *  each connection). */
#define LIMIT_LEAVING (256u * 1024)

/** Default for the most connections kept at once. */
#define LIMIT_CONNECTIONS (16u * 1024 * 1024)

/** Nested headers decoded in one frame (VLAN, MPLS, tunnels, extension headers). */
#define LIMIT_HEADERS 32u

/** IP datagrams under reassembly at once, bytes of each (the IP maximum) and capture seconds that
 *  an incomplete one is kept (RFC 791: the reassembly timer). */
#define LIMIT_FRAGMENT_DATAGRAMS 256u
#define LIMIT_FRAGMENT_BYTES     (65535u)
#define LIMIT_FRAGMENT_SECONDS   30u

/** Fragments of one datagram (as many as fit with 8 bytes each), and how many times over its bytes
 *  may come: captures from two points hold each fragment twice. */
#define LIMIT_FRAGMENT_PIECES   8192u
#define LIMIT_FRAGMENT_OVERLAPS 4u

/** First and largest size of the capture reader's buffer: a small file costs little; beyond 256 KiB
 *  read(2) gets little cheaper and the bytes drive all else out of the second-level cache. A longer
 *  record makes it grow, as its bytes arrive. */
#define LIMIT_READ_FIRST (64u * 1024)
#define LIMIT_READ_BLOCK (256u * 1024)

/** Longest packet that makes sense in a capture, as in Wireshark: 256 KiB for all link types but a
 *  few, 128 MiB for D-Bus messages and USB transfers. */
#define LIMIT_CAPTURE_PACKET         (256u * 1024)
#define LIMIT_CAPTURE_PACKET_LONGEST (128u * 1024 * 1024)

/** Longest pcapng packet block: the longest packet and 128 KiB of options, as in Wireshark. */
#define LIMIT_CAPTURE_BLOCK (LIMIT_CAPTURE_PACKET_LONGEST + 128u * 1024 + 32)

/** Longest pcapng interface description, whose options are read: real ones have under 1 KiB. */
#define LIMIT_CAPTURE_INTERFACE (16u * 1024 * 1024)

/** Interfaces of one pcapng section; real ones have under a hundred, and each costs 24 bytes. */
#define LIMIT_CAPTURE_INTERFACES (1024u * 1024)

#ifdef WHYRST_SMALL_LIMITS
#include "limits_small.h"
#endif

#endif
