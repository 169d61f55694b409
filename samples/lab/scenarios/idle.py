# SPDX-License-Identifier: GPL-2.0-or-later
"""Silence: timers that end it, and connections that did not survive it.

Real timers take minutes. These take 4 to 6 seconds, long enough to count as idle (3 s)."""
from closing import exchange
from exchange import VARIANTS
from injected import Device
from lab import pause, scenario
from peers import GET, SNI, abort, answer, client_socket, receive, socket

IDLE = 4.5
RANGE = (4.3, 5.5)
NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx-{family}.pid;
error_log stderr;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body-{family}; proxy_temp_path {folder}/proxy-{family};
    fastcgi_temp_path {folder}/fcgi-{family}; uwsgi_temp_path {folder}/uwsgi-{family};
    scgi_temp_path {folder}/scgi-{family};
    {http}
    server {{
        listen {address}:80 {listen}; listen {address}:443 ssl {listen};
        ssl_certificate {cert}; ssl_certificate_key {key};
        {server}
    }}
}}
"""


def nginx(lab, http="", server="", listen=""):
    config = lab.file(
        "nginx.conf",
        NGINX.format(folder=lab.folder, family=lab.family, http=http, server=server, listen=listen,
                     address=lab.bracketed(lab.server_ip), cert=lab.certificates.cert,
                     key=lab.certificates.key))
    lab.start(lab.server, "nginx", "-c", config, "-e", "stderr", port=80)


def connect(lab, port, tls, local=0, receive_buffer=None):
    """A client of a real server: (socket, Conn)."""
    c = client_socket(lab.client, lab.client_ip, local)
    if receive_buffer:
        c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    c.connect((lab.server_ip, port))
    conn = lab.conn(c.getsockname()[1], port)
    if tls is not None:
        c = lab.certificates.client_context(tls.get("version")).wrap_socket(c, server_hostname=SNI)
    return lab.keep(c), conn


@scenario("idle-timer-rst", "Python balancer", formats={"router": "pcapng"})
def idle_timer_rst(lab):
    """A balancer ends connections that are idle for 4.5 s, with a RST (SO_LINGER 0)."""
    links = [(lab.open(port, tls), tls) for port, tls in VARIANTS]
    for link, _ in links:
        exchange(link)
    pause(IDLE)
    for link, tls in links:
        abort(link.s)
        lab.reset(link, "server", "idle-timeout", "idle-timer", idle=RANGE,
                  also={"cause": ["abortive-close", "unknown"]})
    pause(0.1)


@scenario("idle-timer-client-rst", "Python client pool")
def idle_timer_client_rst(lab):
    """A client's connection pool throws away connections that were idle for 4.5 s, with a RST."""
    links = [(lab.open(port, tls), tls) for port, tls in VARIANTS]
    for link, _ in links:
        exchange(link)
    pause(IDLE)
    for link, tls in links:
        abort(link.c)
        lab.reset(link, "client", "idle-timeout", "idle-timer", idle=RANGE,
                  also={"cause": ["abortive-close", "client-cancel", "unknown"]})
        pause(0.3)


@scenario("idle-timer-before-data", "Python server")
def idle_timer_before_data(lab):
    """A connection opened ahead of its use stays silent from the start; the server's timer
    resets it."""
    link = lab.open(80)
    pause(IDLE)
    abort(link.s)
    pause(0.1)
    lab.reset(link, "server", "idle-timeout", "idle-timer",
              also={"cause": ["abortive-close", "unknown"], "origin": ["before-data"]})


@scenario("idle-timer-fin", "nginx (keepalive_timeout)", formats={"client": "nsec"})
def idle_timer_fin(lab):
    """nginx closes idle keep-alive connections after 4 s: an orderly FIN, even with
    reset_timedout_connection. No RST."""
    nginx(lab, http="keepalive_timeout 4s; reset_timedout_connection on;",
          server='return 200 "in stock";')
    clients = [connect(lab, port, tls) for port, tls in VARIANTS]
    for c, _ in clients:
        c.sendall(GET)
        receive(c, b"in stock")
    for c, conn in clients:
        while c.recv(1000):
            pass
        c.close()
        lab.closed(conn)
    pause(0.1)


