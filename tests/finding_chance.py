#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Findings of many connections whose failures have one cause, or none: by chance some of them look like
blocks, limits and bursts, which they must not be called.

    finding_chance.py PATH-TO-WHYRST [NAME...]
"""
import random

import finding_cases
from finding_cases import DAY, START, Capture

SEEDS = range(8)


def meet(capture, when, client, server, end):
    """A connection, as near to that time as those before it allow."""
    wait = max(when - capture.now, 0.0001)
    if end == "refused":
        capture.refused(wait, client=client, server=server)
    elif end == "silent":
        capture.silent(wait, client=client, server=server)
    else:
        capture.tls("www.example", "h2", end == "reset", wait, client, server)


def play(events, start):
    """A capture of (time, client, server, what became of it)."""
    capture = Capture(start)
    for event in sorted(events):
        meet(capture, *event)
    return capture


def populations(make, seeds=SEEDS):
    """One capture for each seed, each on a day of its own."""
    return [play(make(random.Random(seed)), START + seed * DAY) for seed in seeds]


def at_random(dice, seconds, mean):
    when = dice.uniform(0, mean)
    while when < seconds:
        yield when
        when += dice.expovariate(1 / mean)


def case_retries():
    """Whoever fails tries again at once: failures come in bursts, but no burst makes them."""
    def make(dice):
        for when in at_random(dice, 900, 5):
            if dice.random() < 0.1:
                for again in range(dice.randrange(2, 8)):
                    yield when + again * 0.2, "10.0.0.5", "192.0.2.1:443", "reset"
            yield when + 2, "10.0.0.5", "192.0.2.1:443", "served"

    return populations(make), {"reset-rate": {}}


def case_bursts_that_fail():
    """A browser opens six connections at once; now and then they fail, first or last."""
    def make(dice):
        for when in at_random(dice, 600, 15):
            bad = dice.random() < 0.15
            for number in range(6):
                end = "reset" if bad and dice.random() < 0.8 else "served"
                yield when + number * 0.1, "10.0.0.5", "192.0.2.1:443", end

    return populations(make), {"reset-rate": {}}


def case_outage_of_busy_clients():
    """Two minutes in which all connections are reset, and clients try more often."""
    def make(dice):
        for client in ("10.0.0.5", "10.0.0.6"):
            begin = dice.uniform(0, 400)
            when, end = begin, begin + dice.expovariate(1 / 200)
            while when < end:
                failing = 300 < when < 420
                yield when, client, "192.0.2.1:443", "reset" if failing else "served"
                when += dice.expovariate(1 / (2 if failing else 8))

    return populations(make), {"reset-rate": {}}


def case_client_of_restarts():
    """A client that comes only while the server starts anew, when nobody is let in."""
    def make(dice):
        for when in at_random(dice, 600, 1):
            client = dice.choice(("10.0.0.5", "10.0.0.6", "10.0.0.7"))
            yield when, client, "192.0.2.1:443", "refused" if when % 200 < 8 else "served"
        for restart in range(3):
            for _ in range(3):
                yield restart * 200 + dice.uniform(0.5, 7), "10.0.0.8", "192.0.2.1:443", "refused"

    return populations(make), {"flapping": {"server": "192.0.2.1:443"}}


def case_restart_of_a_busy_server():
    """Half a minute of refusals, and thousands of connections before and since."""
    def make(dice):
        for when in at_random(dice, 1500, 1):
            yield when, f"10.0.0.{dice.randrange(6) + 5}", "192.0.2.1:443", "refused" if 300 < when < 330 else "served"

    return populations(make), {"service-down": {"server": "192.0.2.1:443"}}


def case_down_at_first():
    """The capture begins while the server is down."""
    def make(dice):
        for when in at_random(dice, 120, 0.7):
            yield when, f"10.0.0.{dice.randrange(4) + 5}", "192.0.2.1:443", "refused" if when < 20 else "served"

    return populations(make), {"service-down": {"server": "192.0.2.1:443", "confidence": "medium"}}


def case_silence_for_a_time():
    """A firewall that drops everything for half a minute."""
    def make(dice):
        for when in at_random(dice, 300, 1):
            yield when, f"10.0.0.{dice.randrange(6) + 5}", "192.0.2.1:443", "silent" if 100 < when < 130 else "served"

    return populations(make), {"service-down": {"server": "192.0.2.1:443"}}


def case_syns_lost_here_and_there():
    """One connection in twenty gets no answer: no outage."""
    def make(dice):
        for when in at_random(dice, 600, 1):
            yield when, f"10.0.0.{dice.randrange(6) + 5}", "192.0.2.1:443", "served" if dice.random() < 0.95 else "silent"

    return populations(make), {}


def case_one_client_refused_for_a_time():
    """Nobody else tries meanwhile, but the service need not have been down."""
    def make(dice):
        for when in at_random(dice, 600, 5):
            client, end = ("10.0.0.5", "refused") if 300 < when < 360 else (f"10.0.0.{dice.randrange(2) + 5}", "served")
            yield when, client, "192.0.2.1:443", end

    return populations(make), {"refusal-rate": {}}


def line_that_goes_down(dice):
    """Three quarter minutes without an answer from any of three servers."""
    for when in at_random(dice, 600, 0.5):
        down = any(begin < when < begin + 15 for begin in (100, 300, 500))
        yield when, "10.0.0.5", f"192.0.2.{dice.randrange(3) + 1}:443", "silent" if down else "served"


def case_own_line_goes_down():
    """What befalls all servers at once is no server's doing."""
    return populations(line_that_goes_down), {}


