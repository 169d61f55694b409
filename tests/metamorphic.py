#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Metamorphic tests: changes a capture in ways whose effect on the verdicts is known beforehand.

Over every packet script and every sample. What changes only how the packets are written down (other
sequence numbers, times, addresses, segment borders, link headers, file formats) must change no field.
Second captures of every packet must change no origin. Where data is sent twice, or packets or bytes
are taken away, origin and cause may become unknown or less confident, but never another one with the
same or more confidence. KNOWN_METAMORPHIC beside the scripts lists what does not hold yet and why.

    metamorphic.py PATH-TO-WHYRST [--seed N] [--share F] [--only TRANSFORM] [NAME...]
"""
import argparse
import collections
import functools
import glob
import os
import random
import sys
import tempfile
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "tools"))
sys.dont_write_bytecode = True
import cli
import packets
import pkt2pcap
import transforms

ACROSS = ("tls-fingerprint-block", "ip-block", "rate-limit")
FIELDS = ("rst_src", "origin", "cause", "sender", "confidence", "close_type", "ja4", "ja4_r",
          "ja4_retry", "sni", "alpn", "tls_version", "tls_stage", "stream", "client_bytes",
          "server_bytes", "unacked_bytes", "sequence_check", "http_method", "http_status",
          "conn_state", "tls_alert", "reset_text", "idle_timer")
TIMES = ("time_since_syn", "time_since_client_hello", "idle_time", "ttfb", "irtt")
FRAMES = ("client_hello_frame", "syn_frame", "trigger_frame", "duplicate_of")
CAUSAL = ("rst_src", "close_type", "ja4", "sni")  # what added copies may not change either
# A host answers every segment; where there are more of them than RSTs, another one may be the trigger.
UNSETTLED = {"split_payloads": ("trigger_frame", "idle_time")}
IDLE_THRESHOLD = 3
IDLE_MARGIN = 0.1  # seconds: so close to the threshold a retransmission decides
CONFIDENCE = {None: 0, "low": 1, "medium": 2, "high": 3}
WRITERS = {"pcap_big_endian": functools.partial(packets.write_pcap, order=">", nanoseconds=True),
           "pcapng": packets.write_pcapng,
           "pcapng_big_endian": functools.partial(packets.write_pcapng, order=">")}
SHARE = 1.0  # of the transforms that one sample goes through, unless --share says otherwise
KNOWN = os.path.join(HERE, "scripts", "KNOWN_METAMORPHIC")


class Case:
    """One capture, changed by one transform."""

    def __init__(self, source, transform, kind, path, frames):
        self.source, self.transform, self.kind, self.path = source, transform, kind, path
        self.was = {number: frame.was for number, frame in enumerate(frames, 1)}
        self.first, self.readable = {}, set()
        for number, frame in enumerate(frames, 1):
            self.first.setdefault(frame.was, number)
            if packets.tcp_of(frame):
                self.readable.add(frame.was)

    def name(self):
        return f"{self.source} {self.transform}"


def writer_of(kind):
    return WRITERS.get(kind, functools.partial(packets.write_pcap, nanoseconds=True))


def sources(options):
    """[(name, arguments, frames, is a script)] of all scripts and samples."""
    found = []
    folder = os.path.join(HERE, "scripts")
    for file in sorted(os.listdir(folder)):
        if file.endswith(".pkt"):
            script = pkt2pcap.Script(os.path.join(folder, file))
            found.append((file[:-4], tuple(script.arguments), script.frames, True))
    for path in sorted(glob.glob(os.path.join(options.samples, "*", "*.pcap*"))):
        name = "/".join(path.split(os.sep)[-2:])
        try:
            found.append((name, (), packets.read_capture(path), False))
        except packets.NotReadable as error:
            print(f"left out: {name}: {error}")
    return [entry for entry in found if not options.names or entry[0] in options.names]


def plan(name, is_script, options):
    """The transforms that one capture goes through: all of a script's, some of a sample's."""
    everything = [(t.__name__, t, kind) for kind in ("LOSSLESS", "ADDING", "LOSSY")
                  for t in getattr(transforms, kind)]
    everything += [(name, transforms.as_it_is, "LOSSLESS") for name in WRITERS]
    if options.only:
        return [entry for entry in everything if entry[0] == options.only]
    rng = random.Random(f"{options.seed} {name}")
    return [entry for entry in everything if is_script or rng.random() < options.share]


def make_cases(found, options, work):
    """Writes the originals and the changed captures; {arguments: ([(name, path)], [Case])}."""
    groups = collections.defaultdict(lambda: ([], []))
    for index, (name, arguments, frames, is_script) in enumerate(found):
        originals, cases = groups[arguments]
        path = os.path.join(work, f"{index}.pcap")
        packets.write_pcap(path, frames, nanoseconds=True)
        originals.append((name, path))
        capture = transforms.Capture(frames)
        for label, transform, kind in plan(name, is_script, options):
            rng = random.Random(zlib.crc32(f"{options.seed} {name} {label}".encode()))
            changed = transform(capture, rng)
            case = Case(name, label, kind, os.path.join(work, f"{index}-{label}.pcap"), changed)
            writer_of(label)(case.path, changed)
            cases.append(case)
    return groups


def differs(field, old, new):
    if old is None or new is None or field not in TIMES:
        return old != new
    return abs(old - new) > 1e-9


def mapped(case, number):
    return None if number is None else case.was.get(number)


def check_lossless(case, old, new):
    free = UNSETTLED.get(case.transform, ())
    wrong = [f"{field} {old.get(field)} -> {new.get(field)}" for field in FIELDS + TIMES
             if field not in free and differs(field, old.get(field), new.get(field))]
    return wrong + [f"{field} {old.get(field)} -> {mapped(case, new.get(field))}" for field in FRAMES
                    if field not in free and old.get(field) != mapped(case, new.get(field))]


def check_weaker(old, new):
    """Origin and cause stay, become unknown, or lose confidence (low is as low as it gets). What
    connections together show may be lost: then each RST is what it is taken for alone."""
    sure, before = CONFIDENCE[new.get("confidence")], CONFIDENCE[old.get("confidence")]
    return [f"{field} {old.get(field)} ({old.get('confidence')}) -> {new.get(field)} "
            f"({new.get('confidence')})" for field in ("origin", "cause")
            if new.get(field) not in (old.get(field), None, "unknown")
            and old.get(field) not in (None, "unknown", *ACROSS)
            and sure >= before and new.get("confidence") != "low"]


def check_added(case, old, new, number):
    if case.transform == "retransmit":
        idle = old.get("idle_time")
        if idle is not None and abs(idle - IDLE_THRESHOLD) <= IDLE_MARGIN:
            return []
        return check_weaker(old, new)
    wrong = [f"origin {old['origin']} -> {new['origin']}"] if old["origin"] != new["origin"] else []
    wrong += check_weaker(old, new) if not wrong else []
    wrong += [f"{field} {old.get(field)} -> {new.get(field)}" for field in CAUSAL
              if old.get(field) != new.get(field)]
    first = case.first[case.was[number]]
    if number != first and new.get("duplicate_of") is None:
        wrong.append("this second capture is reported as a RST of its own")
    return wrong


def check(case, old_records, new_records):
    """What is wrong with one case, as lines."""
    old = {record["frame"]: record for record in old_records}
    seen, wrong = set(), []
    for new in new_records:
        was = case.was[new["frame"]]
        seen.add(was)
        if was not in old:
            wrong.append(f"frame {was}: no RST before")
            continue
        if case.kind == "LOSSLESS":
            lines = check_lossless(case, old[was], new)
        elif case.kind == "ADDING":
            lines = check_added(case, old[was], new, new["frame"])
        else:
            lines = check_weaker(old[was], new)
        wrong += [f"frame {was}: {line}" for line in lines]
    wrong += [f"frame {frame}: this RST is no longer reported" for frame in sorted(old)
              if frame in case.readable and frame not in seen]
    return wrong


class Known:
    """A line of KNOWN_METAMORPHIC: `SOURCE TRANSFORM PERCENT reason`; SOURCE * stands for any. Of the
    transform's cases no more than PERCENT may fail, so that the list hides no regression."""

    def __init__(self, line):
        self.source, self.transform, percent, self.reason = line.split(None, 3)
        self.percent = float(percent)

    def covers(self, case):
        return self.source in ("*", case.source) and self.transform == case.transform


