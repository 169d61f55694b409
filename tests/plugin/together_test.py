#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the plugin says of all connections together: statistics, causes that other connections show."""

import json
import re
import shutil
import sys
import unittest
from pathlib import Path

from case import PluginCase, main
from frames import ACK, FIN, PSH, RST, SYN, Connection, ethernet, icmp_error, ip4
from statistics_text import table_rows, tree_counts

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/tools"))
from payloads import ClientHello  # noqa: E402  pylint: disable=wrong-import-position

SERVER = "192.0.2.1"
ICMP = 1
ROUTER = "192.0.2.254"


def hello(connection, sni):
    return connection.send(True, PSH | ACK, ClientHello(sni).record())


def hello_reset(port, sni="shop.example"):
    """A ClientHello that is answered with a RST."""
    connection = Connection(ethernet, port, server_port=443)
    return [*connection.handshake(), hello(connection, sni), connection.send(False, RST | ACK)]


def hello_closed(port, sni="shop.example"):
    """One that is answered by closing."""
    connection = Connection(ethernet, port, server_port=443)
    return [*connection.handshake(), hello(connection, sni), connection.send(False, FIN | ACK),
            connection.send(True, FIN | ACK), connection.send(False, ACK)]


def refused(port, server_port=81):
    connection = Connection(ethernet, port, server_port=server_port)
    return [connection.send(True, SYN), connection.send(False, RST | ACK)]


def unreachable(port, server_port=82, code=1):
    """A SYN that a router answers."""
    connection = Connection(ethernet, port, server_port=server_port)
    packet = connection.packet(True, SYN)
    return [ethernet(packet), ethernet(ip4(ROUTER, "10.0.0.5", icmp_error(packet, code=code),
                                           protocol=ICMP))]


def mixed():
    frames = []
    for i in range(10):
        frames += hello_reset(41000 + i) if i < 4 else hello_closed(41000 + i)
        frames += Connection(ethernet, 42000 + i).request_closed()
    return frames + refused(43000) + refused(43001) + unreachable(44000)


class Statistics(PluginCase):
    def text(self, capture, name, *arguments):
        return self.tshark.run("-q", "-r", capture, "-z", name, *arguments).stdout

    def rows(self, capture, name="rst,endpoints", *arguments):
        """Rows of a table by their first cells."""
        return {list(row.values())[0]: row
                for row in table_rows(self.text(capture, name, *arguments))}

    def counts(self, capture, name, *arguments):
        return tree_counts(self.text(capture, f"{name},tree", "-2", *arguments))

    def test_endpoints(self):
        rows = self.rows(self.capture(mixed()))
        row = rows[f"{SERVER}:443"]
        self.assertEqual([row[title] for title in ("Attempts", "Established", "FIN", "Resets", "Rate",
                                                   "From", "To", "Flagged")],
                         ["10", "10", "6", "4", "40.0 %", "16.8 %", "68.7 %", "1"])
        self.assertEqual(row["Resets of any side, by origin"], "tls_phase 4")
        self.assertEqual((rows[f"{SERVER}:80"]["FIN"], rows[f"{SERVER}:80"]["Flagged"]), ("10", "0"))
        self.assertEqual(rows[f"{SERVER}:81"]["Refused"], "2")
        self.assertEqual(rows["shop.example"]["Resets"], "4")

    def test_unreachable_is_told_from_unanswered(self):
        """Only errors that say so: not one that asks for smaller packets."""
        silent = Connection(ethernet, 45000, server_port=83)
        syn = silent.packet(True, SYN)
        frames = [ethernet(syn), ethernet(syn), *unreachable(44000), *unreachable(44001, 84, code=4)]
        rows = self.rows(self.capture(frames, step=1))
        fates = {port: (rows[f"{SERVER}:{port}"]["Unanswered"], rows[f"{SERVER}:{port}"]["Unreachable"])
                 for port in (82, 83)}
        self.assertEqual(fates, {82: ("0", "1"), 83: ("1", "0")})
        self.assertEqual(rows[f"{SERVER}:84"]["Unreachable"], "0")

    def test_ja4s(self):
        row, = self.rows(self.capture(mixed()), "rst,ja4").values()
        self.assertEqual([row[title] for title in ("JA4", "Connections", "Handshakes", "TLS reset", "Alert",
                                                   "Later reset", "FIN", "Open", "TLS reset rate")],
                         [ClientHello("shop.example").ja4(), "10", "0", "4", "0", "0", "6", "0", "40.0 %"])

    def test_findings(self):
        text = self.text(self.capture(mixed()), "rst,findings")
        row, = [row for row in table_rows(text) if row["Kind"] == "reset-rate"]
        self.assertEqual([row[title] for title in ("Rank", "Confidence", "Sender", "Connections", "Of")],
                         ["1", "high", "server", "4", "10"])
        self.assertEqual(row["Finding"], f"{SERVER}:443 resets 4 of 10 connections (40.0 %, at least 16.8 %)")
        counts = self.counts(self.capture(mixed()), "rst_findings")
        top = ("Findings, and the connections that show them", f"01. reset-rate (high): {row['Finding']}")
        for line in ((), ("Evidence: 4 reset in phase tls-phase",), (f"Frames: frame.number in {{{row['Frames']}}}",),
                     (f"What to do: {row['What to do']}",)):
            self.assertEqual(counts[(*top, *line)], 4)

    def test_one_pass_and_two_say_the_same(self):
        capture = self.capture(mixed())
        for name in ("rst,findings", "rst,endpoints", "rst,ja4"):
            self.assertEqual(self.text(capture, name), self.text(capture, name, "-2"))

    def test_trees(self):
        capture = self.capture(mixed())
        counts = self.counts(capture, "rst_endpoints")
        top = ("Servers", f"{SERVER}:443 [reset-rate] [above the alert rate]")
        self.assertEqual(counts[(*top, "Established", "Closed by FIN")], 6)
        self.assertEqual(counts[(*top, "Established",
                                 "Reset in the server's name: 40.0 % (95 %: 16.8 to 68.7)")], 4)
        self.assertEqual(counts[(*top, "Established", "Reset, by origin", "Reset in the TLS handshake")], 4)
        self.assertEqual(counts[("Server names", "SNI shop.example [above the alert rate]")], 10)
        self.assertEqual(counts[("Servers",)], 10 + 10 + 2 + 1)
        counts = self.counts(capture, "rst_outcome")
        ja4 = ClientHello("shop.example").ja4()
        self.assertEqual(counts, {("ClientHellos",): 10, ("ClientHellos", ja4): 10,
                                  ("ClientHellos", ja4, "Reset in the TLS handshake"): 4,
                                  ("ClientHellos", ja4, "Closed by FIN"): 6})

    def test_trees_say_that_they_need_a_second_pass(self):
        text = self.text(self.capture(mixed()), "rst_outcome,tree")
        self.assertEqual(len(re.findall(r"^Known when .*-2\)", text, re.MULTILINE)), 1)
        self.assertNotIn("t13d", text)

    def test_a_filter_chooses_endpoints(self):
        text = self.text(self.capture(mixed()), "rst_endpoints,tree,tcp.port == 80", "-2")
        self.assertEqual([path[1] for path in tree_counts(text) if len(path) == 2], [f"{SERVER}:80"])

    def test_tables_take_no_filter(self):
        done = self.tshark.run("-q", "-r", self.capture(mixed()), "-z", "rst,endpoints,tcp", check=False)
        self.assertIn("takes no filter", done.stderr)
        self.assertNotIn("Attempts", done.stdout)

    def test_capture_without_tcp(self):
        capture = self.capture([ethernet(ip4(ROUTER, SERVER, b"", protocol=89))])
        for name in ("rst,findings", "rst,endpoints", "rst,ja4"):
            self.assertEqual(self.rows(capture, name), {})
        self.assertEqual(set(self.counts(capture, "rst_endpoints").values()), {0})

    def test_alert_rate(self):
        capture = self.capture(mixed())
        for rate, flagged in (("2", "1"), ("0.5", "1"), ("16.5", "1"), ("17", "0"), ("many", "1")):
            with self.subTest(rate):
                rows = self.rows(capture, "rst,endpoints", "-o", f"rst.alert_rate:{rate}")
                self.assertEqual(rows[f"{SERVER}:443"]["Flagged"], flagged)

    def test_a_name_from_the_wire_is_only_a_name(self):
        frames = hello_closed(41000, "Servers") + hello_closed(41001, "evil\x1b[31m.example")
        capture = self.capture(frames + refused(43000))
        counts = self.counts(capture, "rst_endpoints")
        self.assertEqual((counts[("Servers",)], counts[("Server names", "SNI Servers")]), (3, 1))
        self.assertNotIn("\x1b", self.text(capture, "rst,endpoints") +
                         self.text(capture, "rst_endpoints,tree", "-2"))


