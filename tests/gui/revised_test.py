#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Causes that only other connections show, in Wireshark's window. See run.py."""

import os
import re
import sys
import unittest
from pathlib import Path

from desktop import BUTTONS, TREES, Screen, Wireshark, cells, click, wait_for

CAPTURE = Path(os.environ["HOME"]) / "samples/block.pcapng"
CAUSE = "tls-fingerprint-block"


class Revised(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.screen = Screen()
        cls.addClassCleanup(cls.screen.close)
        cls.wireshark = Wireshark.reading(CAPTURE)
        cls.addClassCleanup(cls.wireshark.close)
        click(cls.wireshark.find(*BUTTONS, name="All resets"))

    def wait_for_cell(self, tree, pattern):
        wait_for(lambda: any(re.fullmatch(pattern, text) for text in cells(tree)), f"cell {pattern}")

    def test_packet_list_and_details(self):
        self.wait_for_cell(self.wireshark.packets, CAUSE)
        self.wireshark.menu("Go", "First Packet")
        self.wait_for_cell(self.wireshark.details, r"\[RST analysis: .*\]")
        self.wireshark.menu("View", "Expand All")
        self.wait_for_cell(self.wireshark.details, rf"\[Cause: {CAUSE}\]")
        self.wait_for_cell(self.wireshark.details, r"\[Evidence: t13d\w+: \d+ of \d+ .*\]")

    def test_endpoint_health_names_it(self):
        self.wireshark.menu("Statistics", "TCP Resets", "Endpoint health")
        window = self.wireshark.window_named(" Endpoint health ")
        tree = self.wireshark.find(*TREES, name=".*", below=window)
        self.wait_for_cell(tree, rf".*:443 \[{CAUSE}\] \[above the alert rate\]")


if __name__ == "__main__":
    sys.exit(unittest.main())
