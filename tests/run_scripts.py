#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs every packet script: makes its capture, asks the tool, compares with the expectations.

A script's RSTs must be reported one for one: a RST that no `expect` line names is a failure, too.
tests/scripts/KNOWN lists scripts whose expectation is not met yet and why; they count as "known",
and one that passes after all fails the run, so that the list only shrinks.

    run_scripts.py PATH-TO-WHYRST [--folder F] [--work W] [NAME...]
"""
import argparse
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "tools"))
sys.dont_write_bytecode = True
import cli
import packets
import pkt2pcap

TOLERANCE = 1e-6  # seconds
VERDICT = ("origin", "cause", "sender", "confidence", "close_type", "ja4", "evidence")


def known_failures(folder):
    """{script: reason} of the file KNOWN."""
    found = {}
    path = os.path.join(folder, "KNOWN")
    if os.path.exists(path):
        with open(path) as file:
            for line in file:
                line = line.split("#")[0].strip()
                if line:
                    name, _, reason = line.partition(" ")
                    found[name] = reason.strip()
    return found


def matches(got, wanted):
    """Whether a record's value is one of those wanted; "none" is a field that is absent."""
    for text in wanted:
        if text == "none" and got is None:
            return True
        if got is None:
            continue
        if isinstance(got, float) or ("." in text and isinstance(got, int)):
            try:
                if abs(float(text) - got) <= TOLERANCE:
                    return True
            except ValueError:
                pass
        if str(got) == text:
            return True
    return False


def compare(what, record, expectation):
    """What is wrong with one record, as lines."""
    wrong = []
    for key, wanted in expectation.values.items():
        if key in ("says", "silent"):
            texts = [text.replace("_", " ") for text in wanted]
            said = any(text in fact for text in texts for fact in record.get("evidence", ()))
            if said != (key == "says"):
                wrong.append(f"{what}: evidence is {record.get('evidence')}, expected {key} {texts}")
        elif key in ("advises", "withholds"):
            texts = [text.replace("_", " ") for text in wanted]
            if any(text in record["advice"] for text in texts) != (key == "advises"):
                wrong.append(f"{what}: advice is {record['advice']}, expected {key} {texts}")
        elif not matches(record.get(key), wanted):
            wrong.append(f"{what}: {key} is {record.get(key)}, expected {'|'.join(wanted)}")
    return wrong


def check_duplicates(resets):
    """A second capture of a RST carries the same verdict (interface.md)."""
    for record in resets.values():
        original = resets.get(record.get("duplicate_of"))
        for key in VERDICT if original else ():
            if record.get(key) != original.get(key):
                yield (f"frame {record['frame']}: {key} is {record.get(key)}, but {original.get(key)} in "
                       f"frame {original['frame']}, of which it is a second capture")


def check(script, records):
    resets = {record["frame"]: record for record in records["rst"]}
    streams = {record["stream"]: record for record in records["connection"]}
    expected, wrong = set(), []
    for expectation in script.expectations:
        if expectation.stream >= 0:
            what, record = f"stream {expectation.stream}", streams.get(expectation.stream)
        else:
            what, record = f"frame {expectation.frame}", resets.get(expectation.frame)
            expected.add(expectation.frame)
        if record is None:
            wrong.append(f"{what}: no record")
        else:
            wrong += compare(what, record, expectation)
    wrong += [f"frame {frame}: a RST that the script does not expect ({resets[frame].get('origin')})"
              for frame in sorted(set(resets) - expected)]
    wrong += check_duplicates(resets)
    if not script.expectations and not script.none:
        wrong.append("the script expects nothing")
    return wrong


def load(folder, names=()):
    """[(name, Script)] of the folder's scripts, in order."""
    found = sorted(file[:-4] for file in os.listdir(folder) if file.endswith(".pkt"))
    return [(name, pkt2pcap.Script(os.path.join(folder, name + ".pkt")))
            for name in found if not names or name in names]


def run(program, scripts, work):
    """{name: what is wrong}. Scripts with the same arguments share one run of the tool."""
    groups = {}
    for name, script in scripts:
        path = os.path.join(work, name + ".pcap")
        packets.write_pcap(path, script.frames, nanoseconds=True)
        groups.setdefault(tuple(script.arguments), []).append((name, path, script))
    wrong = {}
    for arguments, members in groups.items():
        records = cli.analyse(program, [path for _, path, _ in members], arguments)
        for name, path, script in members:
            wrong[name] = check(script, records[path])
    return wrong


def report(wrong, known):
    counts = {"passed": 0, "failed": 0, "known": 0}
    for name, lines in sorted(wrong.items()):
        kind = "passed" if not lines else "failed"
        if name in known:
            kind = "known" if lines else "failed"
            lines = lines or ["passes now: take it off the list KNOWN"]
        counts[kind] += 1
        if lines:
            print(f"{kind}: {name}" + (f" (known: {known[name]})" if kind == "known" else ""))
            for line in lines:
                print(f"    {line}")
    text = f"{counts['passed']} passed, {counts['failed']} failed"
    print(text + (f", {counts['known']} known to fail" if counts["known"] else ""))
    return counts["failed"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cli", help="the whyrst program")
    parser.add_argument("names", nargs="*", help="scripts; default: all")
    parser.add_argument("--folder", default=os.path.join(HERE, "scripts"))
    parser.add_argument("--work", help="keep the captures here")
    options = parser.parse_intermixed_args()
    known = known_failures(options.folder)
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or temporary
        os.makedirs(work, exist_ok=True)
        try:
            wrong = run(options.cli, load(options.folder, options.names), work)
        except (cli.CliError, pkt2pcap.ScriptError) as error:
            sys.exit(str(error))
    strangers = [name for name in known if name not in wrong and not options.names]
    for name in strangers:
        print(f"KNOWN names {name}, which is no script")
    sys.exit(bool(report(wrong, known) or strangers))


if __name__ == "__main__":
    main()
