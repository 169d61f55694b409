# SPDX-License-Identifier: GPL-2.0-or-later
"""Ordinary days: resets that mean nothing beyond their connection, and coincidences that look like
a block, a ban or a limit but are none."""
import itertools
from functools import partial

from blocks import HELLO, LIKED, SERVER_ALONE, endpoint, of_client, server_blocks
from crowd import (BODY, BROWSER, CURL, OLD, PHONE, SCRIPT, Service, Visit, crowd, ill,
                   more_clients, more_servers, tls_server, visit, well)
from lab import pause, scenario
from limits import TCP_RESET, ban, bursts, refuse, split
from nodes import play, refused, visits
from peers import GET, abort, client_hello, client_socket, in_background, receive, ssl

EVERYONE = (SCRIPT, *LIKED)


def secure_visits(lab, clients, count, addresses, server=None):
    return [
        partial(visit, lab, 443, client, client_ip=next(addresses), server_ip=server)
        for client in clients for _ in range(count)
    ]


def trickle(sock):
    """A slow download, for as long as anybody wants it."""
    try:
        while True:
            sock.sendall(bytes(300))
            pause(0.3)
    except OSError:
        pass


@scenario("everyday-web", "Python servers, Python, curl, openssl s_client",
          points=("client", "server"), findings=True)
def everyday_web(lab):
    """An ordinary day of two web servers: five clients, six programs. One client cancels a
    download, one request meets the end of its keep-alive connection, one port is closed."""
    one, other = more_servers(lab, 2)
    clients = more_clients(lab, 5)
    addresses = itertools.cycle(clients)
    for address in (one, other):
        Service(lab, 80, address), Service(lab, 443, address, tls=tls_server(lab))
    link = lab.open(81, client_ip=clients[0], server_ip=one)
    link.c.sendall(GET)
    receive(link.s)
    link.s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n" + bytes(400))
    receive(link.c, size=400)
    race = lab.open(82, client_ip=clients[1], server_ip=other)
    race.c.sendall(GET)
    receive(race.s)
    race.s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n" + BODY)
    receive(race.c, BODY)
    good = [v for a in (one, other) for v in visits(lab, a, 80, 12, clients)]
    good += secure_visits(lab, EVERYONE, 2, addresses, one)
    good += secure_visits(lab, EVERYONE, 1, addresses, other)
    half = len(good) // 2
    download = in_background(trickle, link.s)
    play(lab, good[:half], [], 4)
    link.c.recv(65536)
    abort(link.c)
    download()
    race.s.close()
    race.c.sendall(GET)
    pause(0.2)
    play(lab, good[half:], [], 4)
    refused(lab, play(lab, [], visits(lab, other, 8443, 1, clients), 0.1, "refused"))
    lab.reset(link, "client", "mid-response", "client-cancel", http_method="GET", http_status=200,
              also={"cause": ["abortive-close", "unknown"]}, late=True)
    lab.reset(race, "server", "after-fin", "half-close-violation", "fin-then-rst", trigger="data",
              also={"cause": ["idle-timer", "no-socket", "unknown"]}, late=True, http_method="GET")


@scenario("everyday-bad-luck", "Python server, Python, curl", points=("client", ),
          families=(4, ), findings=True)
def everyday_bad_luck(lab):
    """A server aborts (SO_LINGER 0) three of some sixty connections after the ClientHello, for no
    reason that their programs, addresses or names have part in - though one program is only seen
    once, and another client twice."""
    clients = more_clients(lab, 5)
    addresses = itertools.cycle(clients[:4])
    state = {"abort": False}

    def admit(sock):
        if state["abort"]:
            receive(sock, size=100)
            abort(sock)
            return False
        return True

    Service(lab, 443, tls=tls_server(lab), admit=admit)
    programs = (BROWSER, PHONE, SCRIPT, CURL)
    play(lab, secure_visits(lab, programs, 7, addresses), [], 4)
    state["abort"] = True
    bad = [visit(lab, 443, OLD, client_ip=clients[0]), visit(lab, 443, BROWSER, client_ip=clients[4]),
           visit(lab, 443, PHONE, client_ip=clients[1])]
    state["abort"] = False
    play(lab, secure_visits(lab, programs, 7, addresses) +
         [partial(visit, lab, 443, BROWSER, client_ip=clients[4])], [], 4)
    for v in ill(bad, "reset"):
        lab.reset(v.conn, "server", "tls-phase", "abortive-close",
                  also={"cause": ["unread-data", "unknown"]}, **HELLO)


