#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Instructions per packet, against tests/instructions.json: above 5 % more is a failure.

    instructions.py TOOL GENERATOR COMPILER [--write]

Callgrind counts what the tool, the library in it and GLib execute on small generated captures of two
sizes: their difference is what packets cost, without what is spent once on any capture. The C library is left out: its memcpy() and the like differ
from processor to processor. Compilers differ as well, so there is a set of figures for each that
somebody has measured, and the check is skipped (status 77) for others and without valgrind.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

FIGURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "instructions.json")
TOLERANCE = 0.05
SKIP = 77
COUNTED = re.compile(r"/(whyrst|libglib-2\.0\.so[.0-9]*)$")

# What sets the generator's size, two sizes, and its other options.
CAPTURES = {
    "mixed": ("--bytes", "5M", "500K", ["--live=100", "mixed"]),
    "mixed, pcapng": ("--bytes", "5M", "500K", ["--pcapng", "--live=100", "mixed"]),
    "small": ("--bytes", "1M", "100K", ["--live=100", "small"]),
    "flows": ("--connections", "2K", "200", ["flows"]),
    "synflood": ("--connections", "10K", "1K", ["synflood"]),
}


def own_cost(path):
    """Sum of the instructions in objects that count; see "Callgrind Format Specification"."""
    names, total, counts, skip = {}, 0, False, False
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            if line[0] in "0123456789+-*":
                if counts and not skip:
                    total += int(line.split()[1])
                skip = False
            elif line.startswith("calls="):
                skip = True  # the next line is what the callee costs
            elif found := re.match(r"ob=(\(\d+\))(?: (.+))?", line):
                if found[2]:
                    names[found[1]] = found[2]
                counts = bool(COUNTED.search(names.get(found[1], "")))
            elif found := re.match(r"cob=(\(\d+\)) (.+)", line):
                names[found[1]] = found[2]
    return total


class Measure:
    def __init__(self, tool, generator, directory):
        self.tool, self.generator, self.directory = tool, generator, directory

    def cost(self, arguments):
        """Instructions spent on a generated capture, and how many packets it has."""
        capture, profile = (os.path.join(self.directory, name) for name in ("capture", "profile"))
        made = subprocess.run([self.generator, *arguments, capture], check=True, text=True,
                              stderr=subprocess.PIPE)
        subprocess.run(["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={profile}",
                        self.tool, "--no-sandbox", "-j1", "--format=ndjson", "-o", "/dev/null", capture],
                       check=True)
        return own_cost(profile), json.loads(made.stderr)["packets"]

    def per_packet(self, name):
        option, large, small, others = CAPTURES[name]
        (cost, packets), (base, fewer) = (self.cost([f"{option}={size}", *others])
                                          for size in (large, small))
        return round((cost - base) / (packets - fewer), 1)


def compare(now, known):
    """Prints a line for each capture; returns whether none has grown too much."""
    good = True
    for name, figure in now.items():
        change = figure / known[name] - 1 if name in known else 0
        verdict = "TOO MANY" if change > TOLERANCE else "fewer: write it down" if change < -TOLERANCE else ""
        good &= change <= TOLERANCE and name in known
        print(f"{name:14} {figure:8} instructions per packet, {known.get(name, 'not')} committed "
              f"({change:+.1%}) {verdict}".rstrip())
    return good


def main():
    tool, generator, compiler = sys.argv[1:4]
    if not shutil.which("valgrind"):
        print("no valgrind: skipped")
        return SKIP
    with open(FIGURES, encoding="utf-8") as file:
        figures = json.load(file)
    write = "--write" in sys.argv
    if compiler not in figures and not write:
        print(f"nobody has measured with {compiler}: skipped (cmake --build BUILD --target instructions)")
        return SKIP
    with tempfile.TemporaryDirectory(prefix="whyrst-instructions-") as directory:
        measure = Measure(tool, generator, directory)
        now = {name: measure.per_packet(name) for name in CAPTURES}
    good = compare(now, figures.get(compiler, {}))
    if not write:
        return 0 if good else 1
    figures[compiler] = now
    with open(FIGURES, "w", encoding="utf-8") as file:
        json.dump(figures, file, indent=2, sort_keys=True)
        file.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
