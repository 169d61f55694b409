# SPDX-License-Identifier: GPL-2.0-or-later
"""Servers that do not answer, answer elsewhere, or no longer: beside others that do."""
import time
from functools import partial

from blocks import endpoint
from crowd import Service, Visit, crowd, ill, more_clients, more_servers, outcome, visit, well
from lab import pause, scenario
from peers import client_socket

CLOSED = {"also": {"cause": ["unknown"]}}


def visits(lab, address, port, count, clients=None, **options):
    clients = clients or [lab.client_ip]
    return [
        partial(visit, lab, port, server_ip=address, client_ip=clients[n % len(clients)], **options)
        for n in range(count)
    ]


def play(lab, good, bad, seconds, *results):
    """Good and bad visits among each other; the bad ones."""
    seen = crowd(lab, good + bad, seconds)
    pause(0.2)
    well(lab, seen[:len(good)])
    return ill(seen[len(good):], *results)


def refused(lab, seen, **options):
    """The kernel says that nothing listens there."""
    for v in ill(seen, "refused"):
        lab.reset(v.conn, "server", "refused-handshake", "port-closed", "refused", trigger="syn",
                  **CLOSED | options)


@scenario("node-dead", points=("client", "router"), families=(4, ), findings=True)
def node_dead(lab):
    """One of four servers is up as a machine, but nothing listens there, on any port that clients
    try; the other three serve."""
    dead, *alive = more_servers(lab, 4)
    clients = more_clients(lab, 3)
    for address in alive:
        Service(lab, 80, address), Service(lab, 8000, address)
    good = [v for a in alive for p in (80, 8000) for v in visits(lab, a, p, 4, clients)]
    bad = [v for p in (80, 8000, 443) for v in visits(lab, dead, p, 5, clients)]
    refused(lab, play(lab, good, bad, 5, "refused"))
    lab.finding("dead-node", server=dead, resets=len(bad), connections=len(bad))


@scenario("node-wrong-port", points=("client", "server"), families=(6, ), findings=True)
def node_wrong_port(lab):
    """Clients try port 8001 of a server that listens on 80 and 8000."""
    server, other = more_servers(lab, 2)
    clients = more_clients(lab, 3)
    for port in (80, 8000):
        Service(lab, port, server), Service(lab, port, other)
    good = [v for a in (server, other) for p in (80, 8000) for v in visits(lab, a, p, 5, clients)]
    bad = visits(lab, server, 8001, 9, clients)
    refused(lab, play(lab, good, bad, 5, "refused"))
    lab.finding("wrong-port", server=endpoint(lab, 8001, server), resets=9, connections=9)


@scenario("node-silent", "iptables, ip6tables (DROP, REJECT)", points=("client", "router"),
          findings=True)
def node_silent(lab):
    """Five ports of one server: one serves, one is closed, one drops (silence), one is rejected
    with a RST, one with ICMP (port unreachable) - the last three by the router."""
    address, = more_servers(lab, 1)
    clients = more_clients(lab, 2)
    Service(lab, 80, address)
    for port, how in ((82, ["DROP"]), (83, ["REJECT", "--reject-with", "tcp-reset"]),
                      (84, ["REJECT", "--reject-with", "icmp-port-unreachable"
                            if lab.family == 4 else "icmp6-port-unreachable"])):
        lab.iptables(lab.router, "-A", "FORWARD", "-d", address, "-p", "tcp", "--dport", str(port),
                     "-j", *how)
    good = visits(lab, address, 80, 20, clients)
    bad = [v for p in (81, 82, 83, 84) for v in visits(lab, address, p, 6, clients, patience=2.5)]
    seen = play(lab, good, bad, 4, "refused", "silent", "unreachable")
    refused(lab, seen[:6])
    ill(seen[6:12], "silent")
    for v in ill(seen[12:18], "refused"):
        lab.reset(v.conn, "server", "refused-handshake", "firewall-reject", "refused",
                  sender="middlebox", trigger="syn",
                  also={"cause": ["unknown"], "sender": ["unknown"]})
    ill(seen[18:], "refused", "unreachable")
    where = partial(endpoint, lab, address=address)
    lab.finding("wrong-port", server=where(81), resets=6, connections=6)
    lab.finding("unanswered", server=where(82), connections=6)
    lab.finding("rejected", server=where(83), sender="middlebox", resets=6, connections=6)
    lab.finding("unreachable", server=where(84), icmp="port-unreachable", connections=6)