def case_server_goes_down_beside_others():
    """The same of one server, while the others serve."""
    def make(dice):
        for when, client, server, end in line_that_goes_down(dice):
            yield when, client, server, end if server == "192.0.2.1:443" else "served"

    return populations(make), {"flapping": {"server": "192.0.2.1:443"}}


def case_round_robin():
    """One of four servers behind an address refuses: no times of its own."""
    def make(dice):
        for number, when in enumerate(at_random(dice, 300, 2)):
            yield when, f"10.0.0.{dice.randrange(3) + 5}", "192.0.2.1:443", "served" if number % 4 else "refused"

    return populations(make), {"refusal-rate": {}}


def case_client_with_a_bad_line():
    """Half of one client's connections fail, at whichever server: some of these see it fail only."""
    def make(dice):
        for when in at_random(dice, 500, 1):
            client = dice.randrange(6)
            end = "reset" if client == 0 and dice.random() < 0.5 else "served"
            yield when, f"10.0.0.{client + 5}", f"192.0.2.{dice.randrange(8) + 1}:443", end

    return populations(make), {"reset-rate": {}}


def case_limit():
    """A limit that is met again and again, others served: five within two seconds."""
    def make(dice):
        attempts = []
        for now in sorted(when + number * 0.2 for when in at_random(dice, 300, 15)
                          for number in range(dice.randrange(3, 20))):
            end = "reset" if sum(now - other < 2 for other in attempts) >= 5 else "served"
            attempts.append(now)
            yield now, "10.0.0.5", "192.0.2.1:443", end
        for when in at_random(dice, 300, 10):
            yield when, "10.0.0.6", "192.0.2.1:443", "served"

    wanted = {"client": "10.0.0.5", "server": "192.0.2.1:443"}
    return populations(make), {"rate-limit": wanted}


def case_refusals_of_a_moment():
    """A token bucket that lets in two each second refuses the others: the service never went down."""
    def make(dice):
        tokens, last = 10.0, 0.0
        for when in at_random(dice, 200, 15):
            for number in range(dice.randrange(3, 40)):
                now = max(when + number * 0.15, last)
                tokens, last = min(10, tokens + 2 * (now - last)), now
                tokens -= tokens >= 1
                yield now, "10.0.0.5", "192.0.2.1:443", "served" if tokens >= 0.5 else "refused"

    return populations(make), {"rate-limit": {"client": "10.0.0.5"}, "refusal-rate": {}}


def case_bucket_always_empty():
    """A client that always asks for twice as much as a token bucket gives."""
    def make(dice):
        tokens, last = 8.0, 0.0
        for when in at_random(dice, 60, 0.25):
            tokens, last = min(8, tokens + 2 * (when - last)), when
            yield when, "10.0.0.5", "192.0.2.1:443", "served" if tokens >= 1 else "refused"
            tokens -= tokens >= 1
        for when in at_random(dice, 60, 0.5):
            yield when, f"10.0.0.{dice.randrange(3) + 6}", "192.0.2.1:443", "served"

    return populations(make), {"rate-limit": {"client": "10.0.0.5"}}


