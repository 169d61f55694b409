# SPDX-License-Identifier: GPL-2.0-or-later
"""One capture with a reset connection in every wrapping that Wireshark and the tool both peel."""

from frames import (ACK, CLIENT4, ETHERTYPE_IP6, GRE, IP6IN4, IPIP, PSH, RST, SERVER4, UDP,
                    Connection, ethernet, fragments, gre, icmp_error, ip4, udp, vxlan)

TUNNEL = ("198.51.100.1", "198.51.100.2")


def wrappings():
    """Name, function from IP packet to frame, whether the packet is IPv6."""
    return [
        ("plain", ethernet, False),
        ("plain6", lambda p: ethernet(p, ETHERTYPE_IP6), True),
        ("vlan", lambda p: ethernet(p, vlan=7), False),
        ("ipip", lambda p: ethernet(ip4(*TUNNEL, p, protocol=IPIP)), False),
        ("6in4", lambda p: ethernet(ip4(*TUNNEL, p, protocol=IP6IN4)), True),
        ("gre", lambda p: ethernet(ip4(*TUNNEL, gre(p), protocol=GRE)), False),
        ("vxlan",
         lambda p: ethernet(ip4(*TUNNEL, udp(5555, 4789, vxlan(ethernet(p))), protocol=UDP)),
         False),
    ]


def fragmented(port):
    """The request comes in IP fragments."""
    connection = Connection(ethernet, port)
    frames = connection.handshake()
    request = b"GET /" + b"x" * 100 + b" HTTP/1.1\r\nHost: a.example\r\n\r\n"
    pieces = fragments(connection.packet(True, PSH | ACK, request))
    return frames + [ethernet(p) for p in pieces] + [connection.send(False, RST | ACK)]


def offloaded(port):
    """The request's IP total length is 0, as segmentation offload leaves it."""
    connection = Connection(ethernet, port)
    return connection.handshake() + [
        connection.send(True, PSH | ACK, b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", total=0),
        connection.send(False, RST | ACK)
    ]


def extension_headers(port):
    """IPv6 with a hop-by-hop and a destination options header before TCP."""
    padding = bytes([1, 4, 0, 0, 0, 0])
    extension = bytes([60, 0]) + padding + bytes([6, 0]) + padding
    connection = Connection(lambda p: ethernet(p, ETHERTYPE_IP6), port, ipv6=True)
    request = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
    return connection.handshake() + [
        connection.send(True, PSH | ACK, request, next_header=0, extension=extension),
        connection.send(False, RST | ACK)
    ]


def quoted(port):
    """An ICMP error quotes a RST: no segment, though Wireshark gives it a stream number."""
    connection = Connection(ethernet, port)
    frames = connection.handshake()
    rst = connection.packet(True, RST | ACK)
    return frames + [ethernet(ip4(SERVER4, CLIENT4, icmp_error(rst), protocol=1))]


def frames():
    """All of them, one after the other; each has a client port of its own from 40001."""
    result = []
    port = 40001
    for _, wrap, is_ipv6 in wrappings():
        result += Connection(wrap, port, ipv6=is_ipv6).request_reset()
        port += 1
    for make in (fragmented, offloaded, extension_headers, quoted):
        result += make(port)
        port += 1
    return result
