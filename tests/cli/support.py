# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of the command-line tool share. The first argument of the program is the tool."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

WHYRST = os.path.abspath(sys.argv.pop(1))
SAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "samples")
# For builds with sanitizers: ThreadSanitizer cannot see through GLib's own allocator, and Wireshark's
# library leaks a few bytes when it starts.
os.environ.setdefault("G_SLICE", "always-malloc")
os.environ.setdefault("ASAN_OPTIONS", "fast_unwind_on_malloc=0")
os.environ.setdefault("LSAN_OPTIONS", "print_suppressions=0:suppressions=" + os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "lsan.supp"))
HAS_WIRETAP = "libwiretap of Wireshark" in subprocess.run(
    [WHYRST, "--version"], capture_output=True, text=True, check=True).stdout


def of_captures(lines, **options):
    """Objects of NDJSON lines that belong to a capture: not those of the whole run at the end."""
    objects = [json.loads(line, **options) for line in lines]
    return [o for o in objects if o["type"] not in ("endpoint", "ja4", "finding", "bounds")]


class CliTest(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="whyrst-test-")
        self.addCleanup(shutil.rmtree, self.dir)

    def file(self, name, data):
        path = os.path.join(self.dir, name)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def run_tool(self, *args, status=0, **kwargs):
        done = subprocess.run([WHYRST, *args], capture_output=True, timeout=300, **kwargs)
        self.assertEqual(done.returncode, status, done.stderr.decode())
        return done

    def objects(self, *args, **kwargs):
        return of_captures(self.lines(*args, **kwargs))

    def everything(self, *args, **kwargs):
        """Objects of the whole run, too."""
        return [json.loads(line) for line in self.lines(*args, **kwargs)]

    def lines(self, *args, **kwargs):
        done = self.run_tool("--format=ndjson", *args, **kwargs)
        return done.stdout.decode("utf-8").splitlines()

    def resets(self, *args, **kwargs):
        return [o for o in self.objects(*args, **kwargs) if o["type"] == "rst"]
