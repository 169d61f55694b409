# SPDX-License-Identifier: GPL-2.0-or-later
"""Who looks at ClientHellos and resets some of them: by fingerprint, or by server name."""
from functools import partial

from crowd import (BROWSER, CURL, OLD, OPENSSL, PHONE, SCRIPT, Service, crowd, fingerprint,
                   fingerprint_of, ill, more_clients, peeked_hello, tls_server, visit, well)
from forge import ACK, RST
from injected import TTL, Device, forged
from lab import pause, scenario
from peers import OTHER_SNI, SNI, abort
from proxies import haproxy

LIKED = (BROWSER, PHONE, OLD, CURL, OPENSSL)
HELLO = {"tls_stage": "client-hello"}
# What one of these connections alone can tell of its reset's cause.
DEVICE_ALONE = ["injected", "firewall-reject", "no-socket", "unknown"]
SERVER_ALONE = ["abortive-close", "unread-data", "unknown"]


def block_device(lab, disliked):
    """A device that resets both ends when a ClientHello is not to its liking."""
    done = set()

    def on(device, seen):
        key = seen.src, seen.sport
        if seen.dport == 443 and key not in done and disliked(seen.payload):
            done.add(key)
            device.reset("client", seen, flags=RST | ACK, ttl=TTL)
            device.reset("server", seen, flags=RST | ACK, ttl=TTL)

    lab.keep(Device(lab, on))


def of_client(lab, client):
    """Says of a ClientHello whether it is this client's."""
    wanted = fingerprint_of(lab, client)
    return lambda hello: fingerprint(hello) == wanted


def names(sni):
    return lambda hello: fingerprint(hello) is not None and sni.encode() in hello


def device_resets(lab, conn, cause, **options):
    """The RSTs of block_device, and what follows them."""
    forged(lab, conn, "server", "tls-phase", cause=cause, seen=("client", ), **HELLO, **options)
    also = {"cause": ["injected", "unknown"], "sender": ["client", "unknown"]}
    forged(lab, conn, "client", "tls-phase", cause=cause, seen=("server", ),
           **HELLO, **options | {"also": also})
    lab.late_resets(conn, "server", "no-socket")
    lab.late_resets(conn, "client", "no-socket")


def server_blocks(lab, disliked, address=None):
    """A server's front end that looks before it answers, and aborts (SO_LINGER 0)."""
    def admit(sock):
        if disliked(peeked_hello(sock)):
            abort(sock)
            return False
        return True

    return Service(lab, 443, address, tls=tls_server(lab), admit=admit)


def visits_of(lab, clients, count, addresses, **options):
    """`count` visits of each client program, from one address after the other."""
    return [
        partial(visit, lab, 443, client, client_ip=addresses[n % len(addresses)], **options)
        for client in clients for n in range(count)
    ]


def play(lab, good, bad, seconds=5):
    """Good and bad visits among each other; those that went badly."""
    seen = crowd(lab, good + bad, seconds)
    pause(0.3)
    well(lab, seen[:len(good)])
    return ill(seen[len(good):], "reset")


def endpoint(lab, port=443, address=None):
    return f"{lab.bracketed(address or lab.server_ip)}:{port}"


@scenario("block-ja4-device", "Python device on the router, Python, curl, openssl s_client",
          points=("client", "server"), findings=True)
def block_ja4_device(lab):
    """A device in the path knows a client program by its ClientHello (cipher suites and
    extensions, as JA4 does) and sends a RST to both ends, whatever address it comes from. Five
    other programs, from the same addresses to the same server, are left alone."""
    block_device(lab, of_client(lab, SCRIPT))
    Service(lab, 443, tls=tls_server(lab))
    addresses = [lab.client_ip, *more_clients(lab, 2)]
    bad = play(lab, visits_of(lab, LIKED, 4, addresses), visits_of(lab, [SCRIPT], 8, addresses))
    for seen in bad:
        device_resets(lab, seen.conn, "tls-fingerprint-block", alone=DEVICE_ALONE,
                      also={"sender": ["unknown"]})
    lab.finding("tls-fingerprint-block", server=endpoint(lab), sni=SNI, ja4=bad[0].conn,
                sender="middlebox", resets=len(bad), connections=len(bad), seen=("client", ))
    lab.finding("tls-fingerprint-block", server=endpoint(lab), sni=SNI, ja4=bad[0].conn,
                resets=len(bad), connections=len(bad), seen=("server", ))


