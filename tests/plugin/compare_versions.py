#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares what the plugin said of the samples in several versions of Wireshark.

    compare_versions.py FILE FILE...     written by agreement_test.py --write, the oldest version first

One difference is Wireshark's own: versions before 4.2 keep the stream number when a pair of addresses
and ports is used again, so that tcp.stream there may be lower, never higher. Any other difference
fails.
"""

import collections
import sys
from pathlib import Path


def read(path):
    """The version, and the values by capture, frame and field."""
    first, *lines = Path(path).read_text().splitlines()
    rows = (line.split("\t", 3) for line in lines)
    return first.removeprefix("# "), {tuple(row[:3]): row[3] for row in rows}


def numbers(value):
    return [int(part) for part in value.split(" | ")]


def is_lower(old, new):
    """Whether the stream numbers are those of a version that splits reused ports less often."""
    return len(old) == len(new) and all(one <= other for one, other in zip(old, new))


def compare(old, new, names):
    """Prints the differences between two versions; returns how many of them nothing explains."""
    unexplained, streams = 0, collections.Counter()
    for key in sorted(old.keys() | new.keys()):
        ours, theirs = old.get(key), new.get(key)
        if ours == theirs:
            continue
        capture, frame, field = key
        if field == "tcp.stream" and ours and theirs and is_lower(numbers(ours), numbers(theirs)):
            streams[capture] += 1
        else:
            unexplained += 1
            print(f"{capture} frame {frame} {field}: {names[0]} {ours}, {names[1]} {theirs}")
    for capture, count in streams.items():
        print(f"{capture}: tcp.stream of {count} frames is lower in {names[0]}: reused ports")
    return unexplained


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    (first, base), *others = map(read, sys.argv[1:])
    unexplained = 0
    for name, values in others:
        found = compare(base, values, (first, name))
        print(f"{first} and {name}: {len(values)} values, {found} unexplained differences")
        unexplained += found
    return 1 if unexplained or not base else 0


if __name__ == "__main__":
    sys.exit(main())