def known_cases():
    if not os.path.exists(KNOWN):
        return []
    with open(KNOWN) as file:
        lines = [line.split("#")[0].strip() for line in file]
    return [Known(line) for line in lines if line]


def settle(results, known):
    """Turns failures that a Known covers into "known", if they are no more than it allows."""
    for entry in known:
        covered = [result for result in results if entry.covers(result.case)]
        failing = [result for result in covered if result.wrong]
        share = 100 * len(failing) / len(covered) if covered else 0
        if covered:
            print(f"known: {entry.source} {entry.transform}: {len(failing)} of {len(covered)} cases fail "
                  f"({share:.1f} %, at most {entry.percent:g} % allowed): {entry.reason}")
        if share <= entry.percent:
            for result in failing:
                result.kind = "known"


class Result:
    def __init__(self, case, wrong):
        self.case, self.wrong = case, wrong
        self.kind = "failed" if wrong else "passed"


def run(options, work):
    results, resets = [], 0
    for arguments, (originals, cases) in make_cases(sources(options), options, work).items():
        before = cli.analyse(options.cli, [path for _, path in originals], arguments)
        before = {name: before[path]["rst"] for name, path in originals}
        after = cli.analyse(options.cli, [case.path for case in cases], arguments)
        for case in cases:
            records = after[case.path]["rst"]
            resets += len(records)
            results.append(Result(case, check(case, before[case.source], records)))
    return results, resets