@scenario("block-ja4-firewall", "iptables (string match on a list of cipher suites), curl, openssl",
          points=("client", "router"), families=(4, ), findings=True)
def block_ja4_firewall(lab):
    """The router's firewall drops ClientHellos that hold one client program's list of cipher
    suites, and answers them with a RST (iptables string match, REJECT). Other programs pass."""
    ciphers, _ = fingerprint_of(lab, OLD)
    lab.iptables(lab.router, "-A", "FORWARD", "-p", "tcp", "--dport", "443", "-m", "string",
                 "--algo", "bm", "--hex-string", f"|{ciphers.hex()}|", "-j", "REJECT",
                 "--reject-with", "tcp-reset")
    Service(lab, 443, tls=tls_server(lab))
    addresses = [lab.client_ip, *more_clients(lab, 2)]
    good = visits_of(lab, (SCRIPT, BROWSER, PHONE, CURL, OPENSSL), 5, addresses)
    bad = play(lab, good, visits_of(lab, [OLD], 9, addresses))
    for seen in bad:
        lab.reset(seen.conn, "server", "tls-phase", "tls-fingerprint-block", sender="middlebox",
                  trigger="data", also={"sender": ["unknown"]}, alone=DEVICE_ALONE, **HELLO)
    lab.finding("tls-fingerprint-block", server=endpoint(lab), sni=SNI, ja4=bad[0].conn,
                sender="middlebox", resets=len(bad), connections=len(bad))


@scenario("block-ja4-server", "Python server, Python, curl, openssl s_client",
          families=(6, ), findings=True)
def block_ja4_server(lab):
    """A server looks at the ClientHello before it answers and aborts (SO_LINGER 0) when it is a
    certain program's, under either of two names. Five other programs are served."""
    server_blocks(lab, of_client(lab, SCRIPT))
    addresses = [lab.client_ip, *more_clients(lab, 3)]
    good = visits_of(lab, LIKED, 4, addresses) + visits_of(lab, LIKED[:3], 2, addresses,
                                                           sni=OTHER_SNI)
    bad = play(
        lab, good,
        visits_of(lab, [SCRIPT], 7, addresses) + visits_of(lab, [SCRIPT], 3, addresses,
                                                           sni=OTHER_SNI))
    for seen in bad:
        lab.reset(seen.conn, "server", "tls-phase", "tls-fingerprint-block", alone=SERVER_ALONE,
                  **HELLO)
    lab.finding("tls-fingerprint-block", server=endpoint(lab), ja4=bad[0].conn, sender="server",
                resets=len(bad), connections=len(bad))


@scenario("block-sni-device", "Python device on the router, Python, curl, openssl s_client",
          points=("client", "server"), families=(6, ), findings=True)
def block_sni_device(lab):
    """A device in the path resets both ends when the ClientHello names a certain site, whichever
    program sends it; the same programs reach another site on the same server."""
    block_device(lab, names(OTHER_SNI))
    Service(lab, 443, tls=tls_server(lab))
    addresses = [lab.client_ip, *more_clients(lab, 2)]
    clients = (SCRIPT, *LIKED)
    bad = play(lab, visits_of(lab, clients, 5, addresses),
               visits_of(lab, clients, 2, addresses, sni=OTHER_SNI))
    for seen in bad:
        device_resets(lab, seen.conn, "injected", also={"cause": ["unknown"], "sender": ["unknown"]})
    lab.finding("sni-block", server=endpoint(lab), sni=OTHER_SNI, sender="middlebox",
                resets=len(bad), connections=len(bad), seen=("client", ))
    lab.finding("sni-block", server=endpoint(lab), sni=OTHER_SNI, resets=len(bad),
                connections=len(bad), seen=("server", ))


@scenario("block-sni-server", "Python server, Python, curl, openssl s_client",
          points=("client", "server"), families=(4, ), findings=True)
def block_sni_server(lab):
    """A server aborts (SO_LINGER 0) when a ClientHello names a site it does not want to serve,
    whichever of six programs sends it; it serves them all under another name."""
    server_blocks(lab, names(OTHER_SNI))
    addresses = [lab.client_ip, *more_clients(lab, 2)]
    clients = (SCRIPT, *LIKED)
    bad = play(lab, visits_of(lab, clients, 5, addresses),
               visits_of(lab, clients, 2, addresses, sni=OTHER_SNI))
    for seen in bad:
        lab.reset(seen.conn, "server", "tls-phase", "abortive-close",
                  also={"cause": ["unread-data", "unknown"]}, **HELLO)
    lab.finding("sni-block", server=endpoint(lab), sni=OTHER_SNI, sender="server", resets=len(bad),
                connections=len(bad))


