#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the plugin shows beside its fields: expert items, frame links, statistics, Lua, sharkd."""

import json
import re
import shutil
import unittest

import odd
from case import PluginCase, main
from frames import ACK, FIN, PSH, RST, SYN, Connection, ethernet

REQUEST = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
HELLO_BEGINS = bytes.fromhex("1603010200010001fc0303")  # record and handshake header of a ClientHello


def lives():
    """One connection for each origin that is simply made: origin, its frames (the last a RST)."""
    def connection(number):
        return Connection(ethernet, 50000 + number, server_port=80 if number != 5 else 443)

    refused = connection(0)
    yield "refused-handshake", [refused.send(True, SYN), refused.send(False, RST | ACK)]
    aborted = connection(1)
    yield "aborted-handshake", [aborted.send(True, SYN), aborted.send(False, SYN | ACK),
                                aborted.send(False, RST | ACK)]
    before = connection(2)
    yield "before-data", before.handshake() + [before.send(False, RST | ACK)]
    idle = connection(3)
    yield "idle-timeout", exchange(idle) + [(5, idle.send(False, RST | ACK))]
    request = connection(4)
    yield "mid-request", request.handshake() + [
        request.send(True, PSH | ACK, REQUEST[:20]), request.send(False, RST | ACK)]
    hello = connection(5)
    yield "tls-phase", hello.handshake() + [
        hello.send(True, PSH | ACK, HELLO_BEGINS), hello.send(False, RST | ACK)]
    yield "awaiting-response", connection(6).request_reset()
    response = connection(7)
    yield "mid-response", response.handshake() + [
        response.send(True, PSH | ACK, REQUEST), response.send(False, PSH | ACK, RESPONSE + b"h"),
        response.send(True, ACK), response.send(False, RST | ACK)]
    after = connection(8)
    yield "after-response", exchange(after) + [after.send(False, RST | ACK)]
    half = connection(9)
    yield "after-fin", exchange(half) + [half.send(False, FIN | ACK), half.send(True, ACK),
                                         half.send(True, RST | ACK)]
    closed = connection(10)
    yield "after-close", closed.request_closed() + [closed.send(False, RST)]


def exchange(connection):
    """A complete request and response."""
    return connection.handshake() + [
        connection.send(True, PSH | ACK, REQUEST),
        connection.send(False, PSH | ACK, RESPONSE + b"hello"), connection.send(True, ACK)]


def all_lives():
    return [frame for _, frames in lives() for frame in frames]


def chosen(*origins):
    return [frame for origin, frames in lives() if origin in origins for frame in frames]


class Expert(PluginCase):
    SEVERITIES = {
        "chat": {"after-close"},
        "note": {"aborted-handshake", "idle-timeout", "after-response", "after-fin"},
        "warning": {"refused-handshake", "before-data"},
        "error": {"mid-request", "tls-phase", "awaiting-response", "mid-response"},
    }

    def test_severity_by_meaning(self):
        capture = self.capture(all_lives())
        for severity, origins in self.SEVERITIES.items():
            # The severity of a frame's other expert items (TCP's "connection reset") is in the
            # same field: the plugin's own item must be there, and what it says.
            text = self.tshark.run("-2", "-r", capture, "-q", "-z", "expert").stdout
            section = re.search(rf"^{severity[:4]}\w* \(.*?(?=\n\n\w|\Z)", text,
                                re.DOTALL | re.MULTILINE | re.IGNORECASE).group(0)
            ours = [line for line in section.splitlines() if re.search(r"\bRST  ", line)]
            self.assertEqual(len(ours), len(origins), section)
            self.assertTrue(all("Sequence" in line for line in ours), ours)

    def test_filter_of_each_origin(self):
        for origin, frames in lives():
            with self.subTest(origin):
                capture = self.capture(frames)
                query = f'rst.expert.{origin.replace("-", "_")} && rst.origin == "{origin}"'
                self.assertEqual(self.frames(capture, query), [len(frames)])

    def test_one_item_on_each_reset(self):
        names = [line.split("\t")[2] for line in self.tshark.run("-G", "fields").stdout.splitlines()
                 if line.startswith("F\t") and "\trst.expert." in line]
        self.assertGreater(len(names), 12)
        capture = self.capture(all_lives() + odd.frames())
        rows = self.tshark.fields(capture, ["rst.origin", *names])
        for row in rows:
            items = [name for name in names if row[name]]
            self.assertEqual(len(items), 1 if row["rst.origin"] else 0, row)

    def test_forged_reset_is_a_security_warning(self):
        frames = Connection(ethernet)
        shake = frames.handshake()
        request = [frames.send(True, PSH | ACK, REQUEST)]
        forged = frames.packet(False, RST, ttl=101)
        real = [frames.send(False, PSH | ACK, RESPONSE + b"hello"), frames.send(True, ACK)]
        capture = self.capture(shake + request + [ethernet(forged)] + real)
        self.assertEqual(self.frames(capture, "rst.expert.injected"), [5])
        text = self.tshark.run("-2", "-r", capture, "-q", "-z", "expert").stdout
        self.assertRegex(text, r"Security +RST  RST forged")

    def test_second_capture_is_a_chat(self):
        frames = Connection(ethernet).request_reset()
        capture = self.capture(frames[:-1] + [frames[-1], (0.00001, frames[-1])])
        rows = self.tshark.fields(capture, ["frame.number", "rst.duplicate_of",
                                            "rst.expert.duplicate"])
        self.assertEqual([bool(row["rst.expert.duplicate"]) for row in rows], [False, True])
        self.assertEqual(self.tree(capture, "rst")[0][1], 1)
        self.assertEqual(self.tree(capture, "rst_close")[0][1], 1)


