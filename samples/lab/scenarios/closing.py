# SPDX-License-Identifier: GPL-2.0-or-later
"""FIN: orderly closes, and what arrives after one."""
from exchange import VARIANTS, http
from forge import Tap
from lab import pause, scenario
from peers import GET, abort, answer, receive, socket


def exchange(link):
    link.c.sendall(GET)
    receive(link.s)
    link.s.sendall(answer(b"in stock"))
    receive(link.c, b"in stock")


@scenario("clean-close", formats={"client": "pcapng", "server": "nsec"})
def clean_close(lab):
    """Exchanges closed in order by two FINs, the client's or the server's first. No RST."""
    for port, tls in VARIANTS:
        for first in ("client", "server"):
            link = lab.open(port, tls)
            exchange(link)
            ends = (link.c, link.s) if first == "client" else (link.s, link.c)
            lab.close_by(*ends, link)


@scenario("half-close")
def half_close(lab):
    """The client ends its direction after the request (FIN), the server still answers in full,
    then closes. No RST: a half-close is legal."""
    link = lab.open(80)
    link.c.sendall(GET)
    link.c.shutdown(socket.SHUT_WR)
    receive(link.s)
    pause(0.5)
    link.s.sendall(answer(b"in stock"))
    pause(0.05)
    link.s.close()
    receive(link.c, size=10000)
    link.c.close()
    pause(0.1)
    lab.closed(link)


@scenario("half-close-reset")
def half_close_reset(lab):
    """The client ends its direction after the request (FIN) and waits; the server aborts
    (SO_LINGER 0) instead of answering."""
    link = lab.open(80)
    link.c.sendall(GET)
    link.c.shutdown(socket.SHUT_WR)
    receive(link.s)
    pause(0.2)
    abort(link.s)
    pause(0.1)
    lab.reset(link, "server", "after-fin", "abortive-close", "fin-then-rst", http_method="GET",
              also={"cause": ["unread-data", "unknown"]})


@scenario("data-after-fin", formats={"router": "nsec"})
def data_after_fin(lab):
    """The server closes both directions after its answer (close(), a FIN on the wire); the
    client sends another request, for which there is no reader any more: RST."""
    for port, tls in VARIANTS:
        link = lab.open(port, tls)
        exchange(link)
        link.s.close()
        pause(0.3)
        link.c.sendall(GET)
        pause(0.1)
        lab.reset(link, "server", "after-fin", "half-close-violation", "fin-then-rst",
                  trigger="data", also={"cause": ["no-socket", "unknown"]}, late=True,
                  **http(tls, http_method="GET"))


@scenario("keepalive-race")
def keepalive_race(lab):
    """The server closes an idle keep-alive connection just when the client sends its next
    request: FIN and request cross on the way, and the request meets a RST."""
    for port, tls in VARIANTS:
        link = lab.open(port, tls)
        exchange(link)
        pause(2)
        link.s.close()
        link.c.sendall(GET)
        pause(0.1)
        lab.reset(
            link, "server", "after-fin", "half-close-violation", "fin-then-rst", trigger="data",
            # At the client the request leaves before the FIN arrives: the order the cause tells of.
            also={"cause": ["idle-timer", "no-socket", "unknown"]}, late=True,
            **http(tls, http_method="GET"))


@scenario("time-wait")
def time_wait(lab):
    """After an orderly close, a stray copy of an old segment reaches the side in TIME-WAIT (the
    client, which closed first): it answers with an ACK, and the server, which knows nothing any
    more, answers that with a RST. Harmless."""
    old, server = {}, lab.server_ip

    def remember(seen):
        if seen.src == server and seen.sport == 80 and seen.payload:
            old["segment"] = seen

    tap = Tap(lab.router, "rs", remember)
    link = lab.open(80)
    exchange(link)
    lab.close_by(link.c, link.s, link)
    pause(0.3)
    # The router lets the old segment go a second time, towards the client.
    replay(lab, old["segment"])
    pause(0.2)
    lab.keep(tap)
    lab.reset(
        link, "server", "after-close", "time-wait", "fin-then-rst", trigger="ack",
        also={"cause": ["no-socket", "half-close-violation", "unknown"], "close_type": ["fin"]})


def replay(lab, seen):
    """Sends a segment once more out of the router's client side."""
    frame = bytearray(seen.frame)
    frame[:12] = bytes.fromhex("020000000110020000000101")
    if lab.family == 4:  # one hop: TTL and header checksum
        frame[22] -= 1
        total = int.from_bytes(frame[24:26], "big") + 0x100
        frame[24:26] = ((total & 0xFFFF) + (total >> 16)).to_bytes(2, "big")
    else:
        frame[21] -= 1
    with lab.router:
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.bind(("rc", 0))
    sock.send(bytes(frame))
    sock.close()


@scenario("data-after-close")
def data_after_close(lab):
    """After an orderly close, a stray copy of an old segment reaches the side that closed last
    (here the client), which has forgotten the connection: it answers with a RST."""
    old, server = {}, lab.server_ip

    def remember(seen):
        if seen.src == server and seen.sport == 80 and seen.payload:
            old["segment"] = seen

    lab.keep(Tap(lab.router, "rs", remember))
    link = lab.open(80)
    exchange(link)
    lab.close_by(link.s, link.c, link)
    pause(0.3)
    replay(lab, old["segment"])
    pause(0.2)
    lab.reset(
        link, "client", "after-close", "time-wait", "fin-then-rst", trigger="data",
        also={"cause": ["no-socket", "half-close-violation", "unknown"], "close_type": ["fin"]},
        # Only the router and the client saw the stray segment.
        at={"server": {"trigger": None}})
