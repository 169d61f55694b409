#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The Wireshark profile "TCP Resets", in tshark: its columns, filters and colours, without a warning."""

import argparse
import itertools
import re
import shutil
import sys
import unittest
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/plugin"))
from tshark import Tshark  # noqa: E402  pylint: disable=wrong-import-position

OPTIONS = None  # the command line, set by main()
NAME = "TCP Resets"
PROFILE = ROOT / "profile" / NAME
COLUMNS = "No. Time Source Destination Origin Cause Sender JA4 Close Protocol Info".split()


def colour_rules():
    """(name, filter, background, foreground) of each rule; colours as three numbers up to 65535."""
    rule = re.compile(r"@(.+?)@(.+)@\[([\d,]+)\]\[([\d,]+)\]")
    for line in (PROFILE / "colorfilters").read_text().splitlines():
        if not line.startswith("#"):
            name, text, *colours = rule.fullmatch(line).groups()
            yield name, text, *([int(part) for part in colour.split(",")] for colour in colours)


def buttons():
    """(label, filter) of each filter button."""
    for line in (PROFILE / "dfilter_buttons").read_text().splitlines():
        if not line.startswith("#"):
            _, label, text, _ = re.findall(r'"([^"]*)"', line)
            yield label, text.replace(r"\x22", '"')


def luminance(colour):
    """WCAG's relative luminance."""
    parts = [value / 65535 for value in colour]
    parts = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
             for value in parts]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one, other):
    """WCAG's contrast ratio, from 1 to 21."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


class Colours(unittest.TestCase):
    def test_text_is_readable_on_its_background(self):
        for name, _, background, foreground in colour_rules():
            with self.subTest(name):
                self.assertGreaterEqual(contrast(background, foreground), 7)

    def test_backgrounds_differ(self):
        rules = [rule for rule in colour_rules() if "rst." in rule[1]]
        for (one, _, first, _), (other, _, second, _) in itertools.combinations(rules, 2):
            with self.subTest(f"{one} / {other}"):
                distance = sum((a - b) ** 2 for a, b in zip(first, second)) ** 0.5 / 65535
                self.assertGreater(distance, 0.04)


class Profile(unittest.TestCase):
    """In a tshark whose home has the plugin and the profile."""

    @classmethod
    def setUpClass(cls):
        cls.tshark = cls.enterClassContext(Tshark(OPTIONS.plugin, OPTIONS.tshark, OPTIONS.preload))
        folder = cls.tshark.home / ".config/wireshark/profiles"
        if OPTIONS.zip:
            folder.mkdir(parents=True)
            with zipfile.ZipFile(OPTIONS.zip) as archive:
                archive.extractall(folder)
        else:
            shutil.copytree(PROFILE, folder / NAME)
        # pylint: disable=protected-access
        cls.tshark._open_to_all()

    def sample(self, name):
        return self.tshark.place(next((ROOT / "samples" / name).glob("client.pcap*")))

    def rows(self, *arguments):
        done = self.tshark.run("-C", NAME, "-n", *arguments)
        self.assertEqual(done.stderr, "")
        return done.stdout.splitlines()

    def test_columns_without_a_warning(self):
        lines = self.rows("-r", self.sample("clean-close"), "-T", "psml")
        titles = re.findall(r"<section>(.*)</section>", "\n".join(lines[:lines.index("</structure>")]))
        self.assertEqual(titles, COLUMNS)

    def test_columns_show_the_verdict(self):
        lines = self.rows("-2", "-r", self.sample("tls-reset-after-hello"), "-Y", "rst.origin")
        self.assertTrue(lines)
        for line in lines:
            self.assertRegex(line, r" tls-phase \S+ server t1[23]d\w+_\w{12}_\w{12} rst TCP ")

    def test_every_filter_is_one(self):
        filters = [text for _, text in buttons()] + [rule[1] for rule in colour_rules()]
        lines = self.rows("-2", "-r", self.sample("closed-port"), "-Y",
                          " or ".join(f"({text})" for text in filters))
        self.assertTrue(lines)

    def test_buttons_are_told_apart(self):
        for column in zip(*buttons()):
            self.assertEqual(len(set(column)), len(column))

    def test_colours_by_meaning(self):
        for sample, origin, expected in (
                ("tls-reset-after-hello", "tls-phase", "Reset in the TLS handshake"),
                ("injected-sni", "tls-phase", "Reset by a device on the path (forged, firewall)"),
                ("injected-sni", "after-close", "Harmless: after the close, TIME-WAIT, scan"),
                ("closed-port", "refused-handshake", "Refused: no connection came about"),
                ("stale-connection", "idle-timeout", "Reset of an idle connection"),
                ("abort-mid-response", "mid-response",
                 "Reset under way: a request or its response was lost"),
                ("clean-close", "", "Orderly close (FIN)")):
            with self.subTest(sample, origin=origin):
                text = f'rst.origin == "{origin}"' if origin else "rst and not rst.origin"
                rules = self.rows("-2", "-r", self.sample(sample), "--color", "-Y", text, "-T",
                                  "fields", "-e", "frame.coloring_rule.name")
                self.assertEqual(set(rules), {expected})


def main():
    global OPTIONS  # pylint: disable=global-statement
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plugin", required=True)
    parser.add_argument("--tshark", default="tshark")
    parser.add_argument("--preload")
    parser.add_argument("--zip", help="take the profile from this zip")
    OPTIONS, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