class Links(PluginCase):
    def saved(self, capture, display_filter):
        """Length and flags of the frames that tshark saves with those that match."""
        path = self.tshark.home / "saved.pcapng"
        self.tshark.run("-2", "-r", capture, "-Y", display_filter, "-w", path)
        rows = self.tshark.fields(path, ["tcp.len", "tcp.flags"], only="frame")
        return [(int(row["tcp.len"]), int(row["tcp.flags"], 16)) for row in rows]

    def setUp(self):
        """The tshark of 4.4 and later does not even save a request's first half with the second."""
        halves = Connection(ethernet)
        capture = self.capture(halves.handshake() + [
            halves.send(True, PSH | ACK, half) for half in (REQUEST[:20], REQUEST[20:])])
        if len(self.saved(capture, "http")) == 1:
            self.skipTest("this tshark saves no linked frames; Wireshark does")

    def test_linked_frames_are_saved_with_the_reset(self):
        """As Export Specified Packets does with the displayed ones."""
        noise = [frame for i in range(3) for frame in exchange(Connection(ethernet, 51000 + i))]
        frames = Connection(ethernet, server_port=443)
        shake = frames.handshake()
        hello = [frames.send(True, PSH | ACK, HELLO_BEGINS), frames.send(False, ACK)]
        capture = self.capture(noise + shake + noise + hello + [frames.send(False, RST | ACK)])
        links = ["rst.syn_frame", "rst.client_hello_frame"]
        row, = self.tshark.fields(capture, ["frame.number", *links])
        self.assertEqual(row["rst.syn_frame"], str(len(noise) + 1))
        kept = self.saved(capture, "rst.origin")
        self.assertEqual(kept[0], (0, SYN))
        self.assertIn((len(HELLO_BEGINS), PSH | ACK), kept)
        self.assertEqual(kept[-1], (0, RST | ACK))
        self.assertLessEqual(len(kept), 4)  # the three, and a trigger if there was one


class Statistics(PluginCase):
    def test_trees(self):
        capture = self.capture(chosen("awaiting-response", "after-close", "tls-phase",
                                      "refused-handshake"))
        origins = self.tree(capture, "rst")
        self.assertEqual(origins[0], ("Resets", 4, 100.0))
        self.assertLessEqual({(" awaiting-response", 1, 25.0), (" after-close", 1, 25.0),
                              (" tls-phase", 1, 25.0), (" refused-handshake", 1, 25.0)},
                             set(origins))
        for name in ("rst_cause", "rst_sender", "rst_server", "rst_ja4"):
            with self.subTest(name):
                lines = self.tree(capture, name)
                self.assertEqual(lines[0], ("Resets", 4, 100.0))
                second = [line for line in lines if re.match(r" \S", line[0])]
                self.assertEqual(sum(count for _, count, _ in second), 4)
        self.assertIn((" 192.0.2.1:80", 3, 75.0), self.tree(capture, "rst_server"))
        self.assertIn((" no ClientHello seen", 4, 100.0), self.tree(capture, "rst_ja4"))

    def test_close_types_count_each_connection_once(self):
        capture = self.capture(chosen("awaiting-response", "after-close", "after-fin",
                                      "refused-handshake"))
        lines = self.tree(capture, "rst_close")
        self.assertEqual(lines[0], ("Connections ended", 4, 100.0))
        self.assertEqual(set(lines[1:5]), {(f" {kind}", 1, 25.0) for kind in
                                           ("rst", "fin", "fin-then-rst", "refused")})

    def test_trees_take_a_display_filter(self):
        capture = self.capture(all_lives())
        text = self.tshark.run("-2", "-q", "-r", capture, "-z",
                               'rst,tree,rst.origin == "tls-phase"').stdout
        self.assertRegex(text, r"Resets +1 ")
        self.assertNotIn("mid-response", text)

    def test_table_lists_every_reset(self):
        capture = self.capture(all_lives())
        rows = self.table(capture, "rst,table")
        self.assertEqual([row[3] for row in rows], [origin for origin, _ in lives()])
        self.assertEqual(rows[0][:3], ["2", "10.0.0.5:50000", "192.0.2.1:80"])
        self.assertEqual(rows[0][5], "server")

    def test_table_takes_a_display_filter(self):
        capture = self.capture(all_lives())
        rows = self.table(capture, 'rst,table,rst.origin == "tls-phase" || tcp.port == 50000')
        self.assertEqual([row[3] for row in rows], ["refused-handshake", "tls-phase"])

    def table(self, capture, argument):
        text = self.tshark.run("-2", "-q", "-r", capture, "-z", argument).stdout
        return [[cell.strip() for cell in line.split("|")]
                for line in text.splitlines() if re.match(r"\d+ *\|", line)]


