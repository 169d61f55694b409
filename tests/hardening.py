#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether the built files have what SECURITY.md says of them. Usage: hardening.py FILE..."""
import os
import re
import shutil
import subprocess
import sys
import unittest

FILES = []
SKIP = 77


def readelf(*arguments):
    return subprocess.run(["readelf", "--wide", *arguments], check=True, capture_output=True, text=True).stdout


class Hardening(unittest.TestCase):
    def segments(self, path):
        """(type, flags) of each segment."""
        return re.findall(r"^ +(\w+) +0x\w+ 0x\w+ 0x\w+ 0x\w+ 0x\w+ ([RWE ]{3}) ", readelf("-l", path), re.M)

    def test_position_independent(self):
        for path, name in FILES:
            with self.subTest(name):
                self.assertRegex(readelf("-h", path), r"Type: +DYN ")
                self.assertNotIn("TEXTREL", readelf("-d", path))

    def test_relocations_read_only(self):
        """Full RELRO: all symbols are bound at the start, then their table is read-only."""
        for path, name in FILES:
            with self.subTest(name):
                self.assertIn("GNU_RELRO", [kind for kind, _ in self.segments(path)])
                self.assertRegex(readelf("-d", path), r"\(FLAGS\) +BIND_NOW|\(FLAGS_1\).*\bNOW\b")

    def test_nothing_writable_and_executable(self):
        for path, name in FILES:
            with self.subTest(name):
                segments = self.segments(path)
                self.assertIn("GNU_STACK", [kind for kind, _ in segments])
                for kind, flags in segments:
                    self.assertFalse("W" in flags and "E" in flags, f"{kind} {flags}")

    def test_stack_protector(self):
        for path, name in FILES:
            with self.subTest(name):
                self.assertIn("__stack_chk_fail", readelf("-s", path))

    def test_fortified(self):
        """memcpy() and its like check the sizes that the compiler knows."""
        for path, name in FILES:
            with self.subTest(name):
                self.assertRegex(readelf("-s", path), r" __(mem(cpy|set|move)|v?snprintf|read|fprintf|printf)_chk\b")

    def test_only_the_interface_is_exported(self):
        """Symbols of the library's inside must not meet those of the program that loads it."""
        for path, name in FILES:
            with self.subTest(name):
                names = re.findall(r" (?:FUNC|OBJECT) +GLOBAL +DEFAULT +\d+ (\w+)", readelf("--dyn-syms", path))
                for symbol in names:
                    self.assertRegex(symbol, r"^(whyrst_|plugin_|_IO_stdin_used|std(in|out|err)$|__bss_start|_end|_edata)")


if __name__ == "__main__":
    if not shutil.which("readelf"):
        print("no readelf: skipped")
        sys.exit(SKIP)
    FILES.extend((path, os.path.basename(path)) for path in sys.argv[1:])
    unittest.main(argv=sys.argv[:1])
