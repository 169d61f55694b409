#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How the command-line tool meets people: terminals, help, wrong usage, files that are no captures.
Usage: people_test.py WHYRST"""
import fcntl
import gzip
import json
import os
import pty
import re
import struct
import subprocess
import termios
import unittest

from captures import many, mixed, pcap
from support import HAS_WIRETAP, WHYRST, CliTest, of_captures

CLI = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "cli")
MANUAL = os.path.join(CLI, "whyrst.1")


class Terminal(CliTest):
    def on_terminal(self, columns, *args, **env):
        """What the tool writes to a terminal of @columns."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        tool = subprocess.Popen([WHYRST, "--no-progress", *args], stdout=slave,
                                env={**os.environ, "TERM": "xterm", "NO_COLOR": "", **env})
        os.close(slave)
        out = b""
        while True:
            try:
                block = os.read(master, 65536)
            except OSError:
                break
            if not block:
                break
            out += block
        tool.wait()
        os.close(master)
        return out.decode().replace("\r\n", "\n")

    def setUp(self):
        super().setUp()
        self.capture = self.file("mixed.pcap", pcap(mixed()))

    def test_fits(self):
        for columns in (80, 100, 120, 160, 200, 240):
            text = self.on_terminal(columns, self.capture)
            plain = re.sub("\033\\[[0-9]*m", "", text)
            self.assertLessEqual(max(map(len, plain.splitlines())), columns)
            if columns < 220:
                self.assertIn("10.0.0.5:50001 > 192.0.2.1:81", plain)
                self.assertIn("2026-05-19 UTC", plain)
            else:
                self.assertTrue(plain.startswith("  FRAME TIME (UTC)"), plain)

    def test_columns_stand_below_their_titles(self):
        text = self.on_terminal(240, self.capture).splitlines()
        for title, value in (("CAUSE", "firewall-reject"), ("SENT BY", "server"), ("CLOSE", "refused")):
            line = re.sub("\033\\[[0-9]*m", "", text[1])
            self.assertTrue(line[text[0].index(f" {title}") + 1:].startswith(value), (title, line))

    def test_color(self):
        self.assertIn("\033[1m", self.on_terminal(80, self.capture))
        self.assertNotIn("\033", self.on_terminal(80, self.capture, NO_COLOR="1"))
        self.assertNotIn("\033", self.on_terminal(80, self.capture, TERM="dumb"))


class Help(CliTest):
    def test_help(self):
        text = self.run_tool("--help").stdout.decode()
        for word in ("Examples:", "Exit status:", "--connections", "ndjson"):
            self.assertIn(word, text)

    def test_explain(self):
        names = re.findall(r"^(\S+)$", self.run_tool("--explain", "list").stdout.decode(), re.M)
        self.assertIn("no-socket", names)
        for name in names:
            text = self.run_tool("--explain", name).stdout.decode()
            self.assertTrue(text.startswith(name + "\n"))
            self.assertLessEqual(max(map(len, text.splitlines())), 80)
        self.assertIn("port-closed", self.run_tool("--explain", "x", status=2).stderr.decode())

    def test_fields(self):
        text = self.run_tool("--fields").stdout.decode()
        header = self.run_tool("--format=csv", "--connections", self.file("0", pcap([])))
        self.assertEqual(sorted(line.split()[0] for line in text.splitlines()),
                         sorted(header.stdout.decode().strip().split(",")[2:]))

    def test_version(self):
        self.assertRegex(self.run_tool("--version").stdout.decode(), r"^whyrst \d+\.\d+\.\d+\n")

    def test_no_capture(self):
        self.assertIn("--help", self.run_tool(status=2).stderr.decode())
        self.run_tool("--no-such-option", status=2)

    def test_manual_has_every_option(self):
        options = set(re.findall(r"--[a-z][a-z0-9-]+(?==| )", self.run_tool("--help").stdout.decode()))
        self.assertIn("--alert-rate", options)
        with open(MANUAL, encoding="utf-8") as file:
            manual = file.read().replace("\\-", "-")
        self.assertEqual([option for option in sorted(options) if option not in manual], [])

    def test_manual_has_every_kind_of_object(self):
        objects = [json.loads(line) for line in self.run_tool(
            "--format=ndjson", "--connections", self.file("many.pcap", pcap(many(30)))).stdout.splitlines()]
        with open(MANUAL, encoding="utf-8") as file:
            words = set(re.findall(r"\w+", file.read()))
        self.assertLessEqual({o["type"] for o in objects}, words)
        self.assertLessEqual(set(next(o for o in objects if o["type"] == "file")), words)


