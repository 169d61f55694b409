#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Live captures: from a pipe, from an interface, in ring buffers."""

import os
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

from case import PluginCase, main
from frames import Connection, ethernet
from show_test import all_lives

COLUMNS = ["-o", 'gui.column.format:"N","%m","O","%Cus:rst.origin:0:R","C","%Cus:rst.cause:0:R",'
           '"S","%Cus:rst.syn_frame:0:R"']


@unittest.skipUnless(shutil.which("dumpcap"), "dumpcap is not installed")
class Live(PluginCase):
    """A live capture, here from a pipe: state ends with each file of a ring buffer."""

    def live(self, capture, *arguments):
        with open(capture, "rb") as stdin:
            return self.tshark.run("-n", "-i", "-", *arguments, stdin=stdin)

    def test_live(self):
        capture = self.capture(all_lives())
        expected = self.tshark.fields(capture, ["frame.number", "rst.origin"], two_pass=False,
                                      only="rst.origin")
        text = self.live(capture, "-Y", "rst.origin", "-T", "fields", "-e", "frame.number", "-e",
                         "rst.origin").stdout
        self.assertEqual([line.split("\t") for line in text.splitlines()],
                         [list(row.values()) for row in expected])

    def test_ring_buffer(self):
        frames = Connection(ethernet).request_reset()  # six frames, then the file is full
        again = [frame for i in range(8) for frame in
                 Connection(ethernet, 52000 + i).request_reset()]
        done = self.live(self.capture(frames + again), "-P", "-b", "packets:6",
                         "-w", self.tshark.home / "ring.pcapng", "-o",
                         'gui.column.format:"N","%m","O","%Cus:rst.origin:0:R",'
                         '"S","%Cus:rst.syn_frame:0:R"')
        resets = [line.split() for line in done.stdout.splitlines() if "awaiting" in line]
        self.assertEqual(len(resets), 9)
        for row in resets:  # numbers begin anew with each file: so must the links
            self.assertEqual(int(row[0]) - int(row[2]), 5)

    def test_session_that_is_reset_now_and_then(self):
        frames = [frame for i in range(20) for frame in
                  Connection(ethernet, 52000 + i).request_reset()]
        text = self.live(self.capture(frames), "-M", "12", "-Y", "rst.origin", "-T", "fields",
                         "-e", "rst.origin").stdout
        self.assertEqual(len(text.split()), 20)

    def peak_memory(self, connections):
        """In MB, of tshark that writes so many connections into a ring of files."""
        frames = (frame for i in range(connections)
                  for frame in Connection(ethernet, 10000 + i).request_reset())
        watch = ("import resource, subprocess, sys; status = subprocess.run(sys.argv[1:]).returncode; "
                 "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr); "
                 "sys.exit(status)")
        capture = self.capture(frames, step=0.0001)
        with open(capture, "rb") as stdin:
            done = self.tshark.run(
                "-n", "-i", "-", "-P", "-b", "packets:600", "-b", "files:2", "-w",
                self.tshark.home / "ring.pcapng", stdin=stdin,
                program=[sys.executable, "-c", watch, self.tshark.program])
        return int(done.stderr.splitlines()[-1]) / 1024

    @unittest.skipIf("--preload" in sys.argv, "a sanitizer keeps freed memory")
    def test_memory_is_freed_with_each_file(self):
        few, many = self.peak_memory(1500), self.peak_memory(20000)
        self.assertLess(many, few + 10)


def can_capture():
    """Root may make a network namespace, whose loopback nobody else sends to."""
    return os.geteuid() == 0 and shutil.which("dumpcap") and subprocess.run(
        ["unshare", "--net", "true"], check=False, capture_output=True).returncode == 0


@unittest.skipUnless(can_capture(), "no network namespace to capture in")
class Interface(PluginCase):
    """Real connections over a loopback interface, captured by dumpcap for tshark."""

    def capture_live(self, *arguments):
        """What tshark prints while connections are made beside it."""
        traffic = Path(__file__).with_name("traffic.py")
        return self.tshark.run(
            "-n", "-i", "lo", "-l", *arguments, as_root=True,
            program=["unshare", "--net", sys.executable, "-B", str(traffic), self.tshark.program])

    def test_resets_are_told_of_as_they_come(self):
        lines = self.capture_live("-c", "60", "-Y", "rst.origin", "-T", "fields", "-e",
                                  "rst.origin", "-e", "rst.sender").stdout.splitlines()
        self.assertGreater(len(lines), 5)
        # The first connection may have begun before the capture did.
        self.assertEqual(set(lines[1:]), {"awaiting-response\tserver"})

    def test_each_ring_file_is_a_capture_of_its_own(self):
        """What was printed live is what the ring's files say alone: no state crosses files."""
        folder = self.tshark.home / "ring"
        folder.mkdir()
        folder.chmod(0o777)
        live = self.capture_live("-P", "-b", "packets:20", "-a", "files:4", "-w",
                                 folder / "ring.pcapng", *COLUMNS).stdout.splitlines()
        files = sorted(folder.glob("*.pcapng"))
        self.assertEqual(len(files), 4)
        alone = [line for path in files
                 for line in self.tshark.run("-n", "-r", path, *COLUMNS).stdout.splitlines()]
        self.assertEqual([line.split() for line in live], [line.split() for line in alone])
        self.assertTrue(any("awaiting-response" in line for line in alone))


if __name__ == "__main__":
    main(__doc__)