@scenario("everyday-probe", "Python server, Python, curl", points=("client", "server"),
          families=(6, ), findings=True)
def everyday_probe(lab):
    """A monitoring program sends a ClientHello and aborts its own connection (SO_LINGER 0) when the
    answer begins, every time. It is the only one with its fingerprint, and the server does nothing
    to it."""
    clients = more_clients(lab, 4)
    addresses = itertools.cycle(clients)
    Service(lab, 443, tls=tls_server(lab))

    def probe():
        c = lab.keep(client_socket(lab.client, clients[0]))
        conn = lab.conn(c.getsockname()[1], 443, clients[0])
        c.connect((lab.server_ip, 443))
        c.sendall(client_hello(OLD.context(lab)))
        receive(c, size=5)
        pause(0.03)
        abort(c)
        return Visit(conn, "aborted")

    seen = play(lab, secure_visits(lab, (BROWSER, PHONE, SCRIPT, CURL), 8, addresses), [probe] * 9, 5,
                "aborted")
    for v in seen:
        lab.reset(v.conn, "client", "tls-phase", "abortive-close", late=True,
                  also={"cause": ["unread-data", "client-cancel", "unknown"]},
                  tls_stage="server-hello")


@scenario("everyday-old-client", "Python server (TLS 1.3 only), Python, curl", points=("client", ),
          families=(4, ), findings=True)
def everyday_old_client(lab):
    """A server speaks TLS 1.3 only. A program that knows only 1.2 fails every time: with a fatal
    alert, for a reason that the alert names, and with an orderly close."""
    clients = more_clients(lab, 4)
    addresses = itertools.cycle(clients)
    context = tls_server(lab)
    context.minimum_version = ssl.TLSVersion.TLSv1_3

    def admit(sock):
        try:
            tls = context.wrap_socket(sock.dup(), server_side=True)
            sock.close()
            while receive(tls):
                tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n" + BODY)
            tls.close()
        except OSError:
            sock.close()
        return False

    Service(lab, 443, admit=admit)
    bad = play(lab, secure_visits(lab, (BROWSER, PHONE, SCRIPT, CURL), 7, addresses),
               secure_visits(lab, (OLD, ), 9, addresses), 5, "unreachable", "closed")
    for v in bad:
        lab.closed(v.conn)


@scenario("everyday-scan", "nmap -sS, Python", points=("client", "server"), families=(4, ),
          findings=True)
def everyday_scan(lab):
    """nmap tries thirty ports of a server, of which one is open, while three other clients are
    served: refused is whoever asks there, not the scanner's address."""
    clients = more_clients(lab, 3)
    Service(lab, 80)
    play(lab, visits(lab, lab.server_ip, 80, 12, clients), [], 3)
    lab.client.run("nmap", "-sS", "-n", "-Pn", "-p", "80,1000-1028", "-g", "41000", "--max-retries",
                   "0", "--disable-arp-ping", lab.server_ip)
    play(lab, visits(lab, lab.server_ip, 80, 12, clients), [], 3)
    lab.reset(lab.conn(41000, 80), "client", "aborted-handshake", "scan", trigger="syn",
              also={"cause": ["unknown"]})
    for port in range(1000, 1029):
        lab.reset(lab.conn(41000, port), "server", "refused-handshake", "port-closed", "refused",
                  trigger="syn", also={"cause": ["unknown"]})


