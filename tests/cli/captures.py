# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures for the tests, made on the spot: a few connections whose ends are known."""
import struct

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
PSH = 0x08
CLIENT, SERVER = "10.0.0.5", "192.0.2.1"
START_NS = 1_779_178_502_118_204_511  # 2026-05-19T08:15:02.118204511Z


def ip4(text):
    return bytes(int(part) for part in text.split("."))


def frame(source, sport, destination, dport, flags, seq, ack, payload=b""):
    """An Ethernet frame with one TCP segment."""
    tcp = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 5 << 4, flags, 502, 0, 0) + payload
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 7, 0x4000, 64, 6, 0)
    ip += ip4(source) + ip4(destination)
    return bytes(12) + b"\x08\x00" + ip + tcp


class Connection:
    """Both sides of one connection, with sequence numbers kept."""

    def __init__(self, sport, dport=443, client=CLIENT, server=SERVER):
        self.client, self.server = (client, sport), (server, dport)
        self.next = [1000, 9000]

    def send(self, side, flags, payload=b""):
        ends = (self.client, self.server)
        source, destination = ends[side], ends[1 - side]
        ack = self.next[1 - side] if flags & ACK else 0
        packet = frame(*source, *destination, flags, self.next[side], ack, payload)
        self.next[side] += len(payload) + bool(flags & (SYN | FIN))
        return packet

    def handshake(self):
        return [self.send(0, SYN), self.send(1, SYN | ACK), self.send(0, ACK)]

    def refused(self):
        return [self.send(0, SYN), self.send(1, RST | ACK)]

    def reset_by_server(self, request=b"hello"):
        return self.handshake() + [self.send(0, PSH | ACK, request), self.send(1, RST | ACK)]

    def closed(self):
        return self.handshake() + [self.send(0, FIN | ACK), self.send(1, FIN | ACK),
                                   self.send(0, ACK)]


def refusals(servers):
    """Connections that each of so many servers refuses, at a port of its own: a finding for each."""
    return [packet for i in range(5) for server in range(servers)
            for packet in Connection(20000 + i, 80 + server, server=f"198.51.100.{server}").refused()]


def pcap(frames, step_ns=1_000_000, start_ns=START_NS):
    """A nanosecond pcap of @frames, @step_ns apart."""
    out = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1)]
    for i, data in enumerate(frames):
        seconds, rest = divmod(start_ns + i * step_ns, 1_000_000_000)
        out += [struct.pack("<IIII", seconds, rest, len(data), len(data)), data]
    return b"".join(out)


def client_hello(sni):
    """A TLS 1.2 ClientHello record with one extension: @sni, any bytes."""
    name = struct.pack("!BH", 0, len(sni)) + sni
    server_name = struct.pack("!HHH", 0, len(name) + 2, len(name)) + name
    body = (b"\x03\x03" + bytes(32) + b"\x00" + b"\x00\x02\xc0\x2f" + b"\x01\x00" +
            struct.pack("!H", len(server_name)) + server_name)
    message = b"\x01" + struct.pack("!I", len(body))[1:] + body
    return b"\x16\x03\x01" + struct.pack("!H", len(message)) + message


def mixed():
    """Two refusals, one reset of a request, one orderly close: three RSTs in four connections."""
    return (Connection(50001, 81).refused() + Connection(50002).reset_by_server() +
            Connection(50003, 80).closed() + Connection(50004, 81).refused())


def many(count):
    """@count refused connections."""
    return [packet for i in range(count)
            for packet in Connection(1024 + i % 60000, 1 + i // 60000).refused()]
