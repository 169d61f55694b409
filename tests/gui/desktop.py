# SPDX-License-Identifier: GPL-2.0-or-later
"""Wireshark on a virtual screen, read and operated through the accessibility bus (AT-SPI).

This runs inside a D-Bus session of its own, as an ordinary user (run.py sees to both). Nothing sleeps
for a fixed time: every step polls until what it needs is there, or gives up after PATIENCE seconds.
"""

import os
import re
import subprocess
import time
from pathlib import Path

from accessibility import GONE, Bus

PATIENCE = float(os.environ.get("GUI_PATIENCE", "300"))
POLL = 0.25
BUTTONS = ("push button", "button")  # the older and the newer name of the role
TREES = ("tree", "tree table", "table")
CELLS = ("table cell", "tree item")


class GaveUp(AssertionError):
    """Something that should have come did not."""


def wait_for(look, what):
    """Calls look() until it returns something true, and returns that."""
    end = time.monotonic() + PATIENCE
    while True:
        problem = None
        try:
            if found := look():
                return found
        except GONE as error:
            problem = error  # the tree changed while it was read, or the program is going
        if time.monotonic() > end:
            raise GaveUp(f"waited {PATIENCE} s for {what}"
                         + (f"; last problem: {problem}" if problem else ""))
        time.sleep(POLL)


class Screen:
    """A virtual X display with a window manager."""

    def __init__(self, width=1600, height=1000):
        read, write = os.pipe()
        # pylint: disable=consider-using-with
        self.server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{width}x{height}x24", "-nolisten",
             "tcp", "-noreset"], pass_fds=(write,), stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise GaveUp("Xvfb did not start")
        os.environ["DISPLAY"] = f":{number}"
        self.manager = subprocess.Popen(["openbox"], stderr=subprocess.DEVNULL)

    def close(self):
        for process in (self.manager, self.server):
            process.terminate()
            process.wait()

    def picture(self, path):
        """A PNG of the whole screen."""
        subprocess.run(["import", "-window", "root", str(path)], check=True)


class Wireshark:
    """The one Wireshark of this process, in the profile "TCP Resets": with a file, or capturing."""

    def __init__(self, *arguments, title, dark=False):
        self.bus = Bus()
        self.log = Path(os.environ["HOME"]) / "wireshark.log"
        with open(self.log, "w", encoding="utf-8") as log:
            # pylint: disable-next=consider-using-with
            self.process = subprocess.Popen(["wireshark", "-C", "TCP Resets", *map(str, arguments)],
                                            stderr=log, stdout=log, env=os.environ | (DARK if dark else {}))
        try:
            self.window = self.window_named(title)
            self.packets = self.find(*TREES, name="Packet list")
            self.details = self.find(*TREES, name="Packet details")
            wait_for(lambda: cells(self.packets), "the packet list")
        except GaveUp as error:
            self.close()
            raise GaveUp(f"{error}\n{self.messages()}") from error

    @classmethod
    def reading(cls, capture, *arguments, **options):
        """With a capture file."""
        return cls(*arguments, "-r", capture, title=Path(capture).name, **options)

    def windows(self):
        if self.process.poll() is not None:
            raise GaveUp(f"Wireshark ended with status {self.process.returncode}")
        program = self.bus.application(self.process.pid)
        return program.children() if program else []

    def messages(self):
        """What Wireshark wrote to its standard output and error."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def close(self):
        self.process.kill()
        self.process.wait()

    def window_named(self, part):
        """The program's window whose title has that part."""
        return wait_for(lambda: next((window for window in self.windows() if part in window.name),
                                     None), f"a window {part}")

    def find(self, *roles, name, below=None):
        """The first node with one of the roles and a name that matches the pattern as a whole."""
        def look():
            return next((node for node in (below or self.window).walk() if node.role in roles
                         and re.fullmatch(name, node.name, re.DOTALL)), None)
        return wait_for(look, f"{'/'.join(roles)} {name}")

    def menu_entry(self, *path):
        """A menu's entry, which need not be open; None if the last part of the path is not there."""
        node = self.find("menu bar", name=".*")
        for part in path:
            below = list(node.walk())[1:]
            node = next((item for item in below if item.name == part), None)
            if node is None:
                return None
        return node

    def menu(self, *path):
        click(wait_for(lambda: self.menu_entry(*path), " > ".join(path)))


def cells(tree):
    """Texts of a tree's cells: of the packet list, the rows on the screen."""
    return tree.texts(*CELLS)


def titles(tree):
    """Titles of a tree's columns."""
    return tree.texts("column header", "table column header")


def click(node):
    wait_for(node.act, f"a click on {node.name}")


# Qt's own KDE platform theme takes its colours from kdeglobals: a dark desktop without KDE.
DARK = {"XDG_CURRENT_DESKTOP": "KDE", "KDE_SESSION_VERSION": "5", "KDE_FULL_SESSION": "true"}
