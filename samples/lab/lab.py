# SPDX-License-Identifier: GPL-2.0-or-later
"""What a scenario sees: `lab`, with the hosts, connections between them, and a notebook of
labels.

A scenario is a function with @scenario before it. It is called once for IPv4 and once for IPv6,
at the same time, in one network: both end up in the same captures. Its docstring becomes the
README."""
import inspect
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time

import peers
from capture import Capture, settle
from network import Network
from peers import Conn, Link
from truth import Finding, Reset, Tshark, expected

SCENARIOS = {}


class Scenario:
    def __init__(self, function, name, software, *, points=("client", "router", "server"),
                 formats=None, families=(4, 6), timestamps=True, interfaces=None, cut=None,
                 closes=True, findings=False):
        self.function, self.name, self.software = function, name, software
        self.points, self.formats, self.families = points, formats or {}, families
        self.timestamps, self.cut = timestamps, cut
        self.interfaces = Network.INTERFACES | (interfaces or {})
        self.closes = closes  # False: the capture is cut so that it shows none
        self.findings = findings  # True: the scenario names all that there is to be found
        self.text = inspect.cleandoc(function.__doc__)

    @property
    def title(self):
        return " ".join(self.text.split())


def scenario(name, software="Python sockets", **options):
    def register(function):
        SCENARIOS[name] = Scenario(function, name, software, **options)
        return function

    return register


class Lab:
    """The view of one address family on the network."""
    def __init__(self, network, family, folder, points, certificates):
        self.client, self.router, self.server = network.hosts()
        self.network, self.family, self.folder, self.points = network, family, folder, points
        self.certificates = certificates
        template = "10.0.{}.{}" if family == 4 else "fd52:5354:{}::{}"
        self.client_net, self.server_net = template.format(1, ""), template.format(2, "")
        self.client_ip, self.client2_ip = template.format(1, 10), template.format(1, 11)
        self.server_ip, self.server2_ip = template.format(2, 20), template.format(2, 21)
        self.router_client_ip, self.router_server_ip = template.format(1, 1), template.format(2, 1)
        self.resets, self.closed_conns, self.findings = [], [], []
        self.kept, self.listeners, self.programs = [], {}, []

    # Connections

    def listen(self, port, address=None, **options):
        key = address or self.server_ip, port
        if key not in self.listeners:
            self.listeners[key] = peers.listen(self.server, *key, **options)
        return self.listeners[key]

    def open(self, port=80, tls=None, *, client_port=0, client_ip=None, server_ip=None,
             session=None, alpn=None):
        """A connection of which we hold both ends. tls: None, or keyword arguments of the
        server's context ({} for the defaults)."""
        listener = self.listen(port, server_ip)
        c = peers.client_socket(self.client, client_ip or self.client_ip, client_port)
        c.connect((server_ip or self.server_ip, port))
        s = listener.accept()[0]
        s.settimeout(peers.TIMEOUT)
        s.setsockopt(peers.socket.IPPROTO_TCP, peers.socket.TCP_NODELAY, 1)
        link = Link(self.conn(c.getsockname()[1], port, client_ip, server_ip), c, s)
        if tls is not None:
            peers.handshake(link, self.certificates.client_context(tls.get("version"), alpn),
                            self.certificates.server_context(**tls), session)
        return self.keep(link)

    def conn(self, client_port, port, client_ip=None, server_ip=None):
        return Conn(client_ip or self.client_ip, client_port, server_ip or self.server_ip, port)

    def keep(self, thing):
        """Python closes what nobody refers to; a socket must live until the capture ends."""
        self.kept.append(thing)
        return thing

    # Programs and firewalls

    def file(self, name, text=""):
        path = os.path.join(self.folder, f"{name}-{self.family}")
        with open(path, "w") as file:
            file.write(text)
        return path

    def start(self, host, *command, port=None, **options):
        """A program that runs until the scenario ends."""
        log = self.keep(open(os.path.join(self.folder, "log"), "ab"))
        options = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, **options}
        process = host.start(*command, cwd=self.folder, **options)
        self.programs.append(process)
        if port:
            host.wait_listening(port)
        return process

    def iptables(self, host, *rule):
        host.run("iptables" if self.family == 4 else "ip6tables", "-w", *rule)

    def is_client(self, address):
        return address.startswith(self.client_net)

    def bracketed(self, address):
        return f"[{address}]" if self.family == 6 else address

    # The notebook

    def reset(self, where, by, origin, cause, close="rst", *, sender=None, seen=None, times=1,
              also=None, at=None, trigger=None, idle=None, ttl=None, what="", late=False,
              fin_race=False, follows=False, **values):
        """Declares a RST: `where` is a Link or Conn, `by` the side whose address it bears.
        `late`: bare RSTs may follow it, answers to what was still under way. `fin_race`,
        `follows`: see truth.Reset."""
        values = {"origin": origin, "cause": cause, "sender": sender or by, "close_type": close
                  } | values
        self.resets.append(
            Reset(getattr(where, "conn", where), by, values, seen or self.points, times, at or {},
                  also or {}, trigger, idle, ttl, what, fin_race, follows))
        if late:
            self.late_resets(where, by, seen=seen)

    def late_resets(self, where, by, cause="time-wait", **options):
        """The bare RSTs that answer what was still under way when a connection was reset:
        duplicates of the same side's reset ("time-wait"), or a victim's who knows the
        connection no more ("no-socket")."""
        self.reset(
            where, by, "after-close", cause, times="any", also={
                "cause": ["no-socket", "time-wait", "half-close-violation", "unknown"],
                "close_type": ["rst", "fin-then-rst"]
            }, what="answers segments that were under way", follows=True, **options)

    def finding(self, kind, *, seen=None, sure=True, **values):
        """Declares what the connections together say. Only where @scenario(findings=True)."""
        self.findings.append(Finding({"kind": kind} | values, seen or self.points, sure))

    def closed(self, where, points=None):
        """Declares an orderly close."""
        self.closed_conns.append((getattr(where, "conn", where), points or self.points))

    def healthy(self, server_ip=None, port=8080, client_ip=None):
        """A connection on which all is well: captures should not hold trouble alone."""
        link = self.open(port, server_ip=server_ip, client_ip=client_ip)
        link.c.sendall(peers.GET)
        peers.receive(link.s)
        link.s.sendall(peers.answer(b"in stock"))
        peers.receive(link.c, b"in stock")
        self.close_by(link.c, link.s, link)

    def close_by(self, first, second, link):
        """An orderly close, `first` side first."""
        first.shutdown(peers.socket.SHUT_WR)
        peers.drain(second)
        second.close()
        peers.drain(first)
        first.close()
        self.closed(link)

    def end(self):
        for process in self.programs:
            process.terminate()
        for process in self.programs:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


