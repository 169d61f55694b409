#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Traps that other Wireshark plugins fell into: tshark must work with the plugin as without it."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree
from pathlib import Path

import odd
from case import PluginCase, main
from frames import ACK, FIN, PSH, RST, Connection, ethernet
from show_test import REQUEST, RESPONSE, all_lives, chosen

WITHOUT = ["--disable-protocol", "rst"]
EVERYTHING = "rst.origin || rst.close_type"


class Neighbours(PluginCase):
    """Other features of tshark are not disturbed, and do not disturb the plugin."""

    def test_follow_tcp_stream(self):
        capture = self.capture(chosen("mid-response"))
        for how in ("ascii", "raw"):
            follow = ["-q", "-r", capture, "-z", f"follow,tcp,{how},0"]
            for passes in ([], ["-2"]):
                text = self.tshark.run(*passes, *follow).stdout
                self.assertEqual(text, self.tshark.run(*passes, *follow, *WITHOUT).stdout)
                self.assertIn("GET / HTTP/1.1" if how == "ascii" else REQUEST.hex(), text)

    def test_summary_is_unchanged(self):
        capture = self.capture(all_lives() + odd.frames())
        for passes in ([], ["-2"]):
            self.assertEqual(self.tshark.run(*passes, "-n", "-r", capture).stdout,
                             self.tshark.run(*passes, "-n", "-r", capture, *WITHOUT).stdout)

    def test_fields_of_others_are_unchanged(self):
        capture = self.capture(all_lives() + odd.frames())
        names = ["frame.number", "tcp.stream", "tcp.len", "tcp.analysis.flags", "http.request.uri"]
        self.assertEqual(self.tshark.fields(capture, names, only="frame"),
                         self.tshark.fields(capture, names, *WITHOUT, only="frame"))

    def beside(self, options, field):
        """With another post-dissector both say what they say alone."""
        capture = self.capture(all_lives() + odd.frames())
        ours = ["frame.number", "rst.origin", "rst.cause", "rst.close_type"]
        for two_pass in (False, True):
            both = self.tshark.fields(capture, [*ours, field], *options, two_pass=two_pass,
                                      only="frame")
            theirs = self.tshark.fields(capture, ["frame.number", field], *options, *WITHOUT,
                                        two_pass=two_pass, only="frame")
            alone = self.tshark.fields(capture, ours, two_pass=two_pass, only="frame")
            if two_pass:  # TRANSUM has nothing to say in one
                self.assertTrue(any(row[field] for row in both), f"no {field}")
            self.assertEqual([row[field] for row in both], [row[field] for row in theirs])
            self.assertEqual([[row[name] for name in ours] for row in both],
                             [[row[name] for name in ours] for row in alone])

    def test_community_id(self):
        known = self.tshark.run("-G", "fields").stdout
        field = "communityid.hash" if "\tcommunityid.hash\t" in known else "communityid"
        self.beside(["--enable-protocol", "communityid"], field)

    def test_transum(self):
        if "transum.status" not in self.tshark.run("-G", "fields").stdout:
            self.skipTest("no TRANSUM here")
        self.beside(["--enable-protocol", "transum"], "transum.status")

    def test_mate(self):
        if "mate.config" not in self.tshark.run("-G", "currentprefs").stdout:
            self.skipTest("no MATE here")
        config = self.tshark.home / "segments.mate"
        config.write_text("""
Pdu tcp_pdu Proto tcp Transport ip {
    Extract addr From ip.addr; Extract port From tcp.port;
};
Done;
""")
        config.chmod(0o644)
        self.beside(["-o", f"mate.config:{config}"], "mate.tcp_pdu")

    def test_lua_postdissector(self):
        script = self.script("""
local twin = Proto("twin", "Another post-dissector")
local stream, copy = Field.new("tcp.stream"), ProtoField.uint32("twin.stream", "Stream")
twin.fields = {copy}
function twin.dissector(buffer, pinfo, tree)
    if stream() then tree:add(twin):add(copy, stream().value) end
end
register_postdissector(twin)
""")
        self.beside(script, "twin.stream")