def case_one_client_refused_at_random():
    """Whoever is refused tries again at once; others are let in. No number of connections explains it."""
    def make(dice):
        for when in at_random(dice, 200, 1):
            while dice.random() < 0.4:
                yield when, "10.0.0.5", "192.0.2.1:443", "refused"
                when += 0.3
            yield when, "10.0.0.5", "192.0.2.1:443", "served"
        for when in at_random(dice, 200, 1):
            yield when, f"10.0.0.{dice.randrange(3) + 6}", "192.0.2.1:443", "served"

    return populations(make), {"refusal-rate": {}}


def kept_open(most, own_mean, refuse, seeds=SEEDS):
    """Clients that keep their connections for some seconds; one opens more. Whoever has `most` of them is refused,
    or as `refuse` says."""
    captures = []
    for seed in seeds:
        dice, capture, closes = random.Random(seed), Capture(START + seed * DAY), []
        events = [(when, "10.0.0.5") for when in at_random(dice, 60, own_mean)]
        events += [(when, f"10.0.0.{dice.randrange(3) + 6}") for when in at_random(dice, 60, 1)]
        for when, client in sorted(events):
            for close, _, label in sorted(closes):
                if close < when:
                    capture.say(max(close - capture.now, 0.0001), f"close {label}:c")
            closes = [entry for entry in closes if entry[0] >= when]
            if refuse(dice, client, sum(entry[1] == client for entry in closes) >= most):
                capture.refused(max(when - capture.now, 0.0001), client=client)
            else:
                label = capture.asked(max(when - capture.now, 0.0001), client=client)
                capture.say(0.01, f'{label}:s>c PA http "HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok"')
                closes.append((when + dice.uniform(1, most + 1), client, label))
        captures.append(capture)
    return captures


def case_limit_of_open_connections():
    """Five at once for each client."""
    return kept_open(5, 0.5, lambda _dice, _client, full: full), {"rate-limit": {"client": "10.0.0.5"}}


def case_one_at_a_time():
    """One at once, for the client that wants more."""
    return kept_open(1, 0.8, lambda _dice, client, full: full and client == "10.0.0.5"), {
        "rate-limit": {"client": "10.0.0.5"}}


def case_half_of_them_while_one_is_open():
    """Refused at random, whether one is open or not."""
    return kept_open(1, 0.8, lambda dice, client, _full: client == "10.0.0.5" and dice.random() < 0.5), {
        "refusal-rate": {}}


def one_client_shut_out(end):
    """One of four clients meets `end` for half a minute, others are served."""
    def make(dice):
        for when in at_random(dice, 100, 0.5):
            client = f"10.0.0.{dice.randrange(4) + 5}"
            yield when, client, "192.0.2.1:443", end if client == "10.0.0.5" and 30 < when < 60 else "served"

    return populations(make)


def case_ban_that_ends():
    """It is let in again."""
    return one_client_shut_out("refused"), {"ip-block": {"client": "10.0.0.5", "confidence": "medium"}}


def case_one_client_dropped():
    """A firewall drops its SYNs."""
    return one_client_shut_out("silent"), {"unanswered": {"server": "192.0.2.1:443", "confidence": "medium"}}


def some_clients_shut_out(wanted):
    """A third of the clients meets what `wanted` says, at any time. They are others in each capture: some two
    look the same to a table that has 64 bits for all clients."""
    def make(dice):
        network = dice.randrange(256)
        for when in at_random(dice, 100, 0.7):
            client = dice.randrange(12)
            yield when, f"10.{client}.{network}.5", "192.0.2.1:443", wanted(dice, client % 3 == 0)

    return populations(make)


def case_some_clients_dropped():
    """A firewall drops their SYNs: they are never accepted, the others always."""
    return (some_clients_shut_out(lambda _dice, meant: "silent" if meant else "served"),
            {"unanswered": {"server": "192.0.2.1:443", "confidence": "medium"}})


def case_clients_behind_a_bad_line():
    """As many are lost, but each client is accepted now and then: that is no rule."""
    return some_clients_shut_out(lambda dice, meant: "silent" if meant and dice.random() < 0.7 else "served"), {}


