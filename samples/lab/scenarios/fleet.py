# SPDX-License-Identifier: GPL-2.0-or-later
"""Many connections that end at once, or one server after the other: exits, deployments, fail-overs,
timers."""
import random
import threading
import time
from functools import partial

from blocks import endpoint
from crowd import BODY, Service, Worker, crowd, more_clients, more_servers, well
from injected import VIP, translate
from lab import pause, scenario
from nodes import play, refused, visits
from peers import GET, abort, answer, client_socket, receive
from proxies import haproxy

BUSY = GET.replace(b"/item/7", b"/busy")


def pooled(lab, address, client_ip, request=GET, port=80):
    """A connection of a pool, which has been of use once."""
    c = lab.keep(client_socket(lab.client, client_ip))
    c.connect((address, port))
    c.sendall(request)
    receive(c, BODY)
    return c, lab.conn(c.getsockname()[1], port, client_ip, address)


def kill_with_open(lab, worker, clients, busy, idle):
    """Kills the server process: connections whose next request it has not read are reset by the
    kernel, idle ones are closed with a FIN; their clients close in turn."""
    asked = [
        pooled(lab, worker.address, clients[n % len(clients)], BUSY, worker.port)
        for n in range(busy)
    ]
    rest = [
        pooled(lab, worker.address, clients[n % len(clients)], GET, worker.port)
        for n in range(idle)
    ]
    for c, _ in asked:
        c.sendall(GET)
    pause(0.3)
    moment = time.time()
    worker.kill()
    pause(0.2)
    for c, conn in rest:
        c.close()
        lab.closed(conn)
    for _, conn in asked:
        lab.reset(conn, "server", "awaiting-response", "process-exit", http_method="GET",
                  also={"cause": ["unread-data", "abortive-close", "unknown"]})
    return moment


def around(moment):
    """The range in which the first connection shows it."""
    return [round(moment - 0.1, 3), round(moment + 1, 3)]


@scenario("fleet-crash", "Python server process, SIGKILL", points=("client", "server"),
          families=(4, ), findings=True)
def fleet_crash(lab):
    """One of three servers crashes (SIGKILL) with fourteen connections open, nine of them with a
    request that it has not read; it is back half a second later. Before and after, it serves as
    well as the others."""
    addresses, clients = more_servers(lab, 3), more_clients(lab, 4)
    worker = Worker(lab, 80, addresses[0])
    for address in addresses[1:]:
        Service(lab, 80, address)
    everywhere = [v for a in addresses for v in visits(lab, a, 80, 8, clients)]
    play(lab, everywhere, [], 3)
    moment = kill_with_open(lab, worker, clients, 9, 5)
    refused(lab, play(lab, [], visits(lab, addresses[0], 80, 2, clients), 0.2, "refused"))
    worker.start()
    play(lab, everywhere, [], 3)
    lab.finding("process-exit", server=endpoint(lab, 80, addresses[0]),
                first_time=around(moment), resets=9)


@scenario("fleet-rolling-deployment", "Python server processes, SIGKILL",
          points=("client", "server"), families=(6, ), findings=True)
def fleet_rolling_deployment(lab):
    """Four servers are replaced one after the other (SIGKILL, start), a second or two apart, without
    being drained first: each resets the connections whose requests it has not read, closes the idle
    ones, and refuses for a moment. A fifth is left alone."""
    addresses, clients = more_servers(lab, 5), more_clients(lab, 4)
    workers = [Worker(lab, 80, address) for address in addresses[:4]]
    Service(lab, 80, addresses[4])
    everywhere = [v for a in addresses for v in visits(lab, a, 80, 3, clients)]
    play(lab, everywhere, [], 2)
    moments = []
    for worker in workers:
        moments.append(kill_with_open(lab, worker, clients, 4, 2))
        others = [v for a in addresses if a != worker.address for v in visits(lab, a, 80, 1, clients)]
        refused(lab, play(lab, others, visits(lab, worker.address, 80, 2, clients), 0.3, "refused"))
        worker.start()
        play(lab, everywhere[::3], [], 0.6)
    play(lab, everywhere, [], 2)
    lab.finding("rolling-deployment", servers=[endpoint(lab, 80, a) for a in addresses[:4]],
                first_time=around(moments[0]), resets=16)
    for worker, moment in zip(workers, moments):
        lab.finding("process-exit", server=endpoint(lab, 80, worker.address), sure=False,
                    first_time=around(moment), resets=4)


@scenario("fleet-failover", "iptables (DNAT), conntrack -F", points=("client", "router"),
          families=(4, ), findings=True)
