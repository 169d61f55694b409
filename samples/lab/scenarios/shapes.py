# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures that are not as one would wish (everything twice, one direction only, the start
missing, cut short), and honest hosts that look suspicious."""
import os
import subprocess

from closing import exchange
from exchange import VARIANTS, http
from lab import pause, scenario
from peers import GET, abort, answer, client_socket, receive, socket


def refilter(path, display_filter):
    """Keeps only some frames of a capture."""
    part = path + ".part"
    subprocess.run(["tshark", "-r", path, "-Y", display_filter, "-F", "pcap", "-w", part],
                   check=True, capture_output=True)
    os.replace(part, path)


@scenario("mirror", "tcpdump -i any on the router", points=("router", ),
          interfaces={"router": "any"}, formats={"router": "nsec"})
def mirror(lab):
    """Every packet twice, as on a mirror port: the router's capture of all its interfaces
    (Linux cooked v2). A RST from each side; each is one event."""
    for port, tls in VARIANTS:
        for by in ("server", "client"):
            link = lab.open(port, tls)
            link.c.sendall(GET)
            receive(link.s)
            pause(0.1)
            abort(link.s if by == "server" else link.c)
            pause(0.1)
            lab.reset(
                link, by, "awaiting-response", "abortive-close", **http(tls, http_method="GET"),
                also={"cause": ["unread-data" if by == "server" else "client-cancel", "unknown"]}
                | ({} if tls is None else {"origin": ["mid-request"]}))


def reset_after_exchange(lab, origin_also, fields, **options):
    for port, tls in VARIANTS:
        link = lab.open(port, tls)
        exchange(link)
        link.c.sendall(GET)
        receive(link.s)
        pause(0.1)
        abort(link.s)
        pause(0.1)
        lab.reset(
            link, "server", "awaiting-response", "abortive-close", also={
                "cause": ["unread-data", "unknown"], "origin": origin_also, "sender": ["unknown"]
            }, **options, **(http(tls, **fields)))


def only_from(*sources):
    def cut(paths):
        for path in paths.values():
            refilter(path,
                     " or ".join(f"ip.src=={s}" if "." in s else f"ipv6.src=={s}" for s in sources))

    return cut


CLIENTS = ("10.0.1.10", "10.0.1.11", "fd52:5354:1::10", "fd52:5354:1::11")
SERVERS = ("10.0.2.20", "10.0.2.21", "fd52:5354:2::20", "fd52:5354:2::21")


@scenario("only-from-server", "Python sockets, cut with tshark", points=("client", ),
          cut=only_from(*SERVERS), closes=False)
def only_from_server(lab):
    """An exchange, a second request, and the server's reset (SO_LINGER 0) instead of an answer;
    the capture holds only what the server sent (asymmetric routing)."""
    reset_after_exchange(lab, ["unknown", "after-response", "mid-request", "mid-response"], {})


@scenario("only-from-client", "Python sockets, cut with tshark", points=("client", ),
          cut=only_from(*CLIENTS), closes=False)
def only_from_client(lab):
    """An exchange, a second request, and the client's reset (SO_LINGER 0) while it waits; the
    capture holds only what the client sent."""
    for port, tls in VARIANTS:
        link = lab.open(port, tls)
        exchange(link)
        link.c.sendall(GET)
        receive(link.s)
        pause(0.1)
        abort(link.c)
        pause(0.1)
        lab.reset(
            link, "client", "awaiting-response", "abortive-close", **http(tls, http_method="GET"),
            also={
                "cause": ["client-cancel", "unknown"], "sender": ["unknown"],
                "origin": ["unknown", "mid-request", "after-response"]
            })


def without_start(paths):
    """Drops handshakes and whatever precedes the second request."""
    for path in paths.values():
        refilter(
            path,
            "not tcp.flags.syn==1 and not (tcp.port in {80, 443} and frame.time_relative < 2)")


@scenario("mid-connection-start", "Python sockets, cut with tshark", points=("client", "server"),
          cut=without_start)
def mid_connection_start(lab):
    """The capture begins when the connections are open already: no SYN, no ClientHello. A
    request, and the server's reset (SO_LINGER 0) instead of an answer."""
    links = [(lab.open(port, tls), tls) for port, tls in VARIANTS]
    for link, _ in links:
        exchange(link)
    pause(2.5)
    for link, tls in links:
        link.c.sendall(GET)
        receive(link.s)
        pause(0.1)
        abort(link.s)
        pause(0.1)
        lab.reset(
            link, "server", "awaiting-response", "abortive-close", **http(tls, http_method="GET"),
            also={"cause": ["unread-data", "unknown"]}
            | ({} if tls is None else {"origin": ["mid-request", "unknown"]}))