def case_clients_that_come_once():
    """Each client comes once or twice, and one in five is lost: whom that befalls is chance."""
    def make(dice):
        for number, when in enumerate(at_random(dice, 100, 2)):
            for again in range(1 + (dice.random() < 0.2)):
                yield when + again, f"10.0.{number}.5", "192.0.2.1:443", "silent" if dice.random() < 0.2 else "served"

    return populations(make), {}


def case_client_that_bursts_once():
    """Forty connections in a few seconds, of which those beyond ten are refused: once is no ban."""
    def make(dice):
        for when in at_random(dice, 100, 2):
            yield when, "10.0.0.5", "192.0.2.1:443", "served"
        for number in range(40):
            yield 50 + number * 0.1, "10.0.0.5", "192.0.2.1:443", "served" if number < 10 else "refused"
        for when in at_random(dice, 100, 0.5):
            yield when, f"10.0.0.{dice.randrange(3) + 6}", "192.0.2.1:443", "served"

    return populations(make), {"rate-limit": {"client": "10.0.0.5"}, "refusal-rate": {}}


def case_two_at_once():
    """A server that does not know two old connections within a second: two are no burst."""
    capture = Capture()
    labels = [capture.asked(client=f"10.0.0.{number}") for number in (5, 6)]
    for label in labels:
        capture.say(5 if label == labels[0] else 0.3,
                    f'{label}:c>s PA http "GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"')
        capture.say(0.02, f"{label}:s>c R")
    for _ in range(20):
        capture.served(wait=5)
    return [capture], {}


def case_young_connections():
    """A host that does not know connections which it accepted a moment ago took over nothing."""
    capture = Capture()
    for number in range(12):
        label = capture.connection(client=f"10.0.0.{number % 4 + 5}")
        capture.say(0.05, f"handshake {label}")
        capture.say(0.001, f'{label}:c>s PA http "GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"')
        capture.say(0.02, f"{label}:s>c R")
    for _ in range(40):
        capture.served(wait=5)
    return [capture], {"reset-rate": {}}


def case_sweep():
    """One client tries a port of each address of a network, three times: most are closed or unused. That is
    one finding of low confidence for each way to fail, however many hosts there are."""
    def make(dice):
        for host in range(40, 100):
            for again in range(3):
                end = "served" if host % 10 == 0 else "silent" if host % 3 else "refused"
                yield (host + again) * 0.5, "10.0.9.9", f"192.0.2.{host}:443", end
        for when in at_random(dice, 60, 1):
            yield when, f"10.0.0.{dice.randrange(6) + 5}", f"192.0.2.{dice.choice((40, 50, 60))}:443", "served"

    once = {"confidence": "low", "server": None}
    return populations(make, range(2)), {"dead-node": once, "unanswered": once}


def case_dead_hosts_of_a_cluster():
    """A few hosts that are dead are no sweep."""
    def make(dice):
        for when in at_random(dice, 120, 1):
            yield when, "10.0.0.5", f"192.0.2.{dice.randrange(4) + 1}:443", "refused"
        for when in at_random(dice, 120, 1):
            yield when, "10.0.0.6", "192.0.2.9:443", "served"

    return populations(make, range(2)), {"dead-node": {"confidence": "high"}}


def case_polling_clients():
    """A server that forgot connections at times nobody knows: clients that poll each 30 s find out then."""
    capture = Capture()
    for number in range(10):
        label = capture.asked(client=f"10.0.0.{number + 5}")
        capture.say(0.01, f'{label}:s>c PA http "HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok"')
        capture.say(0.001, f"{label}:c>s A")
        capture.say(30, f'{label}:c>s PA http "GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"')
        capture.say(0.02, f"{label}:s>c R")
    return [capture], {"reset-rate": {}}


def case_spells_of_resets():
    """Half a minute in which seven connections a second are reset, in an hour: some come close together."""
    captures = []
    for seed in SEEDS:
        dice, capture = random.Random(seed), Capture(START + seed * DAY)
        labels = [capture.asked(0.01, client=f"10.0.0.{number % 9 + 5}") for number in range(200)]
        times = sorted(100 + dice.uniform(0, 30) for _ in labels)
        for label, when in zip(labels, times):
            capture.say(max(when - capture.now, 0.0001), f"{label}:s>c RA")
        for _ in range(20):
            capture.served(wait=150)
        captures.append(capture)
    return captures, {"reset-rate": {}}


if __name__ == "__main__":
    finding_cases.main(globals())