@scenario("nginx-header-timeout", "nginx (client_header_timeout, reset_timedout_connection)")
def nginx_header_timeout(lab):
    """A client sends half a request head and stops; nginx resets the connection when its timer
    (4 s) is over. The request was under way: not idle."""
    nginx(lab, http="client_header_timeout 4s; reset_timedout_connection on;",
          server='return 200 "in stock";')
    clients = [(*connect(lab, port, tls), tls) for port, tls in VARIANTS]
    for c, _, _ in clients:
        c.sendall(GET[:-10])
    pause(5)
    for _, conn, tls in clients:
        lab.reset(
            conn, "server", "mid-request", "idle-timer",
            also={"cause": ["abortive-close", "unread-data", "unknown"]}
            | ({} if tls is None else {"origin": ["awaiting-response"]}))


@scenario("nginx-send-timeout", "nginx (send_timeout, reset_timedout_connection)")
def nginx_send_timeout(lab):
    """A client stops reading in the middle of a response; nginx resets the connection when its
    timer (4 s) is over."""
    with open(lab.folder + "/movie", "wb") as file:
        file.write(b"x" * 200000)
    # nginx's workers give up their rights, and the lab's folder is root's.
    nginx(lab,
          http="send_timeout 4s; reset_timedout_connection on; sendfile off; output_buffers 1 4k;",
          server=f"root {lab.folder};", listen="sndbuf=8k")
    lab.server.run("chmod", "755", lab.folder)
    c, conn = connect(lab, 80, None, receive_buffer=4096)
    c.sendall(GET.replace(b"/item/7", b"/movie"))
    pause(7)
    lab.reset(conn, "server", "mid-response", "idle-timer", http_method="GET", http_status=200,
              also={"cause": ["abortive-close", "unknown"]})


@scenario("state-expired", "conntrack, iptables, ip6tables", formats={"client": "pcapng"},
          points=("client", "router"))
def state_expired(lab):
    """The router's firewall forgets connections that are idle for 3 s (nf_conntrack timeout)
    and rejects what it does not know. The next request meets the router's RST; the server keeps
    its connection."""
    lab.router.sysctl("net.netfilter.nf_conntrack_tcp_timeout_established", 3)
    lab.router.sysctl("net.netfilter.nf_conntrack_tcp_loose", 0)
    lab.iptables(lab.router, "-A", "FORWARD", "-p", "tcp", "-m", "conntrack", "--ctstate",
                 "INVALID", "-j", "REJECT", "--reject-with", "tcp-reset")
    links = [(lab.open(port, tls), tls) for port, tls in VARIANTS]
    for link, _ in links:
        exchange(link)
    pause(IDLE)
    for link, tls in links:
        link.c.sendall(GET)
        lab.reset(
            link, "server", "idle-timeout", "state-expired", sender="middlebox", trigger="data",
            idle=RANGE,
            also={"cause": ["firewall-reject", "no-socket", "unknown"], "sender": ["unknown"]})
        pause(0.2)


@scenario("state-expired-server-talks", "conntrack, iptables, ip6tables",
          points=("router", "server"), interfaces={"router": "rs"})
