# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures that are not as one would wish: everything twice, one direction only, the start missing, cut short."""
import os
import subprocess

from closing import exchange
from exchange import VARIANTS, http
from lab import pause, scenario
from peers import GET, abort, client_socket, receive


def refilter(path, display_filter):
    """Keeps only some frames of a capture."""
    part = path + ".part"
    subprocess.run(["tshark", "-r", path, "-Y", display_filter, "-F", "pcap", "-w", part], check=True,
                   capture_output=True)
    os.replace(part, path)


@scenario("mirror", "tcpdump -i any on the router", points=("router",), interfaces={"router": "any"},
          formats={"router": "nsec"})
def mirror(lab):
    """Every packet twice, as on a mirror port: the router's capture of all its interfaces (Linux cooked v2). A RST
    from each side; each is one event."""
    for port, tls in VARIANTS:
        for by in ("server", "client"):
            link = lab.open(port, tls)
            link.c.sendall(GET)
            receive(link.s)
            pause(0.1)
            abort(link.s if by == "server" else link.c)
            pause(0.1)
            lab.reset(link, by, "awaiting-response", "abortive-close", **http(tls, http_method="GET"),
                      also={"cause": ["unread-data" if by == "server" else "client-cancel", "unknown"]} |
                      ({} if tls is None else {"origin": ["mid-request"]}))


def reset_after_exchange(lab, origin_also, fields, **options):
    for port, tls in VARIANTS:
        link = lab.open(port, tls)
        exchange(link)
        link.c.sendall(GET)
        receive(link.s)
        pause(0.1)
        abort(link.s)
        pause(0.1)
        lab.reset(link, "server", "awaiting-response", "abortive-close",
                  also={"cause": ["unread-data", "unknown"], "origin": origin_also, "sender": ["unknown"]}, **options,
                  **(http(tls, **fields)))


def only_from(*sources):
    def cut(paths):
        for path in paths.values():
            refilter(path, " or ".join(f"ip.src=={s}" if "." in s else f"ipv6.src=={s}" for s in sources))
    return cut


CLIENTS = ("10.0.1.10", "10.0.1.11", "fd52:5354:1::10", "fd52:5354:1::11")
SERVERS = ("10.0.2.20", "10.0.2.21", "fd52:5354:2::20", "fd52:5354:2::21")


@scenario("only-from-server", "Python sockets, cut with tshark", points=("client",), cut=only_from(*SERVERS),
          closes=False)
def only_from_server(lab):
    """An exchange, a second request, and the server's reset (SO_LINGER 0) instead of an answer; the capture holds only
    what the server sent (asymmetric routing)."""
    reset_after_exchange(lab, ["unknown", "after-response", "mid-request", "mid-response"], {})


@scenario("only-from-client", "Python sockets, cut with tshark", points=("client",), cut=only_from(*CLIENTS),
          closes=False)
def only_from_client(lab):
    """An exchange, a second request, and the client's reset (SO_LINGER 0) while it waits; the capture holds only what
    the client sent."""
    for port, tls in VARIANTS:
        link = lab.open(port, tls)
        exchange(link)
        link.c.sendall(GET)
        receive(link.s)
        pause(0.1)
        abort(link.c)
        pause(0.1)
        lab.reset(link, "client", "awaiting-response", "abortive-close", **http(tls, http_method="GET"),
                  also={"cause": ["client-cancel", "unknown"], "sender": ["unknown"],
                        "origin": ["unknown", "mid-request", "after-response"]})


def without_start(paths):
    """Drops handshakes and whatever precedes the second request."""
    for path in paths.values():
        refilter(path, "not tcp.flags.syn==1 and not (tcp.port in {80, 443} and frame.time_relative < 2)")


@scenario("mid-connection-start", "Python sockets, cut with tshark", points=("client", "server"), cut=without_start)
def mid_connection_start(lab):
    """The capture begins when the connections are open already: no SYN, no ClientHello. A request, and the server's
    reset (SO_LINGER 0) instead of an answer."""
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
        lab.reset(link, "server", "awaiting-response", "abortive-close", **http(tls, http_method="GET"),
                  also={"cause": ["unread-data", "unknown"]} | ({} if tls is None else {"origin": ["mid-request", "unknown"]}))


def snap(paths):
    for path in paths.values():
        part = path + ".part"
        subprocess.run(["editcap", "-F", "pcap", "-s", "96", path, part], check=True)
        os.replace(part, path)


@scenario("snaplen-96", "Python sockets, cut with editcap", points=("client", "server"), cut=snap)
def snaplen_96(lab):
    """Only the first 96 bytes of each packet are there: no ClientHello, no whole HTTP head."""
    reset_after_exchange(lab, ["unknown", "mid-request", "after-response", "mid-response"], {})


@scenario("loopback", "tcpdump -i lo on the server", points=("server",), interfaces={"server": "lo"},
          closes=False)
def loopback(lab):
    """Client and server on one host, seen on its loopback interface: no delay, no checksums, one TTL for both. A closed
    port, an abort (SO_LINGER 0) and a close with unread data."""
    own = "127.0.0.1" if lab.family == 4 else "::1"
    connect = lambda port: lab.keep(client_socket(lab.server, own)).connect_ex((own, port))
    connect(81)
    lab.reset(lab.conn(None, 81, own, own), "server", "refused-handshake", "port-closed", "refused", trigger="syn",
              also={"cause": ["unknown"]})
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
        lab.reset(lab.conn(None, port, own, own), "server", "awaiting-response", cause, http_method="GET",
                  also={"cause": ["abortive-close", "unread-data", "unknown"]})