def report(results, resets, options):
    for result in results:
        if result.kind == "failed" or (result.kind == "known" and options.verbose):
            print(f"{result.kind}: {result.case.name()}")
            for line in result.wrong[:options.lines]:
                print(f"    {line}")
            if len(result.wrong) > options.lines:
                print(f"    and {len(result.wrong) - options.lines} more")
    kinds = ("passed", "failed", "known")
    counts = collections.Counter((result.kind, result.case.transform) for result in results)
    print(f"\n{'transform':<20}" + "".join(f"{kind:>8}" for kind in kinds))
    for name in sorted({name for _, name in counts}):
        print(f"{name:<20}" + "".join(f"{counts[kind, name]:>8}" for kind in kinds))
    totals = collections.Counter(result.kind for result in results)
    print(f"{totals['passed']} passed, {totals['failed']} failed, {totals['known']} known to fail, "
          f"{resets} RSTs compared")
    return totals["failed"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cli", help="the whyrst program")
    parser.add_argument("names", nargs="*", help="scripts or SAMPLE/CAPTURE; default: all")
    parser.add_argument("--samples", default=os.path.join(HERE, "..", "samples"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--share", type=float, default=SHARE,
                        help="share of the transforms that each sample goes through")
    parser.add_argument("--only", help="one transform")
    parser.add_argument("--lines", type=int, default=4, help="lines per failing case")
    parser.add_argument("-v", "--verbose", action="store_true", help="show known failures, too")
    parser.add_argument("--work", help="keep the captures here")
    options = parser.parse_intermixed_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or temporary
        os.makedirs(work, exist_ok=True)
        try:
            results, resets = run(options, work)
        except (cli.CliError, pkt2pcap.ScriptError) as error:
            sys.exit(str(error))
    settle(results, known_cases())
    sys.exit(bool(report(results, resets, options)))


if __name__ == "__main__":
    main()
