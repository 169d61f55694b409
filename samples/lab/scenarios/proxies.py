# SPDX-License-Identifier: GPL-2.0-or-later
"""Proxies and web servers as people run them: haproxy, nginx, tinyproxy, microsocks."""
from exchange import POST, VARIANTS, http
from idle import connect, nginx
from lab import pause, scenario
from peers import GET, SNI, abort, client_hello, client_socket, receive, socket
from tls import s_client


@scenario("nginx-444", "nginx (return 444, reset_timedout_connection)")
def nginx_444(lab):
    """nginx is told to drop the request without an answer (return 444): RST."""
    nginx(lab, http="reset_timedout_connection on;", server="return 444;")
    for port, tls in VARIANTS:
        c, conn = connect(lab, port, tls)
        c.sendall(GET)
        pause(0.2)
        lab.reset(
            conn, "server", "awaiting-response", "abortive-close", **http(tls, http_method="GET"),
            also={"cause": ["unread-data", "unknown"]}
            | ({} if tls is None else {"origin": ["mid-request"]}))


@scenario("nginx-reject-handshake", "nginx (ssl_reject_handshake), openssl s_client")
def nginx_reject_handshake(lab):
    """nginx has no site of that name (ssl_reject_handshake): the fatal alert unrecognized_name,
    then an orderly close. No RST."""
    nginx(lab, server="ssl_reject_handshake on;")
    conn = s_client(lab, 443, "-tls1_2")
    pause(0.5)
    lab.closed(conn)


@scenario("nginx-413", "nginx (client_max_body_size)", formats={"client": "pcapng"})
def nginx_413(lab):
    """An upload is larger than nginx allows: 413 at once, then nginx reads on for a second
    (lingering_time) while the client, which does not listen, keeps sending; then RST."""
    nginx(
        lab, http=
        "client_max_body_size 1k; lingering_time 1s; lingering_timeout 1s; client_body_timeout 5s;",
        server="location / { proxy_pass http://127.0.0.1:9; }")
    for port, tls in VARIANTS:
        c, conn = connect(lab, port, tls)
        try:
            c.sendall(POST.replace(b"8000", b"800000"))
            for _ in range(40):
                c.sendall(b"x" * 300)
                pause(0.05)
        except OSError:
            pass
        pause(0.2)
        lab.reset(
            conn, "server", "mid-request", "request-too-large", late=True,
            **http(tls, http_method="POST", http_status=413),
            also={"cause": ["unread-data", "abortive-close", "half-close-violation", "unknown"]}
            | ({} if tls is None else
               {"origin": ["after-response", "mid-response", "awaiting-response"]}))


def haproxy(lab, host, text):
    config = lab.file(
        "haproxy.cfg",
        f"defaults\n    timeout connect 2s\n    timeout client 4s\n    timeout server 4s\n{text}\n")
    lab.start(host, "haproxy", "-db", "-f", config)


@scenario("haproxy-nolinger-idle", "haproxy (option nolinger, timeout client)")
def haproxy_nolinger_idle(lab):
    """haproxy (on the server host) ends an idle connection after 4 s; with `option nolinger` it
    aborts."""
    haproxy(
        lab, lab.server, f"""
frontend front
    mode tcp
    option nolinger
    bind {lab.server_ip}:80
    default_backend back
backend back
    mode tcp
    server one {lab.server2_ip}:8082""")
    origin = lab.listen(8082, lab.server2_ip)
    lab.server.wait_listening(80)
    c, conn = connect(lab, 80, None)
    s = lab.keep(origin.accept()[0])
    c.sendall(GET)
    receive(s)
    s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nin stock")
    receive(c, b"in stock")
    pause(5)
    haproxy_idle_end(lab, conn)


def haproxy_idle_end(lab, conn):
    lab.reset(conn, "server", "after-fin", "idle-timer", "fin-then-rst",
              also={"cause": ["abortive-close", "half-close-violation", "unknown"]}, late=True)


@scenario("haproxy-idle-fin", "haproxy (timeout client)", points=("client", ))
def haproxy_idle_fin(lab):
    """haproxy (on the router) ends an idle HTTP connection after 4 s with a FIN; an orderly
    close, no RST."""
    haproxy(
        lab, lab.router, f"""
frontend front
    mode http
    bind {lab.router_client_ip}:80
    http-request return status 200 content-type text/plain string instock""")
    lab.router.wait_listening(80)
    c = lab.keep(client_socket(lab.client, lab.client_ip))
    c.connect((lab.router_client_ip, 80))
    conn = lab.conn(c.getsockname()[1], 80, server_ip=lab.router_client_ip)
    c.sendall(GET)
    while c.recv(4096):
        pass
    c.close()
    pause(0.1)
    lab.closed(conn)


@scenario("haproxy-origin-timeout", "haproxy on the router (timeout server)",
          points=("client", "server"))
