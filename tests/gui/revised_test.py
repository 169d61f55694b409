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

    def wait_for_statistic(self, name, pattern):
        self.wireshark.menu("Statistics", "TCP Resets", name)
        window = self.wireshark.window_named(f" {name} ")
        self.wait_for_cell(self.wireshark.find(*TREES, name=".*", below=window), pattern)

    def test_endpoint_health_names_it(self):
        self.wait_for_statistic("Endpoint health", rf".*:443 \[{CAUSE}\] \[above the alert rate\]")

    def test_findings_begin_with_it(self):
        self.wait_for_statistic("Findings", rf"01\. {CAUSE} \(high\): .*:443 resets the TLS client t13d.*")


if __name__ == "__main__":
    sys.exit(unittest.main())
