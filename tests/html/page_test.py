#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The page of --format=html in Chromium, headless: what a reader sees and can do.

    page_test.py WHYRST [unittest options]      skipped (status 77) without chromium and chromedriver
"""
import glob
import json
import os
import subprocess
import sys
import tempfile
import unittest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TESTS, "cli")]

from browser import Browser, is_there  # noqa: E402
from captures import Connection, client_hello, many, pcap, refusals  # noqa: E402
from support import SAMPLES, WHYRST  # noqa: E402

CAPTION = "return document.querySelector('#resets caption').textContent"
CELLS = "return [...document.querySelectorAll('#{} tbody tr.row')].map((r) => r.children[{}].textContent)"


def end(record):
    ip = record["server_ip"]
    return f"[{ip}]:{record['server_port']}" if ":" in ip else f"{ip}:{record['server_port']}"


def column(name, index):
    return CELLS.format(name, index)


class PageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory(prefix="whyrst-page-")
        cls.addClassCleanup(cls.dir.cleanup)
        cls.browser = Browser().__enter__()
        cls.addClassCleanup(cls.browser.__exit__)

    @classmethod
    def report(cls, name, *captures):
        path = os.path.join(cls.dir.name, name)
        subprocess.run([WHYRST, "--format=html", "-o", path, *captures], check=True, timeout=120)
        return path

    @classmethod
    def capture(cls, name, frames, **kwargs):
        path = os.path.join(cls.dir.name, name)
        with open(path, "wb") as file:
            file.write(pcap(frames, **kwargs))
        return path

    def tearDown(self):
        self.assertEqual(self.browser.messages(), [])

    def choose(self, css, value):
        self.browser.run("const s = document.querySelector(arguments[0]); s.value = arguments[1];"
                         "s.dispatchEvent(new Event('change'))", css, value)


class Samples(PageTest):
    """Over the samples, whose resets NDJSON lists as well."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        captures = sorted(glob.glob(os.path.join(SAMPLES, "*", "client.pcap")))
        done = subprocess.run([WHYRST, "--format=ndjson", "--connections", *captures], check=True,
                              capture_output=True)
        cls.objects = [json.loads(line) for line in done.stdout.splitlines()]
        cls.resets = [o for o in cls.of_type("rst") if "duplicate_of" not in o]
        cls.captures, cls.findings, cls.endpoints = map(cls.of_type, ("file", "finding", "endpoint"))
        cls.path = cls.report("samples.html", *captures)

    @classmethod
    def of_type(cls, kind):
        return [o for o in cls.objects if o["type"] == kind]

    def setUp(self):
        self.browser.open(self.path)

    def count(self, **values):
        return sum(all(r.get(k) == v for k, v in values.items()) for r in self.resets)

    def shown(self):
        caption = self.browser.run(CAPTION)
        return int(caption.split()[0].replace(",", ""))

    def test_totals(self):
        text = self.browser.run("return document.getElementById('totals').innerText")
        self.assertIn(f"{self.count(sender='middlebox')}\nforged on the way", text)
        self.assertEqual(self.shown(), len(self.resets))
        self.assertIn(f"{len(self.captures)} captures", self.browser.run(
            "return document.getElementById('span').textContent"))

    def test_sort(self):
        times = self.browser.run(column("resets", 0))
        self.assertEqual(times, sorted(r["time"][:23].replace("T", " ") for r in self.resets)[:100])
        self.browser.click("#resets th:nth-child(6) button")
        self.assertEqual(self.browser.run(column("resets", 5)), sorted(r["cause"] for r in self.resets)[:100])
        self.browser.click("#resets th:nth-child(6) button")
        self.assertEqual(self.browser.run(column("resets", 5)),
                         sorted((r["cause"] for r in self.resets), reverse=True)[:100])
        self.assertEqual(self.browser.run("return document.querySelector('#resets th:nth-child(6)').ariaSort"),
                         "descending")

    def test_filters(self):
        self.choose("#filter-cause", "injected")
        self.assertEqual(self.shown(), self.count(cause="injected"))
        self.choose("#filter-confidence", "medium")
        self.assertEqual(self.shown(), self.count(cause="injected", confidence="medium"))
        self.assertEqual(set(self.browser.run(column("resets", 5))), {"injected"})
        self.browser.click("#chips button")
        self.assertEqual(self.shown(), self.count(confidence="medium"))
        self.browser.click("#clear")
        self.assertEqual(self.shown(), len(self.resets))

    def test_search(self):
        self.browser.type("#search", "never ANSWERED")
        wanted = sum("never answered" in " ".join(r.get("evidence", [])) for r in self.resets)
        self.browser.wait("return document.getElementById('chips').textContent")
        self.assertGreater(wanted, 0)
        self.assertEqual(self.shown(), wanted)
        self.browser.run("filter.set({text: 'no such thing'})")
        self.assertIn("No reset passes", self.browser.run("return document.querySelector('#resets tbody').textContent"))

    def test_pages(self):
        self.browser.click("#resets .pager button:nth-child(3)")
        status = self.browser.run("return document.querySelector('#resets [role=status]').textContent")
        self.assertEqual(status, f"101\u2013200 of {len(self.resets):,}")
        self.assertEqual(self.browser.run(column("resets", 0))[0],
                         sorted(r["time"][:23].replace("T", " ") for r in self.resets)[100])

    def test_detail(self):
        reset = min((r for r in self.resets if r["cause"] == "injected"), key=lambda r: r["time"])
        self.choose("#filter-cause", "injected")
        self.browser.click("#resets tbody tr:first-child button")
        text = self.browser.run("return document.querySelector('#resets tr.detail').innerText")
        for fact in [*reset["evidence"], reset["advice"], reset["history"], f"-r {reset['file']}"]:
            self.assertIn(fact, text)
        self.browser.click("#resets tbody tr:first-child button")
        self.assertEqual(self.browser.run("return document.querySelectorAll('#resets tr.detail').length"), 0)

    def test_matrix_leads_to_resets(self):
        self.browser.click("#origins button[aria-label*='tls-phase, injected']")
        self.assertEqual(self.shown(), self.count(origin="tls-phase", cause="injected"))
        self.assertEqual(self.browser.run("return document.activeElement.id"), "resets")

    def test_fingerprints(self):
        rows = self.browser.run("return [...document.querySelectorAll('#fingerprints tbody tr')]"
                                ".map((r) => [...r.children].map((c) => c.textContent))")
        for ja4, _, in_tls, *_ in rows:
            self.assertEqual(in_tls, str(self.count(origin="tls-phase", ja4=ja4) or "\u00b7"))
        self.browser.click("#fingerprints tbody button")
        self.assertEqual(self.shown(), self.count(origin="tls-phase", ja4=rows[0][0]))

    def test_fingerprints_of_one_server(self):
        server = self.browser.run("return [...document.querySelectorAll('#scope option')].find((o) =>"
                                  " o.value.includes('server')).value")
        self.choose("#scope", server)
        name = json.loads(server)["server"]
        rows = self.browser.run("return [...document.querySelectorAll('#fingerprints tbody tr')]"
                                ".map((r) => [...r.children].map((c) => c.textContent))")
        wanted = {}
        for o in self.objects:
            if o["type"] == "connection" and o.get("ja4") and end(o) == name:
                wanted[o["ja4"]] = wanted.get(o["ja4"], 0) + 1
        self.assertEqual({row[0]: int(row[1]) for row in rows}, wanted)

    def test_findings(self):
        texts = self.browser.run("return [...document.querySelectorAll('#findings h3')].map((h) => h.textContent)")
        self.assertEqual(texts, [f["text"] for f in self.findings][:10])
        first = self.browser.run("return document.querySelector('#findings li').innerText")
        for fact in [*self.findings[0]["evidence"], self.findings[0]["advice"], self.findings[0]["open"]]:
            self.assertIn(fact, first)

    def test_finding_leads_to_resets(self):
        at, finding, concerned = next((i, f, self.concerned(f)) for i, f in enumerate(self.findings[:10])
                                      if self.concerned(f) and f.get("frames"))
        self.browser.click(f"#findings > ol > li:nth-child({at + 1}) button.lead")
        self.assertEqual(self.shown(), len(concerned))
        self.assertEqual(self.browser.run("return document.activeElement.id"), "resets")
        self.browser.click(f"#findings > ol > li:nth-child({at + 1}) button.lead + button.lead")
        self.assertEqual(self.shown(), sum(r["file"] == finding["frames_file"] and r["frame"] in finding["frames"]
                                           for r in self.resets))

    def concerned(self, finding):
        """Resets of those whom it names; of its own cause, where there are such."""
        wanted = {"client_ip": finding.get("client"), "sni": finding.get("sni"), "ja4": finding.get("ja4")}
        found = [r for r in self.resets if all(r.get(k) == v for k, v in wanted.items() if v)
                 and finding.get("server") in (None, end(r), r["server_ip"])]
        return [r for r in found if r["cause"] == finding["kind"]] or found

    def test_endpoints(self):
        self.assertEqual(self.browser.run(column("endpoints", 0)), [e["name"] for e in self.endpoints][:15])
        self.browser.type("#endpoints input", ":8443")
        names = self.browser.run(column("endpoints", 0))
        self.assertTrue(names and all(":8443" in name for name in names))
        self.browser.click("#endpoints tbody button")
        self.browser.click("#endpoints tr.detail button.lead")
        self.assertEqual(self.shown(), sum(end(r) == names[0] for r in self.resets))

    def test_endpoints_sort(self):
        self.browser.click("#endpoints th:nth-child(4) button")
        counts = [int(text.replace(",", "")) for text in self.browser.run(column("endpoints", 3))]
        self.assertEqual(counts, sorted((e["attempts"] for e in self.endpoints), reverse=True)[:15])
        self.choose("#endpoints select", "sni")
        self.assertEqual(set(self.browser.run(column("endpoints", 0))),
                         {e["name"] for e in self.endpoints if e["kind"] == "sni"})

    def test_proxies(self):
        self.choose("#endpoints select", "proxy")
        proxies = {e["name"]: e for e in self.endpoints if e["kind"] == "proxy"}
        shown = self.browser.run(column("endpoints", 0))
        self.assertEqual(set(shown), set(proxies))
        for place, name in ((12, "proxy_failed"), (13, "target_failed")):
            counts = [int(text or 0) for text in self.browser.run(column("endpoints", place))]
            self.assertEqual(counts, [proxies[proxy][name] for proxy in shown])
            self.assertTrue(any(counts))

    def test_zoom(self):
        self.assertGreater(self.browser.run("return document.querySelectorAll('#chart canvas').length"), 0)
        before = self.browser.run("return document.getElementById('chart').ariaLabel")
        self.browser.drag("#chart .u-over", 0.0, 0.2)
        after = self.shown()
        times = sorted(r["time"] for r in self.resets)
        self.assertTrue(0 < after < len(self.resets))
        self.assertEqual(self.browser.run(column("resets", 0))[0], times[0][:23].replace("T", " "))
        self.assertNotEqual(self.browser.run("return document.getElementById('chart').ariaLabel"), before)
        self.browser.click("[data-zoom=all]")
        self.assertEqual(self.shown(), len(self.resets))
        self.browser.click("[data-zoom=in]")
        self.browser.click("[data-zoom=out]")
        self.assertEqual(self.shown(), len(self.resets))

    def test_keyboard(self):
        self.browser.run("document.querySelector('#resets tbody button').focus()")
        self.browser.press("Down", "Down", "Enter")
        self.assertEqual(self.browser.run("const d = document.querySelector('#resets tr.detail');"
                                          "return [...d.parentNode.children].indexOf(d)"), 3)
        self.browser.press("Up")
        self.assertEqual(self.browser.run("return [...document.querySelectorAll('#resets tr.row')]"
                                          ".indexOf(document.activeElement.closest('tr'))"), 1)
        # Tab reaches everything from the top, first of all the way past it.
        self.browser.run("document.activeElement.blur(); scrollTo(0, 0)")
        self.browser.open(self.path)
        self.browser.press("Tab")
        self.assertEqual(self.browser.run("return document.activeElement.textContent"),
                         "Skip to the list of resets")

    def test_themes_and_print(self):
        ground = "return getComputedStyle(document.body).backgroundColor"
        self.choose("#theme", "light")
        light = self.browser.run(ground)
        self.choose("#theme", "dark")
        self.assertNotEqual(self.browser.run(ground), light)
        path = os.path.join(self.dir.name, "page.pdf")
        self.browser.print(path)
        with open(path, "rb") as file:
            self.assertTrue(file.read(4) == b"%PDF")
        self.assertEqual(self.browser.run("return document.documentElement.dataset.theme"), "dark")

    def test_paper_breaks_no_word(self):
        """On a page as wide as A4 on its side no table runs over, and no plain word or number breaks."""
        def devtools(command, **parameters):
            return self.browser.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})
        devtools("Emulation.setEmulatedMedia", media="print")
        devtools("Emulation.setDeviceMetricsOverride", width=1030, height=700, deviceScaleFactor=1, mobile=False)
        try:
            broken, over = self.browser.run(WORDS)
        finally:
            devtools("Emulation.clearDeviceMetricsOverride")
            devtools("Emulation.setEmulatedMedia", media="")
        self.assertEqual(broken, [])
        self.assertLessEqual(over, 0)


