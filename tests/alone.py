#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Blocks, bans and limits show across connections only: nobody may claim one of a single connection.

Takes from samples/ each connection whose RST has such a cause, by itself, and asks the tool. The
answer must be one that the truth's `alone` allows, or "unknown", or of low confidence; and never one
of the causes that need a contrast.

    alone.py PATH-TO-WHYRST [--samples DIR]
"""
import argparse
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "tools")]
sys.dont_write_bytecode = True
import check_samples
import cli
import packets

CONTRASTS = ("tls-fingerprint-block", "ip-block", "rate-limit")


def connections(path, truth):
    """(entry, frames of its connection up to the RST) for each RST that needs others to explain."""
    wanted = [entry for entry in truth["resets"] if "alone" in entry]
    if not wanted:
        return
    frames = packets.read_capture(path)
    tcps = [packets.tcp_of(frame) for frame in frames]
    for entry in wanted:
        rst = tcps[entry["match"]["frame"] - 1]
        yield entry, [frame for frame, tcp in zip(frames, tcps)
                      if tcp and rst.direction in (tcp.direction, tcp.reverse)]


def problem(entry, frames, records):
    rst = next((r for r in records["rst"]
                if frames[r["frame"] - 1].was == entry["match"]["frame"]), None)
    if rst is None:
        return "this RST is not reported"
    cause, sure = rst["cause"], rst["confidence"] in check_samples.CONFIDENT
    if cause in CONTRASTS:
        return f"{cause} is claimed of one connection"
    if sure and cause != "unknown" and cause not in entry["alone"]:
        return f"cause is {cause} ({rst['confidence']} confidence), alone it may be {entry['alone']}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cli", help="the whyrst program")
    parser.add_argument("--samples", default=os.path.join(HERE, "..", "samples"))
    options = parser.parse_args()
    failures = []
    with tempfile.TemporaryDirectory() as work:
        cases = {}
        for place, path, truth in check_samples.load(options.samples, ()):
            for entry, frames in connections(path, truth):
                capture = os.path.join(work, f"{len(cases)}.pcap")
                packets.write_pcap(capture, frames, nanoseconds=True)
                cases[capture] = place, entry, frames
        if not cases:
            sys.exit(f"no such RST in {options.samples}")
        for capture, records in cli.analyse(options.cli, cases).items():
            place, entry, frames = cases[capture]
            if text := problem(entry, frames, records):
                failures.append(f"{place} frame {entry['match']['frame']}: {text}")
    for line in failures:
        print(line)
    print(f"{len(cases)} connections alone, {len(failures)} failed")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
