#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What SECURITY.md says the tool does and does not, by its system calls. Usage: traced_test.py WHYRST

Skipped (status 77) without strace, or where it may not trace.
"""
import os
import re
import shutil
import subprocess
import sys
import unittest

from captures import many, mixed, pcap
from support import WHYRST, CliTest

CALLS = "open,openat,creat,socket,socketpair,connect,execve,execveat,prctl"
STRACE = shutil.which("strace")


def can_trace():
    return STRACE and subprocess.run([STRACE, "-qq", "-o", os.devnull, "true"], stderr=subprocess.DEVNULL,
                                     check=False).returncode == 0


class Traced(CliTest):
    def setUp(self):
        super().setUp()
        self.temporary = os.path.join(self.dir, "tmp")
        os.mkdir(self.temporary)

    def calls(self, *args, data=None):
        """Of each call its name and the text of its arguments and result, of all processes in their order."""
        log = os.path.join(self.dir, "log")
        # Sanitizers look for leaks by tracing, too.
        env = {**os.environ, "TMPDIR": self.temporary, "ASAN_OPTIONS": "detect_leaks=0"}
        subprocess.run([STRACE, "-f", "-qq", "-s", "4096", "-o", log, "-e", f"trace={CALLS}", WHYRST, *args],
                       input=data, stdout=subprocess.DEVNULL, check=True, env=env)
        with open(log, encoding="utf-8") as lines:
            return [match.groups() for line in lines if (match := re.match(r"\d+ +(\w+)\((.*)", line))]

    def test_reads_behind_the_sandbox_only(self):
        names = [self.file(f"ring{i}.pcap", pcap(mixed())) for i in range(2)]
        for args in names, ["--continue", *names], ["-j2", "--format=html", *names]:
            calls = self.calls(*args)
            entered = [i for i, (name, text) in enumerate(calls) if name == "prctl" and "PR_SET_SECCOMP" in text]
            reads = [i for i, (name, text) in enumerate(calls) if "ring" in text and name == "openat"
                     and "O_PATH" not in text]
            if not entered or calls[entered[0]][1].endswith("= -1"):
                self.skipTest("the kernel has no sandbox")
            self.assertGreaterEqual(len(reads), 2)
            self.assertGreater(reads[0], entered[0], args)

    def test_writes_where_it_is_told_and_calls_nobody(self):
        names = [self.file(f"{i}.pcap", pcap(many(3000))) for i in range(3)]
        out = os.path.join(self.dir, "out")
        for args in ["-j3"], ["--format=html", "-o", out + ".html"], ["--format=sqlite", "-o", out + ".db"]:
            calls = self.calls(*args, *names)
            self.assertEqual([name for name, _ in calls if "socket" in name or name == "connect"], [])
            self.assertEqual([name for name, _ in calls if name.startswith("exec")], ["execve"])
            written = {re.search(r'"([^"]*)"', text).group(1) for name, text in calls if name in ("open", "openat", "creat")
                       and re.search(r"O_WRONLY|O_RDWR|O_CREAT", text)}
            for path in written:
                self.assertTrue(path.startswith((out, self.temporary)), path)


if __name__ == "__main__":
    if not can_trace():
        print("strace is missing, or must not trace")
        sys.exit(77)
    unittest.main()
