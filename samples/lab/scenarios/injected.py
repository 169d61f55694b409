# SPDX-License-Identifier: GPL-2.0-or-later
"""Devices in the path: forged RSTs, and packets that lost their address translation."""
import struct

from forge import ACK, RST, SYN, Tap, segment
from lab import pause, scenario
from network import Network
from peers import GET, SNI, answer, client_socket, in_background, receive

# Forged packets start with this TTL: the device is not the hosts' kernel.
TTL = 101
WEAK = {"cause": ["unknown"], "sender": ["unknown"]}


def mac(interface):
    return bytes.fromhex(Network.MACS[interface].replace(":", ""))


class Device:
    """Sits on the router, reads along on its client side, and writes to both links without a
    socket. `on(segment)` is called for every segment that passes."""
    def __init__(self, lab, on=None):
        self.lab, self.on, self.seen = lab, on, {}
        self.taps = {
            interface: Tap(lab.router, interface, self._note)
            for interface in ("rc", "rs")
        }

    def _note(self, seen):
        if (":" in seen.src) == (self.lab.family == 6):
            if seen.flags & ACK:
                self.seen[seen.src, seen.sport, seen.dst, seen.dport] = seen
            if self.on:
                self.on(self, seen)

    def send(self, to, *args, **options):
        """`to`: "client" or "server"; the rest as for forge.segment()."""
        near, far = ("rc", "c0") if to == "client" else ("rs", "s0")
        kind = b"\x08\x00" if self.lab.family == 4 else b"\x86\xdd"
        self.taps[near].send(mac(far) + mac(near) + kind + segment(*args, **options))

    def reset(self, to, trigger, *, flags=RST, ahead=0, ttl=TTL, **options):
        """A RST in the name of whom the trigger was sent to, to its sender; or (`to` the other
        end) in the sender's own name, right behind the trigger."""
        t = trigger
        if (to == "client") == self.lab.is_client(t.src):
            self.send(to, t.dst, t.src, t.dport, t.sport, t.ack + ahead,
                      t.end if flags & ACK else 0, flags, ttl=ttl, **options)
        else:
            self.send(to, t.src, t.dst, t.sport, t.dport, t.end + ahead,
                      t.ack if flags & ACK else 0, flags, ttl=ttl, **options)

    def reset_both(self, conn, ttl=64):
        last = self.seen[conn.server, conn.server_port, conn.client, conn.client_port]
        mine = self.seen[conn.client, conn.client_port, conn.server, conn.server_port]
        self.send("client", conn.server, conn.client, conn.server_port, conn.client_port, mine.ack,
                  mine.end, RST | ACK, ttl=ttl)
        self.send("server", conn.client, conn.server, conn.client_port, conn.server_port, last.ack,
                  last.end, RST | ACK, ttl=ttl)


def on_text(text, act):
    """A device that acts once per connection, on the first client segment that holds the text.
    It leaves the healthy connections (other ports) alone."""
    done = set()

    def on(device, seen):
        if text in seen.payload and seen.dport in (80, 443) and seen.sport not in done:
            done.add(seen.sport)
            act(device, seen)

    return on


def start_tls(lab):
    """Client and server each do their part of an exchange; somebody may not let them."""
    listener = lab.listen(443)
    c = lab.keep(client_socket(lab.client, lab.client_ip))
    conn = lab.conn(c.getsockname()[1], 443)
    c.connect((lab.server_ip, 443))
    s = lab.keep(listener.accept()[0])
    s.settimeout(1)
    server = in_background(
        lambda: lab.keep(lab.certificates.server_context().wrap_socket(s, server_side=True)))
    client = in_background(
        lambda: lab.keep(lab.certificates.client_context().wrap_socket(c, server_hostname=SNI)))
    client(), server()
    return conn


def forged(lab, conn, by, origin, *, seen, cause="injected", **options):
    lab.reset(conn, by, origin, cause, sender="middlebox", seen=seen, **({"also": WEAK} | options))


@scenario("injected-sni", "Python device on the router", interfaces={"router": "any"},
          formats={"client": "nsec"})
