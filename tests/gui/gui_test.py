#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What users see in Wireshark's window: columns, details, filter buttons, statistics. See run.py."""

import os
import re
import sys
import unittest
from pathlib import Path

from desktop import BUTTONS, TREES, Screen, Wireshark, cells, click, titles, wait_for

COLUMNS = "No. Time Source Destination Origin Cause Sender JA4 Close Protocol Info".split()
LABELS = ["All resets", "Not after close", "Refused", "TLS phase", "Mid-response", "Idle", "Injected",
          "Sent by", "More"]
TREES_OF_RESETS = {  # statistics and some of their cells
    "By origin": ("Resets", "tls-phase"), "By cause": ("Resets", "abortive-close"),
    "By sender": ("Resets", "server"), "By server": ("Resets", r"[\d.:\[\]a-f]+:443"),
    # Before the entry whose name begins with this one's: windows are found by a part of their title.
    "By JA4": ("Resets", r"t13d\w+_\w{12}_\w{12}"), "Close types": ("Connections ended", "rst"),
    "By JA4 and outcome": ("ClientHellos", r"t13d\w+_\w{12}_\w{12}"),
    "Endpoint health": ("Servers", r"[\d.:\[\]a-f]+:443( \[[\w -]+\])*", "SNI shop.example.*"),
}
# The sample's first reset: a server that aborts after the ClientHello, four connections in all.
SAMPLE, FRAME, RESETS = "tls.pcapng", 63, 4
# The domain GUI is Qt's: it speaks of the desktop, and of cells that were redrawn while the test asked
# after them.
HARMLESS = re.compile(r"nl80211|^\s*$|Warning: Ignoring XDG_SESSION_TYPE|\[GUI [A-Z]+\]")


class Gui(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.screen = Screen()
        cls.addClassCleanup(cls.screen.close)
        cls.wireshark = Wireshark.reading(Path(os.environ["HOME"]) / "samples" / SAMPLE, "-g", FRAME)
        cls.addClassCleanup(cls.wireshark.close)

    def wait_for_cells(self, tree, *patterns):
        """Waits until each pattern is the whole text of some cell."""
        def missing():
            texts = cells(tree)
            return [pattern for pattern in patterns
                    if not any(re.fullmatch(pattern, text) for text in texts)]
        wait_for(lambda: not missing(), f"cells {patterns}")

    def test_columns(self):
        wait_for(lambda: titles(self.wireshark.packets) == COLUMNS, f"columns {COLUMNS}")
        self.wireshark.find("label", name="Profile: TCP Resets")
        self.wait_for_cells(self.wireshark.packets, str(FRAME), "tls-phase", "abortive-close",
                            "server", r"t13d\w+_\w{12}_\w{12}", "rst")

    def test_reload(self):
        """The capture is read anew, with an engine of its own."""
        self.wireshark.menu("View", "Reload")
        self.wireshark.menu("Go", "First Packet")
        for label in ("TLS phase", "All resets"):
            click(self.wireshark.find(*BUTTONS, name=label))
            self.wireshark.find("label", name=rf"Packets: \d+ . Displayed: {RESETS} .*")

    def test_details(self):
        self.wait_for_cells(self.wireshark.details, r"\[RST analysis: .*tls-phase.*\]")
        self.wireshark.menu("View", "Expand All")
        self.wait_for_cells(self.wireshark.details, r"\[Origin: tls-phase \(.+\)\]",
                            r"\[Sender: server\]", r"\[JA4: t13d\w+_\w{12}_\w{12}\]",
                            r"\[Server name.*: shop\.example\]|\[SNI.*: shop\.example\]")

    def test_filter_buttons(self):
        for label in LABELS:
            self.wireshark.find(*BUTTONS, "button menu", name=label)
        for label, displayed in (("TLS phase", RESETS), ("Mid-response", 0), ("All resets", RESETS)):
            with self.subTest(label):
                click(self.wireshark.find(*BUTTONS, name=label))
                self.wireshark.find("label", name=rf"Packets: \d+ . Displayed: {displayed} .*")

    def test_statistics(self):
        """Windows stay open: Qt 5 does not tell of one that takes over the memory of a closed one."""
        for entry, expected in TREES_OF_RESETS.items():
            with self.subTest(entry):
                self.wireshark.menu("Statistics", "TCP Resets", entry)
                window = self.wireshark.window_named(f" {entry} ")
                tree = self.wireshark.find(*TREES, name=".*", below=window)
                self.wait_for_cells(tree, *expected, str(RESETS))

    def test_reset_list(self):
        """The table of all resets: a line for each."""
        self.wireshark.menu("Statistics", "TCP Reset List")
        window = self.wireshark.window_named("TCP Reset List")
        tree = self.wireshark.find(*TREES, name=".*", below=window)
        wait_for(lambda: cells(tree).count("tls-phase") == RESETS, "the lines of the resets")

    def test_no_complaints(self):
        complaints = [line for line in self.wireshark.messages().splitlines()
                      if not HARMLESS.search(line)]
        self.assertEqual(complaints, [])


if __name__ == "__main__":
    sys.exit(unittest.main())
