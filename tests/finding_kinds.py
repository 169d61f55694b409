#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Each kind of finding: a capture that has it, and captures that only look as if they had.

As finding_cases.py: each case_* returns captures and all findings that they must have.

    finding_kinds.py PATH-TO-WHYRST [NAME...]
"""
from finding_cases import Capture, main

WEB, OTHER = "192.0.2.1:80", "192.0.2.1:81"
PROXY = "192.0.2.9:3128"
CLIENTS = [f"10.0.0.{n}" for n in range(5, 9)]


def silent(capture, server, wait=0.1, error=None, client="10.0.0.5"):
    """A SYN that nothing but an ICMP error (type and code) answers."""
    label = capture.connection(client, server)
    capture.say(wait, f"{label}:c>s S")
    if error:
        capture.say(0.001, f"quote {error}")


def crowd(capture, count, server=WEB, wait=0.1):
    for n in range(count):
        capture.served(wait, client=CLIENTS[n % 4], server=server)


def reset_later(capture, labels, wait, how="RA", client_first=""):
    """All of `labels` in one instant, `wait` from now."""
    for n, label in enumerate(labels):
        if client_first:
            capture.say(0.0001 if n else wait, f"{label}:c>s PA {client_first}")
            capture.say(0.02, f"{label}:s>c {how}")
        else:
            capture.say(0.0001 if n else wait, f"{label}:s>c {how}")


# Hosts and ports

def case_dead_silent():
    """Two ports of a host are silent, nothing comes from it; others answer meanwhile."""
    capture = Capture()
    for _ in range(3):
        silent(capture, "192.0.2.7:80"), silent(capture, "192.0.2.7:443")
        crowd(capture, 2)
    crowd(capture, 5, wait=1)
    return [capture], {"dead-node": {"server": "192.0.2.7", "resets": 6, "connections": 6,
                                     "confidence": "medium"}}


def case_dead_went_silent():
    """A host that served goes silent on two ports."""
    capture = Capture()
    crowd(capture, 3, "192.0.2.7:80"), crowd(capture, 3, "192.0.2.7:443")
    for _ in range(3):
        silent(capture, "192.0.2.7:80"), silent(capture, "192.0.2.7:443")
    crowd(capture, 5, wait=1)
    return [capture], {"dead-node": {"server": "192.0.2.7", "resets": 6, "connections": 12}}


def case_silent_but_alive():
    """The same, but the host is a client elsewhere meanwhile: filtered ports."""
    capture = Capture()
    for _ in range(3):
        silent(capture, "192.0.2.7:80"), silent(capture, "192.0.2.7:443")
        capture.served(client="192.0.2.7", server="192.0.2.8:80")
    crowd(capture, 5, wait=1)
    return [capture], {"unanswered": {"resets": 3}}


def case_silent_but_speaks():
    """The same, but another of its ports answers afterwards."""
    capture = Capture()
    for _ in range(3):
        silent(capture, "192.0.2.7:80"), silent(capture, "192.0.2.7:443")
    capture.served(1, server="192.0.2.7:22")
    crowd(capture, 5, wait=1)
    return [capture], {"unanswered": {"resets": 3}}


def case_dead_by_router():
    """The last router finds no such host."""
    capture = Capture()
    for _ in range(4):
        silent(capture, "192.0.2.7:80", error="3 1")
        crowd(capture, 2)
    return [capture], {"dead-node": {"server": "192.0.2.7:80", "resets": 4, "confidence": "medium"}}


def case_unanswered():
    """One port is silent."""
    capture = Capture()
    for _ in range(4):
        silent(capture, OTHER)
        crowd(capture, 2, wait=2)
    return [capture], {"unanswered": {"server": OTHER, "resets": 4}}


def case_answered_unseen():
    """Of the server's direction nothing was captured, but the client acknowledges: no silence."""
    capture = Capture()
    for _ in range(4):
        label = capture.connection()
        capture.say(1, f"{label}:c>s S")
        capture.lost(0.02, f"{label}:s>c SA")
        capture.say(0.001, f"{label}:c>s A")
        capture.say(0.001, f'{label}:c>s PA http "GET / HTTP/1.1\\r\\n\\r\\n"')
    return [capture], {}


def case_unreachable():
    """A rule forbids a port and says so."""
    capture = Capture()
    for _ in range(4):
        silent(capture, OTHER, error="3 13")
        crowd(capture, 2)
    return [capture], {"unreachable": {"server": OTHER, "resets": 4}}


