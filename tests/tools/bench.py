#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Measures whyrst on generated captures; scripts/bench.sh prepares and calls this.

CPU time is user and system time of the child, the median over runs in which the programs take
turns, so that a slow minute of the machine meets all of them. Before anything is timed, the counts
that whyrst reports are compared with those that the generator knows to be true.
"""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

FILTER = "tcp[tcpflags] & tcp-rst != 0"
COUNTS = ("packets", "tcp_segments", "connections", "resets")

# Name, generator's options at full size, at --quick, for callgrind, and issue 5's bound for the
# ratio to tcpdump.
CAPTURES = {
    "mixed.pcap": (["--bytes=1G", "mixed"], ["--bytes=100M", "mixed"],
                   ["--live=100", "--bytes=10M", "mixed"], 0.85),
    "mixed.pcapng": (["--pcapng", "--bytes=1G", "mixed"], ["--pcapng", "--bytes=100M", "mixed"],
                     ["--pcapng", "--live=100", "--bytes=10M", "mixed"], 0.85),
    "small.pcap": (["--bytes=1G", "small"], ["--bytes=100M", "small"],
                   ["--live=100", "--bytes=2M", "small"], 1.0),
    "flows.pcap": (["flows"], ["--connections=500K", "flows"], ["--connections=5K", "flows"], 2.5),
    "synflood.pcap": (["synflood"], ["--connections=1M", "synflood"],
                      ["--connections=20K", "synflood"], 1.2),
    "elephant.pcap": (["--bytes=1G", "elephant"], ["--bytes=100M", "elephant"],
                      ["--bytes=10M", "elephant"], None),
}
TSHARK_CUT = ["--bytes=50M", "mixed"]
IDLE = (["--connections=100K", "idle"], ["--connections=1100K", "idle"])
IDLE_BYTES = 256


class Failed(Exception):
    """A result that must not be."""


def spend(command, env=None, user=None):
    """Runs a command: its CPU seconds and peak memory in bytes.

    A child's peak memory as the kernel tells it is at least that of its parent, hence GNU time,
    a small one, between the two.
    """
    wrapper = ["time", "-f", "%M"] if shutil.which("time") else []
    process = subprocess.Popen(wrapper + command, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, env=env, user=user,
                               group=user, extra_groups=None if user is None else [])
    message = process.stderr.read().decode(errors="replace").strip()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise Failed(f"{' '.join(command)}: {message}")
    peak = int(message.splitlines()[-1]) if wrapper else usage.ru_maxrss
    return usage.ru_utime + usage.ru_stime, peak * 1024


class Bench:
    def __init__(self, options):
        self.options = options
        self.whyrst = os.path.join(options.build, "cli", "whyrst")
        self.generator = os.path.join(options.build, "tests", "whyrst-generate")
        self.stamp = str(os.stat(self.generator).st_mtime_ns)

    def make(self, name, arguments):
        """Makes a capture unless it is there already; its path and what it holds."""
        words = [word.lstrip("-") for word in arguments[:-1]]
        path = os.path.join(self.options.captures, "-".join(words + [name]))
        truth = path + ".json"
        if os.path.exists(truth):
            with open(truth, encoding="ascii") as file:
                known = json.load(file)
            if known["stamp"] == self.stamp:
                return path, known
        made = subprocess.run([self.generator, *arguments, path], check=True,
                              stderr=subprocess.PIPE, text=True)
        known = json.loads(made.stderr) | {"stamp": self.stamp}
        with open(truth, "w", encoding="ascii") as file:
            json.dump(known, file)
        return path, known

    def check(self, path, truth):
        """whyrst must count what is there."""
        count, report = 0, None
        with subprocess.Popen([self.whyrst, "--format=ndjson", path],
                              stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                count += line.startswith('{"type":"rst"')
                report = line if line.startswith('{"type":"file"') else report
        report = json.loads(report)
        wrong = [f"{key} {report[key]}, not {truth[key]}" for key in COUNTS
                 if report[key] != truth[key]]
        if count != truth["resets"]:
            wrong.append(f"{count} records, not {truth['resets']}")
        if wrong:
            raise Failed(f"{path}: " + "; ".join(wrong))

    def command(self, path):
        return [self.whyrst, "--format=ndjson", "-o", "/dev/null", path]

    def compare(self, commands, runs):
        """Runs named commands in turns: median CPU seconds and peak memory of each."""
        times = {name: [] for name in commands}
        memory = {}
        for _ in range(runs):
            for name, command in commands.items():
                seconds, peak = spend(*command)
                times[name].append(seconds)
                memory[name] = max(memory.get(name, 0), peak)
        return times, memory

    def instructions(self, name, arguments):
        """Instructions per packet by callgrind; what is spent once for a file is taken off."""
        path, truth = self.make("callgrind-" + name, arguments)
        empty, _ = self.make("callgrind-empty-" + name, [
            word for word in arguments if "=" not in word][:-1] + ["--bytes=1", arguments[-1]])
        return (self.callgrind(path) - self.callgrind(empty)) / truth["packets"]

    def callgrind(self, path):
        process = subprocess.run(
            ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
             *self.command(path)], check=True, stderr=subprocess.PIPE, text=True)
        return int(re.search(r"Collected : (\d+)", process.stderr)[1])

    def tcpdump_table(self):
        print(f"CPU seconds, median of {self.options.runs} paired runs; tcpdump's filter: {FILTER}")
        print(f"{'capture':<15}{'Mpackets':>9}{'MB':>6}{'tcpdump':>9}{'whyrst':>9}{'ratio':>8}"
              f"{'target':>8}{'ns/packet':>11}{'RSS MB':>8}{'instr/packet':>14}")
        for name, (full, quick, cut, target) in CAPTURES.items():
            if self.options.only and not re.search(self.options.only, name):
                continue
            path, truth = self.make(name, quick if self.options.quick else full)
            self.check(path, truth)
            times, memory = self.compare({
                "tcpdump": [["tcpdump", "-r", path, "-w", "/dev/null", FILTER]],
                "whyrst": [self.command(path)]}, self.options.runs)
            seconds = {key: statistics.median(value) for key, value in times.items()}
            ratio = statistics.median(w / t for w, t in zip(times["whyrst"], times["tcpdump"]))
            counted = "-"
            if self.options.instructions and shutil.which("valgrind"):
                counted = f"{self.instructions(name, cut):.0f}"
            each = seconds["whyrst"] / truth["packets"] * 1e9
            print(f"{name:<15}{truth['packets'] / 1e6:>9.2f}{truth['bytes'] / 1e6:>6.0f}"
                  f"{seconds['tcpdump']:>9.2f}{seconds['whyrst']:>9.2f}{ratio:>8.2f}"
                  f"{target if target else '-':>8}{each:>11.0f}"
                  f"{memory['whyrst'] / 1e6:>8.0f}{counted:>14}", flush=True)

    def tshark_commands(self, path, homes):
        """tshark with and without the plugin, in homes of their own; root's plugins are ignored,
        so root becomes nobody."""
        user = 65534 if os.geteuid() == 0 else None
        plugin = os.path.join(self.options.build, "plugin", "rst.so")
        version = subprocess.run(["tshark", "--version"], check=True, stdout=subprocess.PIPE,
                                 text=True).stdout
        series = re.search(r"(\d+\.\d+)\.\d+", version)[1]
        capture = shutil.copy(path, homes)
        commands = {"tshark, RSTs": "tcp.flags.reset == 1"}
        if os.path.exists(plugin):
            folder = os.path.join(homes, "tshark, plugin", ".local/lib/wireshark/plugins", series,
                                  "epan")
            os.makedirs(folder)
            shutil.copy(plugin, folder)
            commands["tshark, plugin"] = "rst.origin"
        for root, _, files in os.walk(homes):
            for one in [root] + [os.path.join(root, name) for name in files]:
                os.chmod(one, 0o755)
        return {name: (["tshark", "-n", "-r", capture, "-w", "/dev/null", "-Y", wanted],
                       {"PATH": os.environ["PATH"], "HOME": os.path.join(homes, name)}, user)
                for name, wanted in commands.items()}

    def tshark_table(self):
        path, truth = self.make("tshark.pcap", TSHARK_CUT)
        with tempfile.TemporaryDirectory(prefix="whyrst-bench-") as homes:
            commands = {"whyrst": [self.command(path)]} | self.tshark_commands(path, homes)
            times, memory = self.compare(commands, min(self.options.runs, 3))
        print(f"\n{os.path.basename(path)}: {truth['packets'] / 1e3:.0f} k packets")
        for name, values in times.items():
            ratio = statistics.median(w / t for w, t in zip(times["whyrst"], values))
            print(f"{name:<15}{statistics.median(values):>9.2f} s   whyrst is {ratio:.4f} of it"
                  f"   {memory[name] / 1e6:.0f} MB")

    def memory_of_connections(self):
        """Each further idle connection must cost little: the state and its place in the table."""
        (few_path, few), (many_path, many) = (self.make("idle.pcap", one) for one in IDLE)
        used = spend(self.command(many_path))[1] - spend(self.command(few_path))[1]
        each = used / (many["connections"] - few["connections"])
        print(f"\nAn idle connection takes {each:.0f} bytes, its place in the table included")
        self.flatness()
        # The table's slots, 8 bytes, are at least a third used, and twice as many while it grows.
        if each > IDLE_BYTES + 3 * 8 * 2:
            raise Failed(f"an idle connection takes {each:.0f} bytes")

    def flatness(self):
        """Cost of a packet by the number of live connections."""
        line = []
        for live in ("1K", "100K") if self.options.quick else ("1K", "100K", "1M"):
            path, truth = self.make("small.pcap", [f"--live={live}", "--bytes=500M", "small"])
            seconds = min(spend(self.command(path))[0] for _ in range(2))
            line.append(f"{live} live {seconds / truth['packets'] * 1e9:.0f}")
        print("ns per packet: " + ", ".join(line))


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench.sh", description=__doc__.split("\n")[0])
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--captures", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="100 MB captures, 3 runs")
    parser.add_argument("--runs", type=int, help="paired runs (default 5)")
    parser.add_argument("--only", metavar="REGEX", help="captures to compare with tcpdump")
    parser.add_argument("--no-instructions", dest="instructions", action="store_false",
                        help="leave callgrind out")
    parser.add_argument("--no-tshark", dest="tshark", action="store_false", help="leave tshark out")
    options = parser.parse_args()
    options.runs = options.runs or (3 if options.quick else 5)
    bench = Bench(options)
    try:
        bench.tcpdump_table()
        if options.tshark and shutil.which("tshark"):
            bench.tshark_table()
        bench.memory_of_connections()
    except (Failed, subprocess.CalledProcessError) as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
