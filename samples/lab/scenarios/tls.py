# SPDX-License-Identifier: GPL-2.0-or-later
"""TLS: handshakes that fail, alerts, resumption, and TLS that begins in the middle of a
connection."""
import ssl
import subprocess

from closing import exchange
from lab import pause, scenario
from peers import (GET, SNI, abort, answer, client_hello, client_socket, in_background, receive,
                   server_flight)

WEAKER = {"cause": ["unread-data", "abortive-close", "unknown"]}
VERSIONS = {443: ssl.TLSVersion.TLSv1_3, 8443: ssl.TLSVersion.TLSv1_2}
PORTS = {4: 43000, 6: 48000}


def local_port(lab, port, extra=0):
    """Programs are told their client port, so that the scenario knows the connection."""
    return PORTS[lab.family] + port % 1000 + extra


def raw_link(lab, port, pieces, gap=0.05):
    """A connection on which the client has sent these pieces and the server has read them."""
    link = lab.open(port)
    for piece in pieces:
        link.c.sendall(piece)
        receive(link.s, size=len(piece))
        pause(gap)
    return link


@scenario("tls-reset-after-hello", formats={"client": "pcapng"})
def tls_reset_after_hello(lab):
    """The server aborts (SO_LINGER 0) after the ClientHello: TLS 1.3 with two ALPN protocols,
    TLS 1.2."""
    for port, version in VERSIONS.items():
        hello = client_hello(
            lab.certificates.client_context(version, ["h2", "http/1.1"] if port == 443 else None))
        link = raw_link(lab, port, [hello])
        abort(link.s)
        pause(0.1)
        lab.reset(link, "server", "tls-phase", "abortive-close", also=WEAKER,
                  tls_stage="client-hello")


@scenario("tls-reset-after-hello-no-timestamps", timestamps=False)
def tls_reset_after_hello_no_timestamps(lab):
    """As tls-reset-after-hello, without TCP timestamps."""
    tls_reset_after_hello(lab)


@scenario("tls-hello-unread")
def tls_hello_unread(lab):
    """The server closes without having read the ClientHello."""
    link = lab.open(443)
    link.c.sendall(client_hello(lab.certificates.client_context()))
    pause(0.1)
    link.s.close()
    pause(0.1)
    lab.reset(link, "server", "tls-phase", "unread-data", also=WEAKER, tls_stage="client-hello")


@scenario("tls-split-hello")
def tls_split_hello(lab):
    """ClientHellos in several segments: complete in three pieces, then reset; reset with only a
    part of it sent; and in two TLS records."""
    hello = client_hello(lab.certificates.client_context())
    link = raw_link(lab, 443, [hello[:3], hello[3:200], hello[200:]])
    abort(link.s)
    lab.reset(link, "server", "tls-phase", "abortive-close", also=WEAKER, tls_stage="client-hello")
    link = raw_link(lab, 443, [hello[:200]])
    abort(link.s)
    lab.reset(link, "server", "tls-phase", "abortive-close", also=WEAKER,
              tls_stage="client-hello-partial")
    body = hello[5:]
    records = [hello[:3] + len(part).to_bytes(2, "big") + part for part in (body[:100], body[100:])]
    link = raw_link(lab, 443, [b"".join(records)])
    abort(link.s)
    pause(0.1)
    lab.reset(link, "server", "tls-phase", "abortive-close", also=WEAKER, tls_stage="client-hello")


@scenario("tls-reset-after-server-hello", formats={"server": "nsec"})
def tls_reset_after_server_hello(lab):
    """The server answers the ClientHello, then aborts (SO_LINGER 0) before the client has
    finished: at once, and after a while in which the client (which waits) sent nothing."""
    for wait in (0, 0.2):
        for port, version in VERSIONS.items():
            hello = client_hello(lab.certificates.client_context(version))
            link = raw_link(lab, port, [hello])
            link.s.sendall(server_flight(lab.certificates.server_context(version), hello))
            pause(wait)
            abort(link.s)
            pause(0.1)
            lab.reset(link, "server", "tls-phase", "abortive-close",
                      also={"cause": ["unread-data",
                                      "unknown"]}, tls_stage="server-hello", late=True)


@scenario("tls-client-gives-up")
def tls_client_gives_up(lab):
    """The client aborts (SO_LINGER 0) while it waits for the ServerHello."""
    link = raw_link(lab, 443, [client_hello(lab.certificates.client_context())])
    pause(1)
    abort(link.c)
    pause(0.1)
    lab.reset(link, "client", "tls-phase", "abortive-close",
              also={"cause": ["client-cancel", "unknown"]}, tls_stage="client-hello")


