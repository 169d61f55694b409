#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares the tool's findings on samples/ with those that the scenarios know to be there.

Every finding of the truth must be found, in every capture that has one, with the right subject,
sender, count, time and timer; one that neither `findings` nor `acceptable_findings` names is false.
A reset rate is no more than a count, and may be told wherever something is wrong.

    check_findings.py PATH-TO-WHYRST [--samples DIR] [-v] [NAME...]
"""
import argparse
import collections
import datetime
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True
import check_samples

# Kinds that are not found yet, or not only where they are, each with the reason. One must leave when
# it is right everywhere.
PENDING = {}
# What a capture whose labels name no findings, since it shows one connection's trouble at a time, must
# not have.
CLAIMS = ("tls-fingerprint-block", "sni-block", "ip-block", "rate-limit")
# Without these a finding of the kind says nothing.
SUBJECT = {"tls-fingerprint-block": ("ja4",), "sni-block": ("sni",), "ip-block": ("client",),
           "rate-limit": ("client",)}
SUBJECTS = ("client", "sni", "ja4")


def records_of(program, path):
    lines = subprocess.run([program, "--format=ndjson", "--connections", "--no-progress", path],
                           check=True, capture_output=True, text=True).stdout.splitlines()
    return [json.loads(line) for line in lines]


def check_clients(place, records):
    """Endpoints count clients by estimate: about as many as connections know of."""
    clients = collections.defaultdict(set)
    for record in records:
        if record["type"] == "connection":
            clients[record["server_ip"], record["server_port"]].add(record["client_ip"])
    for record in records:
        server = record.get("address"), record.get("port")
        if record["type"] == "endpoint" and record["kind"] == "server" and server in clients:
            count = len(clients[server])
            if abs(record["clients"] - count) > 1 + count / 4:
                yield f"{place}: {record['name']} has {record['clients']} clients, not {count}"


def seconds(time):
    """RFC 3339 with nanoseconds to a number."""
    return datetime.datetime.fromisoformat(time[:26] + "+00:00").timestamp()


def same_server(finding, label):
    """A label's server may be an address alone: then any port of it will do."""
    found, wanted = finding.get("server"), label.get("server")
    return not wanted or not found or found == wanted or \
        found.rpartition(":")[0].strip("[]") == wanted


def speaks_of(finding, label):
    """The same kind of thing, of the same subject."""
    return finding["kind"] == label["kind"] and same_server(finding, label) and all(
        finding[key] == label[key] for key in SUBJECTS if key in finding and key in label) and all(
            key in finding for key in SUBJECT.get(label["kind"], ()))


def deviations(finding, label):
    """What a finding says of the right subject that is not so."""
    if finding.get("sender", "unknown") not in ("unknown", label.get("sender", "unknown")) \
            and "sender" in label:
        yield f"sender {finding['sender']}, the truth is {label['sender']}"
    whole = finding.get("server") == label.get("server")
    if "resets" in label and whole and finding.get("resets") != label["resets"]:
        yield f"{finding.get('resets')} resets, the truth is {label['resets']}"
    if "seconds" in label and not within(finding.get("seconds"), label["seconds"]):
        yield f"{finding.get('seconds')} s, the truth is {label['seconds']}"
    if "first_time" in label and not within(seconds(finding["first_time"]), label["first_time"]):
        yield f"first at {finding['first_time']}, the truth is {label['first_time']}"


def within(value, span):
    return value is not None and span[0] <= value <= span[1]


def describe(entry):
    words = [entry["kind"], *(str(entry[key]) for key in ("server", *SUBJECTS) if key in entry)]
    return " ".join(words)


def check_capture(place, truth, found, score):
    if "findings" not in truth:
        for finding in found:
            if finding["kind"] in CLAIMS:
                score[finding["kind"]]["false"] += 1
                yield finding["kind"], f"{place}: no {describe(finding)} there: {finding['text']}"
        return
    labels, maybe = truth["findings"], truth["acceptable_findings"]
    for label in labels:
        mine = [finding for finding in found if speaks_of(finding, label)]
        wrong = [text for finding in mine for text in deviations(finding, label)]
        kind = "missed" if not mine else "inexact" if wrong else "found"
        score[label["kind"]][kind] += 1
        if kind != "found":
            yield label["kind"], f"{place}: {describe(label)}: {'; '.join(wrong) or 'not found'}"
    for finding in found:
        known = any(speaks_of(finding, label) for label in labels + maybe)
        if not known and (finding["kind"] != "reset-rate" or not labels + maybe):
            score[finding["kind"]]["false"] += 1
            yield finding["kind"], f"{place}: no {describe(finding)} there: {finding['text']}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cli", help="the whyrst program")
    parser.add_argument("names", nargs="*", help="samples; default: all")
    parser.add_argument("--samples", default=os.path.join(HERE, "..", "samples"))
    parser.add_argument("-v", "--verbose", action="store_true", help="show pending ones, too")
    options = parser.parse_intermixed_args()
    score, failures, pending = collections.defaultdict(collections.Counter), [], []
    captures = check_samples.load(options.samples, options.names)
    for place, path, truth in captures:
        records = records_of(options.cli, path)
        found = [record for record in records if record["type"] == "finding"]
        failures += check_clients(place, records)
        for kind, line in check_capture(place, truth, found, score):
            (pending if kind in PENDING else failures).append(line)
    for kind in sorted(PENDING):
        row = score[kind]
        if not options.names and row["found"] and not row["missed"] + row["inexact"] + row["false"]:
            failures.append(f"{kind}: all are found and no other, it must leave the list PENDING")
    print(f"{'kind':<24}" + "".join(f"{k:>10}" for k in ("found", "inexact", "missed", "false")))
    for kind, row in sorted(score.items()):
        print(f"{kind:<24}" + "".join(f"{row[k]:>10}" for k in ("found", "inexact", "missed", "false")))
    for line in (pending if options.verbose else []) + failures:
        print(line)
    print(f"{len(captures)} captures, {len(pending)} findings pending, {len(failures)} failed")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
