# SPDX-License-Identifier: GPL-2.0-or-later
"""Feeds damaged copies of captures to the tool and to tshark with the plugin; see scripts/soak.sh."""
import argparse
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "plugin"))

import agreement_test  # noqa: E402
from tshark import Tshark  # noqa: E402

TIMEOUT = 120  # seconds: a hang, whatever the machine is busy with
LARGEST = 400_000
ENVIRONMENT = {
    **os.environ,
    "G_SLICE": "always-malloc",
    "ASAN_OPTIONS": "abort_on_error=0:exitcode=99:fast_unwind_on_malloc=0",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "LSAN_OPTIONS": f"print_suppressions=0:suppressions={HERE.parent / 'cli' / 'lsan.supp'}",
}


def flip_bytes(chance, data):
    for _ in range(1 << chance.randrange(0, 9)):
        data[chance.randrange(len(data))] = chance.randrange(256)


def flip_bits(chance, data):
    for _ in range(1 << chance.randrange(0, 7)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def odd_number(chance, data):
    """A length, or what might be one, becomes an extreme."""
    for _ in range(chance.randrange(1, 20)):
        width, letter = chance.choice(((1, "B"), (2, "H"), (4, "I")))
        if len(data) > width:
            value = chance.choice((0, 1, (1 << 8 * width) - 1, 1 << (8 * width - 1), 41))
            struct.pack_into(chance.choice("<>") + letter, data,
                             chance.randrange(len(data) - width), value)


def cut(chance, data):
    del data[chance.randrange(1, len(data)):]


def remove(chance, data):
    start = chance.randrange(len(data))
    del data[start:start + chance.randrange(1, 400)]


def repeat(chance, data):
    start = chance.randrange(len(data))
    data[start:start] = data[start:start + chance.randrange(1, 4000)]


def move(chance, data):
    start = chance.randrange(len(data))
    piece = data[start:start + chance.randrange(1, 2000)]
    at = chance.randrange(len(data))
    data[at:at + len(piece)] = piece


def shuffle_records(chance, data):
    """Whole packets change places, are lost or come twice: the file stays readable."""
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at, records = 24, []
    while at + 16 <= len(data):
        end = at + 16 + struct.unpack_from(order + "I", data, at + 8)[0]
        records.append(bytes(data[at:end]))
        at = end
    for _ in range(chance.randrange(1, 10)):
        if len(records) > 1:
            a, b = chance.randrange(len(records)), chance.randrange(len(records))
            what = chance.randrange(3)
            if what == 0:
                records[a], records[b] = records[b], records[a]
            elif what == 1:
                del records[a]
            else:
                records.insert(b, records[a])
    data[24:] = b"".join(records)


def packets_only(chance, data):
    """Bytes of packets change, headers of records do not: all of the file stays readable."""
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at, places = 24, []
    while at + 16 <= len(data):
        size = struct.unpack_from(order + "I", data, at + 8)[0]
        places.extend(range(at + 16, min(at + 16 + min(size, 120), len(data))))
        at += 16 + size
    for _ in range(1 << chance.randrange(0, 8)):
        if places:
            data[chance.choice(places)] = chance.randrange(256)


DAMAGES = (flip_bytes, flip_bits, odd_number, cut, remove, repeat, move)
MILD = (shuffle_records, packets_only)


def damage(chance, source):
    data = bytearray(source.read_bytes())
    is_pcap = data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\xc3\xd4",
                           b"\xa1\xb2\x3c\x4d")
    kinds = MILD if is_pcap and chance.random() < 0.6 else DAMAGES
    for kind in chance.sample(kinds, chance.randrange(1, 3)):
        if len(data) > 32:
            kind(chance, data)
    return bytes(data)


def has_odd_times(data):
    """Whether a pcap has fractions of a second above one: Wireshark 4.0 overflows with them, the
    tool does not, so there is nothing to agree on."""
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    limit = 10**9 if b"\x3c" in data[:4] else 10**6
    at = 24
    while at + 16 <= len(data):
        _, fraction, captured = struct.unpack_from(order + "III", data, at)
        if fraction >= limit:
            return True
        at += 16 + captured
    return False


def feed(tool, path):
    """What is wrong with how the tool took it; None when nothing."""
    try:
        done = subprocess.run([tool, "--format=ndjson", "--connections", path], capture_output=True,
                              timeout=TIMEOUT, env=ENVIRONMENT, check=False)
    except subprocess.TimeoutExpired:
        return "hangs"
    if done.returncode not in (0, 1):
        return f"status {done.returncode}\n{done.stderr.decode(errors='replace')[-3000:]}"
    try:
        objects = of_captures(done.stdout.decode("utf-8"))
    except ValueError as error:
        return f"no valid NDJSON: {error}"
    if not objects or objects[-1]["type"] != "file":
        return "no object of type file at the end"
    if ("error" in objects[-1]) != (done.returncode == 1):
        return f"status {done.returncode}, but the file object says otherwise"
    return None


