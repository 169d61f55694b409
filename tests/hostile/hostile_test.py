#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures by people who mean harm: each gets an honest answer. Usage: hostile_test.py WHYRST"""
import csv
import io
import os
import random
import resource
import struct
import subprocess
import unittest

from bounded import MIB, SANITIZED, Bounded

from captures import Connection, client_hello, frame, ip4, mixed, pcap
from support import WHYRST

RST_ACK = 0x14


def pcap_header(snaplen=262144, link=1, magic=0xA1B23C4D):
    return struct.pack("<IHHiIII", magic, 2, 4, 0, 0, snaplen, link)


def record(data, seconds=1_700_000_000, fraction=0, captured=None, length=None):
    return struct.pack("<IIII", seconds, fraction, len(data) if captured is None else captured,
                       len(data) if length is None else length) + data


def block(kind, body, length=None, trailer=None):
    body += bytes(-len(body) % 4)
    total = len(body) + 12 if length is None else length
    return (struct.pack("<II", kind, total) + body +
            struct.pack("<I", total if trailer is None else trailer))


def option(code, data, length=None):
    return (struct.pack("<HH", code, len(data) if length is None else length) + data +
            bytes(-len(data) % 4))


SECTION = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(options=b"", link=1, snaplen=0):
    return block(1, struct.pack("<HHI", link, 0, snaplen) + options)


def packet(data, stamp=1_700_000_000_000_000, number=0, captured=None, options=b""):
    size = len(data) if captured is None else captured
    return block(6, struct.pack("<IIIII", number, stamp >> 32, stamp & 0xFFFFFFFF, size, len(data)) +
                 data + bytes(-len(data) % 4) + options)


def pcapng(frames, **kwargs):
    return SECTION + interface() + b"".join(
        packet(data, 1_700_000_000_000_000 + i * 1000, **kwargs) for i, data in enumerate(frames))


def ethernet(payload, kind=0x0800):
    return bytes(12) + struct.pack("!H", kind) + payload


def ip(payload, protocol=6, fragment=0x4000, number=7, source="10.0.0.5", destination="192.0.2.1"):
    head = struct.pack("!BBHHHBBH", 0x45, 0, min(20 + len(payload), 65535), number, fragment, 64,
                       protocol, 0)
    return head + ip4(source) + ip4(destination) + payload


