#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Findings of captures made for one question each: what must be found, and what must not.

Each case (a function case_*) writes packet scripts (tests/TESTING.md), one for each capture, and returns
the findings that a run over all of them must have: {kind: fields}, and no other.

    finding_cases.py PATH-TO-WHYRST [NAME...]
"""
import copy
import json
import os
import random
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "tools"))
sys.dont_write_bytecode = True
import packets
import pkt2pcap

DAY = 86400
START = 1_700_000_000


class Capture:
    """A packet script under construction: connections follow one another unless `at` says when."""

    made = 0  # captures have connections of their own: ports differ

    def __init__(self, start=START):
        self.lines, self.count, self.now, self.start = [], 0, 0.0, start
        self.port = 10000 + Capture.made % 100 * 500
        Capture.made += 1

    def write(self, path):
        script = path + ".pkt"
        with open(script, "w") as file:
            file.write(f"start {self.start}\n" + "\n".join(self.lines) + "\n")
        frames = filter(self.has, pkt2pcap.Script(script).frames)
        packets.write_pcap(path, sorted(frames, key=lambda frame: frame.time_ns), nanoseconds=True)

    def has(self, frame):
        """Whether the frame is captured."""
        return True

    def connection(self, client="10.0.0.5", server="192.0.2.1:80"):
        """Declares a connection and returns its label."""
        self.count += 1
        host = f"[{client}]" if ":" in client else client
        self.lines.append(f"conn n{self.count} {host}:{self.port + self.count} {server}")
        return f"n{self.count}"

    def say(self, wait, text):
        """A line after `wait` seconds; macros take their time."""
        self.now += wait + {"handshake": 0.0201, "close": 0.03}.get(text.split()[0], 0)
        self.lines.append(f"+{wait:.6f} {text}")

    def lost(self, wait, text):
        """The same, but the capture has not got it."""
        self.now += wait
        self.lines.append(f"-+{wait:.6f} {text}")

    def served(self, wait=0.1, **ends):
        """Handshake, request, response, orderly close."""
        label = self.connection(**ends)
        self.say(wait, f"handshake {label}")
        self.say(0.001, f'{label}:c>s PA http "GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"')
        self.say(0.02, f'{label}:s>c PA http "HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok"')
        self.say(0.001, f"close {label}:c")
        return label

    def answered(self, closes, after):
        """Request and response; one side closes after a silence."""
        label = self.asked()
        self.say(0.01, f'{label}:s>c PA http "HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok"')
        self.say(0.001, f"{label}:c>s A")
        self.say(after, f"close {label}:{closes}")

    def asked(self, wait=0.1, **ends):
        """Handshake and a request, which the server acknowledges."""
        label = self.connection(**ends)
        self.say(wait, f"handshake {label}")
        self.say(0.001, f'{label}:c>s PA http "GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"')
        self.say(0.02, f"{label}:s>c A")
        return label

    def tls(self, name, alpn, reset, wait=0.1, client="10.0.0.5", server="192.0.2.1:443", version="1.3",
            alert=""):
        """A ClientHello that is reset, after a fatal alert or without one, or answered. The ALPN and the
        version make the JA4."""
        label = self.connection(client, server)
        self.say(wait, f"handshake {label}")
        self.say(0.001, f"{label}:c>s PA tls hello sni={name} alpn={alpn} version={version}")
        if alert:
            self.say(0.02, f"{label}:s>c PA tls alert fatal {alert}")
        if reset:
            self.say(0.02, f"{label}:s>c RA")
            return
        self.say(0.02, f"{label}:s>c PA tls serverhello13 + tls ccs + tls app 900")
        self.say(0.001, f"{label}:c>s PA tls ccs + tls app 53")
        self.say(0.001, f"close {label}:c")

    def refused(self, wait=0.1, **ends):
        label = self.connection(**ends)
        self.say(wait, f"{label}:c>s S")
        self.say(0.02, f"{label}:s>c RA seq raw 0")

    def silent(self, wait=0.1, **ends):
        """A SYN that nothing answers."""
        label = self.connection(**ends)
        self.say(wait, f"{label}:c>s S")


class FromClients(Capture):
    """Captured where only what clients (10.0.0.0/8) send passes."""

    def has(self, frame):
        return frame.data[26] == 10  # Ethernet, IPv4


def case_one_direction():
    """Refusals that were not captured look like silence, but nothing of the server was captured."""
    capture = FromClients()
    for n in range(40):
        (capture.served if n % 4 else capture.refused)(4, client=f"10.0.0.{n % 4 + 5}")
    return [capture], {}


def case_down_in_one_capture():
    """A service that accepts, and from a moment on refuses."""
    capture = Capture()
    for _ in range(4):
        capture.served()
    for _ in range(4):
        capture.refused()
    return [capture], {"service-down": {"server": "192.0.2.1:80", "resets": 4}}


def case_days_apart():
    """The same address in captures of different days may be another host: neither went the service
    down, nor is its port wrong, nor does it flap."""
    captures = []
    for day in range(4):
        captures.append(Capture(START + day * DAY))
        for _ in range(4):
            if day % 2 == 0:
                captures[-1].served()
            else:
                captures[-1].refused()
        captures[-1].served(server="192.0.2.1:81") if day % 2 == 0 else None
    return captures, {"dead-node": {"server": "192.0.2.1:80", "resets": 4}}


def case_files_of_a_ring():
    """The second file begins where the first ends, in whatever order they are given."""
    first, second = Capture(), Capture(START + 1)
    for _ in range(4):
        first.served(wait=0.2)
    for _ in range(4):
        second.refused(wait=0.2)
    return [second, first], {"service-down": {"server": "192.0.2.1:80", "resets": 4}}


def case_joined_by_a_third():
    """Two captures that do not touch, and one that touches both."""
    first, second, bridge = Capture(), Capture(START + 60), Capture(START + 1)
    for _ in range(4):
        first.served(wait=0.2)
        second.refused(wait=0.2)
    for number in range(7):
        bridge.served(wait=10 if number else 0.1, server="192.0.2.9:80")
    return [first, second, bridge], {"service-down": {"server": "192.0.2.1:80", "resets": 4}}


def case_two_points_of_one_way():
    """The same two resets, captured twice: no four of them."""
    first = Capture()
    for _ in range(2):
        first.tls("a.example", "h2", reset=True)
        first.tls("b.example", "h2", reset=False)
    for _ in range(6):
        first.served(server="192.0.2.1:443")
    second = copy.deepcopy(first)
    second.start += 0.01
    return [first, second], {}


def case_clock_not_set():
    """Two devices whose clocks begin in 1970 have not seen the same things."""
    first, second = Capture(10), Capture(10)
    for _ in range(4):
        first.served()
        second.refused(wait=1)
    return [first, second], {"dead-node": {"server": "192.0.2.1:80", "resets": 4}}


def case_loopback_of_two_hosts():
    """Each capture has a loopback of its own, even in the same seconds."""
    first, second = Capture(), Capture(START + 1)
    for _ in range(4):
        first.served(wait=0.2, client="127.0.0.1", server="127.0.0.1:80")
        second.refused(wait=0.2, client="127.0.0.1", server="127.0.0.1:80")
    return [first, second], {}


def case_loopback_port():
    """Nobody listens on a loopback port while another accepts: which one was meant is not said."""
    capture = Capture()
    for _ in range(4):
        capture.refused(client="127.0.0.1", server="127.0.0.1:5432")
        capture.served(client="127.0.0.1", server="127.0.0.1:80")
    return [capture], {"loopback-trap": {"server": "127.0.0.1:5432", "resets": 4}}


def case_channels_of_one_client():
    """Four channels of one client reset at once: its session may have ended, the server lives."""
    capture = Capture()
    labels = [capture.asked() for _ in range(4)]
    for label in labels:
        capture.say(1 if label == labels[0] else 0.0001, f"{label}:s>c RA")
    return [capture], {"reset-rate": {"resets": 4}}


def case_channels_then_refused():
    """The same, but nobody listens afterwards: that was the process."""
    [capture], _ = case_channels_of_one_client()
    capture.refused(wait=1)
    return [capture], {"process-exit": {"server": "192.0.2.1:80", "resets": 4}}


def case_channels_of_two_clients():
    """The server resets what two clients have with it: no client's doing."""
    capture = Capture()
    labels = [capture.asked(client=f"10.0.0.{number % 2 + 5}") for number in range(6)]
    for label in labels:
        capture.say(1 if label == labels[0] else 0.0001, f"{label}:s>c RA")
    return [capture], {"process-exit": {"server": "192.0.2.1:80", "resets": 6}}