def case_unreachable_brief():
    """Routers of old quote eight bytes of TCP (RFC 792); that takes no stream number."""
    capture = Capture()
    for _ in range(4):
        silent(capture, OTHER, error="3 13 brief")
        crowd(capture, 2)
    return [capture], {"unreachable": {"server": OTHER, "resets": 4}}


def case_unreachable_soft():
    """Routers complain, and the connections are made all the same (RFC 1122 section 4.2.3.9)."""
    capture = Capture()
    for _ in range(6):
        label = capture.connection()
        capture.say(0.1, f"{label}:c>s S")
        capture.say(0.01, "quote 3 1")
        capture.say(0.5, f"{label}:s>c SA")
        capture.say(0.01, f"{label}:c>s A")
        capture.say(0.01, f"close {label}:c")
    return [capture], {}


def case_rejected():
    """RSTs for one port are built nearer than where the server is."""
    capture = Capture()
    for _ in range(4):
        crowd(capture, 2)
        label = capture.connection(server=OTHER)
        capture.say(0.1, f"{label}:c>s S")
        capture.say(0.001, f"{label}:s>c RA ttl 60 seq raw 0")
    return [capture], {"rejected": {"server": OTHER, "sender": "middlebox", "resets": 4}}


def case_rejected_from_then_on():
    """A limit on a device before the server is reached: its rule refuses, nearer than the server is, which is no
    outage of the service."""
    capture = Capture()
    for n in range(4):
        capture.served(client=CLIENTS[n])
    for n in range(4):
        label = capture.connection(client=CLIENTS[n])
        capture.say(0.1, f"{label}:c>s S")
        capture.say(0.001, f"{label}:s>c RA ttl 60 seq raw 0")
    return [capture], {"rejected": {"server": WEB, "sender": "middlebox", "resets": 4, "confidence": "medium"}}


def case_wrong_port():
    capture = Capture()
    for _ in range(4):
        capture.refused(server=OTHER), capture.served()
    return [capture], {"wrong-port": {"server": OTHER, "sender": "server", "resets": 4}}


def case_flapping():
    capture = Capture()
    for _ in range(5):
        crowd(capture, 5)
        for n in range(5):
            capture.refused(wait=0.2, client=CLIENTS[n % 4])
    return [capture], {"flapping": {"server": WEB, "resets": 25, "connections": 50}}


def case_one_in_two_refused():
    """One of two backends behind an address is down: every second connection, no outages."""
    capture = Capture()
    for n in range(25):
        capture.served(client=CLIENTS[n % 4]), capture.refused(client=CLIENTS[(n + 1) % 4])
    return [capture], {"refusal-rate": {}}


# Clients

