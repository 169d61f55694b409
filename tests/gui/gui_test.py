#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What users see in Wireshark's window: columns, details, filter buttons, statistics. See run.py."""

import os
import re
import sys
import unittest
from pathlib import Path

from desktop import (BUTTONS, NO_SESSION, TREES, NoSession, Screen, Wireshark, cells, click, titles,
                     wait_for)

COLUMNS = "No. Time Source Destination Origin Cause Sender JA4 Close Protocol Info".split()
LABELS = ["All resets", "Not after close", "Refused", "TLS phase", "Mid-response", "Idle", "Injected",
          "Sent by", "More"]
# The sample's first reset: a server that aborts after the ClientHello, four connections in all.
SAMPLE, FRAME, RESETS = "tls.pcapng", 63, 4
HARMLESS = re.compile(r"nl80211|^\s*$|Warning: Ignoring XDG_SESSION_TYPE")


class Gui(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.screen = Screen()
        cls.addClassCleanup(cls.screen.close)
        try:
            cls.wireshark = Wireshark(Path(os.environ["HOME"]) / "samples" / SAMPLE, frame=FRAME)
        except NoSession as error:
            cls.screen.close()
            print(error, file=sys.stderr)
            sys.exit(NO_SESSION)
        cls.addClassCleanup(cls.wireshark.close)

    def wait_for_cells(self, tree, *patterns):
        """Waits until each pattern is the whole text of some cell."""
        def missing():
            texts = cells(tree)
            return [pattern for pattern in patterns
                    if not any(re.fullmatch(pattern, text) for text in texts)]
        wait_for(lambda: not missing(), f"cells {patterns}")

    def test_columns(self):
        self.assertEqual(titles(self.wireshark.packets), COLUMNS)
        self.wireshark.find("label", name="Profile: TCP Resets")
        self.wait_for_cells(self.wireshark.packets, str(FRAME), "tls-phase", "abortive-close",
                            "server", r"t13d\w+_\w{12}_\w{12}", "rst")

    def test_details(self):
        self.wait_for_cells(self.wireshark.details, r"\[RST analysis: .*tls-phase.*\]")
        self.wireshark.menu("View", "Expand All")
        self.wait_for_cells(self.wireshark.details, r"\[Origin: tls-phase \(.+\)\]",
                            r"\[Sender: server\]", r"\[JA4: t13d\w+_\w{12}_\w{12}\]",
                            r"\[Server name.*: shop\.example\]|\[SNI.*: shop\.example\]")

    def test_filter_buttons(self):
        for label in LABELS:
            self.wireshark.find(*BUTTONS, name=label)
        for label, displayed in (("TLS phase", RESETS), ("Mid-response", 0), ("All resets", RESETS)):
            with self.subTest(label):
                click(self.wireshark.find(*BUTTONS, name=label))
                self.wireshark.find("label", name=rf"Packets: \d+ . Displayed: {displayed} .*")

    def test_statistics(self):
        for entry, expected in (("By origin", "tls-phase"),):
            if not self.wireshark.menu_entry("Statistics", "TCP Resets", entry):
                self.skipTest(f"no Statistics > TCP Resets > {entry}")
            with self.subTest(entry):
                self.wireshark.menu("Statistics", "TCP Resets", entry)
                window = self.wireshark.window_named(f" {entry} ")
                tree = self.wireshark.find(*TREES, name=".*", below=window)
                self.wait_for_cells(tree, expected, str(RESETS))
                click(self.wireshark.find(*BUTTONS, name="Close", below=window))

    def test_no_complaints(self):
        complaints = [line for line in self.wireshark.messages().splitlines()
                      if not HARMLESS.search(line)]
        self.assertEqual(complaints, [])


if __name__ == "__main__":
    sys.exit(unittest.main())
