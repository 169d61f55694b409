# SPDX-License-Identifier: GPL-2.0-or-later
"""The accessibility bus (AT-SPI), spoken to directly over D-Bus.

The usual client library keeps copies of the trees that it sees, and gives up on a program that does
not answer within 0.8 s: on a busy machine a program that was just starting stayed empty for it for
ever. Nothing is kept here: each question goes to the program, which answers when it can.
"""

import collections
import os

from gi.repository import Gio, GLib

REGISTRY = ("org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root")
TIMEOUT = 120_000  # of one call, in milliseconds: a program answers no call while it works
GONE = (GLib.Error,)  # what a question raises when the program, or that part of it, is gone

# Walks do not enter these: they are many items long, and are asked for by name.
LONG = ("list", "combo box", "menu bar", "tree", "tree table", "table")


class Bus:
    """A connection to the accessibility bus, which is started if need be: after the screen.

    It must know the display, whose root window then bears the bus's address. Qt 5 without that asks
    for the address, and sets itself up when the answer comes or at its event loop's first turn,
    whichever is earlier: in the latter case, about every second time, it is never seen.
    """

    def __init__(self):
        session = Gio.bus_get_sync(Gio.BusType.SESSION)
        session.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                          "UpdateActivationEnvironment",
                          GLib.Variant("(a{ss})", ({"DISPLAY": os.environ["DISPLAY"]},)),
                          None, Gio.DBusCallFlags.NONE, TIMEOUT)
        # Qt looks at this when it starts: without it a program may not join.
        session.call_sync("org.a11y.Bus", "/org/a11y/bus", "org.freedesktop.DBus.Properties", "Set",
                          GLib.Variant("(ssv)", ("org.a11y.Status", "IsEnabled",
                                                 GLib.Variant("b", True))),
                          None, Gio.DBusCallFlags.NONE, TIMEOUT)
        address, = session.call_sync("org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus", "GetAddress",
                                     None, None, Gio.DBusCallFlags.NONE, TIMEOUT)
        self.connection = Gio.DBusConnection.new_for_address_sync(
            address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
            | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION)
        self.registry = Node(self, *REGISTRY)
        self.registry.children()  # starts the registry, so that it is there before any program

    def call(self, owner, path, interface, method, arguments=None):
        """The results of a method, as a tuple."""
        return self.connection.call_sync(owner, path, interface, method, arguments, None,
                                         Gio.DBusCallFlags.NONE, TIMEOUT).unpack()

    def application(self, process):
        """The program with that process number, None while it is not on the bus."""
        for program in self.registry.children():
            try:
                number, = self.call("org.freedesktop.DBus", "/org/freedesktop/DBus",
                                    "org.freedesktop.DBus", "GetConnectionUnixProcessID",
                                    GLib.Variant("(s)", (program.owner,)))
            except GONE:
                continue
            if number == process:
                return program
        return None


class Node:
    """Something on the screen: a window, a button, a cell."""

    def __init__(self, bus, owner, path):
        self.bus, self.owner, self.path = bus, owner, path

    def _ask(self, interface, method, arguments=None):
        return self.bus.call(self.owner, self.path, f"org.a11y.atspi.{interface}", method, arguments)

    @property
    def name(self):
        text, = self.bus.call(self.owner, self.path, "org.freedesktop.DBus.Properties", "Get",
                              GLib.Variant("(ss)", ("org.a11y.atspi.Accessible", "Name")))
        return text

    @property
    def role(self):
        role, = self._ask("Accessible", "GetRoleName")
        return role

    def children(self):
        references, = self._ask("Accessible", "GetChildren")
        return [Node(self.bus, *reference) for reference in references
                if reference[1] != "/org/a11y/atspi/null"]

    def act(self):
        """Its first action: a button is pressed, a menu's entry is chosen."""
        done, = self._ask("Action", "DoAction", GLib.Variant("(i)", (0,)))
        return done

    def place(self):
        """x, y, width and height on the screen."""
        place, = self._ask("Component", "GetExtents", GLib.Variant("(u)", (0,)))
        return place

    def walk(self):
        """The node and what is below it, from the top; long lists only where they are the top."""
        waiting = collections.deque([self])
        while waiting:
            node = waiting.popleft()
            yield node
            if node is self or node.role not in LONG:
                waiting.extend(node.children())

    def texts(self, *roles):
        """Names of the children with one of the roles, but for empty ones."""
        return [name for node in self.children() if node.role in roles and (name := node.name)]