class Completion(CliTest):
    """What bash offers; the functions of the package bash-completion are stood in for."""

    def offered(self, previous, current):
        script = f"""_init_completion() {{ cur=$CUR prev=$PREV; }}
                     _filedir() {{ COMPREPLY=(a file); }}
                     source {CLI}/whyrst.bash-completion
                     _whyrst; printf '%s\n' "${{COMPREPLY[@]}}" """
        path = f"{os.path.dirname(WHYRST)}:{os.environ['PATH']}"
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, env={
            **os.environ, "PATH": path, "PREV": previous, "CUR": current})
        return done.stdout.split()

    def test_words(self):
        self.assertEqual(self.offered("--format", "s"), ["sqlite"])
        self.assertEqual(self.offered("--explain", "port"), ["port-closed"])
        self.assertEqual(self.offered("--sender", "m"), ["middlebox"])
        self.assertIn("--alert-rate", self.offered("whyrst", "--al"))
        self.assertEqual(self.offered("whyrst", "x"), ["a", "file"])

    def test_lists_keep_what_is_complete(self):
        self.assertEqual(self.offered("--origin", "mid"), ["mid-request", "mid-response"])
        self.assertEqual(self.offered("--origin", "tls-phase,after-r"), ["tls-phase,after-response"])
        self.assertEqual(self.offered("--cause", "scan,injected,ip"), ["scan,injected,ip-block"])


class WrongUsage(CliTest):
    def test_numbers(self):
        capture = self.file("mixed.pcap", pcap(mixed()))
        for option, value in (("-j", "0"), ("-j", "x"), ("-j", "257"), ("--max-connections", "0"),
                              ("--max-connections", "-1"), ("--max-connections", "many"),
                              ("--alert-rate", "0"), ("--idle-threshold", "nan")):
            done = self.run_tool(option, value, capture, status=2)
            self.assertIn(f'{option}: "{value}" is not valid; it takes ', done.stderr.decode())
        self.run_tool("-j1", "--max-connections=1", capture)

    def test_a_file_without_a_name(self):
        self.assertIn('whyrst: "": ', self.run_tool("", status=1).stderr.decode())
        self.assertIn('whyrst: "": ', self.run_tool("-o", "", self.file("a", pcap([])), status=1)
                      .stderr.decode())

    def test_output_to_a_dash_is_standard_output(self):
        capture = self.file("mixed.pcap", pcap(mixed()))
        expected = self.run_tool("--format=csv", capture).stdout
        self.assertEqual(self.run_tool("--format=csv", "-o", "-", capture, cwd=self.dir).stdout, expected)
        self.assertEqual(os.listdir(self.dir), ["mixed.pcap"])

    def test_output_is_never_what_standard_input_reads(self):
        data = pcap(mixed())
        path = self.file("in.pcap", data)
        with open(path, "rb") as stdin:
            self.run_tool("-o", path, "-", status=2, stdin=stdin)
        with open(path, "rb") as file:
            self.assertEqual(file.read(), data)


@unittest.skipUnless(HAS_WIRETAP, "built without libwiretap")
class NoCaptures(CliTest):
    """Files that Wireshark's library opens, though they are no captures."""

    def test_are_told(self):
        for name, data in (("x.json", b'{"a": [1, 2]}\n'), ("x.png", b"\x89PNG\r\n\x1a\n" + bytes(99)),
                           ("x.elf", b"\x7fELF" + bytes(99)), ("cut.pcap", pcap(mixed())[:3]),
                           ("x.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")):
            for args, stdin in (([self.file(name, data)], b""), (["-"], data)):
                done = self.run_tool("--format=ndjson", *args, status=1, input=stdin)
                self.assertIn("no capture", done.stderr.decode(), name)
                self.assertEqual(of_captures(done.stdout.splitlines())[-1]["packets"], 0, name)

    def test_compressed_nothing_is_as_empty_as_nothing(self):
        done = self.run_tool(self.file("empty.gz", gzip.compress(b"")), status=1)
        self.assertIn("empty.gz: is empty", done.stderr.decode())


if __name__ == "__main__":
    unittest.main()
