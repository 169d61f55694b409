#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Pictures of the HTML report for the documentation: screenshots.py WHYRST FOLDER CAPTURE..."""
import os
import subprocess
import sys
import tempfile

from browser import Browser


def main():
    whyrst, folder, *captures = sys.argv[1:]
    with tempfile.TemporaryDirectory() as temporary:
        report = os.path.join(temporary, "report.html")
        subprocess.run([whyrst, "--format=html", "-o", report, *captures], check=True)
        for theme, name in (("light", "report"), ("dark", "report-dark")):
            with Browser(size=(1280, 1800)) as browser:
                browser.open(report)
                browser.run("const s = document.querySelector('#theme'); s.value = arguments[0];"
                            "s.dispatchEvent(new Event('change'))", theme)
                browser.screenshot(os.path.join(folder, f"{name}.png"))


if __name__ == "__main__":
    main()
