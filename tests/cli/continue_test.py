#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures that continue one another (--continue). Usage: continue_test.py WHYRST"""
import csv
import glob
import io
import json
import os
import re
import struct
import subprocess
import unittest

from captures import Connection, START_NS, frame, mixed, pcap
from support import SAMPLES, WHYRST, CliTest, of_captures

FRAME_FIELDS = ("client_hello_frame", "syn_frame", "trigger_frame", "duplicate_of")


def records_of(data):
    """Header and records of a pcap in either byte order."""
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at, records = 24, []
    while at + 16 <= len(data):
        end = at + 16 + struct.unpack_from(order + "I", data, at + 8)[0]
        records.append(data[at:end])
        at = end
    return data[:24], records


def split(data, *sizes):
    """@data in several pcaps, of @sizes records each in turn."""
    header, records = records_of(data)
    at, pieces = 0, []
    while at < len(records):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(header + b"".join(records[at:at + size]))
        at += size
    return pieces


class Whole:
    """Translates records of a split capture back to the frames of the whole."""

    def __init__(self, paths, pieces):
        self.before, total = {}, 0
        for path, piece in zip(paths, pieces, strict=True):
            self.before[path] = total
            total += len(records_of(piece)[1])

    def number(self, path, frame_number):
        return self.before[path] + frame_number

    def text(self, text, own):
        def one(found):
            return str(self.number(found[2] or own, int(found[1])))

        def all_of(found):
            return re.sub(r"(\d+)(?: of (\S+pcap))?", one, found[0])
        return re.sub(r"frames? \d+(?: of \S+pcap)?(?: and \d+(?: of \S+pcap)?)?", all_of, text)

    def record(self, record):
        own, out = record["file"], {}
        for key, value in record.items():
            if key == "frame":
                value = self.number(own, value)
            elif key in FRAME_FIELDS:
                value = self.number(record.get(key + "_file", own), value)
            elif key == "evidence":
                value = [self.text(text, own) for text in value]
            elif key.endswith("_file"):
                assert value != own, record
                continue
            out[key] = value
        return {**out, "file": ""}