def injected_sni(lab):
    """A device reads the server name in the ClientHello and sends a RST to both ends, each in
    the other's name and faster than the server could answer. The server's real answer still
    arrives at a client whose kernel knows nothing any more. The router's capture holds every
    forwarded packet twice."""
    def act(device, seen):
        for to in ("client", "server"):
            device.reset(to, seen, flags=RST | ACK, ttl=TTL)

    lab.keep(Device(lab, on_text(SNI.encode(), act)))
    for _ in range(2):
        conn = start_tls(lab)
        pause(0.3)
        fields = {"tls_stage": "client-hello"}
        forged(lab, conn, "server", "tls-phase", seen=("client", "router"), **fields)
        forged(
            lab, conn, "client", "tls-phase", seen=("router", "server"), at={
                "router": {
                    "origin": "after-close", "tls_stage": None,
                    "also": WEAK | {"origin": ["tls-phase"], "cause": ["unknown", "time-wait"]}
                }
            }, **fields)
        lab.late_resets(conn, "server", "no-socket")
        lab.late_resets(conn, "client", "no-socket")


@scenario("injected-to-client", "Python device on the router")
def injected_to_client(lab):
    """A device resets the client only, on a word in the request, in the clear. The server
    answers all the same; the client's kernel, which has closed the connection, resets the
    server in turn."""
    lab.keep(Device(lab, on_text(b"/item/7", lambda device, seen: device.reset("client", seen))))
    link = lab.open(80)
    link.c.sendall(GET)
    receive(link.s)
    link.s.sendall(answer(b"in stock"))
    pause(0.2)
    forged(lab, link, "server", "awaiting-response", seen=("client", "router"), http_method="GET")
    weak = {"cause": ["time-wait", "half-close-violation", "injected", "unknown"]}
    lab.reset(
        link, "client", "after-close", "no-socket", also=weak, what="the client's kernel",
        # The server sees its whole answer go out before a RST answers its first ACK.
        at={
            "server": {
                "origin": "after-response", "http_method": "GET", "http_status": 200,
                "also": {"cause": ["client-cancel", "abortive-close", "injected", "unknown"]}
            }
        })
    lab.late_resets(link, "client", "no-socket")


@scenario("injected-train", "Python device on the router", points=("client", "router"))
def injected_train(lab):
    """A device sends the client three RSTs a millisecond apart, with sequence numbers 0, 1460
    and 4380 bytes ahead: one of them fits even if the server was faster. The first one does."""
    def act(device, seen):
        for ahead in (0, 1460, 4380):
            device.reset("client", seen, ahead=ahead, ttl=47)

    lab.keep(Device(lab, on_text(SNI.encode(), act)))
    for _ in range(2):
        conn = start_tls(lab)
        pause(0.2)
        forged(lab, conn, "server", "tls-phase", seen=("client", "router"),
               tls_stage="client-hello")
        forged(lab, conn, "server", "after-close", seen=("client", "router"), times=2,
               also=WEAK | {"cause": ["unknown", "time-wait"]})
        lab.late_resets(conn, "client", "no-socket")


@scenario("injected-ahead", "Python device on the router", formats={"router": "pcapng"})
def injected_ahead(lab):
    """A device guesses the sequence number too high, though within the window: the client's
    kernel answers with a challenge ACK (RFC 5961) and the connection lives on to an orderly
    close."""
    lab.keep(
        Device(lab,
               on_text(b"/item/7", lambda device, seen: device.reset("client", seen, ahead=1000))))
    link = lab.open(80)
    link.c.sendall(GET)
    receive(link.s)
    pause(0.1)
    link.s.sendall(answer(b"in stock"))
    receive(link.c, b"in stock")
    lab.close_by(link.c, link.s, link)
    forged(lab, link, "server", "awaiting-response", seen=("client", "router"),
           sequence_check="in-window", also=WEAK | {"close_type": ["open", "fin"]},
           http_method="GET")


@scenario("injected-out-of-window", "Python device on the router", points=("client", "router"))
def injected_out_of_window(lab):
    """A device's RST lies a megabyte outside of the window; the client's kernel ignores it."""
    lab.keep(
        Device(
            lab,
            on_text(b"/item/7", lambda device, seen: device.reset("client", seen, ahead=1 << 20))))
    link = lab.open(80)
    link.c.sendall(GET)
    receive(link.s)
    pause(0.1)
    link.s.sendall(answer(b"in stock"))
    receive(link.c, b"in stock")
    lab.close_by(link.c, link.s, link)
    forged(lab, link, "server", "awaiting-response", seen=("client", "router"),
           sequence_check="out-of-window", also=WEAK | {"close_type": ["open", "fin"]},
           http_method="GET")


