# SPDX-License-Identifier: GPL-2.0-or-later
"""Proxies that fail, and proxies that work while what lies behind them fails."""
import socket
import threading
from functools import partial

from blocks import endpoint
from crowd import (BODY, BROWSER, PATIENCE, PHONE, SCRIPT, Service, Visit, crowd, ill, more_clients,
                   outcome, tls_server, well)
from lab import pause, scenario
from nodes import refused
from peers import GET, SNI, abort, client_socket, drain, receive

TINYPROXY, SOCKS = 8888, 1080
PROGRAMS = (BROWSER, PHONE, SCRIPT)


def ask_connect(lab, c, target, headers=""):
    """HTTP CONNECT; the status the proxy answers with."""
    name = f"{lab.bracketed(target[0])}:{target[1]}"
    c.sendall(f"CONNECT {name} HTTP/1.1\r\nHost: {name}\r\n{headers}\r\n".encode())
    words = receive(c).split(b" ", 2)
    return int(words[1]) if len(words) > 1 else 0


def ask_socks(lab, c, target):
    """SOCKS5; 200 for success, else the reply code."""
    c.sendall(b"\5\1\0")
    receive(c, size=2)
    family, kind = (socket.AF_INET, b"\1") if lab.family == 4 else (socket.AF_INET6, b"\4")
    c.sendall(b"\5\1\0" + kind + socket.inet_pton(family, target[0]) + target[1].to_bytes(2, "big"))
    reply = receive(c, size=10)  # microsocks: an IPv4 address (zeros) in any case
    return (reply[1] or 200) if len(reply) > 1 else 0


def tunnel(lab, ask, proxy, target, client=BROWSER, client_ip=None):
    """One connection through a proxy; its result may also be the proxy's answer, a number."""
    c = lab.keep(client_socket(lab.client, client_ip or lab.client_ip))
    c.settimeout(PATIENCE)
    seen = Visit(lab.conn(c.getsockname()[1], proxy[1], client_ip, proxy[0]), client=client)
    try:
        c.connect(proxy)
        answered = ask(lab, c, target)
        if answered == 200:
            c = lab.keep(client.context(lab).wrap_socket(c, server_hostname=SNI))
            c.sendall(GET)
            receive(c, BODY)
        else:
            seen.result = answered
        c.shutdown(socket.SHUT_WR)
        drain(c)
        c.close()
    except OSError as error:
        seen.result = outcome(error)
    return seen


def tunnels(lab, ask, proxy, target, count, clients):
    return [
        partial(tunnel, lab, ask, proxy, target, PROGRAMS[n % 3], clients[n % len(clients)])
        for n in range(count)
    ]


def start_tinyproxy(lab, clients, extra=""):
    allowed = "".join(f"Allow {address}\n" for address in clients)
    config = lab.file(
        "tinyproxy.conf", f"Port {TINYPROXY}\nListen {lab.router_client_ip}\nTimeout 600\n"
        f"LogLevel Error\n{allowed}ConnectPort 443\nConnectPort 444\nMaxClients 50\n"
        f"User root\nGroup root\n{extra}")
    process = lab.start(lab.router, "tinyproxy", "-d", "-c", config)
    lab.router.wait_listening(TINYPROXY)
    pause(0.3)
    return process


def start_microsocks(lab):
    process = lab.start(lab.router, "microsocks", "-i", lab.router_client_ip, "-p", str(SOCKS))
    lab.router.wait_listening(SOCKS)
    pause(0.1)
    return process


def play(lab, good, bad, seconds):
    seen = crowd(lab, good + bad, seconds)
    pause(0.3)
    well(lab, seen[:len(good)])
    return seen[len(good):]


def answered(lab, visits, *replies):
    """The proxy said no, and both sides closed in order."""
    for v in ill(visits, *replies):
        lab.closed(v.conn)


@scenario("proxy-connect-target", "tinyproxy, Python", points=("client", ), families=(4, ),
          findings=True)
def proxy_connect_target(lab):
    """A proxy (CONNECT, tinyproxy) works: eighteen tunnels to one target. Ten requests for another
    target, where nothing listens, are answered with an error: the target's fault, not the
    proxy's."""
    clients = more_clients(lab, 3)
    start_tinyproxy(lab, clients)
    Service(lab, 443, tls=tls_server(lab))
    proxy = lab.router_client_ip, TINYPROXY
    bad = play(lab, tunnels(lab, ask_connect, proxy, (lab.server_ip, 443), 18, clients),
               tunnels(lab, ask_connect, proxy, (lab.server_ip, 444), 10, clients), 5)
    answered(lab, bad, 500, 502, 503)
    lab.finding("proxy-target", server=endpoint(lab, TINYPROXY, proxy[0]), connections=28)


@scenario("proxy-socks-target", "microsocks, Python", points=("client", ), families=(6, ),
          findings=True)
def proxy_socks_target(lab):
    """A SOCKS5 proxy (microsocks) works: eighteen tunnels to one target. Ten requests for another
    target, where nothing listens, are answered with a reply code: the target's fault."""
    clients = more_clients(lab, 3)
    start_microsocks(lab)
    Service(lab, 443, tls=tls_server(lab))
    proxy = lab.router_client_ip, SOCKS
    bad = play(lab, tunnels(lab, ask_socks, proxy, (lab.server_ip, 443), 18, clients),
               tunnels(lab, ask_socks, proxy, (lab.server_ip, 444), 10, clients), 5)
    answered(lab, bad, 1, 3, 4, 5)
    lab.finding("proxy-target", server=endpoint(lab, SOCKS, proxy[0]), connections=28)