@unittest.skipUnless(shutil.which("sharkd"), "sharkd is not installed")
class Again(PluginCase):
    def test_frames_dissected_again_count_once(self):
        calls = [{"method": "load", "params": {"file": str(self.capture(mixed()))}},
                 *[{"method": "tap", "params": {"tap0": "stat:rst_endpoints"}}] * 2]
        lines = [json.dumps({"jsonrpc": "2.0", "id": i} | call) for i, call in enumerate(calls, start=1)]
        done = self.tshark.run("-", program="sharkd", input="\n".join(lines) + "\n")
        _, first, second = [json.loads(line)["result"] for line in done.stdout.splitlines()
                            if line.startswith("{")]
        self.assertEqual(first, second)
        self.assertIn(f"{SERVER}:443 [reset-rate]", json.dumps(first))


class RevisedCauses(PluginCase):
    """Causes that only other connections show are there when frames are dissected again."""

    def test_second_pass_has_them(self):
        for sample, cause in (("block-ja4-server", "tls-fingerprint-block"), ("ban-on-router", "ip-block"),
                              ("rate-hashlimit-router", "rate-limit")):
            with self.subTest(sample):
                capture = self.tshark.place(ROOT / "samples" / sample / "client.pcap")
                rows = self.tshark.fields(capture, ["rst.cause", "rst.evidence", "rst.advice"],
                                          only=f'rst.cause == "{cause}"')
                self.assertGreater(len(rows), 3)
                for row in rows:  # the contrast is the first evidence
                    self.assertRegex(row["rst.evidence"], r"\d+ of \d+|after \d+")
                    self.assertTrue(row["rst.advice"])
                once = self.tshark.fields(capture, ["rst.cause"], two_pass=False, only="rst.origin")
                self.assertNotIn(cause, [row["rst.cause"] for row in once])
                counts = tree_counts(self.tshark.run("-2", "-q", "-r", capture, "-z", "rst_cause,tree").stdout)
                self.assertEqual(counts[("Resets", cause)], len(rows))


if __name__ == "__main__":
    main(__doc__)
