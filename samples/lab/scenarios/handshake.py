# SPDX-License-Identifier: GPL-2.0-or-later
"""Connections that fail in, or right after, the TCP handshake."""
from lab import pause, scenario
from peers import GET, SNI, abort, answer, client_hello, client_socket, in_background, receive

PORTS = {4: 41000, 6: 46000}  # client ports, where a program or a rule needs to know them


def try_connect(lab, port):
    sock = client_socket(lab.client, lab.client_ip)
    conn = lab.conn(sock.getsockname()[1], port)
    try:
        sock.connect((lab.server_ip, port))
    except OSError:
        pass
    lab.keep(sock)
    return conn


@scenario("closed-port", formats={"client": "pcapng"})
def closed_port(lab):
    """A client connects to ports on which nothing listens; the server's kernel refuses."""
    for port in (81, 82):
        conn = try_connect(lab, port)
        # On IPv4 a REJECT on the same host builds the very same packet.
        lab.reset(conn, "server", "refused-handshake", "port-closed", "refused", trigger="syn",
                  also={"cause": ["unknown"]})


@scenario("reject-on-server", "iptables, ip6tables")
def reject_on_server(lab):
    """The server's own firewall rejects a port with tcp-reset, though a program listens there."""
    lab.listen(81)
    lab.iptables(lab.server, "-A", "INPUT", "-p", "tcp", "--dport", "81", "-j", "REJECT",
                 "--reject-with", "tcp-reset")
    for _ in range(2):
        # IPv6 tells: the firewall's RST has flow label 0, the kernel's has not. IPv4 cannot.
        weaker = ["unknown", "port-closed"] if lab.family == 4 else ["unknown"]
        lab.reset(try_connect(lab, 81), "server", "refused-handshake", "firewall-reject", "refused",
                  trigger="syn", also={"cause": weaker})


@scenario("reject-on-router", "iptables, ip6tables", points=("client", "router"))
def reject_on_router(lab):
    """The router rejects connections to a port that is open on the server. The RST comes from one
    hop nearer than the server's other packets; the server sees nothing."""
    lab.listen(81)
    lab.iptables(lab.router, "-A", "FORWARD", "-p", "tcp", "--dport", "81", "-j", "REJECT",
                 "--reject-with", "tcp-reset")
    for _ in range(2):
        lab.reset(try_connect(lab, 81), "server", "refused-handshake", "firewall-reject", "refused",
                  sender="middlebox", trigger="syn",
                  also={"cause": ["unknown"], "sender": ["unknown"]})


@scenario("reject-midstream", "iptables, ip6tables", points=("client", "router"),
          formats={"router": "nsec"})
def reject_midstream(lab):
    """A firewall rule comes into force on the router while a connection is open: the next request
    is answered by the router with a RST. The server never learns of it."""
    links = []
    for port, tls in ((80, None), (443, {})):
        link = lab.open(port, tls)
        link.c.sendall(GET)
        receive(link.s)
        link.s.sendall(answer(b"in stock"))
        receive(link.c, b"in stock")
        links.append((link, tls))
    pause(0.1)  # or the rule meets the last ACK
    lab.iptables(lab.router, "-I", "FORWARD", "-p", "tcp", "-m", "multiport", "--dports", "80,443",
                 "-j", "REJECT", "--reject-with", "tcp-reset")
    for link, tls in links:
        pause(0.2)
        link.c.sendall(GET)
        lab.reset(
            link, "server", "awaiting-response", "firewall-reject", sender="middlebox",
            trigger="data",
            also={"cause": ["unknown", "injected", "state-expired"], "sender": ["unknown"]}
            | ({} if tls is None else {"origin": ["mid-request"]}))
    pause(0.1)


@scenario("reject-sni", "iptables, ip6tables (string match)", formats={"router": "nsec"})
def reject_sni(lab):
    """The router drops a ClientHello that holds a forbidden name, and answers it with a RST
    (iptables string match, REJECT). The server only sees a connection on which nothing comes."""
    lab.iptables(lab.router, "-A", "FORWARD", "-p", "tcp", "--dport", "443", "-m", "string", "--algo",
                 "bm", "--string", SNI, "-j", "REJECT", "--reject-with", "tcp-reset")
    for _ in range(2):
        link = lab.open(443)
        link.c.sendall(client_hello(lab.certificates.client_context()))
        pause(0.1)
        lab.reset(link, "server", "tls-phase", "firewall-reject", sender="middlebox",
                  trigger="data", seen=("client", "router"), tls_stage="client-hello",
                  also={"cause": ["injected", "no-socket", "unknown"], "sender": ["unknown"]})