def pause(seconds):
    time.sleep(seconds)


def make(scenario, target):
    """Plays a scenario and writes its sample folder."""
    with tempfile.TemporaryDirectory(prefix="lab-") as folder:
        certificates = peers.Certificates(folder)
        network = Network()
        if not scenario.timestamps:
            for host in network.hosts():
                host.sysctl("net.ipv4.tcp_timestamps", 0)
        captures = {}
        for point in ("client", "router", "server"):
            if point in scenario.points:
                captures[point] = Capture(getattr(network, point), scenario.interfaces[point],
                                          folder, point, scenario.formats.get(point, "pcap"))
        labs = [
            Lab(network, family, folder, scenario.points, certificates)
            for family in scenario.families
        ]
        try:
            _play(scenario, labs)
        finally:
            settle()
            paths = {point: capture.stop() for point, capture in captures.items()}
            for lab in labs:
                lab.end()
            network.close()
            if os.environ.get("LAB_KEEP"):  # to look at what went wrong
                shutil.copytree(folder, os.path.join(os.environ["LAB_KEEP"], scenario.name),
                                dirs_exist_ok=True)
        if scenario.cut:
            scenario.cut(paths)
        _write(scenario, labs, paths, os.path.join(target, scenario.name))


def _play(scenario, labs):
    failures = []
    for lab in labs:
        lab.healthy()
        lab.healthy(lab.server2_ip, client_ip=lab.client2_ip)
    settle()

    def play(lab):
        try:
            scenario.function(lab)
            lab.healthy(lab.server2_ip, client_ip=lab.client2_ip, port=8081)
        except Exception as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=play, args=(lab, )) for lab in labs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def _write(scenario, labs, paths, folder):
    tshark = Tshark()
    resets = [reset for lab in labs for reset in lab.resets]
    closed = [entry for lab in labs for entry in lab.closed_conns] if scenario.closes else []
    findings = [entry for lab in labs for entry in lab.findings] if scenario.findings else None
    result = {
        "description": scenario.title, "captures": {
            os.path.basename(path): expected(point, scenario.name, tshark.frames(path), resets,
                                             closed, findings)
            for point, path in paths.items()
        }
    }
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for path in paths.values():
        shutil.copyfile(path, os.path.join(folder, os.path.basename(path)))
    with open(os.path.join(folder, "expected.json"), "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")
    with open(os.path.join(folder, "README.md"), "w") as file:
        file.write(
            f"<!-- SPDX-License-Identifier: GPL-2.0-or-later -->\n# {scenario.name}\n\n{scenario.text}\n\nSoftware: {scenario.software}. Made by "
            f"`samples/lab/make-samples {scenario.name}` (function `{scenario.function.__name__}` "
            f"in `samples/lab/scenarios/{scenario.function.__module__}.py`).\n")