@scenario("tls-idle-handshake")
def tls_idle_handshake(lab):
    """A client sends part of its ClientHello and stops; the server's handshake timer (4.5 s)
    resets. The client owes the rest: not idle."""
    link = raw_link(lab, 443, [client_hello(lab.certificates.client_context())[:100]])
    pause(4.5)
    abort(link.s)
    pause(0.1)
    lab.reset(link, "server", "tls-phase", "idle-timer", tls_stage="client-hello-partial",
              also={"cause": ["abortive-close", "unread-data", "unknown"]})


@scenario("tls-tickets-only")
def tls_tickets_only(lab):
    """The handshake is complete and the server has sent its session tickets; before any
    request, the server resets (SO_LINGER 0). Tickets are no response."""
    for port, version in VERSIONS.items():
        link = lab.open(port, {"version": version})
        pause(0.3)
        abort(link.s)
        pause(0.1)
        lab.reset(
            link, "server", "before-data", "abortive-close",
            # interface.md has no word for "TLS established, no request yet".
            also={"cause": ["unknown"], "origin": ["after-response", "unknown"]},
            tls_stage="established")


@scenario("tls-versions-abort")
def tls_versions_abort(lab):
    """TLS 1.2 and 1.3: the server reads the request and aborts (SO_LINGER 0); then the same
    after a complete exchange."""
    for port, version in VERSIONS.items():
        link = lab.open(port, {"version": version})
        link.c.sendall(GET)
        receive(link.s)
        abort(link.s)
        lab.reset(link, "server", "awaiting-response", "abortive-close", tls_stage="established",
                  also=WEAKER | {"origin": ["mid-request"]})
        link = lab.open(port, {"version": version})
        exchange(link)
        pause(0.1)
        abort(link.s)
        pause(0.1)
        lab.reset(link, "server", "after-response", "abortive-close", tls_stage="established",
                  also={"cause": ["unknown"], "origin": ["mid-response"]})


@scenario("tls-resumption")
def tls_resumption(lab):
    """A TLS 1.2 and a TLS 1.3 session, each closed in order, then resumed; the server aborts
    (SO_LINGER 0) the resumed connection instead of answering."""
    for port, version in VERSIONS.items():
        listener = lab.listen(port)
        server = lab.certificates.server_context(version)
        client = lab.certificates.client_context(version)
        session = None
        for attempt in (1, 2):
            c = client_socket(lab.client, lab.client_ip)
            c.connect((lab.server_ip, port))
            conn = lab.conn(c.getsockname()[1], port)
            s = listener.accept()[0]
            tls_server = in_background(lambda: server.wrap_socket(s, server_side=True))
            c = lab.keep(client.wrap_socket(c, server_hostname=SNI, session=session))
            s = lab.keep(tls_server())
            c.sendall(GET)
            receive(s)
            if attempt == 1:
                s.sendall(answer(b"in stock"))
                receive(c, b"in stock")
                session = c.session
                shut = in_background(s.unwrap)
                c.unwrap(), shut()
                c.close()
                pause(0.05)
                s.close()
                lab.closed(conn)
            else:
                if not c.session_reused:
                    raise RuntimeError("the session was not resumed")
                pause(0.1)
                abort(s)
                pause(0.1)
                lab.reset(conn, "server", "awaiting-response", "abortive-close",
                          tls_stage="established", also=WEAKER | {"origin": ["mid-request"]})


@scenario("tls-hello-retry")
def tls_hello_retry(lab):
    """The server wants another key exchange group and asks for a second ClientHello
    (HelloRetryRequest). One connection is reset after the second ClientHello, one after the
    request."""
    curve = {"curve": "secp384r1", "version": ssl.TLSVersion.TLSv1_3}
    link = lab.open(443)
    context = lab.certificates.client_context(ssl.TLSVersion.TLSv1_3)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=SNI)
    server_in, server_out = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = lab.certificates.server_context(**curve).wrap_bio(server_in, server_out,
                                                               server_side=True)

    def step(side):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            pass

    step(tls)
    link.c.sendall(outgoing.read())
    server_in.write(link.s.recv(4096))
    step(server)
    link.s.sendall(server_out.read())  # the HelloRetryRequest
    incoming.write(link.c.recv(4096))
    step(tls)
    link.c.sendall(outgoing.read())
    link.s.recv(4096)
    pause(0.1)
    abort(link.s)
    pause(0.1)
    lab.reset(link, "server", "tls-phase", "abortive-close",
              also=WEAKER | {"tls_stage": ["server-hello"]}, tls_stage="client-hello")
    link = lab.open(443, curve)
    link.c.sendall(GET)
    receive(link.s)
    abort(link.s)
    pause(0.1)
    lab.reset(link, "server", "awaiting-response", "abortive-close", tls_stage="established",
              also=WEAKER | {"origin": ["mid-request"]})