def snap(paths):
    for path in paths.values():
        part = path + ".part"
        subprocess.run(["editcap", "-F", "pcap", "-s", "96", path, part], check=True)
        os.replace(part, path)


@scenario("snaplen-96", "Python sockets, cut with editcap", points=("client", "server"), cut=snap)
def snaplen_96(lab):
    """Only the first 96 bytes of each packet are there: no ClientHello, no whole HTTP head."""
    reset_after_exchange(lab, ["unknown", "mid-request", "after-response", "mid-response"], {})


@scenario("loopback", "tcpdump -i lo on the server", points=("server", ),
          interfaces={"server": "lo"}, closes=False)
def loopback(lab):
    """Client and server on one host, seen on its loopback interface: no delay, no checksums,
    one TTL for both. A closed port, an abort (SO_LINGER 0) and a close with unread data."""
    own = "127.0.0.1" if lab.family == 4 else "::1"
    connect = lambda port: lab.keep(client_socket(lab.server, own)).connect_ex((own, port))
    connect(81)
    lab.reset(lab.conn(None, 81, own, own), "server", "refused-handshake", "port-closed", "refused",
              trigger="syn", also={"cause": ["unknown"]})
    for port, cause in ((80, "abortive-close"), (82, "unread-data")):
        listener = lab.listen(port, own)
        connect(port)
        c, s = lab.kept[-1], listener.accept()[0]
        c.sendall(GET)
        pause(0.05)
        if cause == "abortive-close":
            receive(s)
            abort(s)
        else:
            s.close()
        lab.reset(lab.conn(None, port, own, own), "server", "awaiting-response", cause,
                  http_method="GET", also={"cause": ["abortive-close", "unread-data", "unknown"]})


TTL_TARGET = {4: ("TTL", "--ttl"), 6: ("HL", "--hl")}


@scenario("two-backends", "Python servers, iptables, ip6tables (DNAT, TTL)",
          formats={"client": "pcapng"})
def two_backends(lab):
    """A balancer (the router) offers two servers under one address; one of them starts with TTL
    64, the other with 128. Each resets a connection (SO_LINGER 0). Different TTLs behind one
    address are no forgery."""
    vip = "10.0.2.98" if lab.family == 4 else "fd52:5354:2::98"
    lab.router.run("ip", "address", "add", vip + ("/32" if lab.family == 4 else "/128"), "dev",
                   "rs")
    target, option = TTL_TARGET[lab.family]
    lab.iptables(lab.server, "-t", "mangle", "-A", "POSTROUTING", "-s", lab.server2_ip, "-j",
                 target, option + "-set", "128")
    for count, address in ((2, lab.server_ip), (1, lab.server2_ip)):
        lab.iptables(lab.router, "-t", "nat", "-A", "PREROUTING", "-d", vip, "-p",
                     "tcp", "--dport", "80", "-m", "statistic", "--mode", "nth", "--every",
                     str(count), "--packet", "0", "-j", "DNAT", "--to-destination",
                     f"{lab.bracketed(address)}:80")
    listeners = {address: lab.listen(80, address) for address in (lab.server_ip, lab.server2_ip)}
    for number in range(6):
        c = lab.keep(client_socket(lab.client, lab.client_ip))
        port = c.getsockname()[1]
        c.connect((vip, 80))
        c.sendall(GET)
        address = (lab.server_ip, lab.server2_ip)[number % 2]
        s = lab.keep(listeners[address].accept()[0])
        receive(s)
        pause(0.05)
        if number < 3:
            s.sendall(answer(b"in stock"))
            receive(c, b"in stock")
            c.close()
            pause(0.05)
            s.close()
            lab.closed(lab.conn(port, 80, server_ip=vip), ("client", "router"))
            lab.closed(lab.conn(port, 80, server_ip=address), ("server", ))
        else:
            abort(s)
            for points, seen_address in ((("client", "router"), vip), (("server", ), address)):
                lab.reset(lab.conn(port, 80, server_ip=seen_address), "server", "awaiting-response",
                          "abortive-close", seen=points, http_method="GET",
                          also={"cause": ["unread-data", "unknown"]})
        pause(0.1)


