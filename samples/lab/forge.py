# SPDX-License-Identifier: GPL-2.0-or-later
"""Frames written byte by byte: what a device in the path, or a scanner, sends without a socket."""
import ipaddress
import socket
import struct
import threading

ETH_P_ALL = 3
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


class Segment:
    """A TCP segment cut out of an Ethernet frame; None for anything else."""
    @classmethod
    def parse(cls, frame):
        kind = frame[12:14]
        if kind == b"\x08\x00" and frame[23] == 6:
            start, length = 14 + (frame[14] & 15) * 4, 14 + int.from_bytes(frame[16:18], "big")
            addresses = frame[26:30], frame[30:34]
        elif kind == b"\x86\xdd" and frame[20] == 6:
            start, length = 54, 54 + int.from_bytes(frame[18:20], "big")
            addresses = frame[22:38], frame[38:54]
        else:
            return None
        self = cls()
        self.frame = frame
        self.src, self.dst = (str(ipaddress.ip_address(a)) for a in addresses)
        self.sport, self.dport, self.seq, self.ack, offset, self.flags, self.window = struct.unpack(
            "!HHIIBBH", frame[start:start + 16])
        self.payload = frame[start + (offset >> 4) * 4:length]
        self.macs = frame[:6], frame[6:12]
        return self

    @property
    def end(self):
        return self.seq + len(self.payload) + bool(self.flags & SYN) + bool(self.flags & FIN)


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def segment(src, dst, sport, dport, seq, ack, flags, *, ttl=64, window=0, payload=b"", ip_id=0):
    """An IP packet that holds one TCP segment without options."""
    seq, ack = seq & 0xFFFFFFFF, ack & 0xFFFFFFFF
    src, dst = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    size = 20 + len(payload)

    def tcp(check):
        return struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 5 << 4, flags, window, check, 0)

    if src.version == 4:
        pseudo = src.packed + dst.packed + struct.pack("!BBH", 0, 6, size)
        header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + size, ip_id, 0x4000, ttl, 6, 0,
                             src.packed, dst.packed)
        header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    else:
        pseudo = src.packed + dst.packed + struct.pack("!II", size, 6)
        header = struct.pack("!IHBB16s16s", 6 << 28, size, 6, ttl, src.packed, dst.packed)
    return header + tcp(checksum(pseudo + tcp(0) + payload)) + payload


def reply_frame(trigger, packet):
    """The packet as a frame back to where the trigger came from."""
    destination, source = trigger.macs
    return source + destination + trigger.frame[12:14] + packet


class Tap:
    """Sees every segment that enters the router on `interface` and hands it to `react`."""
    def __init__(self, host, interface, react):
        with host:
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            self.socket.bind((interface, ETH_P_ALL))
        self.react = react
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self):
        while True:
            frame, address = self.socket.recvfrom(65536)
            seen = Segment.parse(frame) if address[2] != socket.PACKET_OUTGOING else None
            if seen:
                self.react(seen)

    def send(self, frame):
        self.socket.send(frame)