def case_ack_probes():
    """A scanner's lone ACKs (nmap -PA) meet RSTs at a server that serves others: no connections."""
    capture = Capture()
    for number in range(12):
        capture.served()
        if number % 2:
            label = capture.connection("10.0.0.66", "192.0.2.1:80")
            capture.say(0.1, f"{label}:c>s A seq 1 ack 1")
            capture.say(0.02, f"{label}:s>c R seq 1")
    return [capture], {"reset-rate": {"resets": 6, "confidence": "low"}}


def case_several_names_blocked():
    """Three names of a server are reset, two are not: the blocked ones are no comparison."""
    capture = Capture()
    for round_ in range(4):
        for name in ("a", "b", "c", "d", "e"):
            for alpn in ("h2", "http/1.1"):
                capture.tls(f"{name}.example", alpn, reset=name in "abc")
    return [capture], {"sni-block": {"server": "192.0.2.1:443", "resets": 8, "other_resets": 0}}


def case_resets_at_random():
    """A server that resets every other handshake: names that had bad luck are not blocked."""
    capture, dice = Capture(), random.Random(4)
    for number in range(200):
        capture.tls(f"{number % 50}.example", "h2" if number % 3 else "http/1.1",
                    reset=dice.random() < 0.5)
    return [capture], {"reset-rate": {"server": "192.0.2.1:443"}}


