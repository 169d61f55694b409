#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Proxies: whose failure each reply and each reset is. As finding_cases.py; `endpoint` asks for fields
of the proxy's endpoint.

    finding_proxies.py PATH-TO-WHYRST [NAME...]
"""
from finding_cases import Capture, main

PROXY = "192.0.2.9:3128"
CLIENTS = [f"10.0.0.{n}" for n in range(5, 9)]
NO_ANSWER, RESET = "no answer", "reset"


class Tunnels(Capture):
    """Connections to a proxy. Targets are numbers: 10.1.0.N."""

    def __init__(self):
        super().__init__()
        self.asked_for = 0

    def _answer(self, label, reply, bad, good):
        """Sends what `bad` (a function of the reply) or `good` say; whether there is a tunnel."""
        if reply == RESET:
            self.say(0.05, f"{label}:s>c RA")
        elif reply == NO_ANSWER:
            self.say(0.05, f"{label}:s>c A")
        elif reply:
            self.say(0.05, f"{label}:s>c PA {bad(reply)}")
            self.say(0.001, f"close {label}:s")
        else:
            self.say(0.05, f"{label}:s>c PA {good}")
        return not reply

    def _tunnel(self, label, end):
        """Some bytes each way, then both sides close, or `end` says how the proxy's side ends."""
        self.say(0.001, f"{label}:c>s PA hex 00112233445566")
        self.say(0.02, f"{label}:s>c PA hex 99887766554433")
        self.say(0.001, f"{label}:c>s A")
        if end == RESET:
            self.say(0.2, f"{label}:s>c RA")
        elif not end:
            self.say(0.001, f"close {label}:c")

    def _begin(self, server):
        self.asked_for += 1
        label = self.connection(CLIENTS[self.asked_for % 4], server)
        self.say(0.1, f"handshake {label}")
        return label

    def connect(self, target=1, reply=0, end=None, server=PROXY):
        """CONNECT, answered with the status `reply` (0: granted)."""
        label = self._begin(server)
        self.say(0.001, f'{label}:c>s PA http "CONNECT 10.1.0.{target}:443 HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"')
        if self._answer(label, reply,
                        lambda status: f'http "HTTP/1.1 {status} No\\r\\nContent-Length: 0\\r\\n\\r\\n"',
                        'http "HTTP/1.1 200 Connection established\\r\\n\\r\\n"'):
            self._tunnel(label, end)
        return label

    def socks5(self, target=1, reply=0, end=None):
        label = self._begin(PROXY)
        self.say(0.001, f"{label}:c>s PA hex 050100")
        self.say(0.02, f"{label}:s>c PA hex 0500")
        self.say(0.001, f"{label}:c>s PA hex 050100010a0100{target:02x}01bb")
        if self._answer(label, reply, lambda code: f"hex 05{code:02x}0001000000000000",
                        "hex 05000001000000000000"):
            self._tunnel(label, end)

    def socks5_login(self, status):
        """User name and password, which the proxy does not take unless `status` is 0."""
        label = self._begin(PROXY)
        self.say(0.001, f"{label}:c>s PA hex 050102")
        self.say(0.02, f"{label}:s>c PA hex 0502")
        self.say(0.001, f"{label}:c>s PA hex 0101610162")
        self.say(0.02, f"{label}:s>c PA hex 01{status:02x}")
        self.say(0.001, f"close {label}:s")

    def socks4(self, target=1, reply=0):
        label = self._begin(PROXY)
        self.say(0.001, f"{label}:c>s PA hex 040101bb0a0100{target:02x}00")
        if self._answer(label, reply, lambda code: f"hex 00{code:02x}000000000000",
                        "hex 005a000000000000"):
            self._tunnel(label, None)


def case_works():
    """Tunnels of all kinds, none fails."""
    capture = Tunnels()
    for n in range(5):
        capture.connect(n), capture.socks5(n), capture.socks4(n)
    return [capture], {}, {"kind": "proxy", "tunnels": 15, "proxy_failed": 0, "target_failed": 0,
                           "proxy_unclear": 0, "proxy_replies": None}