@scenario("injected-behind", "Python device on the router", points=("client", "router"))
def injected_behind(lab):
    """A slow device: it resets the client 30 ms after the request, when the server's answer has
    overtaken it. The RST's sequence number is behind and has no effect."""
    def act(device, seen):
        pause(0.03)
        device.reset("client", seen)

    lab.keep(Device(lab, on_text(b"/item/7", act)))
    link = lab.open(80)
    link.c.sendall(GET)
    receive(link.s)
    link.s.sendall(answer(b"in stock"))
    receive(link.c, b"in stock")
    pause(0.1)
    lab.close_by(link.c, link.s, link)
    forged(lab, link, "server", "after-response", seen=("client", "router"),
           sequence_check="out-of-window", also=WEAK | {"close_type": ["open", "fin"]},
           http_method="GET", http_status=200)


@scenario("injected-syn", "Python device on the router", points=("client", "router"))
def injected_syn(lab):
    """A device answers the SYN itself with a RST, before the server can. The real SYN-ACK
    arrives later and is reset by the client's kernel: the port was open."""
    def on(device, seen):
        if seen.dport == 81 and seen.flags == SYN:
            device.send("client", seen.dst, seen.src, seen.dport, seen.sport, 0, seen.end,
                        RST | ACK, ttl=TTL)

    lab.keep(Device(lab, on))
    lab.listen(81)
    for _ in range(2):
        sock = lab.keep(client_socket(lab.client, lab.client_ip))
        conn = lab.conn(sock.getsockname()[1], 81)
        try:
            sock.connect((lab.server_ip, 81))
        except OSError:
            pass
        pause(0.2)
        forged(lab, conn, "server", "refused-handshake", seen=("client", "router"), close="refused")
        lab.reset(
            conn, "client", "after-close", "no-socket", close="refused", follows=True,
            seen=("client", "router"), times="any", also={
                "cause": ["time-wait", "unknown"], "origin": ["aborted-handshake"],
                "close_type": ["rst"]
            }, what="the client's kernel answers the real SYN-ACK")


@scenario("injected-payload", "Python device on the router", points=("client", ))
def injected_payload(lab):
    """A device's RST carries ten bytes of payload (01 02 .. 09 00), as one known device's does."""
    lab.keep(
        Device(
            lab,
            on_text(
                SNI.encode(),
                lambda device, seen: device.reset("client", seen, flags=RST | ACK, payload=bytes(
                    range(1, 10)) + b"\0"))))
    conn = start_tls(lab)
    pause(0.2)
    forged(lab, conn, "server", "tls-phase", seen=("client", ), tls_stage="client-hello")
    lab.late_resets(conn, "client", "no-socket")


@scenario("rst-diagnostic", "Python device on the router", points=("client", ))
def rst_diagnostic(lab):
    """An honest device says in the RST's payload why it resets
    (draft-boucadair-tcpm-rst-diagnostic-payload: code 9, not authorized)."""
    lab.keep(
        Device(
            lab,
            on_text(
                b"/item/7", lambda device, seen: device.reset(
                    "client", seen, flags=RST | ACK, payload=struct.pack("!HHI", 0x33AA, 9, 0)))))
    link = lab.open(80)
    link.c.sendall(GET)
    pause(0.2)
    forged(lab, link, "server", "awaiting-response", seen=("client", ), http_method="GET",
           also=WEAK | {"cause": ["unknown", "firewall-reject"]})
    lab.late_resets(link, "client", "no-socket")


VIP = {4: "10.0.2.99", 6: "fd52:5354:2::99"}


def translate(lab):
    """The router offers the server's port 80 under an address that no host has."""
    lab.router.run("ip", "address", "add", VIP[lab.family] + ("/32" if lab.family == 4 else "/128"),
                   "dev", "rs", *([] if lab.family == 4 else ["nodad"]))
    lab.iptables(lab.router, "-t", "nat", "-A", "PREROUTING", "-d", VIP[lab.family], "-p", "tcp",
                 "--dport", "80", "-j", "DNAT", "--to-destination",
                 f"{lab.bracketed(lab.server_ip)}:80")


