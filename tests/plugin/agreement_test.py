#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The plugin in `tshark -2` and the command-line tool must say the same of the same capture.

Compared is every field of every RST record, and the statistics of endpoints and JA4s, over the captures
named on the command line (files, or folders to search) and over one capture made here with RSTs in all
kinds of tunnels.

--write FILE keeps what the plugin said, expert items and tcp.stream too: compare_versions.py compares
such files of several versions of Wireshark.
"""

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import agreement_statistics
import odd
from frames import write_pcap
from tshark import Tshark, rows_of

SEPARATOR = "\x1f"  # between the values of one field: in no text that a record holds


def plugin_fields(tshark):
    """Name and type of each of the plugin's fields."""
    rows = [line.split("\t") for line in tshark.run("-G", "fields").stdout.splitlines()]
    return {row[2]: row[3] for row in rows if row[0] == "F" and row[2].startswith("rst.")}


def of_both(types):
    """Without the expert items: they are Wireshark's alone."""
    return {name: kind for name, kind in types.items() if not name.startswith("rst.expert.")}


def from_tshark(tshark, capture, types):
    """What the plugin says by frame, a dictionary of lists of values; and its statistics, as text, which
    tshark leaves out where it gives a damaged capture up."""
    names = ["frame.number", "tcp.stream", *types]
    text = tshark.field_text(capture, names, "-E", f"aggregator={SEPARATOR}",
                             *agreement_statistics.ARGUMENTS, check=False)
    text, _, statistics = text.partition("\n=")
    return {
        int(row["frame.number"]):
            {name: row[name].split(SEPARATOR) for name in names[1:] if row[name]}
        for row in rows_of(text, names)
    }, statistics


def from_tool(tool, capture):
    """The objects of the tool's NDJSON."""
    done = subprocess.run([tool, "--format=ndjson", "--no-progress", capture],
                          capture_output=True, check=False)
    if done.returncode not in (0, 1):  # 1: the capture is cut short, and so it is for tshark
        raise AssertionError(f"{tool} {capture}: status {done.returncode}\n"
                             f"{done.stderr.decode(errors='replace')}")
    return [json.loads(line, parse_float=Decimal) for line in done.stdout.decode().splitlines()]


def records_of(objects, types):
    """Those of RSTs by frame. A frame with several RSTs has all their values in a row."""
    records = {}
    for record in objects:
        if record["type"] != "rst":
            continue
        values = records.setdefault(record["frame"], {})
        for name in types:
            value = record.get(name.removeprefix("rst."))
            if value is not None:
                text = "; ".join(value) if isinstance(value, list) else str(value)
                values.setdefault(name, []).append(text)
    return records


def same(kind, ours, theirs):
    """Times are numbers, everything else is text."""
    if kind == "FT_RELATIVE_TIME":
        return list(map(Decimal, ours)) == list(map(Decimal, theirs))
    return ours == theirs


def differences(plugin, command, types):
    """One line of text for each difference between the two programs' records."""
    plugin = {frame: record for frame, record in plugin.items() if "rst.origin" in record}
    lines = []
    for frame in sorted(plugin.keys() | command.keys()):
        if frame not in plugin or frame not in command:
            lines.append(f"frame {frame}: only the "
                         f"{'plugin' if frame in plugin else 'tool'} reports a RST")
            continue
        for name, kind in types.items():
            ours, theirs = plugin[frame].get(name, []), command[frame].get(name, [])
            if not same(kind, ours, theirs):
                lines.append(f"frame {frame}: {name}: plugin {ours}, tool {theirs}")
    return lines


def captures_in(paths):
    """Captures, those below the folders among `paths` too, each with a short name."""
    for path in paths:
        found = sorted(path.rglob("*.pcap*")) if path.is_dir() else [path]
        yield from ((capture.relative_to(path.parent), capture) for capture in found)


def lines_of(name, records):
    """The records of one capture as lines of text: capture, frame, field, value."""
    for frame, record in sorted(records.items()):
        for field, values in record.items():
            yield "\t".join((str(name), str(frame), field, " | ".join(values)))


def compare_one(tshark, tool, capture, types, damaged=False):
    """The plugin's records of a capture, and the differences as lines."""
    plugin, statistics = from_tshark(tshark, capture, types)
    objects = from_tool(tool, capture)
    lines = differences(plugin, records_of(objects, of_both(types)), of_both(types))
    if statistics or not damaged:
        lines.extend(agreement_statistics.differences(statistics, objects))
    return plugin, lines


def compare(arguments, tshark, scratch):
    """Compares all captures; returns whether they agree."""
    types = plugin_fields(tshark)
    tunnels = scratch / "tunnels.pcap"
    write_pcap(tunnels, odd.frames())
    captures = [(Path(tunnels.name), tunnels), *captures_in(arguments.captures)]

    def one(numbered):
        number, (_, capture) = numbered
        return compare_one(tshark, arguments.tool, tshark.place(capture, scratch / str(number)), types)

    failed, resets, written = 0, 0, [f"# Wireshark {tshark.series}"]
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for (name, _), (plugin, lines) in zip(captures, pool.map(one, enumerate(captures))):
            resets += sum("rst.origin" in record for record in plugin.values())
            failed += bool(lines)
            written += lines_of(name, plugin)
            for line in lines:
                print(f"{name}: {line}")
    if arguments.write:
        arguments.write.write_text("\n".join(written) + "\n")
    print(f"{len(captures)} captures, {resets} frames with a RST, {failed} captures differ")
    return failed == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plugin", required=True, help="rst.so")
    parser.add_argument("--tool", required=True, help="the whyrst program")
    parser.add_argument("--tshark", default="tshark")
    parser.add_argument("--preload", help="library to preload (a sanitizer's runtime)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--write", type=Path, metavar="FILE", help="keeps what the plugin said")
    parser.add_argument("captures", nargs="*", type=Path)
    arguments = parser.parse_args()
    with Tshark(arguments.plugin, arguments.tshark, arguments.preload) as tshark:
        return 0 if compare(arguments, tshark, tshark.home) else 1


if __name__ == "__main__":
    sys.exit(main())
