#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Findings where the client, or its JA4, is not the only thing that those which fail have in common: what
they ask for, the backend that they share, the size of their ClientHellos. And blocks that begin or end.

    finding_reasons.py PATH-TO-WHYRST [NAME...]
"""
import random

import finding_cases
from finding_cases import DAY, START, Capture
from finding_chance import at_random, populations

SEEDS = range(3)
WEB = "192.0.2.1:80"


def captures(make, play):
    """One capture for each seed; `play` has it meet each event, at its time."""
    made = []
    for seed in SEEDS:
        capture = Capture(START + seed * DAY)
        for when, *event in sorted(make(random.Random(seed))):
            play(capture, max(when - capture.now, 0.0001), *event)
        made.append(capture)
    return made


def ask(capture, wait, client, path, server, end):
    """A request in the clear that is answered or reset; or TLS, if there is no path."""
    if not path:
        capture.tls("www.example", "h2", end == "reset", wait, client, server)
        return
    label = capture.connection(client, server)
    capture.say(wait, f"handshake {label}")
    capture.say(0.001, f'{label}:c>s PA http "GET {path} HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"')
    if end == "reset":
        capture.say(0.02, f"{label}:s>c RA")
        return
    capture.say(0.02, f'{label}:s>c PA http "HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok"')
    capture.say(0.001, f"close {label}:c")


def one_asks_for(own, path, server=WEB):
    """One of six clients asks for `own` and is reset, the others for `path` and are answered."""
    def make(dice):
        for when in at_random(dice, 100, 0.7):
            client = dice.randrange(6)
            yield (when, f"10.0.0.{client + 5}", path if client else own, server,
                   "served" if client else "reset")

    return captures(make, ask)


def case_path_of_one_client():
    """Its handler may crash."""
    return one_asks_for("/export?day=1", "/"), {"ip-block": {"client": "10.0.0.5", "confidence": "low"}}


def case_plaintext_to_tls():
    """One client speaks HTTP where TLS is expected."""
    return one_asks_for("/", "", "192.0.2.1:443"), {"ip-block": {"client": "10.0.0.5", "confidence": "low"}}


def case_path_of_all_clients():
    """The same request is answered to others: it is the client, or what else it says."""
    return one_asks_for("/a?b=1", "/a?b=2"), {"ip-block": {"client": "10.0.0.5", "confidence": "medium"}}


def case_clients_of_one_backend():
    """A balancer sends two of forty clients to a backend that is down for a minute."""
    def make(dice):
        for when in at_random(dice, 200, 0.2):
            client = dice.randrange(40)
            down = client < 2 and 70 < when < 130
            yield when, f"10.0.{client}.5", "192.0.2.1:443", "refused" if down else "served"

    return populations(make, SEEDS), {"ip-block": {"confidence": "low"}}


def case_others_come_once():
    """One client is refused, while hundreds are served that come once each."""
    def make(dice):
        for number, when in enumerate(at_random(dice, 100, 0.5)):
            own = dice.random() < 0.1
            client = "10.9.9.9" if own else f"10.{number // 250}.{number % 250}.5"
            yield when, client, "192.0.2.1:443", "refused" if own else "served"

    return populations(make, SEEDS), {"ip-block": {"client": "10.9.9.9", "confidence": "high"}}


def greet(capture, wait, client, alpn, name, size, reset):
    """A ClientHello of so many bytes; the ALPN makes the JA4."""
    capture.tls(name, f"{alpn} size={size}" if size else alpn, reset, wait, client)


def hellos(choose):
    """ClientHellos of six clients; `choose` says of each: ALPN, name, size, reset or not."""
    def make(dice):
        for when in at_random(dice, 150, 0.6):
            yield when, f"10.0.0.{dice.randrange(6) + 5}", *choose(dice, when)

    return captures(make, greet)


def case_rule_from_a_moment_on():
    """A JA4 is answered, and from a moment on reset."""
    def choose(dice, when):
        alpn = dice.choice(("h2", "http/1.1", "h3", "h2,http/1.1"))
        return alpn, "www.example", 400, alpn == "http/1.1" and when > 80

    return hellos(choose), {"tls-fingerprint-block": {"confidence": "medium", "rate": 1.0}}


def case_rule_that_is_lifted():
    def choose(dice, when):
        alpn = dice.choice(("h2", "http/1.1", "h3", "h2,http/1.1"))
        return alpn, "www.example", 400, alpn == "http/1.1" and when < 80

    return hellos(choose), {"tls-fingerprint-block": {"confidence": "medium", "rate": 1.0}}


def case_name_from_a_moment_on():
    def choose(dice, when):
        name = dice.choice(("www.example", "shop.example", "api.example"))
        return dice.choice(("h2", "http/1.1")), name, 400, name == "shop.example" and when > 80

    return hellos(choose), {"sni-block": {"sni": "shop.example", "confidence": "medium", "rate": 1.0}}


def case_name_that_was_down():
    """For a time: whoever serves it may have been down."""
    def choose(dice, when):
        name = dice.choice(("www.example", "shop.example", "api.example"))
        return dice.choice(("h2", "http/1.1")), name, 400, name == "shop.example" and 50 < when < 100

    return hellos(choose), {"sni-block": {"sni": "shop.example", "confidence": "low"}}


def case_whoever_offers_an_alpn():
    """Two JA4s (a padded ClientHello has another one) with one ALPN are reset, and no other."""
    def choose(dice, _when):
        alpn = dice.choice(("h2", "http/1.1"))
        return alpn, "www.example", dice.choice((400, 0)), alpn == "http/1.1"

    return hellos(choose), {"tls-fingerprint-block": {"confidence": "medium"}}


def case_half_of_a_ja4():
    """It is reset now and then, others never: no block."""
    def choose(dice, _when):
        alpn = dice.choice(("h2", "http/1.1", "h3"))
        return alpn, "www.example", 400, alpn == "http/1.1" and dice.random() < 0.5

    return hellos(choose), {"reset-rate": {}}


def case_long_hellos():
    """Those of two segments are reset, of two JA4s."""
    def choose(dice, _when):
        alpn = dice.choice(("h2", "http/1.1", "h3", "dot"))
        long = alpn.startswith("h") and alpn != "h3"
        return alpn, "www.example", 1800 if long else 400, long

    return hellos(choose), {"split-hello": {"confidence": "medium"}}


def case_long_and_short_hellos():
    """The same JA4 is answered when its ClientHello is short."""
    def choose(dice, _when):
        alpn = dice.choice(("h2", "http/1.1"))
        long = alpn == "h2" and dice.random() < 0.8
        return alpn, "www.example", 1800 if long else 400, long

    return hellos(choose), {"split-hello": {"confidence": "medium"}}


def case_long_hellos_of_one_ja4():
    """It may be the JA4 or the size."""
    def choose(dice, _when):
        alpn = dice.choice(("h2", "http/1.1", "h3"))
        return alpn, "www.example", 1800 if alpn == "h2" else 400, alpn == "h2"

    return hellos(choose), {"tls-fingerprint-block": {"confidence": "low"}, "causes": {"tls-fingerprint-block"}}


def case_long_hellos_that_are_answered():
    """Another JA4's long ClientHellos are answered: the size is not it."""
    def choose(dice, _when):
        alpn = dice.choice(("h2", "http/1.1", "h3"))
        return alpn, "www.example", 400 if alpn == "h3" else 1800, alpn == "h2"

    return hellos(choose), {"tls-fingerprint-block": {"confidence": "high"}}


def lasting(end):
    """Connections that last a minute, with a request each seven seconds: the last silence is shorter."""
    capture = Capture()
    for _ in range(8):
        label = capture.connection()
        capture.say(1, f"handshake {label}")
        begin = capture.now
        while capture.now < begin + 53:
            capture.say(7, f'{label}:c>s PA http "GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"')
            capture.say(0.01, f'{label}:s>c PA http "HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok"')
            capture.say(0.001, f"{label}:c>s A")
        capture.say(begin + 60 - capture.now, end.format(label))
    return [capture]


def case_age_of_connections():
    """The server resets them for their age: no timer of the silence, which was longer before."""
    return lasting("{}:s>c RA"), {"reset-rate": {}}


def case_age_of_connections_that_are_closed():
    return lasting("close {}:s"), {}


if __name__ == "__main__":
    finding_cases.main(globals())
