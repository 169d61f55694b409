# SPDX-License-Identifier: GPL-2.0-or-later
"""TCP packets as bytes, and captures to hold them: what the tests need to write and edit pcaps.

Only Debian's python3 is needed, so that the tests run wherever the programs build. Checksums are
zero: captures made on the sending host look like that too, and nothing here may depend on them.
"""
import gzip
import ipaddress
import struct
from dataclasses import dataclass, replace

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << bit for bit in range(8))
ETHERNET, RAW, COOKED, COOKED2 = 1, 101, 113, 276
ETHERTYPES = {4: 0x0800, 6: 0x86DD}
VLAN_TYPES = (0x8100, 0x88A8)
TCP, ICMP, ICMP6 = 6, 1, 58


class NotReadable(Exception):
    """The capture is in a form that this small reader does not know."""


@dataclass
class Frame:
    """One record of a capture. `was`: its number before a test edited the capture."""
    time_ns: int
    data: bytes
    length: int
    link: int = ETHERNET
    was: int = 0


@dataclass
class Tcp:
    """Where things are in a frame that holds a whole TCP header; offsets into its bytes."""
    version: int
    ip: int
    header: int
    payload: int
    end: int  # of the datagram on the wire; beyond the captured bytes when cut
    source: bytes
    destination: bytes
    sport: int
    dport: int
    seq: int
    ack: int
    flags: int

    @property
    def length(self):
        return self.end - self.payload

    @property
    def direction(self):
        return self.source, self.sport, self.destination, self.dport

    @property
    def reverse(self):
        return self.destination, self.dport, self.source, self.sport


def address(text):
    return ipaddress.ip_address(text).packed


# Building


def tcp_header(sport, dport, seq, ack, flags, window, options=b""):
    options += bytes(-len(options) % 4)
    return struct.pack("!HHIIBBHHH", sport, dport, seq % 2**32, ack % 2**32,
                       (5 + len(options) // 4) << 4, flags, window, 0, 0) + options


def ip_packet(source, destination, ttl, payload, *, protocol=TCP, ident=0, df=True, tos=0, flow=0):
    if len(source) == 4:
        return struct.pack("!BBHHHBBH", 0x45, tos, 20 + len(payload), ident,
                           0x4000 if df else 0, ttl, protocol, 0) + source + destination + payload
    return struct.pack("!IHBB", 6 << 28 | tos << 20 | flow, len(payload), protocol, ttl) \
        + source + destination + payload


def ethernet(destination_mac, source_mac, packet):
    return destination_mac + source_mac + struct.pack("!H", ETHERTYPES[packet[0] >> 4]) + packet


# Dissecting


def ip_offset(frame):
    """Where the IP header begins, or None if the frame holds no IP packet."""
    data = frame.data
    if frame.link == RAW:
        return 0
    if frame.link in (COOKED, COOKED2):
        kind, offset = (14, 16) if frame.link == COOKED else (0, 20)
        return offset if data[kind:kind + 2] in (b"\x08\x00", b"\x86\xdd") else None
    if frame.link != ETHERNET:
        return None
    offset = 12
    while int.from_bytes(data[offset:offset + 2], "big") in VLAN_TYPES:
        offset += 4
    return offset + 2 if data[offset:offset + 2] in (b"\x08\x00", b"\x86\xdd") else None


def tcp_of(frame):
    """The Tcp of a frame, or None (not TCP, a fragment, extension headers, header cut)."""
    ip = ip_offset(frame)
    return None if ip is None else tcp_at(frame.data, ip)


def tcp_at(data, ip):
    if len(data) < ip + 20:
        return None
    if data[ip] >> 4 == 4:
        header = ip + (data[ip] & 15) * 4
        end = ip + int.from_bytes(data[ip + 2:ip + 4], "big")
        fragment = int.from_bytes(data[ip + 6:ip + 8], "big") & 0x3FFF
        protocol, ends = data[ip + 9], data[ip + 12:ip + 20]
        if fragment:
            return None
    else:
        header = ip + 40
        end = header + int.from_bytes(data[ip + 4:ip + 6], "big")
        protocol, ends = data[ip + 6], data[ip + 8:ip + 40]
    if protocol != TCP or len(data) < header + 20:
        return None
    sport, dport, seq, ack, offset, flags = struct.unpack_from("!HHIIBB", data, header)
    half = len(ends) // 2
    return Tcp(data[ip] >> 4, ip, header, header + (offset >> 4) * 4, end, ends[:half], ends[half:],
               sport, dport, seq, ack, flags)


# Capture files


def write_pcap(path, frames, *, order="<", nanoseconds=False, snaplen=262144):
    link = frames[0].link if frames else ETHERNET
    unit = 1 if nanoseconds else 1000
    with open(path, "wb") as file:
        file.write(struct.pack(order + "IHHiIII", 0xA1B23C4D if nanoseconds else 0xA1B2C3D4, 2, 4, 0,
                               0, snaplen, link))
        for frame in frames:
            seconds, rest = divmod(frame.time_ns, 10**9)
            file.write(struct.pack(order + "IIII", seconds, rest // unit, len(frame.data),
                                   frame.length) + frame.data)


def write_pcapng(path, frames, *, order="<"):
    def block(kind, body):
        body += bytes(-len(body) % 4)
        size = struct.pack(order + "I", len(body) + 12)
        return struct.pack(order + "I", kind) + size + body + size

    link = frames[0].link if frames else ETHERNET
    with open(path, "wb") as file:
        file.write(block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)))
        tsresol = struct.pack(order + "HHB3xHH", 9, 1, 9, 0, 0)
        file.write(block(1, struct.pack(order + "HHI", link, 0, 0) + tsresol))
        for frame in frames:
            file.write(block(6, struct.pack(order + "IIIII", 0, frame.time_ns >> 32,
                                            frame.time_ns & 0xFFFFFFFF, len(frame.data), frame.length)
                             + frame.data))