@scenario("block-sni-or-ja4", "Python server, Python, curl", points=("client", ), families=(4, ),
          findings=True)
def block_sni_or_ja4(lab):
    """Only one program ever asks for the site whose name the server resets, and it asks for
    nothing else: whether its fingerprint or the name is disliked, no packet tells."""
    server_blocks(lab, names(OTHER_SNI))
    addresses = [lab.client_ip, *more_clients(lab, 2)]
    bad = play(lab, visits_of(lab, LIKED, 5, addresses),
               visits_of(lab, [SCRIPT], 8, addresses, sni=OTHER_SNI))
    for seen in bad:
        lab.reset(seen.conn, "server", "tls-phase", "abortive-close",
                  also={"cause": ["unread-data", "unknown"]}, **HELLO)
    lab.finding("sni-block", server=endpoint(lab), sni=OTHER_SNI, sender="server", sure=False)




def haproxy_before(lab, rule):
    """haproxy in front of a TLS server (which only loopback sees), with a rule about ClientHellos."""
    Service(lab, 8443, lab.server2_ip, tls=tls_server(lab))
    haproxy(lab, lab.server, f"""
frontend front
    mode tcp
    bind {lab.server_ip}:443
    tcp-request inspect-delay 2s
    tcp-request content {rule}
    tcp-request content accept if {{ req.ssl_hello_type 1 }}
    default_backend back
backend back
    mode tcp
    server one {lab.bracketed(lab.server2_ip)}:8443""")
    lab.server.wait_listening(443)


@scenario("block-sni-haproxy", "haproxy (req.ssl_sni, tcp-request content silent-drop), Python, curl",
          points=("client", "server"), families=(6, ), findings=True)
def block_sni_haproxy(lab):
    """haproxy forgets connections whose ClientHello names one site (req.ssl_sni, silent-drop),
    whichever of four programs sends it, and passes those for another site on. The clients wait for
    1.5 s and close; only that FIN meets a RST."""
    haproxy_before(lab, f"silent-drop if {{ req.ssl_sni -i {OTHER_SNI} }}")
    addresses = [lab.client_ip, *more_clients(lab, 2)]
    clients = (SCRIPT, BROWSER, PHONE, OLD)
    good = visits_of(lab, (*clients, CURL), 5, addresses)
    seen = crowd(lab, good + visits_of(lab, clients, 3, addresses, sni=OTHER_SNI, patience=1.5), 5)
    well(lab, seen[:len(good)])
    for v in ill(seen[len(good):], "silent"):
        v.socket.close()
        lab.reset(v.conn, "server", "after-fin", "no-socket", "fin-then-rst", trigger="ack", **HELLO,
                  also={"cause": ["half-close-violation", "unknown"]})
    pause(0.3)
    lab.finding("sni-block", server=endpoint(lab), sni=OTHER_SNI, sender="server", resets=12,
                connections=12, sure=False)


@scenario("block-alpn-haproxy", "haproxy (req.ssl_alpn, tcp-request content reject), Python, curl",
          points=("client", ), families=(4, ), findings=True)
def block_alpn_haproxy(lab):
    """haproxy rejects ClientHellos that offer no application protocol (req.ssl_alpn, tcp-request
    content reject): two programs of five, each with a fingerprint of its own. It does so with a
    FIN; the clients' TLS answers with an alert, for which there is no reader any more."""
    haproxy_before(lab, "reject if { req.ssl_hello_type 1 } !{ req.ssl_alpn -m found }")
    addresses = [lab.client_ip, *more_clients(lab, 2)]
    disliked = (SCRIPT, OLD)
    good = visits_of(lab, (BROWSER, PHONE, CURL), 6, addresses)
    seen = crowd(lab, good + visits_of(lab, disliked, 8, addresses), 5)
    pause(0.2)
    well(lab, seen[:len(good)])
    bad = ill(seen[len(good):], "closed")
    for v in bad:
        lab.reset(v.conn, "server", "after-fin", "half-close-violation", "fin-then-rst", late=True,
                  trigger="data", **HELLO, also={"cause": ["no-socket", "unknown"]})
    for client in disliked:
        lab.finding("tls-fingerprint-block", server=endpoint(lab), sni=SNI, sender="server",
                    ja4=next(v.conn for v in bad if v.client is client), sure=False)