class Passes(PluginCase):
    """However often, and with whatever filters, frames are dissected."""

    def test_passes_and_filters(self):
        capture = self.capture(all_lives())
        expected = self.frames(capture, "rst.origin")
        self.assertEqual(len(expected), 11)
        self.assertEqual(self.frames(capture, "rst.origin", two_pass=False), expected)
        # Both filters: the read filter drops frames after they were analysed.
        rows = self.tshark.fields(capture, ["rst.origin", "rst.client_bytes"], "-R", "rst.origin",
                                  only="rst.client_bytes == 35")
        self.assertTrue(rows)
        self.assertNotIn("", [row["rst.origin"] for row in rows])

    def test_fields_without_the_tree(self):
        """Neither -V nor a filter asks for the plugin's tree; each field is asked for alone."""
        capture = self.capture(chosen("tls-phase", "mid-response"))
        for field in ("rst.origin", "rst.cause", "rst.evidence", "rst.time_since_syn",
                      "rst.syn_frame", "rst.client_hello_frame"):
            for passes in ([], ["-2"]):
                with self.subTest(field, passes=passes):
                    text = self.tshark.run(*passes, "-r", capture, "-T", "fields", "-e",
                                           field).stdout
                    self.assertTrue(text.strip())
                    columns = f'gui.column.format:"N","%m","F","%Cus:{field}:0:R"'
                    text = self.tshark.run(*passes, "-r", capture, "-o", columns).stdout
                    self.assertTrue(any(len(line.split()) > 1 for line in text.splitlines()))

    def test_pipe(self):
        capture = self.capture(all_lives())
        expected = self.tshark.fields(capture, ["frame.number", "rst.origin"], two_pass=False)
        with open(capture, "rb") as stdin:
            text = self.tshark.run("-n", "-r", "-", "-Y", "rst", "-T", "fields", "-e",
                                   "frame.number", "-e", "rst.origin", stdin=stdin).stdout
        self.assertEqual([line.split("\t") for line in text.splitlines()],
                         [list(row.values()) for row in expected])


class Damage(PluginCase):
    def test_dissector_that_throws(self):
        """Something above or beside TCP fails: the RST is still told of."""
        for failure in ("buffer(0, 99999)", 'error("on purpose")'):
            connection = Connection(ethernet, server_port=7777)
            frames = connection.handshake() + [
                connection.send(True, PSH | ACK, REQUEST),
                connection.send(False, RST | ACK, b"Connection closed by a rude device")]
            script = self.script(f"""
local rude = Proto("rude", "Throws")
function rude.dissector(buffer, pinfo, tree) {failure} end
DissectorTable.get("tcp.port"):add(7777, rude)
""")
            capture = self.capture(frames)
            for two_pass in (False, True):
                rows = self.tshark.fields(capture, ["frame.number", "rst.origin"], *script,
                                          two_pass=two_pass)
                self.assertEqual([row["frame.number"] for row in rows], ["5"])
                self.assertTrue(rows[0]["rst.origin"])

    def test_every_snapshot_length(self):
        """Frames cut anywhere: no crash, no message, and no RST that is not one."""
        frames = all_lives()
        whole = len(self.frames(self.capture(frames), "rst.origin"))
        for snaplen in range(14, 74, 3):
            with self.subTest(snaplen):
                capture = self.capture(frames, snaplen=snaplen)
                done = self.tshark.run("-2", "-n", "-r", capture, "-Y", "rst.origin", "-T",
                                       "fields", "-e", "rst.origin")
                self.assertNotRegex(done.stderr, "(?i)warning|assert|critical|error")
                found = len(done.stdout.split())
                self.assertEqual(found, whole if snaplen >= 50 else 0)

    def test_damaged_bytes(self):
        """Each byte of the headers is spoilt in turn; whatever comes of it, tshark goes on."""
        frames = chosen("mid-response", "tls-phase")
        spoilt = []
        for position in range(14, 60):
            for frame in frames:
                damaged = bytearray(frame)
                if position < len(damaged):
                    damaged[position] ^= 0xFF
                spoilt.append(bytes(damaged))
        capture = self.capture(spoilt)
        done = self.tshark.run("-2", "-n", "-r", capture, "-V")
        self.assertNotIn("Dissector bug", done.stdout)
        self.assertNotRegex(done.stderr, "(?i)warning|assert|critical")