def case_fingerprint_block():
    """One JA4 is reset whoever uses it, another one never."""
    capture = Capture()
    for n in range(20):
        capture.tls("a.example", "h2" if n % 2 else "http/1.1", n % 2, client=CLIENTS[n // 2 % 4])
    return [capture], {"tls-fingerprint-block": {"server": "192.0.2.1:443", "resets": 10,
                                                 "other_resets": 0, "other_connections": 10}}


def case_every_fingerprint_reset():
    """Whatever the JA4, it is reset: the server does not want TLS at all."""
    capture = Capture()
    for n in range(12):
        capture.tls("a.example", "h2" if n % 2 else "http/1.1", True, client=CLIENTS[n // 2 % 4])
    return [capture], {"reset-rate": {"server": "192.0.2.1:443", "resets": 12}}


def case_alert_says_why():
    """A JA4 without TLS 1.3 is told so by an alert before each RST: nobody has it blocked."""
    capture = Capture()
    for n in range(20):
        capture.tls("a.example", "h2" if n % 2 else "http/1.1", n % 2, client=CLIENTS[n // 2 % 4],
                    version="1.2" if n % 2 else "1.3", alert="protocol_version" if n % 2 else "")
    return [capture], {"reset-rate": {"server": "192.0.2.1:443", "resets": 10}}


def case_version_not_wanted():
    """All JA4s without TLS 1.3 are reset, and none with it: the version is reason enough. Both are told of,
    as a possibility, and their RSTs are not laid to it."""
    capture = Capture()
    for n in range(60):
        old = n % 3 > 0
        capture.tls("a.example", "h2" if n % 3 == 1 else "http/1.1", old, client=CLIENTS[n // 3 % 4],
                    version="1.2" if old else "1.3")
    return [capture], {"tls-fingerprint-block": {"server": "192.0.2.1:443", "resets": 20, "confidence": "low"}}


def case_fingerprint_of_one_client():
    """The JA4 that is reset is one client's only one: its address may be meant."""
    capture = Capture()
    for _ in range(6):
        capture.tls("a.example", "h2", True, client="10.0.0.99")
        for client in CLIENTS[:2]:
            capture.tls("a.example", "http/1.1", False, client=client)
    return [capture], {"reset-rate": {"resets": 6}}


def case_ip_block():
    """One client is reset from a moment on, three others are served meanwhile."""
    capture = Capture()
    for n in range(6):
        label = capture.asked(client="10.0.0.99")
        capture.say(0.01, f"{label}:s>c RA")
        crowd(capture, 3)
    return [capture], {"ip-block": {"server": WEB, "client": "10.0.0.99", "resets": 6,
                                    "other_resets": 0}}


def case_too_large():
    """One client's uploads are too large, as the server's 413 says before each RST: its address is not meant."""
    capture = Capture()
    for _ in range(6):
        label = capture.connection("10.0.0.99", WEB)
        capture.say(0.1, f"handshake {label}")
        capture.say(0.001, f'{label}:c>s A http "POST / HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 90000\\r\\n\\r\\n"'
                    " + len 1300")
        capture.say(0.02, f'{label}:s>c PA http "HTTP/1.1 413 Too Large\\r\\nContent-Length: 0\\r\\n\\r\\n"')
        capture.say(0.001, f"{label}:c>s A len 1400")
        capture.say(0.001, f"{label}:s>c RA")
        crowd(capture, 3)
    return [capture], {"reset-rate": {"server": WEB, "resets": 6}}


def case_client_stops():
    """One client stops in the middle of its request's head, each time; a timer resets it. No address is meant."""
    capture = Capture()
    for _ in range(5):
        label = capture.connection("10.0.0.99", WEB)
        capture.say(0.1, f"handshake {label}")
        capture.say(0.001, f'{label}:c>s PA http "GET / HTTP/1.1\\r\\nHo"')
        crowd(capture, 3)
        capture.say(5, f"{label}:s>c RA")
    return [capture], {"reset-rate": {"server": WEB, "resets": 5}}


def case_everybody_blocked():
    """One client is reset, and so are the others: no block of an address."""
    capture = Capture()
    for n in range(12):
        label = capture.asked(client=CLIENTS[n % 4])
        capture.say(0.01, f"{label}:s>c RA")
    return [capture], {"reset-rate": {"server": WEB, "resets": 12}}


def case_rate_limit():
    """Ten connections of a client within a second go well, further ones are refused, again and again."""
    capture = Capture()
    for _ in range(4):
        for _ in range(10):
            capture.served(0.01, client="10.0.0.99")
        for _ in range(5):
            capture.refused(0.01, client="10.0.0.99")
        for _ in range(3):
            crowd(capture, 2, wait=5)
    return [capture], {"rate-limit": {"server": WEB, "client": "10.0.0.99", "resets": 20}}


def case_refused_at_any_rate():
    """Connections are refused in bursts as well as in quiet: no limit."""
    capture = Capture()
    for n in range(40):
        client = CLIENTS[n % 4]
        (capture.refused if n * 7 % 5 < 2 else capture.served)(30 if n % 8 == 0 else 0.01, client=client)
    return [capture], {"refusal-rate": {}}


def case_down_after_crashes():
    """It restarts a few times, too fast for an outage, and is then gone for good."""
    capture = Capture()
    for n in range(4):
        crowd(capture, 10)
        capture.refused(0.05, client=CLIENTS[n % 4])
        capture.refused(0.05, client=CLIENTS[n % 3])
    crowd(capture, 10)
    for n in range(40):
        capture.refused(client=CLIENTS[n % 4])
    return [capture], {"service-down": {"resets": 40}}


def case_silent_until():
    """SYNs that are repeated until the server is back began while it was not."""
    capture = Capture()
    for n in range(20):
        capture.served(client=CLIENTS[n % 4])
        capture.served(client=CLIENTS[n % 4], server="192.0.2.2:80")
    for n in range(5):
        silent(capture, WEB, 1, client=CLIENTS[n % 4])
        capture.served(client=CLIENTS[n % 4], server="192.0.2.2:80")
    late = [capture.connection(client, WEB) for client in CLIENTS[:3]]
    for wait in (1, 1, 2):
        for label in late:
            capture.say(wait if label == late[0] else 0.001, f"{label}:c>s S")
    for label in late:
        capture.say(0.02, f"{label}:s>c SA")
        capture.say(0.02, f"{label}:c>s A")
    crowd(capture, 20)
    return [capture], {"service-down": {"seconds": 8.8645}}  # those late ones began 3.9 s before its end


# Bursts and timers

def case_rolling_deployment():
    """Three servers lose their connections one after another."""
    capture = Capture()
    labels = {n: [capture.asked(client=CLIENTS[c % 4], server=f"192.0.2.{n}:80") for c in range(6)]
              for n in (1, 2, 3)}
    for n in labels:
        reset_later(capture, labels[n], 5)
    return [capture], {"rolling-deployment": {"resets": 18}, "process-exit": {"resets": 6}}


def case_exit_long_ago():
    """Hundreds of single resets since then hide no burst."""
    capture = Capture()
    reset_later(capture, [capture.asked(client=CLIENTS[n % 4]) for n in range(12)], 5)
    for n in range(400):
        reset_later(capture, [capture.asked(client=CLIENTS[n % 4])], 10)
        capture.served(client=CLIENTS[n % 4])
    return [capture], {"process-exit": {"resets": 12}, "reset-rate": {"resets": 412}}


def case_all_at_once():
    """All servers in the same instant: no deployment."""
    capture = Capture()
    labels = {n: [capture.asked(client=CLIENTS[c % 4], server=f"192.0.2.{n}:80") for c in range(6)]
              for n in (1, 2, 3)}
    for n in labels:
        reset_later(capture, labels[n], 5 if n == 1 else 0.0001)
    return [capture], {"process-exit": {"resets": 6}}


def kept_alive(capture, client):
    label = capture.connection(client)
    capture.say(0.05, f"handshake {label}")
    capture.say(0.001, f'{label}:c>s PA http "GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"')
    capture.say(0.02, f'{label}:s>c PA http "HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok"')
    capture.say(0.0001, f"{label}:c>s A")
    return label


NEXT = 'http "GET /2 HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"'


def case_fail_over():
    """Connections of several clients meet a host that knows none of them."""
    capture = Capture()
    labels = [kept_alive(capture, CLIENTS[n % 4]) for n in range(6)]
    reset_later(capture, labels, 1.5, "R", NEXT)
    return [capture], {"fail-over": {"server": WEB, "resets": 6}}


def case_forgotten_one_by_one():
    """The same, minutes apart: nothing moved in one moment."""
    capture = Capture()
    for n in range(6):
        reset_later(capture, [kept_alive(capture, CLIENTS[n % 4])], 1.5, "R", NEXT)
        crowd(capture, 2, wait=40)
    return [capture], {"reset-rate": {"resets": 6}}


def case_forgotten_while_idle():
    """A device that forgets idle connections answers what comes next: the shortest silence is told."""
    capture = Capture()
    for n in range(6):
        reset_later(capture, [kept_alive(capture, CLIENTS[n % 4])], 8 + 3 * n, "R", NEXT)
        crowd(capture, 2, wait=40)
    return [capture], {"reset-rate": {"resets": 6, "evidence": [
        "6 reset in phase idle-timeout", "6 of them hit a request that is idempotent and may be repeated",
        "6 answered the first segment after a silence, the shortest of 8.0 s: by then the connection is forgotten"]}}


def idle(silences):
    capture = Capture()
    for n, silence in enumerate(silences):
        label = kept_alive(capture, CLIENTS[n % 4])
        capture.say(silence, f"{label}:s>c RA")
    return capture


def case_idle_timer():
    return [idle([60, 60.1, 60, 60.02, 60.05, 60, 60.01])], {
        "idle-timer": {"server": WEB, "resets": 7}}


def case_idle_whenever():
    """Idle connections are reset after all kinds of silences: no timer."""
    return [idle([5, 11, 24, 50, 100, 170, 300])], {"reset-rate": {"resets": 7}}


def case_requests_hit():
    """Which of the requests that were hit may be repeated."""
    capture = Capture()
    for method in ("GET", "POST", "PUT", "POST", "GET", "BREW"):
        label = capture.connection()
        capture.say(1, f"handshake {label}")
        capture.say(0.001, f'{label}:c>s PA http "{method} /a HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 0\\r\\n\\r\\n"')
        capture.say(0.5, f"{label}:s>c RA")
    return [capture], {"reset-rate": {"resets": 6, "evidence": [
        "6 reset in phase awaiting-response",
        "3 of them hit a request that is idempotent and may be repeated",
        "2 of them hit a request that may have taken effect"]}}


def case_few_resets():
    """One reset of forty is below what the interval can tell from the alert rate."""
    capture = Capture()
    crowd(capture, 40)
    label = capture.asked()
    capture.say(0.1, f"{label}:s>c RA")
    return [capture], {}


main(globals())
