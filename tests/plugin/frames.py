# SPDX-License-Identifier: GPL-2.0-or-later
"""Frames and captures made by hand: every layer is a function from bytes to bytes."""

import struct

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10

CLIENT4, SERVER4 = "10.0.0.5", "192.0.2.1"
CLIENT6, SERVER6 = bytes.fromhex("20010db8" + "00" * 11 + "05"), bytes.fromhex(
    "20010db8" + "00" * 11 + "01")
TCP, UDP, ICMP, IPIP, IP6IN4, GRE = 6, 17, 1, 4, 41, 47
ETHERTYPE_IP4, ETHERTYPE_IP6, ETHERTYPE_VLAN = 0x0800, 0x86DD, 0x8100
START = 1_700_000_000


def tcp(sport, dport, seq, ack, flags, payload=b"", options=b"", window=501):
    offset = (20 + len(options)) // 4
    return struct.pack("!HHIIBBHHH", sport, dport, seq, ack, offset << 4, flags, window, 0,
                       0) + options + payload


def ip4(source, target, payload, protocol=TCP, ident=0, ttl=64, total=None, fragment=0):
    """`fragment` is the raw flags and offset word, `total` overrides the total length."""
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0,
                         20 + len(payload) if total is None else total, ident, fragment, ttl,
                         protocol, 0, bytes(map(int, source.split("."))),
                         bytes(map(int, target.split("."))))
    return header + payload


def ip6(source, target, payload, next_header=TCP, hops=64, extension=b""):
    """`extension` holds extension headers, whose first is named by `next_header`."""
    return struct.pack("!IHBB", 0x60000000, len(extension) + len(payload), next_header,
                       hops) + source + target + extension + payload


def udp(sport, dport, payload):
    return struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload


def vxlan(frame):
    return struct.pack("!II", 0x08000000, 42 << 8) + frame


def gre(packet, ethertype=ETHERTYPE_IP4):
    return struct.pack("!HH", 0, ethertype) + packet


def esp(packet):
    """The frame of an IPv4 packet (without options) in transport mode, encrypted with "null"."""
    header, body = packet[:20], packet[20:]
    padding = -(len(body) + 2) % 4
    inside = body + bytes(range(1, padding + 1)) + bytes([padding, header[9]])
    source, target = (".".join(map(str, header[at:at + 4])) for at in (12, 16))
    return ethernet(ip4(source, target, struct.pack("!II", 0x1234, 7) + inside + b"\xaa" * 12,
                        protocol=50, ttl=header[8]))


def icmp_error(quote, kind=3, code=3):
    return struct.pack("!BBHI", kind, code, 0, 0) + quote


def ethernet(packet, ethertype=ETHERTYPE_IP4, vlan=None):
    tag = b"" if vlan is None else struct.pack("!HH", ETHERTYPE_VLAN, vlan)
    frame = bytes.fromhex("020000000001020000000002") + tag + struct.pack("!H", ethertype) + packet
    return frame.ljust(60, b"\xaa")  # padding that must never count as payload


class Connection:
    """One TCP connection from the client's side; `wrap` puts each packet into its frame."""

    def __init__(self, wrap, port=40000, server_port=80, ipv6=False, isn=1000):
        self.wrap, self.port, self.server_port = wrap, port, server_port
        self.ipv6, self.ident = ipv6, 0
        self.next = {True: isn, False: isn * 7}

    def packet(self, from_client, flags, payload=b"", **ip_options):
        ports = (self.port, self.server_port)
        self.ident += 1
        segment = tcp(*(ports if from_client else ports[::-1]), self.next[from_client],
                      self.next[not from_client] if flags & ACK else 0, flags, payload)
        self.next[from_client] += len(payload) + bool(flags & SYN) + bool(flags & FIN)
        if self.ipv6:
            ends = (CLIENT6, SERVER6)
            return ip6(*(ends if from_client else ends[::-1]), segment, **ip_options)
        ends = (CLIENT4, SERVER4)
        return ip4(*(ends if from_client else ends[::-1]), segment, ident=self.ident,
                   **ip_options)

    def send(self, from_client, flags, payload=b"", **ip_options):
        return self.wrap(self.packet(from_client, flags, payload, **ip_options))

    def handshake(self):
        return [self.send(True, SYN), self.send(False, SYN | ACK), self.send(True, ACK)]

    def request_reset(self, request=b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"):
        """A request that is answered with a RST: origin awaiting-response."""
        return self.handshake() + [
            self.send(True, PSH | ACK, request), self.send(False, ACK),
            self.send(False, RST | ACK)
        ]

    def request_closed(self):
        """A request, a response and an orderly close: the last frame completes it."""
        return self.handshake() + [
            self.send(True, PSH | ACK, b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"),
            self.send(False, PSH | ACK, b"HTTP/1.1 204 No Content\r\n\r\n"),
            self.send(True, FIN | ACK), self.send(False, FIN | ACK), self.send(True, ACK)
        ]


def fragments(packet, size=24):
    """An IPv4 packet (without options) cut into fragments of `size` payload bytes."""
    header, body = bytearray(packet[:20]), packet[20:]
    pieces = []
    for offset in range(0, len(body), size):
        more = offset + size < len(body)
        piece = body[offset:offset + size]
        struct.pack_into("!H", header, 2, 20 + len(piece))
        struct.pack_into("!H", header, 6, (0x2000 if more else 0) | offset // 8)
        pieces.append(bytes(header) + piece)
    return pieces


def write_pcap(path, frames, step=0.01, snaplen=65535):
    """Writes Ethernet frames `step` seconds apart; (delay, frame) sets another distance."""
    clock = 0.0
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, snaplen, 1))
        for frame in frames:
            delay, frame = frame if isinstance(frame, tuple) else (step, frame)
            clock += delay
            kept = frame[:snaplen]
            out.write(struct.pack("<IIII", START + int(clock), round(clock % 1 * 1e6), len(kept),
                                  len(frame)) + kept)