@scenario("syn-dropped", "iptables, ip6tables", points=("client", ))
def syn_dropped(lab):
    """The router drops the SYN: retransmissions, no answer, no RST."""
    lab.iptables(lab.router, "-A", "FORWARD", "-p", "tcp", "--dport", "81", "-j", "DROP")
    sock = client_socket(lab.client, lab.client_ip)
    sock.settimeout(3.5)
    try:
        sock.connect((lab.server_ip, 81))
    except OSError:
        pass


@scenario("scan-half-open", "nmap -sS")
def scan_half_open(lab):
    """nmap probes an open and a closed port with raw SYNs. The scanning kernel knows nothing of
    them and answers the SYN-ACK with a RST."""
    lab.listen(80)
    source = PORTS[lab.family]
    command = [
        "nmap", "-sS", "-n", "-Pn", "-p", "80,81", "-g",
        str(source), "--max-retries", "0", "--disable-arp-ping"
    ] + (["-6"] if lab.family == 6 else [])
    lab.client.run(*command, lab.server_ip)
    lab.reset(lab.conn(source, 80), "client", "aborted-handshake", "scan", trigger="syn",
              also={"cause": ["unknown"]})
    lab.reset(lab.conn(source, 81), "server", "refused-handshake", "port-closed", "refused",
              trigger="syn", also={"cause": ["unknown"]})


@scenario("connect-cancelled")
def connect_cancelled(lab):
    """The client gives up connecting before the SYN-ACK has arrived (a very short time limit,
    or the slower of two addresses tried at once). The SYN-ACK finds no socket any more."""
    lab.listen(80)
    for _ in range(2):
        sock = client_socket(lab.client, lab.client_ip)
        conn = lab.conn(sock.getsockname()[1], 80)
        sock.setblocking(False)
        sock.connect_ex((lab.server_ip, 80))
        pause(0.008)  # the round trip takes 20 ms
        sock.close()
        pause(0.1)
        lab.reset(conn, "client", "aborted-handshake", "client-cancel", trigger="syn",
                  also={"cause": ["no-socket", "scan", "unknown"]})


@scenario("health-check", "haproxy (check)")
def health_check(lab):
    """haproxy checks a server: SYN, SYN-ACK, RST+ACK, every second. No final ACK of the
    handshake, yet no scan either: a live socket with SO_LINGER 0."""
    lab.listen(80)
    config = lab.file(
        "haproxy.cfg", f"""
defaults
    mode tcp
    timeout connect 2s
    timeout client 5s
    timeout server 5s
frontend front
    bind 127.0.0.1:{8000 + lab.family}
    default_backend back
backend back
    server one {lab.server_ip}:80 check inter 1s
""")
    lab.start(lab.client, "haproxy", "-db", "-f", config)
    pause(3.2)
    lab.reset(lab.conn(None, 80), "client", "aborted-handshake", "abortive-close", times="any",
              also={"cause": ["scan", "unknown", "client-cancel"]})


@scenario("listener-gone")
def listener_gone(lab):
    """The server's listener is closed while a handshake is under way: its final ACK finds
    nothing, and the kernel answers that ACK with a RST."""
    for port in (80, 81):
        listener = lab.listen(port)
        sock = lab.keep(client_socket(lab.client, lab.client_ip))
        conn = lab.conn(sock.getsockname()[1], port)
        sock.setblocking(False)
        sock.connect_ex((lab.server_ip, port))
        pause(0.014)  # the SYN has arrived, the SYN-ACK is under way
        listener.close()
        pause(0.1)
        lab.reset(conn, "server", "before-data", "no-socket", trigger="ack",
                  also={"cause": ["accept-overflow", "unknown"]})


