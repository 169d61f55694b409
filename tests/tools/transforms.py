# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes of a capture that must not change what it says, and losses that may only weaken it.

Each takes a Capture and a seeded random generator and returns new frames; Frame.was keeps a frame's
number in the original, so that verdicts can be matched. LOSSLESS: every field stays. ADDING: packets
come on top that say nothing new. LOSSY: something is missing afterwards.
"""
import hashlib
import random
import struct
from dataclasses import replace

import packets
from packets import ACK, FIN, ICMP, ICMP6, PSH, RST, SYN


class Capture:
    """Frames with their dissection, made once."""

    def __init__(self, frames):
        self.frames = frames
        self.tcps = [packets.tcp_of(frame) for frame in frames]

    def pairs(self):
        return zip(self.frames, self.tcps)


# Lossless


def shift_numbers(capture, rng):
    """Other sequence numbers: one constant for what goes to the lower port, one for the rest. (Not
    one for each connection: what a NAT mixes up shares its numbers.)"""
    shifts = {True: rng.randrange(2**32), False: rng.randrange(2**32)}

    def shift(direction):
        return shifts[direction[1::2] > direction[3::-2]]

    return [_shifted(frame, tcp, shift) for frame, tcp in capture.pairs()]


def _shifted(frame, tcp, shift):
    data = bytearray(frame.data)
    if tcp is None:
        return _shifted_quote(frame, data, shift)
    # A RST with number 0 answers a segment without ACK: that 0 is no sequence number.
    if not (tcp.flags & RST and tcp.flags & ACK and tcp.seq == 0):
        struct.pack_into("!I", data, tcp.header + 4, (tcp.seq + shift(tcp.direction)) % 2**32)
    if tcp.flags & ACK:
        struct.pack_into("!I", data, tcp.header + 8, (tcp.ack + shift(tcp.reverse)) % 2**32)
    at = tcp.header + 20
    while at + 1 < min(tcp.payload, len(data)) and data[at] != 0:
        if data[at] == 1:
            at += 1
            continue
        if data[at] == 5:
            for edge in range(at + 2, min(at + data[at + 1], len(data) - 3), 4):
                value = struct.unpack_from("!I", data, edge)[0]
                struct.pack_into("!I", data, edge, (value + shift(tcp.reverse)) % 2**32)
        at += max(data[at + 1], 2)
    return replace(frame, data=bytes(data))


def _shifted_quote(frame, data, shift):
    """A TCP header quoted in an ICMP error belongs to its connection."""
    inner = _quoted_ip(data, packets.ip_offset(frame))
    if inner is None:
        return frame
    version4 = data[inner] >> 4 == 4
    if data[inner + (9 if version4 else 6)] == packets.TCP:
        header = inner + ((data[inner] & 15) * 4 if version4 else 40)
        sport, dport, seq = struct.unpack_from("!HHI", data, header)
        first, middle, last = (12, 16, 20) if version4 else (8, 24, 40)
        direction = (bytes(data[inner + first:inner + middle]), sport,
                     bytes(data[inner + middle:inner + last]), dport)
        struct.pack_into("!I", data, header + 4, (seq + shift(direction)) % 2**32)
    return replace(frame, data=bytes(data))


def _quoted_ip(data, ip):
    """Where the IP header quoted in an ICMP error begins; None: there is none, with 8 bytes more."""
    if ip is None or len(data) <= ip:
        return None
    if data[ip] >> 4 == 4:
        inner = ip + 28
        is_error = (len(data) >= inner + 28 and data[ip + 9] == ICMP and
                    data[ip + 20] in (3, 4, 5, 11, 12))
    else:
        inner = ip + 48
        is_error = len(data) >= inner + 48 and data[ip + 6] == ICMP6 and data[ip + 40] < 128
    return inner if is_error else None


def shift_times(capture, rng):
    offset = rng.randrange(-10**9, 10**9) * 10**9 + rng.randrange(10**6) * 1000
    return [replace(frame, time_ns=frame.time_ns + offset) for frame in capture.frames]


def split_payloads(capture, rng):
    """Cuts payload into two or three segments at any place, as segmentation offload may."""
    frames, seed = [], rng.random()
    for frame, tcp in capture.pairs():
        if tcp is None or tcp.length < 2 or tcp.flags & (SYN | RST) or tcp.end > len(frame.data):
            frames.append(frame)
        else:
            frames += _split(frame, tcp, seed)
    return frames


def _split(frame, tcp, seed):
    payload = frame.data[tcp.payload:tcp.end]
    # The same bytes are cut alike wherever they come again: a copy stays a copy.
    key = hashlib.sha256(f"{seed} {tcp.seq}".encode() + payload).digest()
    rng = random.Random(key)
    places = sorted({rng.randrange(1, len(payload)) for _ in range(rng.choice((1, 1, 2)))})
    for start, end in zip([0, *places], [*places, len(payload)]):
        data = bytearray(frame.data[:tcp.payload]) + payload[start:end]
        struct.pack_into("!I", data, tcp.header + 4, (tcp.seq + start) % 2**32)
        if end < len(payload):
            data[tcp.header + 13] &= ~(PSH | FIN) & 0xFF
        _set_length(data, tcp)
        yield replace(frame, data=bytes(data), length=len(data))


def _set_length(data, tcp):
    if tcp.version == 4:
        struct.pack_into("!H", data, tcp.ip + 2, len(data) - tcp.ip)
    else:
        struct.pack_into("!H", data, tcp.ip + 4, len(data) - tcp.ip - 40)


def swap_ends(capture, _):
    """Addresses of the opposite order: who is lower must not matter."""
    frames = []
    for frame in capture.frames:
        ip = packets.ip_offset(frame)
        data = bytearray(frame.data)
        if ip is not None and len(data) > ip:
            _complement(data, ip)
        frames.append(replace(frame, data=bytes(data)))
    return frames


def _complement(data, ip):
    first, last = (12, 20) if data[ip] >> 4 == 4 else (8, 40)
    for at in range(ip + first, min(ip + last, len(data))):
        data[at] ^= 0xFF
    inner = _quoted_ip(data, ip)
    if inner is not None:
        _complement(data, inner)


def _relinked(capture, link, header):
    """The IP packets of the capture behind another link header; other frames go."""
    frames = []
    for frame in capture.frames:
        ip = packets.ip_offset(frame)
        if ip is not None and len(frame.data) > ip:
            packet = frame.data[ip:]
            new = header(struct.pack("!H", packets.ETHERTYPES[packet[0] >> 4]))
            frames.append(replace(frame, link=link, data=new + packet,
                                  length=frame.length - ip + len(new)))
    return frames


MACS = bytes([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1])


def vlan(capture, _):
    return _relinked(capture, packets.ETHERNET, lambda kind: MACS + b"\x81\x00\x00\x05" + kind)


def double_vlan(capture, _):
    return _relinked(capture, packets.ETHERNET,
                     lambda kind: MACS + b"\x88\xa8\x00\x05\x81\x00\x00\x06" + kind)


def cooked(capture, _):
    return _relinked(capture, packets.COOKED,
                     lambda kind: b"\0\0\0\1\0\6" + MACS[:6] + b"\0\0" + kind)


def cooked2(capture, _):
    return _relinked(capture, packets.COOKED2,
                     lambda kind: kind + b"\0\0" + b"\0\0\0\2" + b"\0\1\0\6" + MACS[:6] + b"\0\0")


def raw_ip(capture, _):
    return _relinked(capture, packets.RAW, lambda kind: b"")


def as_it_is(capture, _):
    return list(capture.frames)


# Adding


def mirror(capture, rng):
    """Every packet is captured twice, as a mirror port does it."""
    return _mirrored(capture, rng, lambda data, ip: None)


def mirror_routed(capture, rng):
    """The same behind a router: the copy has one hop less."""
    def hop(data, ip):
        data[ip + (8 if data[ip] >> 4 == 4 else 7)] -= 1

    return _mirrored(capture, rng, hop)


def _mirrored(capture, rng, change):
    frames = []
    delay = rng.randrange(2, 40) * 1000
    for index, (frame, tcp) in enumerate(capture.pairs()):
        frames.append(frame)
        if tcp is not None:
            data = bytearray(frame.data)
            change(data, tcp.ip)
            frames.append(replace(frame, data=bytes(data),
                                  time_ns=_before_next(capture, index, delay)))
    return frames


def _before_next(capture, index, delay):
    """`delay` after the frame, but not after the next one."""
    now = capture.frames[index].time_ns
    if index + 1 < len(capture.frames):
        delay = min(delay, max(capture.frames[index + 1].time_ns - now, 0))
    return now + delay


def retransmit(capture, rng):
    """A third of the data segments come a second time as new IP packets, where the connection is
    silent for long enough after them. (Sooner, without IPv4 identification, they look like copies.)"""
    delay, times, following = 30_000_000, {}, []
    for frame, tcp in reversed(list(capture.pairs())):
        key = tcp and frozenset((tcp.direction, tcp.reverse))
        following.append(times.get(key, frame.time_ns + 2 * delay))
        times[key] = frame.time_ns
    frames = []
    for (frame, tcp), next_ns in zip(capture.pairs(), reversed(following)):
        frames.append(frame)
        if tcp is None or tcp.length < 2 or tcp.flags & (RST | SYN) \
                or next_ns <= frame.time_ns + delay or rng.randrange(3):
            continue
        data = bytearray(frame.data)
        if tcp.version == 4:
            ident = struct.unpack_from("!H", data, tcp.ip + 4)[0]
            struct.pack_into("!H", data, tcp.ip + 4, (ident + 5000) % 2**16 if ident else 0)
        frames.append(replace(frame, data=bytes(data), time_ns=frame.time_ns + delay))
    return sorted(frames, key=lambda frame: frame.time_ns)


# Lossy


def _snapped(capture, snaplen):
    return [replace(frame, data=frame.data[:snaplen]) for frame in capture.frames]


def snaplen_96(capture, _):
    return _snapped(capture, 96)


def snaplen_64(capture, _):
    return _snapped(capture, 64)


def cut_start(capture, rng):
    """The capture begins later."""
    return capture.frames[rng.randrange(1, max(len(capture.frames) * 2 // 3, 2)):]


def only_one_way(capture, rng):
    """Packets to the lower port only, or from it only: asymmetric routing."""
    up = rng.random() < 0.5
    return [frame for frame, tcp in capture.pairs()
            if tcp is None or (tcp.dport < tcp.sport) == up]


def lost(capture, rng):
    """The capture lacks one packet of twenty, as on a busy machine."""
    return [frame for frame, tcp in capture.pairs()
            if tcp is None or tcp.flags & RST or rng.random() >= 0.05]


def lost_runs(capture, rng):
    """The capture lacks up to ten packets in a row, again and again."""
    frames, left = [], 0
    for frame, tcp in capture.pairs():
        if left == 0 and rng.random() < 0.02:
            left = rng.randrange(2, 12)
        if left:
            left -= 1
        if left == 0 or (tcp is not None and tcp.flags & RST):
            frames.append(frame)
    return frames


def swapped(capture, rng):
    """Of neighbours within a millisecond one pair of ten was written in the other order, as by a
    network card with several queues. (A RST stays: what is written before it is its past.)"""
    frames, index = list(capture.frames), 0
    tcps = [tcp for _, tcp in capture.pairs()]
    while index + 1 < len(frames):
        a, b = frames[index:index + 2]
        resets = [tcp and tcp.flags & RST for tcp in tcps[index:index + 2]]
        if b.time_ns - a.time_ns < 1_000_000 and not any(resets) and rng.random() < 0.1:
            frames[index:index + 2] = [replace(b, time_ns=a.time_ns), replace(a, time_ns=b.time_ns)]
            index += 1
        index += 1
    return frames


def only_flagged(capture, _):
    """A capture filter keeps SYN, FIN and RST."""
    return [frame for frame, tcp in capture.pairs()
            if tcp is None or tcp.flags & (SYN | FIN | RST)]


LOSSLESS = (shift_numbers, shift_times, split_payloads, swap_ends, vlan, double_vlan, cooked, cooked2,
            raw_ip)
ADDING = (mirror, mirror_routed, retransmit)
LOSSY = (snaplen_96, snaplen_64, cut_start, only_one_way, only_flagged, lost, lost_runs, swapped)
