#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Wireshark's window while it captures: a verdict that was looked at is still revised. See run.py."""

import os
import re
import sys
import unittest
from pathlib import Path

from desktop import TREES, Screen, Wireshark, cells, wait_for
from frames import ACK, PSH, RST, Connection, ethernet, write_pcap

HOME = Path(os.environ["HOME"])
REQUEST = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n"


class Capturing(unittest.TestCase):
    def setUp(self):
        """Wireshark captures from a pipe, into which the test writes."""
        self.screen = Screen()
        self.addCleanup(self.screen.close)
        pipe = HOME / "pipe"
        os.mkfifo(pipe)
        # Opened for reading too, so that this does not wait for Wireshark.
        self.pipe = os.fdopen(os.open(pipe, os.O_RDWR), "wb", buffering=0)
        self.addCleanup(self.pipe.close)

    def write(self, frames, header=False):
        """Writes frames as a pcap file or as its continuation."""
        path = HOME / "part.pcap"
        write_pcap(path, frames)
        self.pipe.write(path.read_bytes()[0 if header else 24:])

    def go_to(self, frame):
        self.wireshark.menu("Go", "First Packet")
        for _ in range(frame - 1):
            self.wireshark.menu("Go", "Next Packet")

    def wait_for_details(self, *patterns):
        for pattern in patterns:
            wait_for(lambda pattern=pattern: any(
                re.match(pattern, text) for text in cells(self.wireshark.details)),
                     f"details {pattern}")

    def test_forged_reset_is_recognised_after_it_was_looked_at(self):
        connection = Connection(ethernet)
        before = connection.handshake() + [connection.send(True, PSH | ACK, REQUEST)]
        forged = ethernet(connection.packet(False, RST))
        self.write(before + [forged], header=True)
        self.wireshark = Wireshark("-k", "-i", HOME / "pipe", title="Capturing from")
        self.addCleanup(self.wireshark.close)
        self.go_to(5)
        self.wait_for_details(r"\[RST analysis: ")
        self.wireshark.menu("View", "Expand All")
        self.wait_for_details(r"\[Cause: abortive-close \(provisional\)\]")
        self.wireshark.find("label", name=r"Packets: 5\b.*")

        # Nobody knows yet what becomes of the connections.
        self.wireshark.menu("Statistics", "TCP Resets", "Endpoint health")
        tree = self.wireshark.find(*TREES, name=".*",
                                   below=self.wireshark.window_named(" Endpoint health "))
        wait_for(lambda: any(text.startswith("Known when") for text in cells(tree)), "a line that says so")

        self.write([connection.send(False, PSH | ACK, RESPONSE + bytes(200)),
                    connection.send(True, ACK), connection.send(False, PSH | ACK, bytes(200))])
        self.wireshark.find("label", name=r"Packets: 8\b.*")
        self.go_to(5)
        self.wait_for_details(r"\[Cause: injected \(provisional\)\]",
                              r"\[Sender: middlebox \(provisional\)\]")


if __name__ == "__main__":
    sys.exit(unittest.main())