def fleet_failover(lab):
    """A service address moves to the standby server (a balancer's DNAT, its connection table lost):
    the standby knows none of twelve open connections and answers each one's next request with a
    RST. New connections go well before and after."""
    vip, clients = VIP[lab.family], more_clients(lab, 4)
    standby, other = more_servers(lab, 2)
    translate(lab)
    for address in (lab.server_ip, standby, other):
        Service(lab, 80, address)
    good = visits(lab, vip, 80, 16, clients) + visits(lab, other, 80, 10, clients)
    play(lab, good, [], 3)
    links = [pooled(lab, vip, clients[n % 4]) for n in range(12)]
    pause(0.2)
    moment = time.time()
    lab.iptables(lab.router, "-t", "nat", "-F", "PREROUTING")
    lab.iptables(lab.router, "-t", "nat", "-A", "PREROUTING", "-d", vip, "-p", "tcp", "--dport", "80",
                 "-j", "DNAT", "--to-destination", f"{lab.bracketed(standby)}:80")
    lab.router.run("conntrack", "-F")
    for c, conn in links:
        c.sendall(GET)
        pause(0.03)
    pause(0.3)
    for _, conn in links:
        lab.reset(conn, "server", "awaiting-response", "no-socket", trigger="data",
                  http_method="GET", also={"cause": ["state-expired", "unknown"],
                                           "sender": ["unknown"]})
    play(lab, good, [], 3)
    lab.finding("fail-over", server=endpoint(lab, 80, vip), resets=12,
                first_time=around(moment))


# Timers


def balancer(lab, address, seconds):
    """Ends connections that are idle for so long, with a RST."""
    def serve(sock):
        sock.settimeout(seconds)
        try:
            while receive(sock):
                sock.sendall(answer(BODY))
            sock.close()
        except TimeoutError:
            abort(sock)
        return False

    return Service(lab, 80, address, admit=serve)


def left_idle(lab, address, clients, count):
    """Connections of a pool that are of use one to four times, then no more: (socket, Conn)."""
    chance, found = random.Random(lab.family), []

    def use(number):
        time.sleep(number * 0.2)
        c, conn = pooled(lab, address, clients[number % len(clients)])
        for _ in range(chance.randrange(4)):
            time.sleep(0.1 + chance.random())
            c.sendall(GET)
            receive(c, BODY)
        found.append((c, conn))

    crowd(lab, [partial(use, number) for number in range(count)], 1)
    return found


@scenario("fleet-idle-timer", "Python balancer", points=("client", "server"), families=(6, ),
          findings=True)
def fleet_idle_timer(lab):
    """A balancer resets connections that are idle for 3.4 s: thirty of them, at thirty different
    moments. Connections that are closed in time see nothing of it."""
    address, = more_servers(lab, 1)
    clients = more_clients(lab, 3)
    balancer(lab, address, 3.4)
    good = visits(lab, address, 80, 15, clients)
    rest, pool = crowd(lab, [partial(crowd, lab, good, 8), partial(left_idle, lab, address, clients,
                                                                   30)], 0.1)
    pause(4)
    well(lab, rest)
    for _, conn in pool:
        lab.reset(conn, "server", "idle-timeout", "idle-timer", idle=(3.3, 3.7),
                  also={"cause": ["abortive-close", "unknown"]})
    lab.finding("idle-timer", server=endpoint(lab, 80, address), seconds=[3.35, 3.55], resets=30)


@scenario("fleet-idle-timer-fin", "haproxy (timeout http-keep-alive)", families=(4, ),
          points=("client", "server"), findings=True)
def fleet_idle_timer_fin(lab):
    """haproxy closes connections that are idle for 3.2 s (timeout http-keep-alive) with a FIN. Nine
    clients of twenty-four notice and close, too; the others' pools do not look, and their next
    requests meet a RST."""
    clients = more_clients(lab, 3)
    haproxy(lab, lab.server, f"""
    timeout http-keep-alive 3200ms
frontend front
    mode http
    bind {lab.server_ip}:80
    http-request return status 200 content-type text/plain string "in stock\"""")
    lab.server.wait_listening(80)
    good = visits(lab, lab.server_ip, 80, 15, clients)
    rest, pool = crowd(lab, [partial(crowd, lab, good, 8),
                             partial(left_idle, lab, lab.server_ip, clients, 24)], 0.1)
    pause(4)
    well(lab, rest)
    for c, conn in pool[:9]:
        c.close()
        lab.closed(conn)
    for c, conn in pool[9:]:
        c.sendall(GET)
        pause(0.05)
        lab.reset(conn, "server", "after-fin", "half-close-violation", "fin-then-rst",
                  trigger="data", http_method="GET", also={"cause": ["no-socket", "unknown"]})
    lab.finding("idle-timer", server=endpoint(lab, 80), seconds=[3.15, 3.4], connections=24,
                sure=False)