ESCAPES = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r"}


def shown(text):
    """As tshark shows it: control characters escaped."""
    return "".join(ESCAPES.get(ord(c)) or (f"\\x{ord(c):02x}" if ord(c) < 32 or ord(c) == 127 else c)
                   for c in text)


def same(kind, ours, theirs, exactly=agreement_test.same):
    if kind == "FT_RELATIVE_TIME":
        return exactly(kind, ours, theirs)
    return ours == theirs or ours == list(map(shown, theirs))


agreement_test.same = same


def of_captures(text):
    """Objects of NDJSON that belong to a capture: not those of the whole run at the end."""
    return [o for o in map(json.loads, text.splitlines()) if o["type"] not in ("endpoint", "ja4", "finding", "bounds")]


class Soak:
    def __init__(self, arguments, tshark):
        self.arguments, self.tshark = arguments, tshark
        self.types = agreement_test.plugin_fields(tshark) if tshark else None
        self.sources = sorted(path for folder in arguments.samples
                              for path in folder.rglob("*.pcap*") if path.stat().st_size <= LARGEST)
        self.apart = 0  # copies that Wireshark's readers end at another frame
        self.scratch = Path(tempfile.mkdtemp(prefix="whyrst-soak-"))
        if tshark:
            self.scratch.chmod(0o755)

    def reads_as_much(self, path):
        """Whether Wireshark's readers give up where the tool does: before, verdicts lack packets."""
        counted = self.tshark.run("-Mc", path, program="capinfos", check=False).stdout
        found = re.search(r"Number of packets *[:=] *(\d+)", counted)
        done = subprocess.run([self.arguments.plugin_tool, "--format=ndjson", path],
                              capture_output=True, check=False, timeout=TIMEOUT)
        packets = of_captures(done.stdout.decode("utf-8"))[-1]["packets"]
        return found and int(found[1]) == packets

    def compare(self, path):
        """Differences between plugin and tool; frames compared."""
        copy = self.tshark.place(path, self.tshark.home / path.stem)
        try:
            if not self.reads_as_much(copy):
                agreement_test.from_tshark(self.tshark, copy, self.types)  # must end, and well
                self.apart += 1
                return None, 0
            records, lines = agreement_test.compare_one(self.tshark, self.arguments.plugin_tool, copy,
                                                        self.types, damaged=True)
        except subprocess.TimeoutExpired:
            return "tshark with the plugin hangs", 0
        except AssertionError as error:
            return f"plugin: {error}", 0
        finally:
            shutil.rmtree(copy.parent, ignore_errors=True)
        return "\n".join(lines) or None, sum("rst.origin" in record for record in records.values())

    def one(self, number):
        """Each copy has a seed of its own: --first N --copies 1 makes it again."""
        chance = random.Random(f"{self.arguments.seed} {number}")
        source = chance.choice(self.sources)
        path = self.scratch / f"{number}{source.suffix}"
        path.write_bytes(damage(chance, source))
        problem, count = feed(self.arguments.tool, path), 0
        odd = path.suffix == ".pcap" and has_odd_times(path.read_bytes())
        if not problem and self.tshark and not odd:
            problem, count = self.compare(path)
        if problem:
            self.arguments.keep.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, self.arguments.keep / f"{self.arguments.seed}-{path.name}")
        path.unlink()
        return number, source, problem, count

    def run(self):
        first, failed, compared = self.arguments.first, 0, 0
        with ThreadPoolExecutor(self.arguments.jobs) as pool:
            for number, source, problem, count in pool.map(
                    self.one, range(first, first + self.arguments.copies)):
                compared += count
                if problem:
                    failed += 1
                    print(f"copy {number} of {source}: {problem}", flush=True)
        shutil.rmtree(self.scratch)
        print(f"Seed {self.arguments.seed}: {self.arguments.copies} damaged copies, {failed} failed; "
              f"{compared} frames with a RST compared with the plugin"
              f"{f', {self.apart} copies read to another frame by Wireshark' if self.apart else ''}")
        return failed == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", required=True, type=os.path.abspath)
    parser.add_argument("--plugin", help="rst.so")
    parser.add_argument("--plugin-tool", type=os.path.abspath, help="the tool to compare it with")
    parser.add_argument("--copies", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="number of the first copy")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--keep", type=Path, default=Path("soak-failures"))
    parser.add_argument("samples", nargs="+", type=Path)
    arguments = parser.parse_args()
    if not arguments.plugin:
        return 0 if Soak(arguments, None).run() else 1
    with Tshark(arguments.plugin) as tshark:
        return 0 if Soak(arguments, tshark).run() else 1


if __name__ == "__main__":
    sys.exit(main())