def s_server(lab, port, *options):
    lab.start(lab.server, "openssl", "s_server", "-accept",
              f"{lab.bracketed(lab.server_ip)}:{port}", "-cert", lab.certificates.cert, "-key",
              lab.certificates.key, "-quiet", *options, port=port, stdin=subprocess.PIPE)


def s_client(lab, port, *options, text=b"", server_ip=None):
    local = local_port(lab, port)
    lab.start(lab.client, "openssl", "s_client", "-connect",
              f"{lab.bracketed(server_ip or lab.server_ip)}:{port}", "-bind",
              f"{lab.bracketed(lab.client_ip)}:{local}", "-servername", SNI, *options,
              stdin=subprocess.PIPE)
    process = lab.programs[-1]
    process.stdin.write(text)
    process.stdin.flush()
    return lab.conn(local, port)


FLAGS = {443: "-tls1_3", 8443: "-tls1_2"}


@scenario("tls-alert-unknown-ca", "curl, openssl s_server")
def tls_alert_unknown_ca(lab):
    """curl does not know the authority that signed the server's certificate: it sends the alert
    unknown_ca and closes with the server's last messages unread. TLS 1.3 and 1.2."""
    for port, flag in FLAGS.items():
        s_server(lab, port, flag)
        local = local_port(lab, port)
        lab.start(lab.client, "curl", "-s", "--local-port", str(local), "--resolve",
                  f"{SNI}:{port}:{lab.bracketed(lab.server_ip)}", f"https://{SNI}:{port}/")
        pause(0.6)
        lab.reset(lab.conn(local, port), "client", "tls-phase", "tls-alert",
                  tls_stage="server-hello", tls_alert="fatal unknown_ca", fin_race=True,
                  also={"cause": ["unread-data", "abortive-close", "unknown"]}, late=True)


def demand_certificate(lab, alert, *client_options):
    """A server that wants a certificate from its clients, and closes at once on those who fail."""
    for port, version in VERSIONS.items():
        context = lab.certificates.server_context(version)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(lab.certificates.ca)
        listener = lab.listen(port)
        conn = s_client(lab, port, "-quiet", *client_options, text=GET)
        s = listener.accept()[0]
        tls = context.wrap_socket(s, server_side=True, do_handshake_on_connect=False)
        pause(0.1)
        tls.setblocking(False)
        for _ in range(2):
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                pause(0.1
                      )  # the client's whole flight arrives; what follows the bad part stays unread
            except ssl.SSLError:
                tls.close()
        pause(0.3)
        # In TLS 1.3 the client has finished and sent its request before it can know.
        early = ({} if port == 8443 else
                 {"origin": ["awaiting-response", "mid-response", "after-response"]})
        lab.reset(conn, "server", "tls-phase", "tls-alert", late=True, fin_race=True,
                  also={"cause": ["unread-data", "abortive-close", "unknown"]} | early,
                  **({"tls_alert": alert} if port == 8443 else {}))  # TLS 1.3 has encrypted it


@scenario("tls-alert-certificate-required", "openssl s_client, Python server (OpenSSL)")
def tls_alert_certificate_required(lab):
    """The server asks for a client certificate, the client has none: the server sends a fatal
    alert and closes with the client's last messages unread. TLS 1.3 (the client has sent its
    request already) and 1.2."""
    demand_certificate(lab, "fatal handshake_failure")


@scenario("tls-alert-client-certificate", "openssl s_client, Python server (OpenSSL)",
          formats={"router": "pcapng"})
def tls_alert_client_certificate(lab):
    """The server does not know the authority that signed the client's certificate: fatal alert,
    then RST, as in tls-alert-certificate-required. TLS 1.3 and 1.2."""
    demand_certificate(lab, "fatal unknown_ca", "-cert", lab.certificates.stranger, "-key",
                       lab.certificates.stranger_key)


@scenario("tls-alert-then-fin", "openssl s_server, s_client")
def tls_alert_then_fin(lab):
    """As tls-alert-client-certificate, with a server (openssl s_server) that reads on to the
    end before it closes: a fatal alert without a RST. TLS 1.3 and 1.2."""
    for port, flag in FLAGS.items():
        s_server(lab, port, flag, "-Verify", "1", "-verify_return_error", "-CAfile",
                 lab.certificates.ca)
        conn = s_client(lab, port, "-cert", lab.certificates.stranger, "-key",
                        lab.certificates.stranger_key, text=GET)
        pause(0.6)
        lab.closed(conn)