def case_ja4_over_addresses():
    """One name behind 20 addresses, each with a connection or two: its JA4 is reset at all."""
    capture = Capture()
    for host in range(1, 21):
        for client in ("10.0.0.5", "10.0.0.6"):
            capture.tls("cdn.example", "h2", reset=True, client=client, server=f"192.0.2.{host}:443")
        capture.tls("cdn.example", "http/1.1", reset=False, server=f"192.0.2.{host}:443")
    return [capture], {"tls-fingerprint-block": {"sni": "cdn.example", "resets": 40,
                                                 "connections": 40, "other_connections": 20,
                                                 "server": None}}


def case_ja4_at_other_addresses():
    """The JA4 that is reset never met an address that accepts another: the addresses may be it."""
    capture = Capture()
    for host in range(1, 21):
        for client in ("10.0.0.5", "10.0.0.6"):
            capture.tls("cdn.example", "h2" if host > 10 else "http/1.1", reset=host > 10,
                        client=client, server=f"192.0.2.{host}:443")
    return [capture], {}


def case_name_over_addresses():
    """One name behind 20 addresses is reset, another behind the same is not."""
    capture = Capture()
    for host in range(1, 21):
        for name in ("cdn.example", "web.example"):
            capture.tls(name, "h2" if host % 2 else "http/1.1", reset=name == "cdn.example",
                        server=f"192.0.2.{host}:443")
    return [capture], {"sni-block": {"sni": "cdn.example", "resets": 20, "other_connections": 20}}


def case_closes_after_silence():
    """The server closes idle connections by FIN, always after 7 s: its timer."""
    capture = Capture()
    for _ in range(10):
        capture.answered(closes="s", after=7)
    return [capture], {"idle-timer": {"server": "192.0.2.1:80", "resets": 10, "seconds": 7.001}}


def case_closes_at_any_time():
    """It closes after one silence and another: no timer."""
    capture, dice = Capture(), random.Random(1)
    for _ in range(20):
        capture.answered(closes="s", after=dice.uniform(4, 60))
    return [capture], {}


def case_client_closes_after_silence():
    """The client's timer is not the server's."""
    capture = Capture()
    for _ in range(10):
        capture.answered(closes="c", after=7)
    return [capture], {}


def case_slow_answers_end_by_close():
    """The close ends an answer that took its time: nobody was idle."""
    capture = Capture()
    for _ in range(10):
        label = capture.asked()
        capture.say(0.1, f'{label}:s>c PA http "HTTP/1.0 200 OK\\r\\n\\r\\nbegin"')
        capture.say(7, f"close {label}:s")
    return [capture], {}


def differences(found, wanted):
    """What is wrong with the findings, as lines."""
    for kind, fields in wanted.items():
        mine = [finding for finding in found if finding["kind"] == kind]
        if not mine:
            yield f"{kind} is not found"
        for finding in mine:
            yield from (f"{kind}: {key} is {finding.get(key)}, expected {value}"
                        for key, value in fields.items() if finding.get(key) != value)
    for finding in found:
        if finding["kind"] not in wanted:
            yield f"no {finding['kind']} there: {finding['text']}; {'; '.join(finding['evidence'])}"


def of_endpoint(records, name, wanted):
    """What is wrong with the endpoint, as lines; `wanted` may have another name."""
    mine = [record for record in records
            if record["type"] == "endpoint" and record["name"] == wanted.get("name", name)]
    if not mine:
        yield "the endpoint is not listed"
    for record in mine:
        yield from (f"endpoint: {key} is {record.get(key)}, expected {value}"
                    for key, value in wanted.items() if record.get(key) != value)


def run(program, name, case, work, endpoint):
    captures, wanted, *rest = case()
    causes = wanted.pop("causes", None)
    paths = [os.path.join(work, f"{name}-{number}.pcap") for number in range(len(captures))]
    for capture, path in zip(captures, paths):
        capture.write(path)
    result = subprocess.run([program, "--format=ndjson", "--no-progress", *paths], check=True,
                            capture_output=True, text=True)
    records = list(map(json.loads, result.stdout.splitlines()))
    lines = list(differences([record for record in records if record["type"] == "finding"], wanted))
    found = {record["cause"] for record in records if record["type"] == "rst"}
    if causes and found != causes:
        lines.append(f"causes are {found}, expected {causes}")
    return lines + list(of_endpoint(records, endpoint, *rest) if rest else ())


def main(found, endpoint=""):
    """Runs the functions case_* among those `found` in a module: captures, and the findings wanted with their
    fields, "causes" being those of all RSTs; they may also return fields of the `endpoint`."""
    program, names = sys.argv[1], sys.argv[2:]
    cases = {name[5:]: case for name, case in found.items() if name.startswith("case_")}
    failed = 0
    with tempfile.TemporaryDirectory() as work:
        for name in names or cases:
            lines = run(program, name, cases[name], work, endpoint)
            failed += bool(lines)
            for line in lines:
                print(f"{name}: {line}")
    print(f"{len(names or cases) - failed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main(globals())