# Words of the tables that stand in two lines, and by how much the page is wider than its paper.
WORDS = """
const broken = [];
for (const cell of document.querySelectorAll("#endpoints th, #endpoints td, #resets th, #resets td, #captures th, #captures td")) {
  const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (const word of node.data.matchAll(/(?<![^ ])([A-Za-z]+|[0-9.,]+( %)?)(?![^ ])/g)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1) broken.push(word[0]);
    }
  }
}
return [broken, document.documentElement.scrollWidth - innerWidth];
"""


class Others(PageTest):
    def test_hostile_text_stays_text(self):
        names = [b"</script><script>window.pwned=1</script>", b"<img src=x onerror=window.pwned=1>",
                 b"\"];window.pwned=1//", b"javascript:window.pwned=1"]
        frames = [f for i, name in enumerate(names)
                  for f in Connection(5000 + i).reset_by_server(client_hello(name))]
        self.browser.open(self.report("hostile.html", self.capture("<b onclick=1>.pcap", frames)))
        self.assertEqual(self.browser.run(column("resets", 3)), [name.decode() for name in names])
        self.browser.run("document.querySelectorAll('#resets tbody button').forEach((b) => b.click())")
        self.assertIsNone(self.browser.run("return window.pwned ?? null"))
        self.assertEqual(self.browser.run("return document.querySelectorAll('img, main b[onclick]').length"), 0)

    def test_no_resets(self):
        self.browser.open(self.report("none.html", self.capture("none.pcap", Connection(5).closed())))
        self.assertIn("0 resets", self.browser.run("return document.body.innerText").replace("0\nresets", "0 resets"))

    def test_bounds_are_told(self):
        self.browser.open(self.report("scan.html", self.capture("scan.pcap", refusals(25))))
        notes = "return document.querySelector('#notes').innerText"
        self.assertIn("5 more findings had no room", self.browser.run(notes))
        self.browser.open(self.report("few.html", self.capture("few.pcap", refusals(25)), "--max-connections=1"))
        self.assertIn("124 connections were given up to save memory", self.browser.run(notes))

    def test_one_reset(self):
        self.browser.open(self.report("one.html", self.capture("one.pcap", Connection(5).refused())))
        self.browser.click("[data-zoom=in]")
        self.browser.click("[data-zoom=later]")
        self.browser.click("[data-zoom=all]")
        self.assertEqual(self.browser.run(CAPTION), "1 reset")
        self.assertEqual(self.browser.run("return document.title"), "1 TCP reset")

    def test_hundred_thousand(self):
        self.browser.open(self.report("many.html", self.capture("many.pcap", many(100_000))))
        self.assertEqual(self.browser.run(CAPTION), "100,000 resets")
        self.assertEqual(len(self.browser.run(column("resets", 0))), 100)
        self.browser.click("#resets .pager button:nth-child(4)")
        self.assertEqual(len(self.browser.run(column("resets", 0))), 100)
        self.browser.click("#resets th:nth-child(10) button")
        self.assertEqual(self.browser.run(column("resets", 9))[0], "200000")
        self.browser.click("[data-zoom=in]")
        self.assertEqual(self.browser.run(CAPTION), "50,000 of 100,000 resets")


if __name__ == "__main__":
    if not is_there():
        print("chromium or chromedriver is missing")
        sys.exit(77)
    unittest.main()