@scenario("tls-alert-protocol-version", "openssl s_server, s_client")
def tls_alert_protocol_version(lab):
    """Client and server have no TLS version in common: the server's fatal alert, then an
    orderly close."""
    s_server(lab, 443, "-tls1_3")
    conn = s_client(lab, 443, "-tls1_2")
    pause(0.5)
    lab.closed(conn)


@scenario("tls-close-without-notify", "openssl s_client, Python server")
def tls_close_without_notify(lab):
    """The server closes the connection (FIN) without TLS's close_notify; the client's OpenSSL
    answers with its own close_notify, into a socket that is closed: a benign RST."""
    for port, flag in FLAGS.items():
        listener = lab.listen(port)
        conn = s_client(lab, port, flag, "-quiet", text=GET)
        s = lab.certificates.server_context().wrap_socket(listener.accept()[0], server_side=True)
        receive(s)
        s.sendall(answer(b"in stock"))
        s.close()
        pause(0.3)
        lab.reset(conn, "server", "after-fin", "half-close-violation", "fin-then-rst", late=True,
                  trigger="data", also={"cause": ["no-socket", "tls-alert", "unknown"]})


# MySQL's greeting: protocol 10, version, thread, salt, capabilities (with 0x0800: TLS), more salt.
MYSQL = (b"\x0a5.7.30\0" + b"\1\0\0\0" + b"abcdefgh\0" + bytes.fromhex("ffff080200ff8115") +
         b"\0" * 10 + b"ijklmnopqrst\0" + b"mysql_native_password\0")
STARTTLS = {
    "smtp": (25, b"220 mail.example ESMTP\r\n", [(b"EHLO", b"250-mail.example\r\n250 STARTTLS\r\n"),
                                                 (b"STARTTLS", b"220 go ahead\r\n")]),
    "imap": (143, b"* OK ready\r\n", [
        (b"CAPABILITY", b"* CAPABILITY IMAP4rev1 STARTTLS\r\n. OK done\r\n"),
        (b"STARTTLS", b". OK begin\r\n")
    ]), "pop3": (110, b"+OK ready\r\n", [(b"STLS", b"+OK begin\r\n")]),
    "ftp": (21, b"220 ready\r\n", [(b"AUTH TLS", b"234 proceed\r\n")]), "xmpp": (5222, None, [
        (b"<stream:stream", b"<stream:stream xmlns:stream='http://etherx.jabber.org/streams' "
         b"xmlns='jabber:client' from='shop.example' id='x' version='1.0'><stream:features>"
         b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"),
        (b"<starttls", b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    ]), "ldap": (389, None, [
        (b"1.3.6.1.4.1.1466.20037", bytes.fromhex("300c02010178070a010004000400"))
    ]), "postgres": (5432, None, [(b"\x04\xd2\x16\x2f", b"S")]),
    "mysql": (3306, len(MYSQL).to_bytes(3, "little") + b"\0" + MYSQL, [])
}


def speak_until_tls(s, greeting, dialogue):
    """The server's part of a protocol, up to the point where TLS takes over."""
    if greeting:
        s.sendall(greeting)
    for expect, reply in dialogue:
        data = b""
        while expect not in data:
            more = s.recv(4096)
            if not more:
                raise RuntimeError(f"no {expect} from the client, but {data}")
            data += more
        s.sendall(reply)


def starttls(lab, names):
    for name in names:
        port, greeting, dialogue = STARTTLS[name]
        listener = lab.listen(port)
        extra = ["-xmpphost", SNI] if name == "xmpp" else []
        conn = s_client(lab, port, "-starttls", name, *extra)
        s = lab.keep(listener.accept()[0])
        s.settimeout(5)
        speak_until_tls(s, greeting, dialogue)
        if name == "mysql":
            receive(s, size=36)  # the client's request for TLS
        if len(receive(s, size=200)) < 200:
            raise RuntimeError(f"no ClientHello after STARTTLS in {name}")
        pause(0.05)
        abort(s)
        pause(0.1)
        lab.reset(conn, "server", "tls-phase", "abortive-close", tls_stage="client-hello",
                  also=WEAKER, what=f"STARTTLS in {name.upper()}")


@scenario("starttls-mail", "openssl s_client -starttls, Python server")
def starttls_mail(lab):
    """TLS that begins within SMTP, IMAP, POP3 and FTP (STARTTLS, STLS, AUTH TLS); the server
    aborts (SO_LINGER 0) after the ClientHello."""
    starttls(lab, ("smtp", "imap", "pop3", "ftp"))


@scenario("starttls-other", "openssl s_client -starttls, Python server",
          points=("client", "server"))
def starttls_other(lab):
    """TLS that begins within XMPP, LDAP, PostgreSQL and MySQL; the server aborts (SO_LINGER 0)
    after the ClientHello."""
    starttls(lab, ("xmpp", "ldap", "postgres", "mysql"))
