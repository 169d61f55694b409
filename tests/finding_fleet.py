#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Findings about several servers or clients together, and what only looks like one.

    finding_fleet.py PATH-TO-WHYRST [NAME...]
"""
import finding_cases
from finding_cases import Capture
from finding_chance import at_random, populations


SEEDS = range(2)  # busy ones


def fleet(dice, servers, is_down, seconds=60):
    """Four clients and their connections to each server, about three a second; `is_down` says when not."""
    for number, server in enumerate(servers):
        for when in at_random(dice, seconds, 0.3):
            end = "refused" if is_down(dice, number, when) else "served"
            yield when, f"10.0.0.{dice.randrange(4) + 5}", server, end


BACKENDS = [f"192.0.2.{number + 1}:443" for number in range(5)]
PORTS = [f"192.0.2.1:{8000 + number}" for number in range(5)]


def in_turn(_dice, number, when):
    return 10 + number * 8 < when < 14 + number * 8


def deployed(servers):
    return populations(lambda dice: fleet(dice, servers, in_turn), SEEDS), {
        "rolling-deployment": {"confidence": "medium"}, "service-down": {}}


def case_drained_one_after_another():
    """Connections are closed in order; all that is lost is refused for a few seconds at each server."""
    return deployed(BACKENDS)


def case_ports_one_after_another():
    """The same of one service's ports at one address."""
    return deployed(PORTS)


def case_short_stops():
    """Hardly two refusals of each server: only together do they show it."""
    servers = BACKENDS + ["192.0.2.9:443"]
    capture = Capture()
    for number, server in enumerate(servers * 30):
        capture.served(0.3, client=f"10.0.0.{number % 4 + 5}", server=server)
    for number, server in enumerate(servers):
        for client in (5, 6):
            capture.refused(2 if client == 5 else 0.4, client=f"10.0.0.{client}", server=server)
        capture.served(0.5, client=f"10.0.0.{number % 4 + 5}", server=server)
    return [capture], {"rolling-deployment": {"resets": 12}}


def case_down_together():
    """A rack without power for a while: no server after the other."""
    def make(dice):
        return fleet(dice, BACKENDS, lambda _dice, number, when: 20 < when - number * 0.2 < 24)

    return populations(make, SEEDS), {"service-down": {}}


def case_three_of_many():
    """Three of a dozen servers were down once, at different times."""
    def make(dice):
        servers = [f"192.0.2.{number + 1}:443" for number in range(12)]
        return fleet(dice, servers, lambda dice, number, when: number < 3 and in_turn(dice, number, when))

    return populations(make, SEEDS), {"service-down": {}}


def case_few_refusals():
    """Each server refuses now and then."""
    def make(dice):
        return fleet(dice, BACKENDS, lambda dice, _number, _when: dice.random() < 0.01)

    return populations(make, SEEDS), {}


def crowd(dice, end, banned=lambda client, when: False, clients=12):
    """Clients of one server in three networks, some of which are not let in."""
    for number in range(clients):
        client = f"10.0.{number % 3}.{number // 3 + 5}"
        for when in at_random(dice, 60, 2):
            yield when, client, "192.0.2.1:443", end if banned(client, when) else "served"


def case_network_banned():
    """All clients of one network since a moment: each is no fair comparison for the others."""
    def make(dice):
        return crowd(dice, "refused", lambda client, when: client.startswith("10.0.1.") and when > 20)

    return populations(make, SEEDS), {"ip-block": {"confidence": "medium"}}


def case_hellos_of_a_network():
    """Their ClientHellos are those of everybody."""
    def make(dice):
        return crowd(dice, "reset", lambda client, _when: client.startswith("10.0.2."))

    return populations(make, SEEDS), {"ip-block": {"confidence": "medium"}}


def case_some_fail_half():
    """Clients that fail often are not shut out."""
    def make(dice):
        return crowd(dice, "reset", lambda client, _when: client.startswith("10.0.2.") and dice.random() < 0.6)

    return populations(make, SEEDS), {"reset-rate": {}}


def case_down_at_the_end():
    """The last who came met a server that is down."""
    def make(dice):
        return crowd(dice, "refused", lambda _client, when: when > 45)

    return populations(make, SEEDS), {"service-down": {}}


def scanned(services):
    """Three scans of forty ports beside users."""
    capture = Capture()
    for number in range(120):
        for port in services:
            capture.served(client="10.0.0.6", server=f"192.0.2.1:{port}")
        capture.refused(client="10.0.0.5", server=f"192.0.2.1:{1000 + number % 40}")
    return capture


def case_scan():
    """One finding, not one for each port."""
    return [scanned([80])], {"wrong-port": {"server": "192.0.2.1", "confidence": "low", "resets": 120}}


def tried_once(count):
    """One client tries so many ports of a host, another as many hosts, each once, beside users."""
    capture = Capture()
    for number in range(count):
        capture.served(client="10.0.0.6", server="192.0.2.1:80")
        capture.refused(client="10.0.0.5", server=f"192.0.2.1:{1000 + number}")
        capture.refused(client="10.0.0.9", server=f"198.51.100.{number + 1}:445")
    return capture


def case_scan_that_tries_once():
    """So many ports are one finding, even if none was tried twice; so many hosts are one, too."""
    return [tried_once(100)], {"wrong-port": {"server": "192.0.2.1", "confidence": "low", "resets": 100},
                               "dead-node": {"server": None, "confidence": "low", "resets": 100}}


def case_few_ports_once():
    """A few are nothing that stands out."""
    return [tried_once(30)], {}


def case_many_are_mistaken():
    """Thousands of clients, each of which a host of its own refuses: nobody sweeps."""
    capture = Capture()
    for number in range(4500):
        rest = f"{number // 250}.{number % 250 + 1}"
        capture.refused(wait=0.01, client=f"10.1.{rest}", server=f"198.18.{rest}:445")
    return [capture], {}


def case_scan_of_a_host_without_services():
    """It need not be dead."""
    return [scanned([])], {"dead-node": {"confidence": "low", "resets": 120}}


if __name__ == "__main__":
    finding_cases.main(globals())
