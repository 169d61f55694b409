# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the tool with little memory: a bound that is a bound holds everywhere, a clock does not."""
import json
import os
import re
import resource
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))

from support import WHYRST, CliTest, of_captures  # noqa: E402

MIB = 1024 * 1024
MEMORY = 192 * MIB  # address space: program, libraries and two threads take up most of it
TIME = re.compile(r"\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")


def sanitized():
    """Sanitizers reserve terabytes of address space: no limit then."""
    with open(WHYRST, "rb") as f:
        data = f.read()
    return b"__asan_init" in data or b"__tsan_init" in data


SANITIZED = sanitized()


def strict(pairs):
    keys = [key for key, _ in pairs]
    assert len(set(keys)) == len(keys), f"a key twice: {keys}"
    return dict(pairs)


class Bounded(CliTest):
    def limited(self, *args, memory=MEMORY, **kwargs):
        """Runs the tool; it must end by itself, with a status of its own."""
        def limit():
            if not SANITIZED:
                resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        env = {**os.environ, "MALLOC_ARENA_MAX": "1"}
        done = subprocess.run([WHYRST, "-j1", *args], capture_output=True, timeout=300,
                              preexec_fn=limit, env=env, **kwargs)
        self.assertIn(done.returncode, (0, 1), done.stderr[-2000:])
        return done

    def answer(self, data, *args, status=None, memory=MEMORY):
        """Objects of a capture's NDJSON, which must be right in form whatever it holds."""
        path = data if isinstance(data, str) else self.file("hostile.pcap", data)
        done = self.limited("--format=ndjson", *args, path, memory=memory)
        text = done.stdout.decode("utf-8", errors="strict")
        self.assertNotRegex(text, "[\x00-\x09\x0b-\x1f\x7f-\x9f]")
        objects = of_captures(text.splitlines(), object_pairs_hook=strict)
        self.assertEqual(objects[-1]["type"], "file")
        self.assertEqual(done.returncode, 1 if "error" in objects[-1] else 0)
        self.assertEqual(bool(done.stderr), "error" in objects[-1])
        if "error" in objects[-1]:
            self.assertIn(path, done.stderr.decode())
        if status is not None:
            self.assertEqual(done.returncode, status, done.stderr)
        for o in objects[:-1]:
            if "time" in o:
                self.assertRegex(o["time"], f"^-?{TIME.pattern}$")
        return objects

    def frames(self, objects):
        return [o["frame"] for o in objects if o["type"] == "rst"]
