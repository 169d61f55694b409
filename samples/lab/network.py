# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's network: client -- router -- server, each a network namespace of its own.

Both links run through a "wire": a small process that holds every Ethernet frame for a few
milliseconds. A delay line in user space needs no kernel module (netem is often missing), and with
a real round trip time the order of packets differs between the capture points as it does outside.

The namespaces have no names and end with the process: nothing is left behind, and the network of
the machine is never touched.
"""
import ctypes
import heapq
import os
import select
import signal
import socket
import subprocess
import threading
import time

CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3
SOL_PACKET, PACKET_IGNORE_OUTGOING = 263, 23
DELAY = 0.005  # each link, each way: a round trip of 20 ms from end to end

_libc = ctypes.CDLL(None, use_errno=True)
_thread = threading.local()


def _check(result):
    if result != 0:
        errno = ctypes.get_errno()
        raise OSError(errno, os.strerror(errno))


def leave_host_network():
    """Moves this process into an empty network namespace, in which the wires will live."""
    _check(_libc.unshare(CLONE_NEWNET))
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY)


class Host:
    """A network namespace. `with host:` puts the calling thread into it: sockets and programs
    made there belong to the host for good, so one process can play all parties."""
    def __init__(self, name, home):
        self.name, self.home = name, home
        _check(_libc.unshare(CLONE_NEWNET))
        self.fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        _check(_libc.setns(home, CLONE_NEWNET))
        self.path = f"/proc/{os.getpid()}/fd/{self.fd}"
        self.run("ip", "link", "set", "lo", "up")
        # Duplicate address detection would make IPv6 addresses unusable for a second.
        self.sysctl("net.ipv6.conf.all.accept_dad", 0)
        self.sysctl("net.ipv6.conf.default.accept_dad", 0)

    def __enter__(self):
        stack = _thread.__dict__.setdefault("stack", [])
        stack.append(self.fd)
        _check(_libc.setns(self.fd, CLONE_NEWNET))
        return self

    def __exit__(self, *_):
        _thread.stack.pop()
        _check(_libc.setns(_thread.stack[-1] if _thread.stack else self.home, CLONE_NEWNET))

    def run(self, *command, **options):
        with self:
            return subprocess.run(command, check=True, capture_output=True, text=True, **options)

    def start(self, *command, **options):
        with self:
            return subprocess.Popen(command, **options)

    def sysctl(self, name, value):
        # /proc/sys/net shows the namespace of the thread that opens it.
        with self, open("/proc/sys/" + name.replace(".", "/"), "w") as file:
            file.write(str(value))

    def wait_listening(self, port):
        for _ in range(200):
            if self.run("ss", "-Hltn", f"sport = :{port}").stdout.strip():
                return
            time.sleep(0.02)
        raise RuntimeError(f"nothing listens on port {port} of {self.name}")


class Network:
    """client (c0) -- (rc) router (rs) -- (s0) server, IPv4 and IPv6."""

    INTERFACES = {"client": "c0", "router": "rc", "server": "s0"}
    ADDRESSES = {
        # Two addresses per end: the second ones carry healthy traffic.
        "c0": ("10.0.1.10/24", "10.0.1.11/24", "fd52:5354:1::10/64", "fd52:5354:1::11/64"),
        "rc": ("10.0.1.1/24", "fd52:5354:1::1/64"), "rs": ("10.0.2.1/24", "fd52:5354:2::1/64"),
        "s0": ("10.0.2.20/24", "10.0.2.21/24", "fd52:5354:2::20/64", "fd52:5354:2::21/64")
    }
    MACS = {
        "c0": "02:00:00:00:01:10", "rc": "02:00:00:00:01:01", "rs": "02:00:00:00:02:01",
        "s0": "02:00:00:00:02:20"
    }

    def __init__(self):
        self.home = leave_host_network()
        self.client, self.router, self.server = (Host(name, self.home)
                                                 for name in ("client", "router", "server"))
        for host, interface in ((self.client, "c0"), (self.router, "rc"), (self.router, "rs"),
                                (self.server, "s0")):
            self._plug(host, interface)
        self.router.sysctl("net.ipv4.ip_forward", 1)
        self.router.sysctl("net.ipv6.conf.all.forwarding", 1)
        self.set_routes(self.client, "1")
        self.set_routes(self.server, "2")
        self.wire = self._start_wire()

    def hosts(self):
        return self.client, self.router, self.server

    @staticmethod
    def set_routes(host, net):
        host.run("ip", "route", "replace", "default", "via", f"10.0.{net}.1")
        host.run("ip", "-6", "route", "replace", "default", "via", f"fd52:5354:{net}::1")

    def _plug(self, host, interface):
        """A veth pair from the host to the wire's namespace, where its end is called w-NAME."""
        run = lambda *command: subprocess.run(command, check=True, capture_output=True)
        run("ip", "link", "add", "name", f"w-{interface}", "type", "veth", "peer", "name",
            interface)
        # Offloads would show segments of 60 kB and checksums that were never computed.
        offloads = ["gro", "off", "gso", "off", "tso", "off", "tx", "off", "rx", "off"]
        run("ethtool", "-K", f"w-{interface}", *offloads)
        run("ethtool", "-K", interface, *offloads)
        with open(f"/proc/sys/net/ipv6/conf/w-{interface}/disable_ipv6", "w") as file:
            file.write("1")
        run("ip", "link", "set", interface, "address", self.MACS[interface], "netns", host.path)
        run("ip", "link", "set", f"w-{interface}", "up")
        host.run("ip", "link", "set", interface, "up")
        for address in self.ADDRESSES[interface]:
            host.run(
                "ip", "address", "add", address, "dev", interface,
                *(["nodad"] if ":" in address else []),
                # or programs would choose the second IPv6 address as their own
                *(["preferred_lft", "0"] if "::11/" in address else []))

    def _start_wire(self):
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            try:
                carry_frames((("w-c0", "w-rc"), ("w-rs", "w-s0")))
            finally:
                os._exit(1)
        return pid

    def close(self):
        os.kill(self.wire, signal.SIGKILL)
        os.waitpid(self.wire, 0)


def carry_frames(links):
    """Moves frames between the ends of each link, DELAY seconds late, for ever."""
    peer = {}
    for ends in links:
        a, b = (_packet_socket(end) for end in ends)
        peer[a], peer[b] = b, a
    waiting, number = [], 0
    while True:
        timeout = max(0, waiting[0][0] - time.monotonic()) if waiting else None
        for arrived in select.select(list(peer), [], [], timeout)[0]:
            frame = arrived.recv(65536)
            number += 1  # keeps frames with the same due time in order
            heapq.heappush(waiting, (time.monotonic() + DELAY, number, peer[arrived], frame))
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, out, frame = heapq.heappop(waiting)
            try:
                out.send(frame)
            except OSError:
                pass  # the cable's other end is unplugged


def _packet_socket(interface):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    sock.bind((interface, ETH_P_ALL))
    return sock