class Continue(CliTest):
    def pieces(self, data, *sizes):
        pieces = split(data, *sizes)
        return [self.file(f"{i:03}.pcap", piece) for i, piece in enumerate(pieces)], pieces

    def check(self, data, *sizes):
        """The pieces say what the whole does. Returns how many frames of other files are named."""
        whole = self.file("whole", data)
        paths, pieces = self.pieces(data, *sizes)
        back = Whole(paths, pieces)
        expected = [{**o, "file": ""} for o in self.objects("--connections", whole)]
        got = self.objects("--continue", "--connections", *paths)
        files = [o for o in got if o["type"] == "file"]
        records = [o for o in got if o["type"] != "file"]
        self.assertEqual([back.record(o) for o in records], expected[:-1])
        self.assertEqual([o["file"] for o in files], paths)
        for key in ("packets", "tcp_segments", "connections", "resets"):
            self.assertEqual(sum(o[key] for o in files), expected[-1][key], key)
        for reason, count in expected[-1]["skipped"].items():
            self.assertEqual(sum(o["skipped"].get(reason, 0) for o in files), count)
        for path in [whole, *paths]:
            os.remove(path)
        return sum(key.endswith("_file") for o in records for key in o)

    def test_every_cut(self):
        for size in range(1, 16):
            self.check(pcap(mixed()), size)

    def test_samples(self):
        """All samples, cut into short files: every verdict stays what it is."""
        named = tried = 0
        for path in sorted(glob.glob(os.path.join(SAMPLES, "*", "*.pcap"))):
            with open(path, "rb") as f:
                data = f.read()
            header, records = records_of(data)
            times = [record[:8] for record in records]
            if len(records) < 2 or len(records) > 2000 or "lab" in path.split(os.sep):
                continue
            order = "<" if data[0] in (0xD4, 0x4D) else ">"
            stamps = [struct.unpack(order + "II", t) for t in times]
            if stamps != sorted(stamps):
                continue  # the order of the pieces would be another one
            tried += 1
            step = max(2, len(records) // 20)
            named += self.check(data, step, step + 1)
        self.assertGreater(tried, 100)
        self.assertGreater(named, 100)

    def test_order_is_by_time(self):
        paths, _ = self.pieces(pcap(mixed()), 4)
        expected = self.objects("--continue", *paths)
        self.assertEqual(self.objects("--continue", *reversed(paths)), expected)
        self.assertEqual(self.objects("--continue", self.dir), expected)
        self.assertEqual(self.objects("--continue", paths[2], paths[0], paths[3], paths[1]), expected)
        self.assertEqual(self.objects("--continue", "-j8", *paths), expected)

    def test_without_it_they_are_apart(self):
        paths, _ = self.pieces(pcap(Connection(50002).reset_by_server()), 4)
        self.assertNotIn("syn_frame", self.resets(*paths)[0])
        joined = self.resets("--continue", *paths)[0]
        self.assertEqual((joined["file"], joined["frame"]), (paths[1], 1))
        self.assertEqual((joined["syn_frame_file"], joined["syn_frame"]), (paths[0], 1))
        self.assertEqual(joined["origin"], "awaiting-response")

    def test_csv(self):
        paths, _ = self.pieces(pcap(mixed()), 4)
        text = self.run_tool("--format=csv", "--connections", "--continue", *paths).stdout.decode()
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        objects = [o for o in self.objects("--connections", "--continue", *paths) if o["type"] != "file"]
        for row, expected in zip(rows, objects, strict=True):
            self.assertEqual(set(row) >= set(expected), True)
            for field in ("file", "frame", *FRAME_FIELDS, *(f + "_file" for f in FRAME_FIELDS)):
                self.assertEqual(row[field], str(expected.get(field, "")))

    def test_table(self):
        paths, _ = self.pieces(pcap(mixed()), 4)
        text = self.run_tool("--continue", *paths).stdout.decode()
        for o in self.resets("--continue", *paths):
            self.assertRegex(text, rf"(?m)^{re.escape(o['file'])} +{o['frame']} ")
        self.assertIn("4 captures", text)
        self.assertIn("3 TCP resets", text)

    def test_fragments_span_files(self):
        whole = frame("10.0.0.5", 1, "192.0.2.1", 2, 0x04, 1, 0, b"x" * 40)
        ip, body = whole[14:34], whole[34:]

        def fragment(start, end, more):
            head = ip[:2] + struct.pack("!HHH", 20 + end - start, 7, (0x2000 if more else 0) | start // 8)
            return whole[:14] + head + ip[8:] + body[start:end]
        data = pcap([fragment(0, 24, True), fragment(24, len(body), False)])
        paths, _ = self.pieces(data, 1)
        self.assertEqual(len(self.resets(*paths)), 0)
        self.assertEqual([(o["file"], o["frame"]) for o in self.resets("--continue", *paths)],
                         [(paths[1], 1)])

    def test_unreadable_among_them(self):
        """A file that cannot be read, or is cut short, costs only what was in it."""
        paths, pieces = self.pieces(pcap(mixed()), 4)
        bad = [self.file("empty.pcap", b""), self.file("text.pcap", b"no capture at all\n" * 9),
               os.path.join(self.dir, "missing.pcap")]
        done = self.run_tool("--format=ndjson", "--continue", *bad, *paths, status=1)
        objects = of_captures(done.stdout.splitlines())
        self.assertEqual([o for o in objects if o["type"] == "rst"], self.resets("--continue", *paths))
        self.assertEqual({o["file"] for o in objects if "error" in o}, set(bad))
        self.file("001.pcap", pieces[1][:-7])
        objects = self.objects("--continue", *paths, status=1)
        self.assertEqual([o["file"] for o in objects if "error" in o], [paths[1]])
        self.assertEqual(sum(o["type"] == "rst" for o in objects), 3)

    def test_zero_packets_among_them(self):
        paths, _ = self.pieces(pcap(mixed()), 4)
        zero = self.file("zero.pcap", pcap([]))
        objects = self.objects("--continue", paths[0], zero, *paths[1:])
        self.assertEqual([o for o in objects if o["type"] == "rst"], self.resets("--continue", *paths))
        self.assertEqual(objects[-1]["file"], zero)

    def test_standard_input_goes_on(self):
        paths, pieces = self.pieces(pcap(mixed()), 4)
        expected = self.resets("--continue", *paths)
        got = self.resets("--continue", "-", *paths[:-1], input=pieces[-1])
        self.assertEqual([{**o, "file": o["file"].replace(paths[-1], "-")} for o in expected],
                         [{**o, "file": o["file"]} for o in got])

    def test_side_by_side(self):
        """Files of one time are no sequence: that is said."""
        one = self.file("one.pcap", pcap(mixed(), 1_000_000_000))
        two = self.file("two.pcap", pcap(mixed(), 1_000_000_000, START_NS + 2_000_000_000))
        done = self.run_tool("--continue", two, one)
        self.assertIn(f"{two}: begins before the end", done.stderr.decode())
        self.assertIn("mergecap", done.stderr.decode())
        later = [self.file(f"{i}.pcap", pcap(mixed(), 1_000_000_000, START_NS + i * 2_000_000_000))
                 for i in range(2, 9)]
        lines = self.run_tool("--continue", one, two, *later).stderr.decode().splitlines()
        self.assertEqual(lines[1:], ["whyrst: 7 more begin before the end of the files before them"])

    def test_output_is_no_input(self):
        paths, pieces = self.pieces(pcap(mixed()), 4)
        self.run_tool("--continue", "-o", paths[1], self.dir, status=2)
        with open(paths[1], "rb") as f:
            self.assertEqual(f.read(), pieces[1])

    def test_empty_directory(self):
        folder = os.path.join(self.dir, "none")
        os.mkdir(folder)
        self.assertIn("is a directory", self.run_tool("--continue", folder, status=1).stderr.decode())

    def test_head(self):
        paths, _ = self.pieces(pcap(mixed() * 200), 100)
        tool = subprocess.Popen([WHYRST, "--format=ndjson", "--continue", *paths],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        tool.stdout.close()
        self.assertEqual(tool.stderr.read(), b"")
        self.assertEqual(tool.wait(timeout=300), 0)
        tool.stderr.close()


if __name__ == "__main__":
    unittest.main()