def read_capture(path):
    """The frames of a pcap or pcapng file, numbered as Wireshark does it."""
    with open(path, "rb") as file:
        data = file.read()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    if data[:4] == b"\x0a\x0d\x0d\x0a":
        frames = list(_pcapng_frames(data))
    else:
        frames = list(_pcap_frames(data))
    return [replace(frame, was=number) for number, frame in enumerate(frames, 1)]


def _pcap_frames(data):
    magics = {b"\xd4\xc3\xb2\xa1": ("<", 1000), b"\xa1\xb2\xc3\xd4": (">", 1000),
              b"\x4d\x3c\xb2\xa1": ("<", 1), b"\xa1\xb2\x3c\x4d": (">", 1)}
    if data[:4] not in magics:
        raise NotReadable("not a plain pcap")
    order, unit = magics[data[:4]]
    link = struct.unpack_from(order + "I", data, 20)[0] & 0xFFFF
    at = 24
    while at + 16 <= len(data):
        seconds, rest, captured, length = struct.unpack_from(order + "IIII", data, at)
        at += 16
        if at + captured > len(data):
            return
        yield Frame(seconds * 10**9 + rest * unit, data[at:at + captured], length, link)
        at += captured


def _pcapng_frames(data):
    order, interfaces, at = "<", [], 0
    while at + 12 <= len(data):
        if data[at:at + 4] == b"\x0a\x0d\x0d\x0a":
            order = "<" if data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            interfaces = []
        kind, size = struct.unpack_from(order + "II", data, at)
        body = data[at + 8:at + size - 4]
        if size < 12 or at + size > len(data):
            return
        if kind == 1:
            interfaces.append((struct.unpack_from(order + "H", body)[0], _tick(order, body[8:])))
        elif kind == 6:
            which, high, low, captured, length = struct.unpack_from(order + "IIIII", body)
            link, tick = interfaces[which]
            yield Frame(int((high << 32 | low) * tick), body[20:20 + captured], length, link)
        elif kind in (2, 3):
            raise NotReadable("packet blocks without time, or of the old kind")
        at += size


def _tick(order, options):
    """Nanoseconds per unit of time, from an interface's options."""
    at = 0
    while at + 4 <= len(options):
        code, length = struct.unpack_from(order + "HH", options, at)
        if code == 9:
            value = options[at + 4]
            return 10**9 / 2**(value & 127) if value & 128 else 10**9 // 10**value
        at += 4 + length + -length % 4
    return 1000
