#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Pictures of Wireshark for the documentation, in $HOME/pictures. See run.py --screenshots."""

import functools
import os
import re
import subprocess
import sys
from pathlib import Path

from desktop import TREES, Screen, Wireshark, cells, wait_for

HOME = Path(os.environ["HOME"])
PICTURES = HOME / "pictures"


def save(screen, name):
    """A picture of few colours, so that the file is small; taken when the screen stands still."""
    last = None

    def still():
        nonlocal last
        screen.picture(HOME / "screen.png")
        picture = subprocess.run(["convert", HOME / "screen.png", "rgb:-"], capture_output=True,
                                 check=True).stdout
        same, last = picture == last, picture
        return same

    wait_for(still, "a screen that stands still")
    subprocess.run(["convert", HOME / "screen.png", "+dither", "-colors", "128", "-define",
                    "png:compression-level=9", f"PNG8:{PICTURES / name}"], check=True)


def keys(*names):
    for name in names:
        subprocess.run(["xdotool", "key", name], check=True)


def open_analysis(wireshark):
    """Opens the analysis, the last tree of the details, and it alone."""
    def shown():
        x, y, width, _ = wireshark.details.place()
        return (x, y) if width > 0 else None
    x, y = wait_for(shown, "the place of the details")
    wait_for(lambda: any("RST analysis" in text for text in cells(wireshark.details)), "the analysis")
    subprocess.run(["xdotool", "mousemove", str(x + 300), str(y + 8), "click", "1"],
                   check=True)
    keys("End", "shift+Right")
    wait_for(lambda: any(re.match(r"\[Advice", text) for text in cells(wireshark.details)),
             "the opened analysis")
    pointer_away()


def pointer_away():
    """Into the corner, where it highlights nothing."""
    subprocess.run(["xdotool", "mousemove", "1495", "935"], check=True)


def analysis(screen, name, dark=False):
    """A forged RST with its analysis open."""
    wireshark = Wireshark.reading(HOME / "samples/injected.pcapng", "-Y", "tcp.port == 38683", "-g",
                                  59, dark=dark)
    try:
        open_analysis(wireshark)
        save(screen, name)
    finally:
        wireshark.close()


def colours(screen, name, dark=False):
    """Resets of several meanings."""
    wireshark = Wireshark.reading(HOME / "samples/mixed.pcapng", "-Y", "rst.origin", dark=dark)
    try:
        pointer_away()
        save(screen, name)
    finally:
        wireshark.close()


def statistics(screen, name):
    wireshark = Wireshark.reading(HOME / "samples/mixed.pcapng")
    try:
        wireshark.menu("Statistics", "TCP Resets", "By origin")
        tree = wireshark.find(*TREES, name=".*", below=wireshark.window_named(" By origin "))
        wait_for(lambda: "tls-phase" in cells(tree), "the statistics")
        save(screen, name)
    finally:
        wireshark.close()


def below_first(screen, name, statistic, seen, expanded):
    """A statistic of a server that resets one JA4, with what is below its first line."""
    wireshark = Wireshark.reading(HOME / "samples/block.pcapng")
    try:
        wireshark.menu("Statistics", "TCP Resets", statistic)
        tree = wireshark.find(*TREES, name=".*", below=wireshark.window_named(f" {statistic} "))
        wait_for(lambda: any(seen in text for text in cells(tree)), seen)
        x, y, _, _ = tree.place()
        subprocess.run(["xdotool", "mousemove", str(x + 60), str(y + 60), "click", "1"], check=True)
        keys("asterisk")
        wait_for(lambda: any(expanded in text for text in cells(tree)), expanded)
        pointer_away()
        save(screen, name)
    finally:
        wireshark.close()


def endpoint_health(screen, name):
    below_first(screen, name, "Endpoint health", "tls-fingerprint-block", "Reset in the server's name")


def findings(screen, name):
    below_first(screen, name, "Findings", "tls-fingerprint-block", "frame.number in")


TAKE = {
    "endpoint-health.png": endpoint_health,
    "findings.png": findings,
    "wireshark.png": analysis,
    "wireshark-dark.png": functools.partial(analysis, dark=True),
    "colours.png": colours,
    "colours-dark.png": functools.partial(colours, dark=True),
    "statistics.png": statistics,
}


def main():
    name = sys.argv[1]
    screen = Screen(1500, 940)
    try:
        TAKE[name](screen, name)
    finally:
        screen.close()


if __name__ == "__main__":
    main()