@scenario("route-change", "Python sockets, iptables, ip6tables (TTL)", points=("client", "server"))
def route_change(lab):
    """The way from the server gets one hop longer during the connection; then the server resets
    it (SO_LINGER 0). A TTL that differs by one is no forgery."""
    link = lab.open(80)
    exchange(link)
    pause(0.1)
    target, option = TTL_TARGET[lab.family]
    lab.iptables(lab.router, "-t", "mangle", "-A", "POSTROUTING", "-o", "rc", "-j", target,
                 option + "-dec", "1")
    link.c.sendall(GET)
    receive(link.s)
    pause(0.1)
    abort(link.s)
    pause(0.1)
    lab.reset(link, "server", "awaiting-response", "abortive-close", http_method="GET",
              also={"cause": ["unread-data", "unknown"], "sender": ["unknown"]})


@scenario("socket-ttl", "Python sockets (IP_TTL, IPV6_UNICAST_HOPS)")
def socket_ttl(lab):
    """A server sets its own TTL (99) on its sockets. An abort (SO_LINGER 0) bears it; the
    kernel's RST for data after the server's close() bears the system's 64. No forgery."""
    for passive in (False, True):
        link = lab.open(80)
        if lab.family == 4:
            link.s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 99)
        else:
            link.s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 99)
        exchange(link)
        pause(0.1)
        if passive:
            link.s.close()
            pause(0.1)
            link.c.sendall(GET)
            lab.reset(link, "server", "after-fin", "half-close-violation", "fin-then-rst",
                      trigger="data", late=True, http_method="GET",
                      also={"cause": ["no-socket", "unknown"], "sender": ["unknown"]})
        else:
            abort(link.s)
            lab.reset(link, "server", "after-response", "abortive-close",
                      also={"cause": ["unknown"]})
        pause(0.1)


@scenario("server-ttl-128", "Python sockets, iptables, net.ipv4.ip_default_ttl=128")
def server_ttl_128(lab):
    """A server whose packets start with TTL 128: a closed port, an abort (SO_LINGER 0), and a
    REJECT by the router, whose own TTL is 64."""
    lab.server.sysctl("net.ipv4.ip_default_ttl", 128)
    lab.server.sysctl("net.ipv6.conf.all.hop_limit", 128)
    lab.server.sysctl("net.ipv6.conf.s0.hop_limit", 128)
    lab.iptables(lab.router, "-A", "FORWARD", "-p", "tcp", "--dport", "83", "-j", "REJECT",
                 "--reject-with", "tcp-reset")
    link = lab.open(80)
    link.c.sendall(GET)
    receive(link.s)
    abort(link.s)
    lab.reset(link, "server", "awaiting-response", "abortive-close", http_method="GET",
              also={"cause": ["unread-data", "unknown"]})
    for port, sender, points in ((81, "server", lab.points), (83, "middlebox", ("client",
                                                                                "router"))):
        sock = lab.keep(client_socket(lab.client, lab.client_ip))
        conn = lab.conn(sock.getsockname()[1], port)
        sock.connect_ex((lab.server_ip, port))
        lab.reset(conn, "server", "refused-handshake",
                  "port-closed" if port == 81 else "firewall-reject", "refused", sender=sender,
                  seen=points, trigger="syn",
                  also={"cause": ["unknown"]} | ({} if port == 81 else {"sender": ["unknown"]}))
