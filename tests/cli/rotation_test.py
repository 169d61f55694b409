#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Rings and rows of files that tcpdump and dumpcap really write, read with --continue.

Captures are made on the loopback interface of a network namespace of its own. Skipped (status 77) but for
root, and where tcpdump, dumpcap or mergecap is missing. Usage: rotation_test.py WHYRST
"""
import ctypes
import fcntl

import os
import shutil
import socket
import struct
import subprocess
import sys
import time
import unittest

from continue_test import FRAME_FIELDS, Whole
from support import WHYRST, CliTest

SKIP = 77
PORT = 8080
CLONE_NEWNET = 0x40000000
TCPDUMP = ("tcpdump", "-Z", "root", "-B", "16384", "-U", "-i", "lo")
PROGRAMS = ("tcpdump", "dumpcap", "mergecap")


def enter_namespace():
    """A network of its own for this process and its children; False when that is forbidden."""
    if os.geteuid() != 0 or ctypes.CDLL(None).unshare(CLONE_NEWNET) != 0:
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        request = struct.pack("16sH14x", b"lo", 0x1 | 0x40)  # SIOCSIFFLAGS: up and running
        fcntl.ioctl(s, 0x8914, request)
    return True


class Traffic:
    """Connections to a server in this process: each is reset by its client, the last one at the end."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", PORT))
        self.long = self.connect()
        self.long_port = self.long[0].getsockname()[1]
        self.talk(self.long, 1000)

    def connect(self):
        client = socket.create_connection(("127.0.0.1", PORT))
        server, _ = self.listener.accept()
        return client, server

    def talk(self, pair, size):
        client, server = pair
        client.sendall(b"x" * size)
        left = size
        while left:
            left -= len(server.recv(left))
        server.sendall(b"y")
        client.recv(1)

    def reset(self, pair):
        client, server = pair
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        server.close()

    def short(self, size):
        pair = self.connect()
        self.talk(pair, size)
        self.reset(pair)

    def end(self):
        self.talk(self.long, 1000)
        self.reset(self.long)
        self.listener.close()


