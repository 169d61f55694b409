#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Findings where two reasons go together: a JA4 and its clients' network, a JA4 and a time, a JA4 and a TLS
version. Where the packets cannot tell them apart, no finding may be sure.

    finding_confounded.py PATH-TO-WHYRST [NAME...]
"""
import random

import finding_cases
from finding_cases import DAY, START, Capture
from finding_chance import at_random

SEEDS = range(3)
SERVER = "192.0.2.1:443"


def hellos(make):
    """Captures of (time, client, ALPN, reset or not, TLS version): ALPN and version make the JA4."""
    captures = []
    for seed in SEEDS:
        capture = Capture(START + seed * DAY)
        for when, client, alpn, reset, *version in sorted(make(random.Random(seed))):
            wait = max(when - capture.now, 0.0001)
            capture.tls("www.example", alpn, reset, wait, client, version=version[0] if version else "1.3")
        captures.append(capture)
    return captures


def someone(dice):
    """A client that is served, as a rule."""
    return f"10.{dice.randrange(3)}.0.{dice.randrange(3) + 5}"


def case_network_with_its_own_ja4():
    """All clients of a network say a JA4 that nobody else says, and are reset."""
    def make(dice):
        for when in at_random(dice, 200, 1):
            if dice.random() < 0.3:
                yield when, f"10.77.{dice.randrange(6)}.9", "http/1.1", True
            else:
                yield when, someone(dice), "h2", False

    return hellos(make), {"tls-fingerprint-block": {"confidence": "medium"}}


def case_clients_with_their_own_ja4():
    """The same, of clients here and there: a list of all their addresses is less likely, but possible."""
    def make(dice):
        for when in at_random(dice, 200, 1):
            if dice.random() < 0.3:
                yield when, f"10.{dice.randrange(3)}.0.{dice.randrange(3) + 205}", "http/1.1", True
            else:
                yield when, someone(dice), "h2", False

    return hellos(make), {"tls-fingerprint-block": {"confidence": "medium"}}


def case_clients_with_two_ja4s():
    """The same clients are served when they say another one."""
    def make(dice):
        for when in at_random(dice, 200, 1):
            bad = dice.random() < 0.3
            yield when, someone(dice), "http/1.1" if bad else "h2", bad

    return hellos(make), {"tls-fingerprint-block": {"confidence": "high"}}


def case_ja4_of_the_bad_hour():
    """Nearly all fail for two minutes, in which nearly all say a JA4 that does not come otherwise."""
    def make(dice):
        for when in at_random(dice, 600, 1):
            ill = 300 < when < 420
            alpn = "http/1.1" if ill and dice.random() < 0.9 else "h2"
            yield when, someone(dice), alpn, ill and dice.random() < 0.95

    return hellos(make), {"reset-rate": {}}


def case_ja4_between_the_others():
    """Ten connections of a JA4 in a minute in which nobody else comes."""
    def make(dice):
        for when in at_random(dice, 300, 4):
            yield when if when < 150 else when + 60, someone(dice), "h2", False
        for number in range(10):
            yield 155 + number * 5, someone(dice), "http/1.1", True

    return hellos(make), {"tls-fingerprint-block": {"confidence": "low"}}


def case_only_ja4_of_its_version():
    """The one JA4 of TLS 1.2 is reset: the server may want TLS 1.3."""
    def make(dice):
        for when in at_random(dice, 200, 1):
            old = dice.random() < 0.3
            alpn = "h2" if old else dice.choice(("h2", "http/1.1"))
            yield when, someone(dice), alpn, old, "1.2" if old else "1.3"

    return hellos(make), {"tls-fingerprint-block": {"confidence": "medium"}}


if __name__ == "__main__":
    finding_cases.main(globals())