@scenario("node-off", points=("client", ), families=(4, ), findings=True)
def node_off(lab):
    """One of three servers is switched off: the router finds no machine of that address and says so
    (ICMP host unreachable) after some seconds. The others serve."""
    alive, clients = more_servers(lab, 2), more_clients(lab, 3)
    for address in alive:
        Service(lab, 80, address)
    gone = f"{lab.server_net}99"
    play(lab, [v for a in alive for v in visits(lab, a, 80, 10, clients)],
         [v for p in (80, 443) for v in visits(lab, gone, p, 5, clients, patience=5)], 5,
         "unreachable", "silent")
    lab.finding("dead-node", server=gone, connections=10)
    for port in (80, 443):
        lab.finding("unreachable", server=endpoint(lab, port, gone), sure=False)
        lab.finding("unanswered", server=endpoint(lab, port, gone), sure=False)


@scenario("node-loopback", points=("client", ), interfaces={"client": "any"}, findings=True)
def node_loopback(lab):
    """A client is told to look for its database on its own machine (127.0.0.1, ::1), where nobody
    listens; its other connections leave the machine and go well."""
    Service(lab, 80)
    local = "127.0.0.1" if lab.family == 4 else "::1"

    def astray():
        c = lab.keep(client_socket(lab.client, local))
        seen = Visit(lab.conn(c.getsockname()[1], 5432, local, local))
        try:
            c.connect((local, 5432))
        except OSError as error:
            seen.result = outcome(error)
        return seen

    refused(lab, play(lab, visits(lab, lab.server_ip, 80, 15), [astray] * 6, 4, "refused"))
    lab.finding("loopback-trap", server=endpoint(lab, 5432, local), resets=6, connections=6)


@scenario("node-service-down", "Python sockets (listener closed)", points=("client", "server"),
          families=(4, ), findings=True)
def node_service_down(lab):
    """A service ends in the middle of the capture: everything before goes well, everything since is
    refused. Another service of the same host goes on."""
    address, = more_servers(lab, 1)
    clients = more_clients(lab, 3)
    service = Service(lab, 8000, address)
    Service(lab, 80, address)
    play(lab, visits(lab, address, 8000, 20, clients) + visits(lab, address, 80, 8, clients), [], 4)
    since = time.time()
    service.stop()
    refused(lab, play(lab, visits(lab, address, 80, 8, clients),
                      visits(lab, address, 8000, 14, clients), 4, "refused"))
    lab.finding("service-down", server=endpoint(lab, 8000, address),
                first_time=[round(since - 0.5, 3), round(since + 1, 3)], resets=14, connections=34)


@scenario("node-flapping", "Python sockets (listener closed and opened)",
          points=("client", "server"), families=(6, ), findings=True)
def node_flapping(lab):
    """A service comes and goes: four times served, four times refused, a second or so each. Another
    server is up all the time."""
    address, steady = more_servers(lab, 2)
    clients = more_clients(lab, 3)
    Service(lab, 80, steady)
    for _ in range(4):
        service = Service(lab, 80, address)
        play(lab, visits(lab, address, 80, 6, clients) + visits(lab, steady, 80, 3, clients), [], 1)
        service.stop()
        refused(lab, play(lab, visits(lab, steady, 80, 3, clients),
                          visits(lab, address, 80, 5, clients), 1, "refused"))
    lab.finding("flapping", server=endpoint(lab, 80, address), resets=20, connections=44)