@scenario("accept-overflow", "Python sockets, tcp_abort_on_overflow=1", formats={"server": "nsec"})
def accept_overflow(lab):
    """The accept queue is full and the kernel is told to say so
    (net.ipv4.tcp_abort_on_overflow=1): clients whose handshakes were under way get a RST in
    answer to their final ACK."""
    lab.server.sysctl("net.ipv4.tcp_abort_on_overflow", 1)
    lab.listen(80, backlog=3)
    connect = lambda sock: sock.connect_ex((lab.server_ip, 80))
    for _ in range(3):
        connect(lab.keep(client_socket(lab.client, lab.client_ip)))
    # Three handshakes at once: the first takes the last place (a backlog of 3 holds 4).
    late = [lab.keep(client_socket(lab.client, lab.client_ip)) for _ in range(3)]
    conns = [lab.conn(sock.getsockname()[1], 80) for sock in late]
    for sock in late:
        sock.setblocking(False)
        connect(sock)
    pause(0.2)
    for conn in conns[1:]:
        lab.reset(conn, "server", "before-data", "accept-overflow", trigger="ack",
                  also={"cause": ["no-socket", "unknown"]})


@scenario("accept-overflow-with-data", "Python sockets, tcp_abort_on_overflow=1")
def accept_overflow_with_data(lab):
    """As accept-overflow, but the clients send their request at once: it is under way when the RST
    comes back, and meets a second one."""
    lab.server.sysctl("net.ipv4.tcp_abort_on_overflow", 1)
    listener = lab.listen(80, backlog=3)
    for _ in range(3):
        lab.keep(client_socket(lab.client, lab.client_ip)).connect((lab.server_ip, 80))
    late = [lab.keep(client_socket(lab.client, lab.client_ip)) for _ in range(3)]
    conns = [lab.conn(sock.getsockname()[1], 80) for sock in late]

    def ask(sock):
        sock.connect((lab.server_ip, 80))
        sock.sendall(GET)

    for wait in [in_background(ask, sock) for sock in late]:
        wait()
    pause(0.2)
    accepted = {lab.keep(listener.accept())[1][1] for _ in range(4)}
    # The server resets before it has seen the request; elsewhere the request comes first.
    asked = {"origin": "awaiting-response", "http_method": "GET", "trigger": None}
    for conn in conns:
        if conn.client_port not in accepted:
            lab.reset(conn, "server", "before-data", "accept-overflow", trigger="ack", late=True,
                      also={"cause": ["no-socket", "unknown"]},
                      at={"client": asked, "router": asked})


@scenario("abort-before-data", formats={"router": "pcapng"})
def abort_before_data(lab):
    """A connection is reset right after the handshake, once by the server (accept, then close
    with SO_LINGER 0), once by the client."""
    for by in ("server", "client"):
        link = lab.open(80)
        pause(0.1)
        abort(link.s if by == "server" else link.c)
        pause(0.1)
        lab.reset(link, by, "before-data", "abortive-close", also={"cause": ["unknown"]})


@scenario("abort-before-data-no-timestamps", timestamps=False)
def abort_before_data_no_timestamps(lab):
    """As abort-before-data, without TCP timestamps."""
    abort_before_data(lab)


@scenario("unaccepted-connections")
def unaccepted_connections(lab):
    """A listener is closed while connections wait to be accepted: the kernel resets them all."""
    listener = lab.listen(80)
    conns = []
    for _ in range(3):
        sock = lab.keep(client_socket(lab.client, lab.client_ip))
        conns.append(lab.conn(sock.getsockname()[1], 80))
        sock.connect((lab.server_ip, 80))
    pause(0.2)
    listener.close()
    pause(0.1)
    for conn in conns:
        # The process lives on; but several resets in one instant look as if it had died.
        lab.reset(conn, "server", "before-data", "abortive-close",
                  also={"cause": ["process-exit", "unknown"]})


@scenario("port-reuse")
def port_reuse(lab):
    """The same client port three times: reset by the server, reset by the client, closed in
    order."""
    port = PORTS[lab.family]
    for by in ("server", "client"):
        link = lab.open(80, client_port=port)
        link.c.sendall(GET)
        receive(link.s)
        abort(link.s if by == "server" else link.c)
        pause(0.1)
        lab.reset(
            link, by, "awaiting-response", "abortive-close", http_method="GET", late=True, also={
                "cause": ["unread-data", "unknown"]
                if by == "server" else ["client-cancel", "unknown"]
            })
        (link.c if by == "server" else link.s).close()
    link = lab.open(80, client_port=port)
    lab.close_by(link.c, link.s, link)
