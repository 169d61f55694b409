# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of the plugin in tshark have in common: a tshark, captures, the command line."""

import argparse
import sys
import unittest

from frames import write_pcap
from statistics_text import tree_lines
from tshark import Tshark


class PluginCase(unittest.TestCase):
    """A tshark of its own, and captures placed in its home."""

    options = None  # the command line, set by main()

    @classmethod
    def setUpClass(cls):
        cls.tshark = cls.enterClassContext(
            Tshark(cls.options.plugin, cls.options.tshark, cls.options.preload))

    def capture(self, frames, **options):
        path = self.tshark.home / f"{self.id().rsplit('.', maxsplit=1)[-1]}.pcap"
        write_pcap(path, frames, **options)
        path.chmod(0o644)
        return path

    def frames(self, capture, display_filter, *arguments, two_pass=True):
        """Numbers of the frames that match."""
        rows = self.tshark.fields(capture, ["frame.number"], *arguments, two_pass=two_pass,
                                  only=display_filter)
        return [int(row["frame.number"]) for row in rows]

    def script(self, text, name="script.lua"):
        """The option that has tshark run a Lua script."""
        path = self.tshark.home / name
        path.write_text(text)
        path.chmod(0o644)
        return ["-X", f"lua_script:{path}"]

    def tree(self, capture, name, *arguments):
        """The lines of `-z name,tree`: label, count and share of each, indentation kept."""
        return tree_lines(self.tshark.run("-2", "-q", "-r", capture, "-z", f"{name},tree", *arguments).stdout)


def main(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--plugin", required=True, help="rst.so")
    parser.add_argument("--tshark", default="tshark")
    parser.add_argument("--preload", help="library to preload (a sanitizer's runtime)")
    PluginCase.options, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest])
