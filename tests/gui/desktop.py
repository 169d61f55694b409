# SPDX-License-Identifier: GPL-2.0-or-later
"""Wireshark on a virtual screen, read and operated through the accessibility bus (AT-SPI).

This runs inside a D-Bus session of its own, as an ordinary user (run.py sees to both). Nothing sleeps
for a fixed time: every step polls until what it needs is there, or gives up after PATIENCE seconds.
"""

import collections
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from gi.repository import GLib

PATIENCE = float(os.environ.get("GUI_PATIENCE", "120"))
NO_SESSION = 76  # status of a program that met NoSession
POLL = 0.25
BUTTONS = ("push button", "button")  # the older and the newer name of the role
TREES = ("tree", "tree table", "table")

# Ends with status 0 once the process argv[1] shows a window whose title has argv[2].
PROBE = """
import sys
import pyatspi
for program in pyatspi.Registry.getDesktop(0):
    if program.get_process_id() == int(sys.argv[1]) and any(sys.argv[2] in w.name for w in program):
        sys.exit(0)
sys.exit(1)
"""


class GaveUp(AssertionError):
    """Something that should have come did not."""


class NoSession(GaveUp):
    """Wireshark did not come up, or its windows did not on the bus: worth another session."""


def wait_for(look, what, patience=PATIENCE):
    """Calls look() until it returns something true, and returns that."""
    end = time.monotonic() + patience
    problem = None
    while time.monotonic() < end:
        while GLib.MainContext.default().iteration(False):
            pass  # what the bus tells of changes
        try:
            if found := look():
                return found
        except (GLib.Error, RuntimeError, LookupError, NotImplementedError, TypeError,
                subprocess.TimeoutExpired) as error:
            problem = error  # the tree changed, or the program was too busy to answer
        time.sleep(POLL)
    raise GaveUp(f"waited {patience} s for {what}" + (f"; last problem: {problem}" if problem else ""))


def children(node):
    """The node's children that still exist."""
    for index in range(node.childCount):
        child = node.getChildAtIndex(index)
        if child is not None:
            yield child


# Searches do not enter these: they are many items long, and are asked for by name.
LONG = ("list", "combo box", "menu bar", "tree", "tree table", "table")


def walk(top):
    """The node and what is below it, from the top; long lists only where they are the top."""
    waiting = collections.deque([top])
    while waiting:
        node = waiting.popleft()
        yield node
        if node is top or node.getRoleName() not in LONG:
            waiting.extend(children(node))


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


def shows(process, title):
    """Whether the process shows a window whose title has that part: asked by a process of its own.

    A process that looks at the bus while another program registers there may see that program as
    empty for ever after. So none but a short-lived one looks before the window is there.
    """
    return subprocess.run([sys.executable, "-c", PROBE, str(process), title],
                          stderr=subprocess.DEVNULL, timeout=60, check=False).returncode == 0


class Wireshark:
    """The one Wireshark of this process: a window with a file, in the profile "TCP Resets"."""

    def __init__(self, capture, *arguments, frame=None, dark=False):
        self.capture = Path(capture)
        options = ["-C", "TCP Resets", *(["-g", str(frame)] if frame else []), *arguments]
        shows(0, "")  # starts the bus
        self.log = Path(os.environ["HOME"]) / "wireshark.log"
        with open(self.log, "w", encoding="utf-8") as log:
            # pylint: disable-next=consider-using-with
            self.process = subprocess.Popen(["wireshark", *options, "-r", str(capture)], stderr=log,
                                            stdout=log, env=os.environ | (DARK if dark else {}))
        try:
            wait_for(lambda: self._lives() and shows(self.process.pid, self.capture.name),
                     "Wireshark's window", PATIENCE / 4)
            self.window = self.window_named(self.capture.name, PATIENCE / 4)
            self.packets = self.find(*TREES, name="Packet list")
            self.details = self.find(*TREES, name="Packet details")
            wait_for(lambda: cells(self.packets), "the packet list")
        except GaveUp as error:
            self.close()
            problem = GaveUp if "Wireshark ended" in str(error) else NoSession
            raise problem(f"{error}\n{self.messages()}") from error

    def _lives(self):
        if self.process.poll() is not None:
            raise GaveUp("Wireshark ended")
        return True

    def application(self):
        import pyatspi  # not earlier: see shows()
        self._lives()
        return next((program for program in children(pyatspi.Registry.getDesktop(0))
                     if program.get_process_id() == self.process.pid), None)

    def messages(self):
        """What Wireshark wrote to its standard output and error."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def window_named(self, part, patience=PATIENCE):
        """The program's window whose title has that part."""
        return wait_for(lambda: next((window for window in children(self.application())
                                      if part in window.name), None), f"a window {part}",
                        patience)

    def find(self, *roles, name, below=None):
        """The first node with one of the roles and a name that matches the pattern as a whole."""
        def look():
            top = below or self.window
            top.clear_cache()
            return next((node for node in walk(top) if node.getRoleName() in roles
                         and re.fullmatch(name, node.name or "", re.DOTALL)), None)
        return wait_for(look, f"{'/'.join(roles)} {name}")

    def menu_entry(self, *path):
        """A menu's entry, which need not be open; None if the last part of the path is not there."""
        node = self.find("menu bar", name=".*")
        for part in path:
            below = list(walk(node))[1:]
            node = next((item for item in below if item.name == part), None)
            if node is None:
                return None
        return node

    def menu(self, *path):
        click(wait_for(lambda: self.menu_entry(*path), " > ".join(path)))


def cells(tree):
    """Texts of a tree's cells: of the packet list, the rows on the screen."""
    tree.clear_cache()
    return [node.name for node in children(tree)
            if node.getRoleName() in ("table cell", "tree item") and node.name]


def titles(tree):
    """Titles of a tree's columns."""
    return [node.name for node in children(tree) if node.getRoleName() == "table column header"]


def click(node):
    wait_for(lambda: node.queryAction().doAction(0) is not False, f"a click on {node.name}")


# Qt's own KDE platform theme takes its colours from kdeglobals: a dark desktop without KDE.
DARK = {"XDG_CURRENT_DESKTOP": "KDE", "KDE_SESSION_VERSION": "5", "KDE_FULL_SESSION": "true"}
