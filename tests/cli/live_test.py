#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures that are still being made: pipes and signals. Usage: live_test.py WHYRST [unittest options]"""
import contextlib
import fcntl
import gzip
import json
import os
import signal
import sqlite3
import struct
import subprocess
import termios
import threading
import time
import unittest

from captures import Connection, many, mixed, pcap
from support import HAS_WIRETAP, WHYRST, CliTest


class Live(CliTest):
    def start(self, *args, **options):
        """The tool, at a pipe unless @options say otherwise."""
        options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
                   "start_new_session": True, **options}
        tool = subprocess.Popen([WHYRST, *args], bufsize=0, **options)
        guard = threading.Timer(120, tool.kill)
        guard.start()
        self.addCleanup(self.end, tool)
        self.addCleanup(guard.cancel)
        return tool

    @staticmethod
    def end(tool):
        tool.kill()
        tool.wait()
        for stream in (tool.stdin, tool.stdout, tool.stderr):
            if stream:
                stream.close()

    @staticmethod
    def feed(tool, data):
        """Writes @data and waits until the tool has taken it out of the pipe."""
        tool.stdin.write(data)
        left = 1
        while left:
            left = struct.unpack("i", fcntl.ioctl(tool.stdin, termios.FIONREAD, bytes(4)))[0]
            time.sleep(0.01)

    def result(self, tool, status=0):
        """What it writes until it ends; the pipe stays open."""
        out, err = tool.stdout.read(), tool.stderr.read()
        self.assertEqual(tool.wait(), status, err)
        return out, err.decode()


class Pipes(Live):
    def test_a_reader_that_left_is_noticed_soon(self):
        data = pcap(many(1000), step_ns=100_000_000)
        record = (len(data) - 24) // 2000
        tool = self.start("--format=ndjson", "-")
        self.feed(tool, data[:24 + 200 * record])
        self.assertTrue(tool.stdout.readline())
        tool.stdout.close()
        for at in range(24 + 200 * record, len(data), record):
            time.sleep(0.01)
            try:
                tool.stdin.write(data[at:at + record])
            except BrokenPipeError:
                break
        else:
            self.fail("goes on reading")
        self.assertEqual(tool.wait(), 0)