def state_expired_server_talks(lab):
    """As state-expired, but the server speaks first after the silence: the RST goes to the
    server, in the client's name."""
    lab.router.sysctl("net.netfilter.nf_conntrack_tcp_timeout_established", 3)
    lab.router.sysctl("net.netfilter.nf_conntrack_tcp_loose", 0)
    lab.iptables(lab.router, "-A", "FORWARD", "-p", "tcp", "-m", "conntrack", "--ctstate",
                 "INVALID", "-j", "REJECT", "--reject-with", "tcp-reset")
    link = lab.open(5222)
    link.c.sendall(b"hello, news please\r\n")
    receive(link.s, b"\r\n")
    link.s.sendall(b"hello, will tell\r\n")
    receive(link.c, b"\r\n")
    pause(IDLE)
    link.s.sendall(b"news\r\n")
    pause(0.2)
    lab.reset(link, "client", "idle-timeout", "state-expired", sender="middlebox", trigger="data",
              idle=RANGE,
              also={"cause": ["firewall-reject", "no-socket", "unknown"], "sender": ["unknown"]})


def unplug(lab):
    lab.server.run("ip", "link", "set", "s0", "down")


def plug(lab):
    lab.server.run("ip", "link", "set", "s0", "up")
    for address in lab.network.ADDRESSES["s0"]:
        if ":" in address:  # Linux forgets the IPv6 addresses of an interface that goes down
            lab.server.run("ip", "address", "replace", address, "dev", "s0", "nodad")
    lab.network.set_routes(lab.server, "2")


def vanish(lab, links):
    """The server's power fails: its connections end without a packet."""
    for link, _ in links:
        link.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    unplug(lab)
    for link, _ in links:
        link.s.close()
    pause(0.3)
    plug(lab)


def stale(lab, silence, origin, idle):
    links = [(lab.open(port, tls), tls) for port, tls in VARIANTS]
    for link, _ in links:
        exchange(link)
    vanish(lab, links)
    pause(silence)
    for link, tls in links:
        link.c.sendall(GET)
        lab.reset(
            link, "server", origin, "no-socket", trigger="data", idle=idle,
            also={"cause": ["state-expired", "unknown"]}
            | ({"origin": ["mid-request"]} if tls is not None and not idle else {}))
        pause(0.2)


@scenario("stale-connection", "Python server, restarted", families=(4, ),
          formats={"server": "nsec"})
def stale_connection(lab):
    """The server's host restarts (it vanishes without a packet). 4.5 s later the client uses
    its pooled connections: the kernel knows nothing of them."""
    stale(lab, IDLE, "idle-timeout", (4.3, 6))


@scenario("stale-connection-ipv6", "Python server, restarted", families=(6, ))
def stale_connection_ipv6(lab):
    """As stale-connection, in IPv6."""
    stale(lab, IDLE, "idle-timeout", (4.3, 6))


@scenario("stale-connection-soon", "Python server, restarted", families=(4, ))
def stale_connection_soon(lab):
    """As stale-connection, but the client sends its next request after one second already."""
    stale(lab, 0.7, "awaiting-response", None)


@scenario("stale-connection-soon-ipv6", "Python server, restarted", families=(6, ))
def stale_connection_soon_ipv6(lab):
    """As stale-connection-soon, in IPv6."""
    stale(lab, 0.7, "awaiting-response", None)


def set_keepalive(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in ((socket.TCP_KEEPIDLE, 2), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT,
                                                                                3)):
        sock.setsockopt(socket.IPPROTO_TCP, option, value)


def drop(lab, link):
    """From now on the router loses every packet of the connection."""
    port = str(link.conn.client_port)
    lab.iptables(lab.router, "-I", "FORWARD", "-p", "tcp", "--sport", port, "-j", "DROP")
    lab.iptables(lab.router, "-I", "FORWARD", "-p", "tcp", "--dport", port, "-j", "DROP")


def restore(lab):
    lab.iptables(lab.router, "-F", "FORWARD")


@scenario("keepalive-failed", points=("client", "router"))
def keepalive_failed(lab):
    """The path breaks while a connection is idle; the client's keep-alive probes (after 2 s,
    three of them, 1 s apart) find no answer, and its kernel resets the connection."""
    links = [(lab.open(port, tls), tls) for port, tls in VARIANTS]
    for link, _ in links:
        exchange(link)
    pause(0.1)  # until the last ACK is through
    for link, _ in links:
        set_keepalive(link.c)
        drop(lab, link)
    pause(6.5)
    for link, _ in links:
        lab.reset(link, "client", "idle-timeout", "keepalive-failed", idle=(4.5, 6.5),
                  also={"cause": ["unknown"]})


