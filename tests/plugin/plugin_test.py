#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How the plugin behaves inside tshark and sharkd, on captures made by hand."""

import json
import xml.etree.ElementTree
from pathlib import Path

import odd
from case import PluginCase, main
from frames import ACK, PSH, RST, UDP, Connection, esp, ethernet, ip4, udp

# The contract with users: never remove or rename one (see docs on the interface).
FIELDS = {
    "FT_STRING": ("origin cause sender confidence close_type ja4 ja4_r ja4_retry sni alpn "
                  "tls_version tls_stage sequence_check idle_timer tls_alert http_method "
                  "conn_state history tampering_signature evidence advice reset_text "
                  "mptcp_reason"),
    "FT_FRAMENUM": "client_hello_frame syn_frame trigger_frame duplicate_of",
    "FT_RELATIVE_TIME": "time_since_syn time_since_client_hello idle_time ttfb irtt",
    "FT_UINT64": "client_bytes server_bytes unacked_bytes http_status",
}
HINDSIGHT = {"cause", "sender", "confidence", "tampering_signature", "evidence", "advice"}
CAUSAL = [f"rst.{name}" for names in FIELDS.values() for name in names.split()
          if name not in HINDSIGHT]


class Registration(PluginCase):
    def test_plugin_is_listed_as_a_dissector(self):
        lines = self.tshark.run("-G", "plugins").stdout.splitlines()
        ours = [line for line in lines if line.startswith("rst.so")]
        self.assertEqual(len(ours), 1)
        self.assertIn("dissector", ours[0])

    def test_every_field_has_its_type_and_help(self):
        rows = [line.split("\t") for line in self.tshark.run("-G", "fields").stdout.splitlines()]
        found = {row[2]: row for row in rows if row[0] == "F" and row[2].startswith("rst.")}
        for kind, names in FIELDS.items():
            for name in names.split():
                with self.subTest(name):
                    row = found[f"rst.{name}"]
                    self.assertEqual(row[3], kind)
                    self.assertTrue(row[1] and row[-1], "title or help text missing")

    def test_preferences_and_their_defaults(self):
        text = self.tshark.run("-G", "defaultprefs").stdout
        self.assertIn("#rst.idle_threshold: 3\n", text)
        self.assertIn("#rst.hindsight_wait: 10\n", text)
        self.assertIn("#rst.info_column: FALSE\n", text)

    def test_verdict_in_the_info_column(self):
        capture = self.capture(Connection(ethernet).request_reset())
        verdict = "[RST: awaiting-response, server]"
        for passes in ([], ["-2"]):
            text = self.tshark.run(*passes, "-r", capture).stdout
            self.assertNotIn("[RST:", text)
            text = self.tshark.run(*passes, "-r", capture, "-o", "rst.info_column:TRUE").stdout
            self.assertTrue(text.splitlines()[-1].endswith(verdict), text)
            self.assertEqual(text.count("[RST:"), 1)

    def test_idle_threshold_is_obeyed(self):
        capture = self.capture(exchange_then_silence(5))
        query = 'rst.origin == "idle-timeout"'
        self.assertEqual(len(self.frames(capture, query)), 1)
        self.assertEqual(self.frames(capture, query, "-o", "rst.idle_threshold:8"), [])

    def test_disabled_protocol_says_nothing(self):
        capture = self.capture(odd.frames())
        self.assertEqual(self.frames(capture, "rst", "--disable-protocol", "rst"), [])