class Lua(PluginCase):
    def test_fields_and_listener(self):
        capture = self.capture(chosen("awaiting-response", "after-close"))
        script = self.script("""
local origin, frame = Field.new("rst.origin"), Field.new("frame.number")
local listener = Listener.new("rst")
function listener.packet()
    print("LUA", frame().value, origin() and origin().value or "none")
end
""")
        text = self.tshark.run("-2", "-q", "-r", capture, *script).stdout
        lines = re.findall(r"^LUA\t(\d+)\t(\S+)$", text, re.MULTILINE)
        self.assertEqual(lines, [("6", "awaiting-response"), ("14", "none"),
                                 ("15", "after-close")])


@unittest.skipUnless(shutil.which("sharkd"), "sharkd is not installed")
class Sharkd(PluginCase):
    def ask(self, *calls):
        """The results of the calls, in order."""
        lines = [json.dumps({"jsonrpc": "2.0", "id": i} | call)
                 for i, call in enumerate(calls, start=1)]
        done = self.tshark.run("-", program="sharkd", input="\n".join(lines) + "\n")
        replies = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        return [reply.get("result") for reply in replies]

    @staticmethod
    def load(capture):
        return {"method": "load", "params": {"file": str(capture)}}

    # No filter in the request: that of sharkd 4.0 returns frames at random.
    FRAMES = {"method": "frames", "params": {"column0": "rst.origin:1",
                                             "column1": "rst.client_bytes:1"}}

    @staticmethod
    def values(result):
        return [frame["c"] for frame in result if frame["c"][0]]

    def test_state_belongs_to_one_file(self):
        """The same file loaded twice in one process gives the same answer both times."""
        capture = self.capture(odd.frames())
        _, first, _, second = self.ask(*[self.load(capture), self.FRAMES] * 2)
        self.assertEqual(self.values(first), self.values(second))
        self.assertEqual(self.values(first)[0], ["awaiting-response", "35"])
        self.assertEqual(len(self.values(first)), len(odd.wrappings()) + 3)

    def test_frames_dissected_again_say_the_same(self):
        capture = self.capture(all_lives())
        frame = {"method": "frame", "params": {"frame": 2, "proto": True}}
        _, first, second, third, rows, again = self.ask(self.load(capture), frame, frame, frame,
                                                        self.FRAMES, self.FRAMES)
        self.assertIn("refused-handshake", json.dumps(first))
        self.assertEqual((first, rows), (second, again))
        self.assertEqual(first, third)

    def test_preference_changed_while_a_file_is_open(self):
        capture = self.capture(chosen("idle-timeout"))
        change = {"method": "setconf", "params": {"name": "rst.idle_threshold", "value": "8"}}
        results = self.ask(self.load(capture), self.FRAMES, change, self.FRAMES,
                           self.load(capture), self.FRAMES)
        self.assertEqual(self.values(results[1])[0][0], "idle-timeout")
        self.assertEqual(self.values(results[3])[0][0], "idle-timeout")  # not dissected anew
        self.assertEqual(self.values(results[5])[0][0], "after-response")

    def test_statistics(self):
        capture = self.capture(chosen("awaiting-response"))
        tap = {"method": "tap", "params": {"tap0": "stat:rst"}}
        _, result = self.ask(self.load(capture), tap)
        self.assertIn("awaiting-response", json.dumps(result))


if __name__ == "__main__":
    main(__doc__)