@scenario("keepalive-failed-server", points=("server", "router"), interfaces={"router": "rs"})
def keepalive_failed_server(lab):
    """As keepalive-failed, with the server probing a client that has gone."""
    links = [(lab.open(port, tls), tls) for port, tls in VARIANTS]
    for link, _ in links:
        exchange(link)
    pause(0.1)  # until the last ACK is through
    for link, _ in links:
        set_keepalive(link.s)
        drop(lab, link)
    pause(6.5)
    for link, _ in links:
        lab.reset(link, "server", "idle-timeout", "keepalive-failed", idle=(4.5, 6.5),
                  also={"cause": ["unknown"]})


@scenario("user-timeout", "Python sockets, TCP_USER_TIMEOUT")
def user_timeout(lab):
    """A request is lost and retransmitted until TCP_USER_TIMEOUT (2.5 s) ends the client's
    socket, without a packet. When the path works again, the server's keep-alive probe meets a
    RST."""
    link = lab.open(80)
    link.s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    link.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5)
    link.c.setsockopt(socket.IPPROTO_TCP, 18, 2500)  # TCP_USER_TIMEOUT
    drop(lab, link)
    link.c.sendall(GET)
    pause(4)
    restore(lab)
    pause(2)
    lab.reset(
        link, "client", "awaiting-response", "retransmit-timeout", trigger="ack", http_method="GET",
        also={"cause": ["no-socket", "unknown"]},
        # The server never saw the request: an idle connection whose client has gone.
        at={
            "server": {
                "origin": "idle-timeout", "http_method": None, "also": {
                    "cause": ["no-socket", "unknown", "state-expired"], "origin": ["before-data"]
                }
            }
        })


@scenario("response-timeout", "Python sockets, TCP_USER_TIMEOUT")
def response_timeout(lab):
    """A response is lost and retransmitted until TCP_USER_TIMEOUT ends the server's socket,
    without a packet. When the path works again, the client's next request meets a RST."""
    link = lab.open(80)
    link.s.setsockopt(socket.IPPROTO_TCP, 18, 2000)
    link.c.sendall(GET)
    receive(link.s)
    pause(0.1)
    drop(lab, link)
    link.s.sendall(answer(b"in stock"))
    pause(4)
    restore(lab)
    link.c.sendall(GET)
    pause(0.2)
    lab.reset(
        link, "server", "awaiting-response", "retransmit-timeout", trigger="data",
        http_method="GET",
        # Only the server's side saw the answer and its retransmissions.
        also={"cause": ["no-socket", "unknown"]})


@scenario("balancer-resets-both-ends", "Python device on the router", formats={"server": "nsec"},
          interfaces={"router": "any"})
def balancer_resets_both_ends(lab):
    """A balancer in the path ends an idle connection as some clouds' do: when its timer (4.5 s)
    is over it sends a RST to both ends at once, each in the other's name. The router's capture
    holds every forwarded packet twice, these RSTs once."""
    device = lab.keep(Device(lab))
    link = lab.open(80)
    exchange(link)
    pause(IDLE)
    device.reset_both(link.conn)
    pause(0.2)
    options = {
        "sender": "middlebox", "idle": RANGE,
        "also": {"cause": ["injected", "abortive-close", "unknown"], "sender": ["unknown"]}
    }
    lab.reset(link, "server", "idle-timeout", "idle-timer", seen=("client", "router"), **options)
    lab.reset(
        link, "client", "idle-timeout", "idle-timer", seen=("router", "server"), at={
            "router": {
                "origin": "after-close", "idle": None,
                "also": options["also"] | {"origin": ["idle-timeout"]}
            }
        }, **options)