def exchange_then_silence(seconds):
    """A complete request and response, then a RST after a silence."""
    connection = Connection(ethernet)
    frames = connection.handshake() + [
        connection.send(True, PSH | ACK, b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"),
        connection.send(False, PSH | ACK, b"HTTP/1.1 204 No Content\r\n\r\n"),
        connection.send(True, ACK)
    ]
    return frames + [(seconds, connection.send(False, RST | ACK))]


class Segments(PluginCase):
    def test_every_wrapping_gives_the_same_verdict(self):
        capture = self.capture(odd.frames())
        rows = self.tshark.fields(capture, ["tcp.port", "rst.origin", "rst.client_bytes",
                                            "rst.time_since_syn"])
        # All but the last connection, whose only RST is quoted by an ICMP error.
        self.assertEqual(len(rows), len(odd.wrappings()) + 3)
        for row in rows:
            with self.subTest(row["tcp.port"]):
                self.assertEqual(row["rst.origin"], "awaiting-response")
                self.assertGreater(float(row["rst.time_since_syn"]), 0)
        sizes = [int(row["rst.client_bytes"]) for row in rows]
        request = len("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
        self.assertEqual(sizes, [request] * 7 + [request + 100, request, request])

    def test_reset_quoted_by_icmp_is_none(self):
        capture = self.capture(odd.quoted(40000))
        self.assertEqual(self.frames(capture, "icmp && tcp.flags.reset == 1"), [4])
        self.assertEqual(self.frames(capture, "rst"), [])

    def test_tcp_layers_side_by_side(self):
        connections = [Connection(bytes, 41000 + i) for i in range(2)]
        both = zip(*(c.request_reset() for c in connections))
        frames = [ethernet(ip4("198.51.100.1", "198.51.100.2", udp(9998, 9998, a + b),
                               protocol=UDP)) for a, b in both]
        rows = self.lua_fields(frames, ["frame.number", "rst.origin", "rst.syn_frame"])
        self.assertEqual(rows, [{"frame.number": "6",
                                 "rst.origin": "awaiting-response,awaiting-response",
                                 "rst.syn_frame": "1,1"}])

    def test_tcp_inside_tcp(self):
        outer = Connection(ethernet, 42000, server_port=9999)
        inner = Connection(bytes, 43000).request_reset()
        frames = outer.handshake() + [outer.send(True, PSH | ACK, p) for p in inner]
        frames += [outer.send(False, RST | ACK)]
        rows = self.lua_fields(frames, ["frame.number", "rst.origin", "rst.client_bytes",
                                        "rst.unacked_bytes"])
        carried = str(sum(map(len, inner)))
        self.assertEqual([row["frame.number"] for row in rows], ["9", "10"])
        self.assertEqual(rows[0]["rst.origin"], "awaiting-response")
        self.assertEqual(rows[1]["rst.client_bytes"], carried)

    def test_trailer_of_esp_is_no_payload(self):
        """Read in the clear (null encryption, found by itself or by a key): the trailer ends it."""
        connection = Connection(esp)
        frames = connection.handshake() + [
            connection.send(True, PSH | ACK, b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"),
            connection.send(False, PSH | ACK, b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello"),
            connection.send(False, RST | ACK)]
        names = ["rst.origin", "rst.client_bytes", "rst.server_bytes", "rst.reset_text"]
        for option in (["esp.enable_null_encryption_decode_heuristic:TRUE"],
                       ["esp.enable_encryption_decode:TRUE", "-o",
                        'uat:esp_sa:"IPv4","*","*","*","NULL","","HMAC-SHA-1-96 [RFC2404]",""']):
            with self.subTest(option):
                row, = self.tshark.fields(self.capture(frames), names, "-o", *option)
                self.assertEqual(list(row.values()), ["mid-response", "35", "45", ""])

    def lua_fields(self, frames, names):
        script = self.tshark.place(Path(__file__).with_name("siblings.lua"))
        return self.tshark.fields(self.capture(frames), names, "-X", f"lua_script:{script}")

    def test_truncated_frames(self):
        # 54 bytes hold the TCP header of plain IPv4 frames and no payload, 47 cut its flags off.
        frames = Connection(ethernet).request_reset()
        capture = self.capture(frames, snaplen=54)
        row, = self.tshark.fields(capture, ["frame.number", "rst.client_bytes"])
        self.assertEqual(row, {"frame.number": "6", "rst.client_bytes": "35"})
        capture = self.capture(frames, snaplen=47)
        self.assertEqual(self.frames(capture, "rst"), [])


class Annotation(PluginCase):
    def test_causal_fields_are_equal_in_one_and_two_passes(self):
        capture = self.capture(odd.frames() + Connection(ethernet, 44000).request_closed())
        names = ["frame.number", *CAUSAL]
        self.assertEqual(self.tshark.fields(capture, names, two_pass=False),
                         self.tshark.fields(capture, names))

    def test_close_by_fin_is_annotated(self):
        frames = Connection(ethernet).request_closed()
        capture = self.capture(frames)
        row, = self.tshark.fields(capture, ["frame.number", *CAUSAL])
        self.assertEqual({name: value for name, value in row.items() if value},
                         {"frame.number": str(len(frames)), "rst.close_type": "fin"})
        text = self.tshark.run("-r", capture, "-O", "rst").stdout
        self.assertIn("[RST analysis: connection closed by FIN]", text)

    def test_hindsight_is_provisional_in_one_pass_only(self):
        capture = self.capture(odd.frames())
        text = self.tshark.run("-r", capture, "-O", "rst").stdout
        self.assertRegex(text, r"\[Cause: .* \(provisional\)\]")
        self.assertNotRegex(text, r"\[Origin: .* \(provisional\)\]")
        text = self.tshark.run("-2", "-r", capture, "-O", "rst").stdout
        self.assertRegex(text, r"\[Cause: ")
        self.assertNotIn("(provisional)", text)

    def test_columns_without_a_visible_tree(self):
        capture = self.capture(Connection(ethernet).request_reset())
        columns = 'gui.column.format:"No","%m","Origin","%Cus:rst.origin:0:R"'
        for passes in ([], ["-2"]):
            lines = self.tshark.run(*passes, "-r", capture, "-o", columns).stdout.splitlines()
            self.assertEqual(lines[5].split(), ["6", "awaiting-response"])

    def test_display_filters(self):
        capture = self.capture(Connection(ethernet).request_reset())
        for query in ('rst', 'rst.origin == "awaiting-response"', 'rst.origin contains "await"',
                      'rst.origin matches "^await.*e$"',
                      'rst.origin in {"tls-phase", "awaiting-response"}', 'rst.syn_frame == 1',
                      'rst.time_since_syn > 0.04 && rst.time_since_syn < 0.06',
                      'rst.client_bytes == 35', 'rst.close_type == "rst"'):
            with self.subTest(query):
                self.assertEqual(self.frames(capture, query), [6])
                self.assertEqual(self.frames(capture, query, two_pass=False), [6])
        self.assertEqual(self.frames(capture, 'rst.origin == "tls-phase"'), [])

    def test_read_filter_sees_causal_fields(self):
        capture = self.capture(Connection(ethernet).request_reset())
        query = 'rst.origin == "awaiting-response"'
        self.assertEqual(self.frames(capture, "frame", "-R", query), [1])


class Output(PluginCase):
    """Machine-readable output of a frame with a RST stays parseable and clean."""

    def test_json(self):
        capture = self.capture(Connection(ethernet).request_reset())
        text = self.tshark.run("-r", capture, "-Y", "rst", "-T", "json").stdout
        repeated = []

        def note_repeats(pairs):
            names = [name for name, _ in pairs]
            repeated.extend(n for n in names if n.startswith("rst") and names.count(n) > 1)
            return dict(pairs)

        packet, = json.loads(text, object_pairs_hook=note_repeats)
        self.assertEqual(packet["_source"]["layers"]["rst"]["rst.origin"], "awaiting-response")
        self.assertEqual(repeated, [])

    def test_ek(self):
        capture = self.capture(Connection(ethernet).request_reset())
        text = self.tshark.run("-r", capture, "-Y", "rst", "-T", "ek").stdout
        _, packet = [json.loads(line) for line in text.splitlines() if line]
        self.assertEqual(packet["layers"]["rst"]["rst_rst_origin"], "awaiting-response")

    def test_pdml(self):
        capture = self.capture(Connection(ethernet).request_reset())
        text = self.tshark.run("-r", capture, "-Y", "rst", "-T", "pdml").stdout
        tree = xml.etree.ElementTree.fromstring(text)
        origin, = tree.findall(".//proto[@name='rst']/field[@name='rst.origin']")
        self.assertEqual(origin.get("show"), "awaiting-response")


if __name__ == "__main__":
    main(__doc__)
