#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Files that change, end or are missing, and outputs that do. Usage: files_test.py WHYRST"""
import gzip
import json
import os
import resource
import subprocess
import time
import unittest

from bounded import MIB, SANITIZED, Bounded

from captures import many, mixed, pcap
from support import HAS_WIRETAP, WHYRST, of_captures


class Waiting:
    """The tool, held by a pipe that nobody reads from: it has read some of its input and waits."""

    def __init__(self, path, *args, **env):
        self.tool = subprocess.Popen([WHYRST, "--format=ndjson", "-j1", *args, path],
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                     env={**os.environ, **env})
        self.path = path
        self.wait()

    def wait(self):
        """Until it sleeps in a write to the pipe."""
        for _ in range(600):
            with open(f"/proc/{self.tool.pid}/stat", encoding="ascii") as f:
                state = f.read().rsplit(")", 1)[1].split()[0]
            with open(f"/proc/{self.tool.pid}/wchan", encoding="ascii") as f:
                where = f.read()
            if state == "S" and "pipe" in where:
                return
            time.sleep(0.05)
        raise AssertionError("the pipe never filled")

    def end(self):
        out, err = self.tool.communicate(timeout=120)
        objects = of_captures(out.splitlines())
        return objects, self.tool.returncode, err.decode()


class Changing(Bounded):
    COUNT = 30000  # far more than the tool reads ahead before the pipe is full

    def setUp(self):
        super().setUp()
        self.data = pcap(many(self.COUNT), 10**9)  # verdicts come early, the pipe fills early
        self.path = self.file("changing.pcap", self.data)

    def test_grows(self):
        """What is written while it is read is read, too."""
        tool = Waiting(self.path)
        with open(self.path, "ab") as f:
            f.write(self.data[24:])
        objects, status, _ = tool.end()
        self.assertEqual((status, objects[-1]["packets"]), (0, 4 * self.COUNT))
        self.assertGreater(len(objects), self.COUNT)

    def test_grows_by_half_a_record(self):
        tool = Waiting(self.path)
        with open(self.path, "ab") as f:
            f.write(self.data[24:24 + 50])
        objects, status, err = tool.end()
        self.assertEqual((status, objects[-1]["packets"]), (1, 2 * self.COUNT))
        self.assertEqual(sum(o["type"] == "rst" for o in objects), self.COUNT)
        self.assertIn("cut short", err)

    def test_shrinks(self):
        """It ends earlier: what was there is reported, and a cut record is a cut record."""
        tool = Waiting(self.path)
        os.truncate(self.path, len(self.data) // 10 * 9 + 7)
        objects, status, err = tool.end()
        self.assertEqual(status, 1)
        self.assertIn("cut short", err)
        self.assertGreaterEqual(objects[-1]["packets"], self.COUNT)
        tool = Waiting(self.file("changing.pcap", self.data))
        os.truncate(self.path, 0)
        objects, status, err = tool.end()
        self.assertEqual(status, 1 if "error" in objects[-1] else 0)
        self.assertGreater(sum(o["type"] == "rst" for o in objects), 0)

    def test_goes_away(self):
        """An open file without a name is still a file."""
        tool = Waiting(self.path)
        os.unlink(self.path)
        objects, status, _ = tool.end()
        self.assertEqual((status, objects[-1]["packets"]), (0, 2 * self.COUNT))


class Inputs(Bounded):
    def test_none_of_the_good_is_lost(self):
        """Among inputs of every bad kind the good ones are reported, each bad one named."""
        good = [self.file(f"{i}.pcap", pcap(mixed())) for i in range(3)]
        loop = os.path.join(self.dir, "loop")
        os.symlink(loop, loop)
        forbidden = self.file("forbidden", pcap(mixed()))
        os.chmod(forbidden, 0)
        bad = [self.file("empty", b""), self.dir, os.path.join(self.dir, "missing"), loop,
               self.file("text", b"words\n" * 99), self.file("short", pcap(mixed())[:20])]
        if os.geteuid() != 0:
            bad.append(forbidden)
        mixture = [bad[0], good[0], *bad[1:3], good[1], *bad[3:], good[2]]
        for jobs in ("-j1", "-j8"):
            done = self.run_tool("--format=ndjson", jobs, *mixture, status=1)
            objects = of_captures(done.stdout.splitlines())
            files = [o for o in objects if o["type"] == "file"]
            self.assertEqual([o["file"] for o in files], mixture)
            self.assertEqual([o["file"] for o in files if "error" in o], bad)
            self.assertEqual(sum(o["type"] == "rst" for o in objects), 9)
            for path in bad:
                self.assertIn(f"whyrst: {path}: ", done.stderr.decode())

    def test_read_fails(self):
        done = self.run_tool("--format=ndjson", "/proc/self/mem", status=1)
        self.assertIn("error", of_captures(done.stdout.splitlines())[-1])

    def test_zero_packets(self):
        self.assertEqual(self.answer(pcap([]), status=0)[-1]["packets"], 0)
        self.assertIn("No TCP reset", self.run_tool(self.file("z", pcap([]))).stdout.decode())

    def test_very_many_files(self):
        """As xargs hands them over, with few descriptors and little memory."""
        count, source = 2000 if SANITIZED else 100_000, ""
        for i in range(count):
            if i % 10_000 == 0:
                source = self.file(f"{i}.source", pcap(mixed()))
            os.link(source, os.path.join(self.dir, f"{i}.pcap"))
        names = "\0".join(os.path.join(self.dir, f"{i}.pcap") for i in range(count))

        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
        done = subprocess.run(["xargs", "-0", "-n", "1000", WHYRST, "--format=ndjson", "-j2"],
                              input=names.encode(), capture_output=True, timeout=300,
                              preexec_fn=limit)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(done.stdout.count(b'"type":"rst"'), 3 * count)
        self.assertEqual(done.stdout.count(b'"type":"file"'), count)

    def test_many_days(self):
        """Captures that have nothing to do with one another are counted apart, each in little room."""
        day, count = 86400 * 10**9, 600
        paths = [self.file(f"{i:04}.pcap", pcap(mixed(), 1000, 10**18 + 2 * i * day)) for i in range(count)]
        done = self.limited("--format=ndjson", *paths, memory=256 * MIB)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(done.stdout.count(b'"type":"rst"'), 3 * count)

    def test_very_many_files_continued(self):
        count = 1000
        for i in range(count):
            self.file(f"{i:04}.pcap", pcap(mixed(), 1000, 10**18 + i * 10**9))

        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
        done = subprocess.run([WHYRST, "--format=ndjson", "--continue", self.dir], capture_output=True,
                              timeout=300, preexec_fn=limit)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(done.stdout.count(b'"type":"file"'), count)


class Parallel(Bounded):
    """Several captures at a time: the output is that of one after the other."""

    def setUp(self):
        super().setUp()
        # The first takes longest, so that others wait; in the middle one is cut, one is none.
        size = 300 if SANITIZED else 3000
        data = pcap(many(size))
        self.captures = [self.file("long.pcap", pcap(many(10 * size))), self.file("a.pcap", pcap(mixed())),
                         self.file("cut.pcap", data[:len(data) // 2 + 7]), self.file("b.pcap", data),
                         self.file("none.pcap", b"no capture\n" * 9),
                         *(self.file(f"{i}.pcap", pcap(many(size // 30 * i))) for i in range(1, 9))]

    def test_order_and_failures(self):
        for args in (["--format=ndjson", "--connections"], ["--format=csv"], [], ["--summary"]):
            expected = self.run_tool("-j1", *args, *self.captures, status=1)
            for jobs in ("-j2", "-j3", "-j64"):
                done = self.run_tool(jobs, *args, *self.captures, status=1)
                self.assertEqual(done.stdout, expected.stdout, (jobs, args))
                self.assertEqual(sorted(done.stderr.splitlines()), sorted(expected.stderr.splitlines()))
            self.assertIn(f"{self.captures[2]}: frame ", expected.stderr.decode())
            self.assertIn(f"{self.captures[4]}: ", expected.stderr.decode())
            self.assertEqual(len(expected.stderr.splitlines()), 2)

    def test_output_fails_in_the_middle(self):
        """When nobody takes the output any more all workers stop, and it is said once."""
        for jobs in ("-j1", "-j4"):
            done = self.run_tool(jobs, "-o", "/dev/full", *self.captures, status=1)
            lines = [line for line in done.stderr.decode().splitlines() if "No space" in line]
            self.assertEqual(lines, ["whyrst: /dev/full: No space left on device"])

    def test_as_many_as_processors(self):
        """Each capture waits in a pipe; who reads them is a thread of its own, the first one main()'s."""
        processors = len(os.sched_getaffinity(0))
        for args, workers in (((), min(processors, 5)), (("-j1",), 1), (("-j3",), 3)):
            pipes = [os.pipe() for _ in range(5)]
            tool = subprocess.Popen([WHYRST, "--format=ndjson", "--no-progress", *args,
                                     *(f"/dev/fd/{reader}" for reader, _ in pipes)],
                                    pass_fds=[reader for reader, _ in pipes], stdout=subprocess.PIPE)
            try:
                for _ in range(600):
                    count = len(os.listdir(f"/proc/{tool.pid}/task"))
                    if count >= workers + 1:
                        break
                    time.sleep(0.05)
                time.sleep(0.2)  # would there be more?
                # The thread that draws and flushes comes on top; a sanitizer may have one, too.
                count = len(os.listdir(f"/proc/{tool.pid}/task"))
                self.assertIn(count - workers, (1, 2) if SANITIZED else (1,), (args, count))
            finally:
                for reader, writer in pipes:
                    os.write(writer, pcap(mixed()))
                    os.close(writer)
                    os.close(reader)
                out, _ = tool.communicate(timeout=300)
            self.assertEqual(out.count(b'"type":"rst"'), 15)


class Outputs(Bounded):
    def test_full_disk(self):
        capture = self.file("in.pcap", pcap(many(5000)))
        for args in (["-o", "/dev/full", capture], ["-o", "/dev/full", "--format=csv", capture, capture],
                     ["-o", "/dev/full", "--continue", "--format=ndjson", capture]):
            done = self.run_tool(*args, status=1)
            self.assertEqual(done.stderr.decode(), "whyrst: /dev/full: No space left on device\n")

    def test_disk_fills_up(self):
        """Half of the output fits: that half stays, and the failure is said."""
        capture, out = self.file("in.pcap", pcap(many(5000))), os.path.join(self.dir, "out")

        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
        done = subprocess.run([WHYRST, "--format=ndjson", "-o", out, capture], capture_output=True,
                              timeout=300, preexec_fn=limit)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"whyrst: {out}: File too large", done.stderr.decode())
        self.assertEqual(os.path.getsize(out), 300_000)

    def test_reader_leaves(self):
        capture = self.file("in.pcap", pcap(many(5000)))
        for args in ([], ["--format=csv"], ["--continue", "--format=ndjson"], ["-j4", capture, capture]):
            tool = subprocess.Popen([WHYRST, *args, capture], stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE)
            tool.stdout.readline()
            tool.stdout.close()
            self.assertEqual(tool.stderr.read(), b"")
            self.assertEqual(tool.wait(timeout=300), 0)
            tool.stderr.close()

    def test_no_standard_output(self):
        capture = self.file("in.pcap", pcap(mixed()))
        done = subprocess.run(["sh", "-c", 'exec "$0" "$1" >&-', WHYRST, capture], capture_output=True,
                              timeout=300)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"whyrst: ", done.stderr)


def landlock():
    return subprocess.run([WHYRST, "--sandbox", "--format=csv", "/dev/null"],
                          capture_output=True).stderr.find(b"--sandbox") < 0


@unittest.skipUnless(landlock(), "the kernel has no Landlock, or forbids it")
class Sandbox(Bounded):
    def setUp(self):
        super().setUp()
        self.path = self.file("in.pcap", pcap(many(2000), 10**9))

    def test_is_in_force(self):
        for args, seccomp in (((), "2"), (("--sandbox",), "2"), (("--no-sandbox",), "0")):
            tool = Waiting(self.path, *args)
            with open(f"/proc/{tool.tool.pid}/status", encoding="ascii") as f:
                self.assertIn(f"\nSeccomp:\t{seccomp}\n", f.read(), args)
            tool.end()

    @unittest.skipIf(SANITIZED, "the sanitizer's runtime may read everything")
    def test_reads_only_its_inputs(self):
        """A name that was an input leads elsewhere when its turn comes: that is not followed."""
        secret = self.file("secret.pcap", pcap(mixed()))
        second = self.file("second.pcap", pcap(mixed()))
        temporary = os.path.join(self.dir, "tmp")
        os.mkdir(temporary)
        for args, status in (((), 1), (("--no-sandbox",), 0)):
            tool = Waiting(second, *args, self.path, TMPDIR=temporary)
            os.unlink(second)
            os.symlink(secret, second)
            objects, got, err = tool.end()
            os.unlink(second)
            self.file("second.pcap", pcap(mixed()))
            self.assertEqual(got, status, err)
            self.assertEqual("error" in objects[-1], bool(status))
            if status:
                self.assertIn("Permission denied", err)

    def test_other_formats(self):
        """libwiretap is loaded, pipes and waiting output are spooled, within the sandbox."""
        packed = gzip.compress(pcap(many(3000)))
        first, path = self.file("1.gz", packed), self.file("2.gz", packed)
        if HAS_WIRETAP:
            for args in ((path,), ("-",), ("-j4", first, path), ("--continue", first, path)):
                with open(path, "rb") as stdin:
                    pipe = subprocess.Popen(["cat"], stdin=stdin, stdout=subprocess.PIPE)
                    got = self.objects("--sandbox", *args, stdin=pipe.stdout)
                    pipe.stdout.close()
                    pipe.wait()
                self.assertEqual(sum(o["type"] == "rst" for o in got), 3000 * (1 + (first in args)))


if __name__ == "__main__":
    unittest.main()