class Clean(PluginCase):
    """Machine-readable output: no key twice, no value that begins with a comma."""

    def rich(self):
        connection = Connection(ethernet, 53000)
        frames = connection.handshake() + [connection.send(True, PSH | ACK, REQUEST)]
        frames += [ethernet(connection.packet(False, RST, ttl=101))]
        frames += [connection.send(False, PSH | ACK, RESPONSE + b"hello"),
                   connection.send(True, FIN | ACK)]
        return self.capture(frames + all_lives() + odd.frames())

    def test_json(self):
        text = self.tshark.run("-2", "-r", self.rich(), "-Y", EVERYTHING, "-J", "rst", "-T",
                               "json").stdout
        repeated, values = [], []

        def note(pairs):
            names = [name for name, _ in pairs]
            if any(name.startswith("rst") for name in names) and "frame" not in names:
                repeated.extend(name for name in set(names) if names.count(name) > 1)
                values.extend(value for _, value in pairs if isinstance(value, str))
            return dict(pairs)

        packets = json.loads(text, object_pairs_hook=note)
        layers = [packet["_source"]["layers"] for packet in packets]
        self.assertEqual(repeated, [])
        self.assertEqual([value for value in values if value.startswith(",")], [])
        self.assertTrue(any("; " in layer["rst"].get("rst.evidence", "") for layer in layers))

    def test_fields(self):
        names = [line.split("\t")[2] for line in self.tshark.run("-G", "fields").stdout.splitlines()
                 if line.startswith("F\t") and "\trst." in line]
        rows = self.tshark.fields(self.rich(), names, "-E", "aggregator=|", only=EVERYTHING)
        for row in rows:
            for name, value in row.items():
                self.assertFalse(value.startswith(",") or "|" in value, f"{name}: {value}")

    def test_ek(self):
        text = self.tshark.run("-2", "-r", self.rich(), "-Y", EVERYTHING, "-J", "rst", "-T",
                               "ek").stdout
        for line in text.splitlines()[1::2]:
            for name, value in json.loads(line)["layers"]["rst"].items():
                if name.startswith("rst_"):
                    self.assertIsInstance(value, str, name)
                    self.assertFalse(value.startswith(","))

    def test_pdml(self):
        text = self.tshark.run("-2", "-r", self.rich(), "-Y", EVERYTHING, "-T", "pdml").stdout
        for proto in xml.etree.ElementTree.fromstring(text).iterfind(".//proto[@name='rst']"):
            names = [field.get("name") for field in proto.iter("field") if field.get("name")]
            self.assertEqual(len(names), len(set(names)))


class Loading(PluginCase):
    def test_plugin_of_another_series(self):
        """Wireshark says so on stderr, and goes on without it."""
        capture = self.capture(chosen("tls-phase"))
        other = Path(tempfile.mkdtemp(prefix="whyrst-other-"))
        self.addCleanup(shutil.rmtree, other)
        folder = other / ".local/lib/wireshark/plugins" / self.tshark.series / "epan"
        folder.mkdir(parents=True)
        binary = Path(self.options.plugin).read_bytes()
        changed = re.sub(rb"(libwireshark\.so\.)\d\d", rb"\g<1>99", binary)
        self.assertNotEqual(binary, changed)
        (folder / "rst.so").write_bytes(changed)
        subprocess.run(["chmod", "-R", "a+rX", other], check=True)
        done = self.tshark.run("-n", "-r", capture, home=other)
        self.assertIn("rst.so", done.stderr)
        self.assertIn("libwireshark.so.99", done.stderr)
        self.assertEqual(done.stdout, self.tshark.run("-n", "-r", capture).stdout)
        done = self.tshark.run("-r", capture, "-Y", "rst.origin", home=other, check=False)
        self.assertNotEqual(done.returncode, 0)  # no such field, then

    @unittest.skipUnless(os.geteuid() == 0, "only root can be root")
    def test_root(self):
        """Root gets no plugin from a home (Wireshark's rule), but the one of the system."""
        capture = self.capture(chosen("tls-phase"))
        done = self.tshark.run("-r", capture, "-Y", "rst.origin", check=False, as_root=True)
        self.assertNotEqual(done.returncode, 0)
        folders = self.tshark.run("-G", "folders").stdout
        system = Path(re.search(r"^Global Plugins:\s+(\S+)", folders, re.MULTILINE).group(1))
        mine = self.tshark.home / "system"
        shutil.copytree(system, mine)
        shutil.copy(self.options.plugin, mine / "epan/rst.so")
        if subprocess.run(["unshare", "-m", "true"], check=False).returncode:
            self.skipTest("no mount namespace to be had")
        done = self.tshark.run("-c", 'mount --bind "$1" "$2" && shift 2 && exec "$@"', "sh", mine,
                               system, self.tshark.program, "-r", capture, "-Y", "rst.origin",
                               "-T", "fields", "-e", "rst.origin", as_root=True,
                               program=["unshare", "-m", "sh"])
        self.assertEqual(done.stdout.strip(), "tls-phase")


if __name__ == "__main__":
    main(__doc__)
