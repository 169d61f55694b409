#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the plugin adds to tshark: retired user instructions with it over those without it.

Instructions are counted by valgrind, so that a busy machine changes nothing. The start-up, which is
what a capture of one packet takes, is subtracted from the first ratio; the second is of the whole run.
scripts/bench.sh runs this; alone: plugin_cost.py --generator FILE --plugin rst.so [--tshark PROGRAM]
"""

import argparse
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "plugin"))
from tshark import Tshark  # noqa: E402  pylint: disable=wrong-import-position

# A name, tshark's options, and issue 4's bound for the first ratio.
SCENARIOS = (
    ("filter and fields", ["-Y", "tcp.flags.reset==1", "-T", "fields", "-e", "frame.number"], 1.10),
    ("bare summary", [], 1.40),
)
CAPTURE = ["--live=100", "--bytes=15M", "mixed"]  # some 20,000 packets
EMPTY = ["--live=1", "--bytes=1", "mixed"]


def instructions(tshark, capture, options, home):
    counter = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null",
               tshark.program]
    done = tshark.run("-n", "-r", capture, *options, program=counter, home=home,
                      timeout=3000)
    return int(re.search(r"I +refs: +([\d,]+)", done.stderr)[1].replace(",", ""))


def measure(tshark, captures, jobs):
    """Instructions by scenario, whether the plugin was missing, and capture."""
    runs = [(name, without, capture) for name, _, _ in SCENARIOS for without in (False, True)
            for capture in captures]
    options = {name: options for name, options, _ in SCENARIOS}

    def one(run):
        name, without, capture = run
        home = tshark.home / "bare" if without else None
        return instructions(tshark, capture, options[name], home)

    with ThreadPoolExecutor(jobs) as pool:
        return dict(zip(runs, pool.map(one, runs)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--generator", required=True)
    parser.add_argument("--plugin", required=True)
    parser.add_argument("--tshark", default="tshark")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    worst = 0
    with Tshark(options.plugin, options.tshark) as tshark:
        (tshark.home / "bare").mkdir()
        captures = (tshark.home / "mixed.pcap", tshark.home / "empty.pcap")
        for path, arguments in zip(captures, (CAPTURE, EMPTY)):
            subprocess.run([options.generator, *arguments, path], check=True, capture_output=True)
            path.chmod(0o644)
        counted = measure(tshark, captures, options.jobs)
    full, empty = captures
    print(f"tshark {tshark.series} with the plugin over tshark without it, user instructions")
    print(f"{'':<20}{'ratio':>7}{'bound':>7}{'with start-up':>15}{'start-up adds':>15}")
    for name, _, bound in SCENARIOS:
        with_full, with_empty = (counted[name, False, path] for path in (full, empty))
        bare_full, bare_empty = (counted[name, True, path] for path in (full, empty))
        ratio = (with_full - with_empty) / (bare_full - bare_empty)
        worst = max(worst, ratio / bound)
        print(f"{name:<20}{ratio:>7.3f}{bound:>7.2f}{with_full / bare_full:>15.3f}"
              f"{(with_empty - bare_empty) / 1e6:>13.1f} M")
    return 1 if worst > 1 else 0


if __name__ == "__main__":
    sys.exit(main())