def lose_translation(lab):
    """From now on the server's packets pass the router untranslated, as when replies take
    another path or conntrack calls them invalid."""
    lab.iptables(lab.router, "-t", "raw", "-A", "PREROUTING", "-s", lab.server_ip, "-p", "tcp",
                 "--sport", "80", "-j", "NOTRACK")


def vip_client(lab):
    c = lab.keep(client_socket(lab.client, lab.client_ip))
    return c, c.getsockname()[1]


@scenario("nat-mismatch", "iptables, ip6tables (DNAT, NOTRACK)")
def nat_mismatch(lab):
    """The client connects to a service address that the router translates; the reply comes back
    untranslated. The client gets a SYN-ACK from an address it never talked to, and resets it."""
    translate(lab), lose_translation(lab), lab.listen(80)
    c, port = vip_client(lab)
    c.settimeout(0.5)
    try:
        c.connect((VIP[lab.family], 80))
    except OSError:
        pass
    pause(0.2)
    lab.reset(
        lab.conn(port, 80), "client", "aborted-handshake", "nat-mismatch", trigger="syn",
        times="any",
        # The client repeats its SYN: another SYN-ACK, another RST, another stream.
        also={"cause": ["no-socket", "unknown"], "origin": ["after-close"]},
        # Behind the translation it looks like a client that gave up.
        at={"server": {"also": {"cause": ["scan", "client-cancel", "no-socket", "unknown"]}}})


@scenario("nat-mismatch-midstream", "iptables, ip6tables (DNAT, NOTRACK)")
def nat_mismatch_midstream(lab):
    """As nat-mismatch, but the translation is lost while a response is under way: the client
    resets the stranger's data, and that RST ends the server's connection."""
    translate(lab)
    listener = lab.listen(80)
    c, port = vip_client(lab)
    c.connect((VIP[lab.family], 80))
    s = lab.keep(listener.accept()[0])
    c.sendall(GET)
    receive(s)
    s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"x" * 1000)
    receive(c, size=1000)
    pause(0.1)
    lose_translation(lab)
    s.sendall(b"x" * 1000)
    pause(0.2)
    lab.reset(
        lab.conn(port, 80), "client", "mid-response", "nat-mismatch", trigger="data", also={
            "cause": ["no-socket", "unknown"],
            "origin": ["unknown", "mid-request", "after-response"]
        }, at={
            "server": {
                "http_method": "GET", "http_status": 200, "origin": "after-response",
                "also": {"cause": ["no-socket", "client-cancel", "abortive-close", "unknown"]}
            }
        }, times="any")


@scenario("nat-state-lost", "iptables, ip6tables (SNAT), conntrack -D")
def nat_state_lost(lab):
    """The router translates the client's address to its own and forgets the connection while it
    is idle (4.5 s). The server's next message arrives at an address that has no such
    connection: the NAT box itself resets it."""
    lab.iptables(lab.router, "-t", "nat", "-A", "POSTROUTING", "-o", "rs", "-p", "tcp", "--dport",
                 "5222", "-j", "SNAT", "--to-source", lab.router_server_ip)
    listener = lab.listen(5222)
    c, port = vip_client(lab)
    c.connect((lab.server_ip, 5222))
    s = lab.keep(listener.accept()[0])
    c.sendall(b"hello, news please\r\n")
    receive(s, b"\r\n")
    s.sendall(b"hello, will tell\r\n")
    receive(c, b"\r\n")
    pause(4.5)
    lab.router.run("conntrack", "-D", "-f", "ipv4" if lab.family == 4 else "ipv6", "-p", "tcp",
                   "--dport", "5222")
    s.sendall(b"news\r\n")
    pause(0.2)
    lab.reset(
        lab.conn(None, 5222, client_ip=lab.router_server_ip), "client", "idle-timeout",
        "state-expired", sender="middlebox", trigger="data", idle=(4.3, 5.5), seen=("server", ),
        # For the server the NAT box is the client.
        also={"cause": ["no-socket", "unknown"], "sender": ["client", "unknown"]})