@scenario("everyday-wrong-port", points=("client", ), families=(6, ), findings=True)
def everyday_wrong_port(lab):
    """One client of four has the wrong port in its configuration and is refused every time; nobody
    else asks there. The port is wrong, the address is not banned."""
    clients = more_clients(lab, 4)
    Service(lab, 80)
    bad = play(lab, visits(lab, lab.server_ip, 80, 24, clients[:3]),
               visits(lab, lab.server_ip, 8001, 10, clients[3:]), 5, "refused")
    refused(lab, bad)
    lab.finding("wrong-port", server=endpoint(lab, 8001), resets=10, connections=10)


@scenario("everyday-down-under-load", "Python sockets (listener closed)", points=("client", ),
          families=(4, ), findings=True)
def everyday_down_under_load(lab):
    """A service ends while one client is opening many connections: it is refused from then on, but
    so is everybody else. No limit, no ban."""
    clients = more_clients(lab, 4)
    address, = more_servers(lab, 1)
    service = Service(lab, 8000, address)
    Service(lab, 80, address)
    few = visits(lab, address, 8000, 9, clients[:3])
    many = visits(lab, address, 8000, 20, clients[3:])
    play(lab, few + visits(lab, address, 80, 6, clients), [], 3)
    play(lab, many, [], 1)
    service.stop()
    refused(lab, play(lab, [], many, 1, "refused"))
    refused(lab, play(lab, visits(lab, address, 80, 6, clients), few, 3, "refused"))
    lab.finding("service-down", server=endpoint(lab, 8000, address), resets=29, connections=58)


@scenario("everyday-bad-day", "Python servers, ipset, iptables, Python, curl", points=("client", ),
          families=(4, ), findings=True)
def everyday_bad_day(lab):
    """Everything at once, each with its own server: one resets a program by its ClientHello, one's
    firewall has banned an address, one limits connections per second, one is dead, one is well. The
    same clients talk to all of them."""
    picky, banning, limiting, dead, fine = more_servers(lab, 5)
    clients = more_clients(lab, 5)
    addresses = itertools.cycle(clients)
    server_blocks(lab, of_client(lab, SCRIPT), picky)
    for address in (banning, limiting, fine):
        Service(lab, 80, address)
    ban(lab, lab.server, "INPUT", clients[4], banning)
    lab.iptables(lab.server, "-A", "INPUT", "-d", limiting, "-p", "tcp", "--syn", "-m", "hashlimit",
                 "--hashlimit-above", "5/sec", "--hashlimit-burst", "8", "--hashlimit-mode", "srcip",
                 "--hashlimit-name", "lab", *TCP_RESET)
    good = secure_visits(lab, (BROWSER, PHONE, OLD, CURL), 4, addresses, picky)
    good += visits(lab, banning, 80, 16, clients[:4]) + visits(lab, fine, 80, 15, clients)
    good += visits(lab, limiting, 80, 20, clients[:4])
    blocked = secure_visits(lab, (SCRIPT, ), 9, addresses, picky)
    banned = visits(lab, banning, 80, 9, clients[4:])
    gone = [v for port in (80, 443) for v in visits(lab, dead, port, 5, clients)]
    greedy = partial(bursts, lab, clients[3], 3, 14, 2, server_ip=limiting)
    seen = crowd(lab, [greedy, partial(crowd, lab, good + blocked + banned + gone, 9)], 0.1)
    pause(0.3)
    burst, rest = seen
    well(lab, rest[:len(good)])
    rest = rest[len(good):]
    for v in ill(rest[:9], "reset"):
        lab.reset(v.conn, "server", "tls-phase", "tls-fingerprint-block", alone=SERVER_ALONE, **HELLO)
    refuse(lab, rest[9:18], "ip-block", "server"), refused(lab, rest[18:])
    passed, limited = split(burst)
    well(lab, passed), refuse(lab, limited, "rate-limit", "server")
    lab.finding("tls-fingerprint-block", server=endpoint(lab, 443, picky), ja4=rest[0].conn,
                sender="server", resets=9, connections=9)
    lab.finding("ip-block", server=endpoint(lab, 80, banning), client=clients[4], sender="server",
                resets=9, connections=9)
    lab.finding("rate-limit", server=endpoint(lab, 80, limiting), client=clients[3], sender="server",
                resets=len(limited))
    lab.finding("dead-node", server=dead, resets=10, connections=10)