class Rotation(CliTest):
    def capture(self, *command, rounds, size, pause=0.0):
        """Runs a capture program while connections come and go; its files, and whether it got the last reset."""
        folder = os.path.join(self.dir, "ring")
        os.mkdir(folder)
        with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as program:
            try:
                program.stderr.readline()  # "listening on lo", "Capturing on 'Loopback: lo'"
                time.sleep(0.3)
                traffic = Traffic()
                for _ in range(rounds):
                    traffic.short(size)
                    time.sleep(pause)
                traffic.end()
                done = self.wait_for(folder, traffic.long_port)
            finally:
                program.terminate()
                program.stderr.read()
        files = [os.path.join(folder, name) for name in os.listdir(folder)]
        return folder, [path for path in files if os.path.getsize(path) > 0], done

    def capture_whole(self, *command, rounds, size, pause, all_packets):
        """A busy machine makes capture programs lose packets: then they get another try."""
        for tries_left in (3, 2, 1, 0):
            folder, files, done = self.capture(*command, rounds=rounds, size=size, pause=pause)
            resets = [o for o in self.objects("--continue", folder) if o["type"] == "rst"]
            if done and (not all_packets or len(resets) == rounds + 1) or not tries_left:
                self.assertTrue(done, "the last reset was not captured")
                return folder, files
            shutil.rmtree(folder)

    def wait_for(self, folder, port):
        """Until the last reset has reached the files; False when it does not."""
        for _ in range(100):
            done = subprocess.run([WHYRST, "--format=ndjson", "--continue", f"--port={port}", folder],
                                  capture_output=True, timeout=300)
            if b'"type":"rst"' in done.stdout:
                return True
            time.sleep(0.1)
        return False

    def first_time(self, path):
        """Of the first packet; for whyrst such files sort last that have none."""
        shown = subprocess.run(["capinfos", "-TraSe", path], capture_output=True, text=True, check=True)
        cell = shown.stdout.split()[-2]
        return float(cell) if cell.replace(".", "").isdigit() else float("inf")

    def check(self, folder, files, all_packets, rounds):
        """The ring says what its merged packets say; what has not been overwritten is all there."""
        files.sort(key=self.first_time)
        merged = os.path.join(self.dir, "merged.pcap")
        subprocess.run(["mergecap", "-a", "-F", "nsecpcap", "-w", merged, *files], check=True)
        got = self.objects("--connections", "--continue", folder)
        expected = self.objects("--connections", merged)
        reports = [o for o in got if o["type"] == "file"]
        self.assertEqual([o["file"] for o in reports], files)
        back = Whole.__new__(Whole)
        back.before, total = {}, 0
        for report in reports:
            back.before[report["file"]] = total
            total += report["packets"]
        self.assertEqual(total, expected[-1]["packets"])
        self.assertEqual([back.record(o) for o in got if o["type"] != "file"],
                         [{**o, "file": ""} for o in expected[:-1]])
        resets = [o for o in got if o["type"] == "rst"]
        self.assertEqual(len({(o["file"], o["frame"]) for o in resets}), len(resets))
        if all_packets:
            self.assertEqual(len(resets), rounds + 1)
            self.assertEqual({o["origin"] for o in resets[:-1]}, {resets[0]["origin"]})
        return resets

    def run_one(self, *command, rounds, size, pause=0.0, all_packets=True, at_least=2):
        folder, files = self.capture_whole(*command, rounds=rounds, size=size, pause=pause,
                                           all_packets=all_packets)
        self.assertGreaterEqual(len(files), at_least, files)
        resets = self.check(folder, files, all_packets, rounds)
        if all_packets:
            # The connection that lived from the first file with packets to the last kept its state.
            filled = [path for path in files if self.first_time(path) < float("inf")]
            self.assertEqual((resets[-1]["file"], resets[-1]["syn_frame_file"]), (filled[-1], filled[0]))
            self.assertEqual(resets[-1]["client_bytes"], 2000)
        return resets

    def test_tcpdump_by_size(self):
        self.run_one(*TCPDUMP, "-C", "1", "-w", "c.pcap", rounds=60, size=60000)

    def test_tcpdump_ring(self):
        """-W: the first files are overwritten; connections that began in them are still one each."""
        self.run_one(*TCPDUMP, "-C", "1", "-W", "3", "-w", "c.pcap",
                     rounds=120, size=60000, all_packets=False, at_least=3)

    def test_tcpdump_by_time(self):
        self.run_one(*TCPDUMP, "-G", "1", "-w", "c-%s.pcap", rounds=60, size=500,
                     pause=0.05)

    def test_tcpdump_by_time_and_size(self):
        self.run_one(*TCPDUMP, "-G", "1", "-C", "1", "-w", "c-%s.pcap",
                     rounds=60, size=60000, pause=0.03)

    def test_dumpcap_by_size(self):
        self.run_one("dumpcap", "-q", "-i", "lo", "-b", "filesize:500", "-w", "d.pcapng", rounds=60, size=60000)

    def test_dumpcap_ring(self):
        self.run_one("dumpcap", "-q", "-i", "lo", "-b", "filesize:500", "-b", "files:3", "-w", "d.pcapng",
                     rounds=80, size=60000, all_packets=False, at_least=3)

    def test_dumpcap_by_packets_and_time(self):
        self.run_one("dumpcap", "-q", "-P", "-i", "lo", "-b", "packets:100", "-b", "duration:1", "-w", "d.pcap",
                     rounds=60, size=500, pause=0.04)


if __name__ == "__main__":
    if not all(shutil.which(name) for name in (*PROGRAMS, "capinfos")) or not enter_namespace():
        print("no tcpdump, dumpcap, mergecap, or not root: skipped")
        sys.exit(SKIP)
    unittest.main()