def told(ask, replies, kind):
    """A case in which each of `replies` comes four times beside tunnels that stand."""
    def case():
        capture = Tunnels()
        for reply in replies:
            for n in range(4):
                getattr(capture, ask)(n, reply), getattr(capture, ask)(n)
        count = 4 * len(replies)
        return [capture], {kind: {"server": PROXY, "resets": count, "connections": 2 * count,
                                  "sender": None}}, {
            "tunnels": count, "proxy_failed": count if kind == "proxy-failure" else 0,
            "target_failed": count if kind == "proxy-target" else 0, "proxy_unclear": 0}
    return case


case_connect_own = told("connect", (302, 403, 407, 429, 501), "proxy-failure")
case_connect_target = told("connect", (502, 504), "proxy-target")
case_socks5_own = told("socks5", (2, 7, 8), "proxy-failure")
case_socks5_target = told("socks5", (3, 4, 5, 6), "proxy-target")
case_socks4_own = told("socks4", (92, 93), "proxy-failure")
# The same targets are reached at other times.
case_connect_500_now_and_then = told("connect", (500, 503), "proxy-failure")
case_socks5_1_now_and_then = told("socks5", (1, ), "proxy-failure")
case_socks4_91_now_and_then = told("socks4", (91, ), "proxy-failure")


def one_target(ask, reply):
    """A case in which one target fails with a reply that may mean either, and others do not."""
    def case():
        capture = Tunnels()
        for n in range(8):
            getattr(capture, ask)(99, reply), getattr(capture, ask)(n % 3), getattr(capture, ask)(n % 3)
        return [capture], {"proxy-target": {"server": PROXY, "resets": 8, "connections": 24,
                                            "other_resets": 0, "other_connections": 16,
                                            "confidence": "high"}}, {
            "tunnels": 16, "proxy_failed": 0, "target_failed": 8, "proxy_unclear": 0}
    return case


case_connect_500_of_one_target = one_target("connect", 500)
case_socks5_1_of_one_target = one_target("socks5", 1)
case_socks4_91_of_one_target = one_target("socks4", 91)


def case_two_dead_targets():
    """Each is compared with those that work, not with the other one."""
    capture = Tunnels()
    for n in range(10):
        capture.connect(98, 503), capture.connect(99, 503), capture.connect(n % 3)
    return [capture], {"proxy-target": {"resets": 20, "connections": 30}}, {"target_failed": 20}


def case_only_target():
    """503 for the only target there is: it may be either's failure. That it is a proxy shows a 407."""
    capture = Tunnels()
    capture.connect(1, 407)
    for _ in range(8):
        capture.connect(1, 503)
    return [capture], {"proxy-failure": {"resets": 8, "confidence": "low"}}, {
        "proxy_failed": 1, "target_failed": 0, "proxy_unclear": 8}


def case_whatever_target():
    """503 whatever the target: the proxy's."""
    capture = Tunnels()
    capture.connect(1, 407)
    for n in range(8):
        capture.connect(n, 503)
    return [capture], {"proxy-failure": {"resets": 9}}, {"proxy_failed": 9, "proxy_unclear": 0}


def case_two_targets_now_and_then():
    """503 for two targets that are also reached: they may be one host's, and come and go."""
    capture = Tunnels()
    for n in range(8):
        capture.connect(n % 2, 503), capture.connect(n % 2)
    return [capture], {"proxy-failure": {"resets": 8, "confidence": "low"}}, {
        "proxy_failed": 0, "proxy_unclear": 8}


def case_another_time():
    """One target fails after all others were done: by then the proxy may have been another."""
    capture = Tunnels()
    for n in range(16):
        capture.connect(n % 3)
    for _ in range(8):
        capture.connect(99, 500)
    return [capture], {"proxy-failure": {"resets": 8, "confidence": "low"}}, {
        "target_failed": 0, "proxy_unclear": 8}


def case_resets_instead():
    """It resets requests instead of answering."""
    capture = Tunnels()
    for n in range(8):
        capture.connect(n % 3, RESET if n % 2 else 0)
    return [capture], {"proxy-failure": {"resets": 4, "connections": 8, "sender": "server"}}, {
        "tunnels": 4, "proxy_failed": 4, "proxy_unclear": 0}