class Files(Bounded):
    """What the file format can lie about."""

    def cut_everywhere(self, data):
        whole = self.frames(self.answer(data, status=0))
        for length in range(1, len(data), 11):
            objects = self.answer(data[:length])
            frames = self.frames(objects)
            self.assertEqual(frames, whole[:len(frames)], length)
            packets = objects[-1].get("packets", 0)
            self.assertEqual(frames, [f for f in whole if f <= packets], length)

    def test_cut_everywhere(self):
        self.cut_everywhere(pcap(mixed()))
        self.cut_everywhere(pcapng(mixed()))

    def test_record_lengths(self):
        """Nothing before a length that cannot be is lost; what is wrong, and where, is said."""
        frames = mixed()
        for captured in (0xFFFFFFFF, 0x80000000, 0x7FFFFFFF, 300_000, 0x10000000):
            for at in (0, 7, len(frames) - 1):
                records = [record(data, captured=captured if i == at else None)
                           for i, data in enumerate(frames)]
                objects = self.answer(pcap_header() + b"".join(records), status=1)
                self.assertEqual(self.frames(objects), [f for f in (2, 7, 15) if f <= at])
                self.assertIn(f"frame {at + 1}, byte offset", objects[-1]["error"])
                self.assertEqual(objects[-1]["packets"], at)

    def test_length_on_the_wire_lies(self):
        """Below the captured length, or far above it."""
        for length in (0, 1, 0xFFFFFFFF):
            records = b"".join(record(data, length=length) for data in mixed())
            self.assertEqual(self.answer(pcap_header() + records)[-1]["packets"], 15)

    def test_snaplen(self):
        for snaplen in (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
            data = pcap_header(snaplen) + b"".join(map(record, mixed()))
            objects = self.answer(data)
            self.assertEqual(self.frames(objects), [2, 7, 15], snaplen)
            data = SECTION + interface(snaplen=snaplen) + b"".join(map(packet, mixed()))
            self.assertEqual(self.answer(data)[-1]["packets"], 15, snaplen)

    def test_times(self):
        """Backwards, at the end of the epoch, more than a second in the fraction, all equal."""
        frames = mixed()
        stamps = {
            "backwards": [(1_700_000_000 - i, 0) for i in range(15)],
            "2106": [(0xFFFFFFFF, 999_999_999)] * 15,
            "1970": [(0, 0)] * 15,
            "overflow": [(1_700_000_000, 0xFFFFFFFF)] * 15,
            "both": [(0xFFFFFFFF, 0xFFFFFFFF), (0, 0)] * 8,
        }
        for magic in (0xA1B23C4D, 0xA1B2C3D4):
            for name, times in stamps.items():
                data = pcap_header(magic=magic) + b"".join(
                    record(data, *time) for data, time in zip(frames, times))
                objects = self.answer(data, "--connections", status=0)
                self.assertEqual(self.frames(objects), [2, 7, 15], name)
                for o in objects:
                    for key, value in o.items():
                        if key.startswith("time_") or key in ("duration", "irtt", "ttfb", "idle_time"):
                            self.assertGreaterEqual(value, 0, (name, key))
        year = self.answer(pcap_header() + b"".join(record(f, 0xFFFFFFFF) for f in frames))[0]["time"]
        self.assertTrue(year.startswith("2106-02-07T06:28:15."), year)

    def test_pcapng_times(self):
        for resolution in (0, 3, 6, 9, 18, 19, 127, 0x80, 0x80 | 63, 0x80 | 64, 0xFF):
            for stamp in (0, 1 << 63, (1 << 64) - 1):
                for offset in (b"", option(14, struct.pack("<q", -(1 << 63))),
                               option(14, struct.pack("<q", (1 << 63) - 1))):
                    data = SECTION + interface(option(9, bytes([resolution])) + offset)
                    data += b"".join(packet(f, stamp) for f in Connection(1).refused())
                    objects = self.answer(data)
                    self.assertEqual(objects[-1]["packets"], 2, (resolution, stamp))

    def test_times_farther_apart_than_numbers(self):
        """One interface's clock is at the beginning of all time, the other's at its end."""
        ends = [interface(option(14, struct.pack("<q", offset))) for offset in (-(1 << 63), (1 << 63) - 1)]
        for order in (1, -1):
            frames = enumerate(mixed() * 3)
            data = SECTION + b"".join(ends[::order]) + b"".join(packet(f, number=i % 2) for i, f in frames)
            objects = self.answer(data, "--connections", status=0)
            self.assertEqual(objects[-1]["packets"], 45)
            for o in objects:
                self.assertTrue(all(value >= 0 for key, value in o.items()
                                    if key.startswith("time_") or key in ("duration", "idle_time")), o)

    def test_blocks(self):
        """Lengths of blocks that contradict themselves; blocks within blocks are only bytes."""
        frames = Connection(1).refused()
        good = SECTION + interface() + packet(frames[0])
        for bad in (block(6, bytes(20), length=0), block(6, bytes(20), length=8),
                    block(6, bytes(20), length=33), block(6, bytes(20), trailer=0),
                    block(6, bytes(20), length=0xFFFFFFFC), block(0xBAD, b"", length=11),
                    packet(frames[1], captured=0xFFFFFFFF), packet(frames[1], number=1),
                    packet(frames[1], number=0xFFFFFFFF)):
            objects = self.answer(good + bad, status=1)
            self.assertEqual(objects[-1]["packets"], 1)
            self.assertIn("frame 2, byte offset", objects[-1]["error"])
        nested = packet(frames[1])
        for _ in range(200):
            nested = block(0x7A7A, nested)
        self.assertEqual(self.frames(self.answer(good + nested + packet(frames[1]), status=0)), [2])

    def test_options_lie(self):
        frames = Connection(1).refused()
        for lie in (option(9, b"\x06", length=0xFFFF), option(9, b"", length=0), b"\x09\x00",
                    option(1, b"x" * 60000), option(0, b""), option(9, b"\x06") * 1000,
                    option(14, b"\x00"), bytes(range(256))):
            data = SECTION + interface(lie) + b"".join(packet(f, options=lie) for f in frames)
            objects = self.answer(data)
            if "error" not in objects[-1]:
                self.assertEqual(self.frames(objects), [2])

    def test_endless_headers(self):
        """Sections and interfaces without number cost little memory and no packet."""
        frames = Connection(1).refused()
        data = (SECTION + interface()) * 200_000 + b"".join(map(packet, frames))
        self.assertEqual(self.frames(self.answer(data, status=0)), [1 + 1])
        data = SECTION + interface() * 500_000 + b"".join(packet(f, number=499_999) for f in frames)
        self.assertEqual(self.frames(self.answer(data, status=0)), [2])

    def test_noise(self):
        """Bytes changed at random: always an answer, and the same one twice."""
        chance = random.Random(20)
        for data in (pcap(mixed()), pcapng(mixed())):
            for _ in range(60):
                noisy = bytearray(data)
                for _ in range(chance.randrange(1, 12)):
                    noisy[chance.randrange(len(noisy))] = chance.randrange(256)
                first = self.answer(bytes(noisy))
                self.assertEqual(self.answer(bytes(noisy)), first)


class Packets(Bounded):
    """What packets can do to the decoder."""

    def test_deep_tunnels(self):
        inner = Connection(1).refused()[1][14:]
        vlans = ethernet((b"\x00\x01\x81\x00" * 65_000)[:-2] + b"\x08\x00" + inner, 0x8100)
        tunnel = inner
        for _ in range(3000):
            tunnel = ip(tunnel, 4)
        labels = ethernet(b"\x00\x01\x00\x40" * 60_000 + b"\x00\x01\x01\x40" + inner, 0x8847)
        headers = (b"\x60" + bytes(3) + struct.pack("!HBB", 60_008, 60, 64) + bytes(15) + b"\x01" +
                   bytes(15) + b"\x02" + b"\x3c\x00\x01\x04\x00\x00\x00\x00" * 7500 + b"\x06" + bytes(7))
        for name, data in (("VLAN", vlans), ("IP in IP", ethernet(tunnel)), ("MPLS", labels),
                           ("IPv6 options", ethernet(headers, 0x86DD))):
            last = self.answer(pcap([data]), status=0)[-1]
            self.assertEqual((last["packets"], last["resets"]), (1, 0), name)
            self.assertEqual(sum(last["skipped"].values()), 1, name)
            self.assertIn("depth", last["skipped"], name)

    def test_fragments(self):
        """Overlapping, endless, never complete, contradicting each other, beyond 64 KiB."""
        tcp = Connection(1).refused()[1][34:] + bytes(44)

        def pieces(number, *ranges):
            return [ethernet(ip(tcp[a:b] or bytes(8), 6, (0x2000 if more else 0) | a // 8, number))
                    for a, b, more in ranges]
        chance = random.Random(7)
        frames = pieces(1, (0, 40, True), (16, 48, True), (24, 64, False))
        frames += pieces(2, (0, 64, True), (0, 64, True), (8, 16, True))
        frames += pieces(3, (65528, 65600, False), (65520, 65528, True))
        frames += [piece for i in range(20_000) for piece in pieces(100 + i % 65000, (0, 40, True))]
        frames += [ethernet(ip(chance.randbytes(8), 6, 0x2000 | chance.randrange(8192), 99))
                   for _ in range(20_000)]
        last = self.answer(pcap(frames, step_ns=1000), status=0)[-1]
        self.assertEqual(last["packets"], len(frames))
        self.assertGreater(last["skipped"]["fragment-cap"], 10_000)

    def test_headers_lie(self):
        """Lengths of IP and TCP headers beyond or below what is there."""
        whole = Connection(1).refused()[1]
        frames = []
        for at, values in ((14, range(256)), (46, range(0, 256, 16)), (16, (0, 255)), (17, (0, 19, 255))):
            for value in values:
                changed = bytearray(whole)
                changed[at] = value
                frames.append(bytes(changed))
        frames += [whole[:n] for n in range(len(whole))]
        last = self.answer(pcap(frames), status=0)[-1]
        self.assertEqual(last["packets"], len(frames))
        self.assertLessEqual(last["tcp_segments"] + sum(last["skipped"].values()), len(frames))


class Streams(Bounded):
    """What streams can do to reassembly and observers."""

    def segments(self, payload, size=1400, sport=1):
        connection = Connection(sport)
        frames = connection.handshake()
        for i in range(0, len(payload), size):
            frames.append(connection.send(0, 0x18, payload[i:i + size]))
        return frames, connection

    def test_hello_of_16_mb(self):
        body = b"\x03\x03" + bytes(32) + b"\x00" + struct.pack("!H", 65534) + bytes(65534)
        message = b"\x01\xff\xff\xff" + body + bytes((1 << 24) - 1 - len(body))
        records = b"".join(b"\x16\x03\x01" + struct.pack("!H", len(message[i:i + 16384])) +
                           message[i:i + 16384] for i in range(0, len(message), 16384))
        frames, connection = self.segments(records)
        frames.append(connection.send(1, RST_ACK))
        reset = self.answer(pcap(frames, step_ns=1000), status=0)[0]
        self.assertEqual((reset["frame"], reset["origin"]), (len(frames), "tls-phase"))
        self.assertEqual(reset["client_bytes"], len(records))
        self.assertNotIn("ja4", reset)

    def test_many_hellos_of_16_mb(self):
        """None is ever finished; each may cost its bound, not more."""
        start = b"\x16\x03\x01\x40\x00\x01\xff\xff\xff\x03\x03" + bytes(1200)
        frames = []
        for i in range(20_000):
            connection = Connection(1 + i)
            frames += [connection.send(0, 0x02), connection.send(1, 0x12),
                       connection.send(0, 0x18, start)]
        self.assertEqual(self.answer(pcap(frames, step_ns=1000), status=0)[-1]["connections"], 20_000)

    def test_one_byte_segments_backwards(self):
        """A million of them, a hole before each."""
        count = 1_000_000
        connection = Connection(1)
        frames = connection.handshake()
        segment = bytearray(record(frame("10.0.0.5", 1, "192.0.2.1", 443, 0x18, 0, 9001, b"x")))
        sequence = 16 + 14 + 20 + 4
        path = os.path.join(self.dir, "backwards.pcap")
        with open(path, "wb") as f:
            f.write(pcap_header() + b"".join(map(record, frames)))
            for i in range(count, 0, -1):
                struct.pack_into("!I", segment, sequence, (1001 + i) & 0xFFFFFFFF)
                f.write(segment)
            connection.next[0] += count
            f.write(record(connection.send(1, RST_ACK)))
        objects = self.answer(path, status=0)
        self.assertEqual(self.frames(objects), [count + 4])
        self.assertGreater(objects[-1]["reassembly_dropped"], 0)

    def test_ja4_lists(self):
        """As many ciphers, extensions, algorithms and protocols as a hello holds."""
        ciphers = b"".join(struct.pack("!H", i) for i in range(4096, 4096 + 12_000))
        algorithms = b"".join(struct.pack("!H", i) for i in range(4000))
        alpn = b"".join(b"\xff" + bytes([33 + i % 90]) * 255 for i in range(40))
        extensions = struct.pack("!HHH", 13, len(algorithms) + 2, len(algorithms)) + algorithms
        extensions += struct.pack("!HHH", 16, len(alpn) + 2, len(alpn)) + alpn
        extensions += b"".join(struct.pack("!HH", 1000 + i, 0) for i in range(4000))
        body = (b"\x03\x03" + bytes(32) + b"\x00" + struct.pack("!H", len(ciphers)) + ciphers +
                b"\x01\x00" + struct.pack("!H", len(extensions)) + extensions)
        message = b"\x01" + struct.pack("!I", len(body))[1:] + body
        hello = b"".join(b"\x16\x03\x01" + struct.pack("!H", len(message[i:i + 16384])) +
                         message[i:i + 16384] for i in range(0, len(message), 16384))
        frames, connection = self.segments(hello)
        frames.append(connection.send(1, RST_ACK))
        objects = self.answer(pcap(frames), status=0)
        reset = objects[0]
        self.assertRegex(reset["ja4"], r"^t12i9999.._[0-9a-f]{12}_[0-9a-f]{12}$")
        self.assertNotIn("ja4_r", reset)
        self.assertEqual(objects[-1]["ja4_r_dropped"], 1)
        self.assertLess(len(reset["alpn"]), 4096)

    def test_names(self):
        """Bytes that would break a terminal, CSV or JSON."""
        chance = random.Random(3)
        names = [b'a"b\\c,d\';e', b"\x00", b"\r\n\r\nrst,1,2", b"\x1b]0;owned\x07", b"\xff\xfe\xc0\xaf",
                 "\u202eexe.\u2066".encode(), b"\xed\xa0\x80\xf4\x90\x80\x80", bytes(range(256)),
                 b"\xe2\x80", b"=cmd|' /C calc'!A0", b"\x9b31m", b"a" * 60_000,
                 *(chance.randbytes(40) for _ in range(60))]
        frames = []
        for i, name in enumerate(names):
            connection = Connection(1 + i)
            frames += connection.handshake()
            hello = client_hello(name)[9:] if len(name) > 16_000 else None
            if hello:
                frames.pop(), frames.pop(), frames.pop()
                hello = b"\x01" + struct.pack("!I", len(hello))[1:] + hello
                hello = b"".join(b"\x16\x03\x01" + struct.pack("!H", len(hello[j:j + 16384])) +
                                 hello[j:j + 16384] for j in range(0, len(hello), 16384))
                connection = Connection(1 + i)
                frames += self.segments(hello, sport=1 + i)[0]
                connection.next = [1001 + len(hello), 9001]
            else:
                frames.append(connection.send(0, 0x18, client_hello(name)))
            frames.append(connection.send(1, RST_ACK, name[:200]))  # its text is shown, too
        capture = self.file("names.pcap", pcap(frames))
        resets = [o for o in self.answer(capture, status=0) if o["type"] == "rst"]
        self.assertEqual(len(resets), len(names))
        self.assertTrue(resets[0]["sni"].startswith('a"b'))
        done = self.limited("--format=csv", capture)
        text = done.stdout.decode("utf-8", errors="strict")
        self.assertNotRegex(text.replace("\r\n", ""), "[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        self.assertEqual([int(row["frame"]) for row in rows], [o["frame"] for o in resets])
        table = self.limited(capture).stdout.decode("utf-8", errors="strict")
        self.assertNotRegex(table, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

    def flood(self, count):
        """SYNs of as many tuples, which nobody answers."""
        syn = bytearray(record(frame("10.0.0.5", 1, "192.0.2.1", 443, 0x02, 1, 0)))
        address, port = 16 + 14 + 12, 16 + 14 + 20
        path = os.path.join(self.dir, "flood.pcap")
        with open(path, "wb") as f:
            f.write(pcap_header())
            for i in range(count):
                struct.pack_into("!I", syn, address, 0x0A000000 + i // 50_000)
                struct.pack_into("!H", syn, port, 1 + i % 50_000)
                f.write(syn)
        return path

    def test_syn_flood(self):
        path = self.flood(500_000)
        self.assertEqual(self.answer(path, status=0, memory=256 * MIB)[-1]["connections"], 500_000)
        capped = self.answer(path, "--max-connections=1000", status=0)[-1]
        self.assertGreater(capped["evicted"], 490_000)
        table = self.limited(path).stdout.decode()  # it counts connections of which there is no row
        self.assertRegex(table, "open +500,000 +100.0 %")

    def test_many_hosts(self):
        """More of them refused within a second than are remembered, and than may wait for hindsight."""
        count = 66_500
        frames = [bytearray(record(frame("10.0.0.5", 1, "192.0.2.1", 443, 0x02, 1, 0))),
                  bytearray(record(frame("192.0.2.1", 443, "10.0.0.5", 1, RST_ACK, 0, 2)))]
        path = os.path.join(self.dir, "hosts.pcap")
        with open(path, "wb") as f:
            f.write(pcap_header())
            for i in range(count):
                for data, at in zip(frames, (16 + 14 + 16, 16 + 14 + 12)):
                    struct.pack_into("!I", data, at, 0x0A000000 + i)
                    f.write(data)
        objects = self.answer(path, status=0, memory=256 * MIB)
        self.assertEqual(len(self.frames(objects)), count)
        self.assertGreater(objects[-1]["hosts_forgotten"], 0)
        self.assertGreater(objects[-1]["final_early"], 0)
        table = self.limited(path, memory=256 * MIB).stdout.decode()
        self.assertRegex(table, "[0-9,]+ addresses and services were forgotten")
        self.assertRegex(table, "[0-9,]+ records went out before their time of hindsight")

    @unittest.skipIf(SANITIZED, "a sanitizer takes more than is left here")
    def test_out_of_memory(self):
        """Without a bound that fits the machine the program ends, and never with a half-truth."""
        path = self.flood(1_000_000)

        def limit():
            resource.setrlimit(resource.RLIMIT_DATA, (28 * MIB, 28 * MIB))  # stacks of threads, too
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        done = subprocess.run([WHYRST, "-j1", "--format=ndjson", path], capture_output=True, timeout=300,
                              preexec_fn=limit)
        self.assertLess(done.returncode, 0, done.stderr)  # by a signal: GLib's abort
        self.assertIn(b"failed to allocate", done.stderr)
        self.assertNotIn(b'"type":"file"', done.stdout)
        done = subprocess.run([WHYRST, "-j1", "--format=ndjson", "--max-connections=1000", path],
                              capture_output=True, timeout=300, preexec_fn=limit)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
