#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""--format=html: the data in the page and what guards it; tests/html/ has the page in a browser.

    html_test.py WHYRST [unittest options]
"""
import base64
import datetime
import glob
import hashlib
import json
import os
import re
import unittest
from html.parser import HTMLParser

from captures import Connection, START_NS, client_hello, mixed, pcap
from support import SAMPLES, CliTest


class Elements(HTMLParser):
    """The texts of an HTML file's scripts and styles, by what a browser takes for them."""

    def __init__(self, text):
        super().__init__(convert_charrefs=False)
        self.found, self.inside, self.metas, self.loads = [], None, [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.loads += [attrs[name] for name in ("src", "href") if name in attrs
                       and not attrs[name].startswith("#")]
        if tag == "meta":
            self.metas.append(attrs)
        if tag in ("script", "style"):
            self.inside = (tag, attrs.get("type"))
            self.found.append([self.inside, ""])

    def handle_endtag(self, tag):
        if self.inside and tag == self.inside[0]:
            self.inside = None

    def handle_data(self, data):
        if self.inside:
            self.found[-1][1] += data

    def only(self, tag, kind=None):
        texts = [text for key, text in self.found if key == (tag, kind)]
        if len(texts) != 1:
            raise AssertionError(f"{len(texts)} of {tag} {kind}")
        return texts[0]


def decode(elements):
    """Records of the page's data, as NDJSON has them (libanalysis/report/html.h)."""
    header, *rest = elements
    dictionary, file, records = [None], None, []

    def text(value):
        if isinstance(value, int):
            return dictionary[value]
        if len(dictionary) > header["dictionary"]:
            del dictionary[1:]
        dictionary.append(value)
        return value

    def read(kind, value):
        if value is None:
            return None
        if kind == "text":
            return text(value)
        if kind == "list":
            return [text(item) for item in value]
        return value

    for element in rest:
        if isinstance(element, list) and element[0] == "file":
            file = element[1]
            del dictionary[1:]
        elif isinstance(element, list) and isinstance(element[0], int):
            record = {"type": "rst", "file": file}
            others = element.pop() if isinstance(element[-1], dict) else {}
            for (name, kind, *_), value in zip(header["fields"], element):
                value = read(kind, value)
                if value is not None:
                    record[name] = value
            record.update({f"{name}_file": other for name, other in others.items()})
            records.append(record)
        else:
            records.append(element)
    return records


class HtmlTest(CliTest):
    def page(self, *args, **kwargs):
        return Elements(self.run_tool("--format=html", *args, **kwargs).stdout.decode("utf-8"))

    def data(self, *args, **kwargs):
        return decode(json.loads(self.page(*args, **kwargs).only("script", "application/json")))

    def check_equal(self, records, expected):
        self.assertEqual(len(records), len(expected))
        for record, wanted in zip(records, expected):
            if wanted["type"] == "rst":
                moment = datetime.datetime.fromisoformat(wanted["time"][:26] + "+00:00")
                epoch = datetime.datetime.fromtimestamp(0, datetime.timezone.utc)
                wanted = {**wanted, "time": (moment - epoch) // datetime.timedelta(microseconds=1)}
            self.assertEqual(record, wanted)

    def test_same_as_ndjson(self):
        captures = sorted(glob.glob(os.path.join(SAMPLES, "*", "client.pcap")))
        records = [r for r in self.data(*captures) if isinstance(r, dict)]
        self.check_equal(records, self.everything(*captures))

    def test_continue(self):
        frames = Connection(5).reset_by_server()
        captures = [self.file("1.pcap", pcap(frames[:3])),
                    self.file("2.pcap", pcap(frames[3:], start_ns=START_NS + 10_000_000))]
        records = [r for r in self.data("--continue", *captures) if isinstance(r, dict)]
        self.check_equal(records, self.everything("--continue", *captures))
        self.assertEqual(records[0]["syn_frame_file"], captures[0])

    def test_connections_are_counted(self):
        rows = [r for r in self.data(self.file("a.pcap", pcap(mixed()))) if isinstance(r, list)]
        self.assertEqual(sorted(rows), [
            ["connections", "192.0.2.1", 80, "", "", "fin", 1, 0],
            ["connections", "192.0.2.1", 81, "", "", "refused", 2, 2],
            ["connections", "192.0.2.1", 443, "", "", "rst", 1, 1]])

    def test_nothing_is_loaded_and_only_its_own_script_runs(self):
        page = self.page(self.file("a.pcap", pcap(mixed())))
        self.assertEqual(page.loads, [])
        policy, = [meta["content"] for meta in page.metas
                   if meta.get("http-equiv") == "Content-Security-Policy"]
        self.assertIn("default-src 'none'", policy)
        for tag in ("script", "style"):
            digest = hashlib.sha256(page.only(tag).encode()).digest()
            self.assertIn(f"{tag}-src 'sha256-{base64.b64encode(digest).decode()}'", policy)

    def test_hostile_text(self):
        names = [b"</script><script>window.pwned=1</script>", b"<!--<script>", b"\"];alert(1)//",
                 b"\\u003c/script>", b"a\xff\xfe\x00b", b"]]>\xe2\x80\xa8"]
        frames = [f for i, name in enumerate(names)
                  for f in Connection(5000 + i).reset_by_server(client_hello(name))]
        capture = self.file("<script>alert(1)<\\script>.pcap", pcap(frames))
        text = self.run_tool("--format=html", capture).stdout.decode("utf-8")
        page = Elements(text)
        records = [r for r in decode(json.loads(page.only("script", "application/json")))
                   if isinstance(r, dict)]
        self.check_equal(records, self.everything(capture))
        self.assertEqual(records[0]["sni"], names[0].decode())
        self.assertEqual(records[3]["sni"], names[3].decode())
        self.assertEqual(records[0]["file"], capture)
        clean = self.run_tool("--format=html", self.file("a.pcap", pcap(mixed()))).stdout
        self.assertEqual(len(re.findall("<", text)), clean.count(b"<"))

    def test_unreadable_captures_and_none(self):
        done = self.run_tool("--format=html", self.file("a.pcap", b"no capture"), status=1)
        data = json.loads(Elements(done.stdout.decode()).only("script", "application/json"))
        self.assertIn("no capture", [r for r in decode(data) if isinstance(r, dict)][0]["error"])
        os.mkdir(os.path.join(self.dir, "empty"))
        self.run_tool("--format=html", "--continue", os.path.join(self.dir, "empty"), status=1)

    def test_order_does_not_depend_on_jobs(self):
        captures = sorted(glob.glob(os.path.join(SAMPLES, "*", "server.pcap")))[:20]
        pages = [self.run_tool("-f", "html", "-j", jobs, *captures).stdout for jobs in ("1", "7")]
        self.assertEqual(*pages)

    def test_summary_is_refused(self):
        self.run_tool("--format=html", "--summary", self.file("a.pcap", pcap(mixed())), status=2)


if __name__ == "__main__":
    unittest.main()