@scenario("proxy-denies", "tinyproxy (BasicAuth), Python", points=("client", ), families=(4, ),
          findings=True)
def proxy_denies(lab):
    """A proxy wants a password (407): ten requests without one are denied, sixteen with one are
    not."""
    clients = more_clients(lab, 3)
    start_tinyproxy(lab, clients, "BasicAuth lab secret\n")
    Service(lab, 443, tls=tls_server(lab))
    proxy, target = (lab.router_client_ip, TINYPROXY), (lab.server_ip, 443)
    allowed = partial(ask_connect, headers="Proxy-Authorization: Basic bGFiOnNlY3JldA==\r\n")
    bad = play(lab, tunnels(lab, allowed, proxy, target, 16, clients),
               tunnels(lab, ask_connect, proxy, target, 10, clients), 5)
    answered(lab, bad, 407, 401)
    lab.finding("proxy-failure", server=endpoint(lab, TINYPROXY, proxy[0]), connections=26)


class Overloaded:
    """An HTTP proxy on the router that drops (SO_LINGER 0) every third request, unanswered."""

    def __init__(self, lab, port):
        self.lab, self.count = lab, 0
        self.service = Service(lab, port, lab.router_client_ip, host=lab.router, admit=self._serve)

    def _serve(self, c):
        request = receive(c)
        self.count += 1
        if self.count % 3 == 0:
            abort(c)
            return False
        host, port = request.split(b" ")[1].rsplit(b":", 1)
        s = client_socket(self.lab.router, self.lab.router_server_ip)
        s.connect((host.decode().strip("[]"), int(port)))
        c.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        back = threading.Thread(target=self._copy, args=(s, c), daemon=True)
        back.start()
        self._copy(c, s)
        back.join()
        c.close(), s.close()
        return False

    @staticmethod
    def _copy(source, target):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@scenario("proxy-resets", "Python proxy", points=("client", ), families=(6, ), findings=True)
def proxy_resets(lab):
    """An overloaded HTTP proxy resets every third CONNECT instead of answering; the tunnels that it
    opens work."""
    clients = more_clients(lab, 3)
    Overloaded(lab, 3128)
    Service(lab, 443, tls=tls_server(lab))
    proxy = lab.router_client_ip, 3128
    seen = crowd(lab, tunnels(lab, ask_connect, proxy, (lab.server_ip, 443), 30, clients), 6)
    pause(0.3)
    bad = [v for v in seen if v.result != "ok"]
    well(lab, [v for v in seen if v.result == "ok"])
    for v in ill(bad, "reset"):
        lab.reset(v.conn, "server", "awaiting-response", "abortive-close", http_method="CONNECT",
                  also={"cause": ["unread-data", "unknown"]})
    lab.finding("proxy-failure", server=endpoint(lab, 3128, proxy[0]), sender="server", resets=10,
                connections=30)


@scenario("proxy-down", "tinyproxy, Python", points=("client", ), families=(4, ), findings=True)
def proxy_down(lab):
    """A proxy (CONNECT, tinyproxy) works, then is stopped: every connection to it since is
    refused. Another proxy (SOCKS5, microsocks) on the same host goes on."""
    clients = more_clients(lab, 3)
    process = start_tinyproxy(lab, clients)
    start_microsocks(lab)
    Service(lab, 443, tls=tls_server(lab))
    one, other = (lab.router_client_ip, TINYPROXY), (lab.router_client_ip, SOCKS)
    target = lab.server_ip, 443
    steady = tunnels(lab, ask_socks, other, target, 8, clients)
    going = tunnels(lab, ask_connect, one, target, 14, clients)
    play(lab, going + steady, [], 4)
    process.terminate()
    process.wait()
    refused(lab, play(lab, steady, going, 4))
    lab.finding("service-down", server=endpoint(lab, *reversed(one)), resets=14, connections=28)
    lab.finding("proxy-failure", server=endpoint(lab, *reversed(one)), sure=False)


@scenario("proxy-flapping", "microsocks, Python", points=("client", ), families=(6, ),
          findings=True)
def proxy_flapping(lab):
    """A SOCKS5 proxy (microsocks) comes and goes: four times it works, four times it is refused.
    Another proxy (CONNECT, tinyproxy) works all the time."""
    clients = more_clients(lab, 3)
    start_tinyproxy(lab, clients)
    Service(lab, 443, tls=tls_server(lab))
    one, other = (lab.router_client_ip, SOCKS), (lab.router_client_ip, TINYPROXY)
    target = lab.server_ip, 443
    steady = tunnels(lab, ask_connect, other, target, 2, clients)
    going = tunnels(lab, ask_socks, one, target, 5, clients)
    for _ in range(4):
        process = start_microsocks(lab)
        play(lab, going + steady, [], 1)
        process.terminate()
        process.wait()
        refused(lab, play(lab, steady, going, 1))
    lab.finding("flapping", server=endpoint(lab, *reversed(one)), resets=20, connections=40)
    lab.finding("proxy-failure", server=endpoint(lab, *reversed(one)), sure=False)