def case_no_answer():
    """Nobody knows what would have come."""
    capture = Tunnels()
    for n in range(6):
        capture.connect(n, NO_ANSWER), capture.connect(n)
    return [capture], {}, {"tunnels": 6, "proxy_failed": 0, "proxy_unclear": 0}


def case_tunnels_of_one_target_reset():
    """Tunnels to one target are reset, others are not: its end, passed on."""
    capture = Tunnels()
    for n in range(8):
        capture.connect(99, end=RESET), capture.connect(n % 3), capture.connect(n % 3)
    return [capture], {"proxy-target": {"resets": 8, "connections": 24}}, {
        "tunnels": 24, "target_failed": 8, "proxy_unclear": 0}


def case_tunnels_reset_anywhere():
    """Tunnels to all targets are reset now and then: whose doing is not to be seen."""
    capture = Tunnels()
    for n in range(12):
        capture.connect(n % 3, end=RESET if n % 4 == 0 else None)
    return [capture], {"reset-rate": {"resets": 3}}, {
        "tunnels": 12, "proxy_failed": 0, "target_failed": 0, "proxy_unclear": 3}


def case_proxy_dies():
    """Tunnels of several clients to several targets end in one instant, then it refuses: the proxy's end."""
    capture = Tunnels()
    labels = [capture.connect(n, end="open") for n in range(8)]
    for label in labels:
        capture.say(2 if label == labels[0] else 0.0001, f"{label}:s>c RA")
    for n in range(4):
        capture.refused(client=CLIENTS[n], server=PROXY)
    return [capture], {"process-exit": {"server": PROXY, "resets": 8},
                       "service-down": {"server": PROXY, "resets": 4}}, {
        "tunnels": 8, "proxy_failed": 12, "proxy_unclear": 0}


def case_login_refused():
    capture = Tunnels()
    for _ in range(6):
        capture.socks5_login(1)
    return [capture], {"proxy-failure": {"resets": 6, "connections": 6, "confidence": "high"}}, {
        "proxy_failed": 6, "proxy_replies": ["SOCKS5 reply (login refused): 6"]}


def case_asked_again():
    """The proxy asks for a password, the client sends it on the same connection: nothing failed."""
    capture = Tunnels()
    for n in range(6):
        label = capture._begin(PROXY)
        ask = f'{label}:c>s PA http "CONNECT 10.1.0.{n}:443 HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"'
        capture.say(0.001, ask)
        capture.say(0.02, f'{label}:s>c PA http "HTTP/1.1 407 Login\\r\\nContent-Length: 0\\r\\n\\r\\n"')
        capture.say(0.001, ask)
        capture.say(0.02, f'{label}:s>c PA http "HTTP/1.1 200 OK\\r\\n\\r\\n"')
        capture._tunnel(label, None)
    return [capture], {}, {"tunnels": 6, "proxy_failed": 0}


def case_no_proxy():
    """A web server is asked to be a proxy and will not: it is none."""
    capture = Tunnels()
    for n in range(4):
        capture.connect(n, 405), capture.connect(n, 400), capture.connect(n, 503), capture.connect(n, RESET)
        capture.served(server=PROXY)
    return [capture], {"reset-rate": {}}, {"kind": "server", "tunnels": None, "proxy_failed": None}


def case_more_than_are_listed():
    """What sums up proxies and other servers is none."""
    capture = Tunnels()
    for n in range(101):
        capture.connect(server=f"192.0.2.{n}:3128")
    capture.served(server="192.0.2.200:80")
    return [capture], {}, {"name": "2 other servers", "kind": "rest", "connections": 2, "tunnels": None}


def case_few():
    """Two failures show nothing, nor do four of two hundred."""
    capture = Tunnels()
    capture.connect(1, 502), capture.connect(2, 502)
    capture.connect(1), capture.connect(2)
    many = Tunnels()
    many.start += 10_000
    for n in range(200):
        many.connect(n % 7, 502 if n % 50 == 0 else 0)
    return [capture, many], {}


main(globals(), PROXY)