def haproxy_origin_timeout(lab):
    """haproxy, on the router, waits 4 s for an answer of the origin server: the client gets a
    504 and an orderly close, the origin a RST."""
    haproxy(
        lab, lab.router, f"""
frontend front
    mode http
    bind {lab.router_client_ip}:80
    default_backend back
backend back
    mode http
    server one {lab.server_ip}:80""")
    lab.router.wait_listening(80)
    origin = lab.listen(80)
    c = lab.keep(client_socket(lab.client, lab.client_ip))
    c.connect((lab.router_client_ip, 80))
    conn = lab.conn(c.getsockname()[1], 80, server_ip=lab.router_client_ip)
    c.sendall(GET)
    s = lab.keep(origin.accept()[0])
    receive(s)
    while c.recv(4096):
        pass
    c.close()
    pause(0.2)
    lab.closed(conn, ("client", ))
    lab.reset(lab.conn(None, 80, client_ip=lab.router_server_ip), "client", "awaiting-response",
              "idle-timer", seen=("server", ), http_method="GET",
              also={"cause": ["abortive-close", "client-cancel", "unknown"]})


def prologue_then_reset(lab, port, prologue, what):
    """A proxy in the client's path: after the prologue the client's ClientHello travels through
    it; the client's connection to the proxy is then aborted, by the client (which has seen
    enough) as proxies send no RST."""
    c = lab.keep(client_socket(lab.client, lab.client_ip))
    c.connect((lab.router_client_ip, port))
    conn = lab.conn(c.getsockname()[1], port, server_ip=lab.router_client_ip)
    prologue(c)
    c.sendall(client_hello(lab.certificates.client_context(alpn=["h2", "http/1.1"])))
    s = lab.keep(lab.listeners[lab.server_ip, 443].accept()[0])
    s.recv(4096)
    pause(0.2)
    abort(c)
    pause(0.2)
    lab.reset(conn, "client", "tls-phase", "abortive-close", tls_stage="client-hello", what=what,
              seen=("client", ), also={"cause": ["client-cancel", "unknown"]})


@scenario("http-connect", "tinyproxy", points=("client", ))
def http_connect(lab):
    """TLS through an HTTP proxy (CONNECT, tinyproxy on the router); the client aborts after its
    ClientHello."""
    config = lab.file(
        "tinyproxy.conf", f"Port 8888\nListen {lab.router_client_ip}\nTimeout 600\nLogLevel Error\n"
        f"Allow {lab.client_ip}\nConnectPort 443\nMaxClients 10\nUser root\nGroup root\n")
    lab.start(lab.router, "tinyproxy", "-d", "-c", config)
    lab.router.wait_listening(8888)
    pause(0.3)
    lab.listen(443)
    target = f"{lab.bracketed(lab.server_ip)}:443".encode()

    def prologue(c):
        c.sendall(b"CONNECT " + target + b" HTTP/1.1\r\nHost: " + target + b"\r\n\r\n")
        if b" 200 " not in receive(c):
            raise RuntimeError("tinyproxy refuses")

    prologue_then_reset(lab, 8888, prologue, "within HTTP CONNECT")


@scenario("socks5", "microsocks", points=("client", ), formats={"client": "pcapng"})
def socks5(lab):
    """TLS through a SOCKS5 proxy (microsocks on the router); the client aborts after its
    ClientHello."""
    lab.start(lab.router, "microsocks", "-i", lab.router_client_ip, "-p", str(1080))
    lab.router.wait_listening(1080)
    pause(0.2)
    lab.listen(443)
    address = socket.inet_pton(socket.AF_INET if lab.family == 4 else socket.AF_INET6,
                               lab.server_ip)

    def prologue(c):
        c.sendall(b"\5\1\0")
        receive(c, size=2)
        c.sendall(b"\5\1\0" + (b"\1" if lab.family == 4 else b"\4") + address +
                  (443).to_bytes(2, "big"))
        receive(c, size=10)

    prologue_then_reset(lab, 1080, prologue, "within SOCKS5")


@scenario("socks5-server-reset", "Python SOCKS server")
def socks5_server_reset(lab):
    """TLS through SOCKS4, SOCKS4a and SOCKS5 proxies that abort (SO_LINGER 0) after the
    ClientHello."""
    name = SNI.encode()
    dialogues = {
        "SOCKS4": [(b"\4\1\1\xbb\x0a\0\2\x14user\0", b"\0\x5a" + b"\0" * 6)],
        "SOCKS4a": [(b"\4\1\1\xbb\0\0\0\1user\0" + name + b"\0", b"\0\x5a" + b"\0" * 6)],
        "SOCKS5": [(b"\5\2\0\2", b"\5\0"),
                   (b"\5\1\0\3" + bytes([len(name)]) + name + b"\1\xbb", b"\5\0\0\1" + b"\0" * 6)]
    }
    for what, dialogue in dialogues.items():
        link = lab.open(1080)
        for question, reply in dialogue:
            link.c.sendall(question)
            receive(link.s, size=len(question))
            link.s.sendall(reply)
            receive(link.c, size=len(reply))
        hello = client_hello(lab.certificates.client_context())
        link.c.sendall(hello)
        receive(link.s, size=len(hello))
        pause(0.05)
        abort(link.s)
        pause(0.1)
        lab.reset(link, "server", "tls-phase", "abortive-close", tls_stage="client-hello",
                  what=f"within {what}", also={"cause": ["unread-data", "unknown"]})
