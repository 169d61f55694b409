# SPDX-License-Identifier: GPL-2.0-or-later
"""Resets whose obvious explanation is not the true one."""
import ssl

import peers
from lab import pause, scenario
from peers import GET, abort, answer, receive

EITHER = {"cause": ["abortive-close", "unread-data", "unknown"]}


@scenario("aborts-together")
def aborts_together(lab):
    """Five requests arrive at once, and the server dislikes each of them (SO_LINGER 0): five resets in
    one instant, though no process ended. It goes on to serve others."""
    links = [lab.open() for _ in range(5)]
    for link in links:
        link.c.sendall(GET)
    for link in links:
        receive(link.s)
    for link in links:
        abort(link.s)
        lab.reset(link, "server", "awaiting-response", "abortive-close", http_method="GET",
                  also=EITHER)
    pause(0.1)
    lab.healthy(lab.server_ip, 80)


@scenario("port-forwarded", "iptables (DNAT)", points=("client", "router"), families=(4, ))
def port_forwarded(lab):
    """A gateway forwards one port of its address to a server behind it; on another port it has nothing,
    and its own kernel refuses, one hop nearer. No rule rejects anything."""
    lab.router.run("iptables", "-t", "nat", "-A", "PREROUTING", "-d", lab.router_client_ip, "-p",
                   "tcp", "--dport", "80", "-j", "DNAT", "--to-destination", lab.server_ip)
    listener = lab.listen(80)
    for _ in range(2):
        c = lab.keep(peers.client_socket(lab.client, lab.client_ip))
        c.connect((lab.router_client_ip, 80))
        s = lab.keep(listener.accept()[0])
        c.sendall(GET)
        receive(s)
        s.sendall(answer(b"in stock"))
        receive(c, b"in stock")
        refused = lab.keep(peers.client_socket(lab.client, lab.client_ip))
        try:
            refused.connect((lab.router_client_ip, 81))
        except ConnectionRefusedError:
            pass
        conn = lab.conn(refused.getsockname()[1], 81, server_ip=lab.router_client_ip)
        lab.reset(conn, "server", "refused-handshake", "port-closed", "refused", trigger="syn",
                  also={"cause": ["unknown"], "sender": ["middlebox", "unknown"]})


@scenario("tls-closed-instead-of-answer")
def tls_closed_instead_of_answer(lab):
    """TLS 1.3, no client certificate asked for: the server reads the request, says close_notify and
    aborts (SO_LINGER 0). Its alert, encrypted, is all it ever sent after the handshake; yet the
    handshake had gone well."""
    context = lab.certificates.server_context(ssl.TLSVersion.TLSv1_3)
    context.num_tickets = 0
    link = lab.open(443)
    peers.handshake(link, lab.certificates.client_context(), context)
    link.c.sendall(GET)
    receive(link.s)
    link.s.setblocking(False)
    try:
        link.s.unwrap()
    except ssl.SSLWantReadError:
        pass
    abort(link.s)
    lab.reset(link, "server", "awaiting-response", "abortive-close", also=EITHER)


@scenario("client-forgot", "Python sockets, iptables, ip6tables")
def client_forgot(lab):
    """The client's host loses the connection in the middle of a download (its own RST is dropped, as if
    the host had crashed); the next data meets a bare RST. Nobody cancelled anything."""
    link = lab.open()
    link.c.sendall(GET)
    receive(link.s)
    link.s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + b"x" * 1000)
    receive(link.c, b"x" * 1000)
    pause(0.1)
    rule = ("OUTPUT", "-p", "tcp", "--dport", "80", "--tcp-flags", "RST", "RST", "-j", "DROP")
    lab.iptables(lab.client, "-A", *rule)
    abort(link.c)
    pause(0.1)
    lab.iptables(lab.client, "-D", *rule)
    link.s.sendall(b"x" * 1000)
    pause(0.1)
    lab.reset(link, "client", "mid-response", "no-socket", trigger="data", http_method="GET",
              http_status=200, also={"cause": ["firewall-reject", "unknown"]})