class Signals(Live):
    def test_each_of_them_leaves_what_is_known(self):
        for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
            tool = self.start("--format=ndjson", "-")
            self.feed(tool, pcap(mixed()))
            tool.send_signal(number)
            out, err = self.result(tool)
            objects = [json.loads(line) for line in out.splitlines()]
            self.assertEqual([o["type"] for o in objects[:4]], ["rst"] * 3 + ["file"], number)
            self.assertEqual(objects[3]["packets"], len(mixed()))
            self.assertEqual(err, "")

    def test_the_summary_comes(self):
        tool = self.start("-")
        self.feed(tool, pcap(mixed()))
        tool.send_signal(signal.SIGTERM)
        self.assertIn(b"3 TCP resets", self.result(tool)[0])

    def test_half_a_record_is_no_error(self):
        tool = self.start("--format=ndjson", "-")
        self.feed(tool, pcap(mixed())[:-10])
        tool.send_signal(signal.SIGTERM)
        out, err = self.result(tool)
        self.assertNotIn(b'"error"', out)
        self.assertEqual(err, "")

    def test_what_the_other_end_sends_after_the_signal_counts(self):
        whole = pcap(mixed())
        tool = self.start("-")
        self.feed(tool, whole[:-30])
        tool.send_signal(signal.SIGINT)
        tool.stdin.write(whole[-30:])
        tool.stdin.close()
        self.assertIn(b"3 TCP resets", self.result(tool)[0])

    def test_a_writer_that_never_ends(self):
        tool = self.start("--format=ndjson", "-")
        head, packets = pcap([]), pcap(many(5000), step_ns=100_000_000)[24:]

        def write():
            with contextlib.suppress(BrokenPipeError):
                tool.stdin.write(head)
                while True:
                    tool.stdin.write(packets)

        writer = threading.Thread(target=write)
        writer.start()
        self.assertTrue(tool.stdout.readline())
        tool.send_signal(signal.SIGTERM)
        out, _ = self.result(tool)
        writer.join()
        self.assertIn(b'"type":"file"', out)

    def test_a_fifo_that_nobody_writes_to(self):
        fifo = os.path.join(self.dir, "fifo")
        os.mkfifo(fifo)
        tool = self.start("--progress", fifo)
        tool.stderr.read(1)  # it works
        tool.send_signal(signal.SIGTERM)
        self.assertIn("no capture came", self.result(tool, status=1)[1])

    def test_a_fifo_may_wait_for_its_writer(self):
        fifo = os.path.join(self.dir, "fifo")
        os.mkfifo(fifo)
        tool = self.start("--progress", fifo)
        tool.stderr.read(1)
        with open(fifo, "wb") as f:
            f.write(pcap(mixed()))
        self.assertIn(b"3 TCP resets", self.result(tool)[0])

    def test_a_second_one_ends_it(self):
        tool = self.start("--format=ndjson", "--connections", "-")
        data = pcap(many(5000), step_ns=100_000_000)  # more records than its output takes, which nobody reads
        writer = threading.Thread(target=self.write_all, args=(tool, data))
        writer.start()
        tool.stdout.readline()
        tool.send_signal(signal.SIGTERM)
        while tool.poll() is None:
            time.sleep(0.05)
            tool.send_signal(signal.SIGTERM)
        self.assertEqual(tool.returncode, -signal.SIGTERM)
        writer.join()

    @staticmethod
    def write_all(tool, data):
        with contextlib.suppress(BrokenPipeError):
            while data:
                data = data[tool.stdin.write(data):]

    @unittest.skipUnless(HAS_WIRETAP, "reads pcap and pcapng only")
    def test_a_pipe_that_is_no_stream(self):
        tool = self.start("-")
        self.feed(tool, gzip.compress(pcap(mixed())))
        tool.send_signal(signal.SIGTERM)
        self.assertIn(b"3 TCP resets", self.result(tool)[0])

    @unittest.skipUnless(HAS_WIRETAP, "reads pcap and pcapng only")
    def test_nothing_is_left_of_it_however_it_ends(self):
        temporary = os.path.join(self.dir, "tmp")
        os.mkdir(temporary)
        tool = self.start("-", env={**os.environ, "TMPDIR": temporary})
        self.feed(tool, gzip.compress(pcap(mixed())))
        tool.kill()
        tool.wait()
        self.assertEqual(os.listdir(temporary), [])

    def test_a_database_is_complete(self):
        """The process that writes it is told, too, as by a terminal or the end of a service."""
        path = os.path.join(self.dir, "r.db")
        for number in signal.SIGINT, signal.SIGTERM:
            tool = self.start("--format=sqlite", "-o", path, "-")
            self.feed(tool, pcap(mixed()))
            os.killpg(tool.pid, number)
            self.assertEqual(self.result(tool), (b"", ""))
        with contextlib.closing(sqlite3.connect(path)) as database:
            self.assertEqual(database.execute("SELECT count(*) FROM resets").fetchone(), (3,))


class Twice(Live):
    def test_a_fifo(self):
        fifo = os.path.join(self.dir, "fifo")
        os.mkfifo(fifo)
        link = os.path.join(self.dir, "link")
        os.symlink(fifo, link)
        for other, what in (fifo, "a pipe, which"), (link, f"the same pipe as {fifo}, which"):
            err = self.run_tool(fifo, other, status=2).stderr.decode()
            self.assertIn(f"{other} is {what} can be read only once", err)

    def test_standard_input(self):
        done = self.run_tool("-", "/dev/stdin", input=pcap(mixed()), status=2)
        self.assertIn(b"/dev/stdin is the same pipe as -", done.stderr)

    def test_a_file_may_be_given_twice(self):
        capture = self.file("a.pcap", pcap(Connection(50001, 81).refused()))
        self.assertEqual(len(self.resets(capture, capture)), 2)


if __name__ == "__main__":
    unittest.main()
