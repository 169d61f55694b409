#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares the tool's verdicts on samples/ with what the scenarios know to be true.

Every RST of every capture must be reported, and no other. Origin, close type and every other field
the truth names must be right; a cause or sender must not be wrong with medium or high confidence
("unknown" and a wrong guess of low confidence are counted, not failed). "acceptable" answers pass.
A cause that only several connections together show may be left at what one connection `alone` says: undecided.

    check_samples.py PATH-TO-WHYRST [--samples DIR] [-v] [NAME...]
"""
import argparse
import collections
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "tools"))
sys.dont_write_bytecode = True
import cli
from captures import load

NOT_FIELDS = ("match", "what", "acceptable", "alone")
HINDSIGHT = ("cause", "sender")  # inferred: a wrong answer of low confidence is a weakness only
CONFIDENT = ("medium", "high")
TABLES = ("origin", "cause", "sender", "close_type")
TOLERANCE = 1e-6  # seconds

# Causes that only several connections together can show.
ACROSS = ("tls-fingerprint-block", "ip-block", "rate-limit")


def right(got, wanted):
    if isinstance(wanted, list):  # a range of seconds
        return got is not None and wanted[0] - TOLERANCE <= got <= wanted[1] + TOLERANCE
    return got == wanted


class Score:
    """What was found, per field and capture point."""

    def __init__(self):
        self.counts = collections.defaultdict(collections.Counter)  # (field, point) -> kind -> n
        self.confused = collections.defaultdict(list)  # (field, wanted, got, kind) -> places
        self.failures = []
        self.resets = 0

    def field(self, place, point, name, record, entry):
        wanted, got = entry[name], record.get(name)
        if name in HINDSIGHT and got is None:
            self.counts[name, point]["not given"] += 1
            return
        acceptable = entry.get("acceptable", {}).get(name, ())
        kind = self._kind(name, record, wanted, got, acceptable)
        if kind == "wrong" and name == "cause" and wanted in ACROSS and got in entry["alone"]:
            kind = "undecided"
        self.counts[name, point][kind] += 1
        if kind != "right":
            self.confused[name, str(wanted), str(got), kind].append(place)
        if kind == "wrong":
            sure = f" ({record.get('confidence')} confidence)" if name in HINDSIGHT else ""
            self.failures.append(f"{place}: {name} is {got}{sure}, the truth is {wanted}")

    @staticmethod
    def _kind(name, record, wanted, got, acceptable):
        if right(got, wanted):
            return "right"
        if got in acceptable:
            return "acceptable"
        if name in HINDSIGHT:
            if got == "unknown":
                return "undecided"
            if record.get("confidence") not in CONFIDENT:
                return "weak and wrong"
        return "wrong"


def check_capture(score, place, point, truth, records):
    found = {record["frame"]: record for record in records["rst"]}
    for entry in truth["resets"]:
        score.resets += 1
        frame = entry["match"]["frame"]
        record = found.pop(frame, None)
        here = f"{place} frame {frame}"
        if record is None:
            score.failures.append(f"{here}: this RST is not reported")
            continue
        for name in entry:
            if name not in NOT_FIELDS:
                score.field(here, point, name, record, entry)
    for frame in sorted(found):
        score.failures.append(f"{place} frame {frame}: no RST there, the truth says")


def print_tables(score, verbose):
    kinds = ("right", "acceptable", "undecided", "weak and wrong", "wrong", "not given")
    points = sorted({point for _, point in score.counts})
    print(f"{'field':<12}{'point':<10}" + "".join(f"{kind:>16}" for kind in kinds))
    for name in TABLES:
        for point in points:
            row = score.counts.get((name, point))
            if row:
                print(f"{name:<12}{point:<10}" + "".join(f"{row[kind]:>16}" for kind in kinds))
    others = collections.Counter()
    for (name, _), row in score.counts.items():
        if name not in TABLES:
            others.update({"right": row["right"], "not": sum(row.values()) - row["right"]})
    print(f"other fields: {others['right']} right, {others['not']} not")
    print("\nconfusion (truth -> answer):")
    for (name, wanted, got, kind), places in sorted(score.confused.items(),
                                                    key=lambda item: (item[0][0], -len(item[1]))):
        if verbose or name in TABLES or kind == "wrong":
            print(f"  {name}: {wanted} -> {got}: {len(places)} {kind}, as in {places[0]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cli", help="the whyrst program")
    parser.add_argument("names", nargs="*", help="samples; default: all")
    parser.add_argument("--samples", default=os.path.join(HERE, "..", "samples"))
    parser.add_argument("-v", "--verbose", action="store_true", help="show every deviation")
    options = parser.parse_intermixed_args()
    captures = load(options.samples, options.names)
    if not captures:
        sys.exit(f"no samples in {options.samples}")
    score = Score()
    try:
        records = cli.analyse(options.cli, [path for _, path, _ in captures])
    except cli.CliError as error:
        sys.exit(str(error))
    for place, path, truth in captures:
        point = os.path.basename(path).split(".")[0]
        check_capture(score, place, point, truth, records[path])
    print_tables(score, options.verbose)
    if score.failures:
        print("\nconfident wrong answers:")
        for line in score.failures:
            print(f"  {line}")
    print(f"\n{len(captures)} captures, {score.resets} RSTs, {len(score.failures)} failed")
    sys.exit(bool(score.failures))


if __name__ == "__main__":
    main()
