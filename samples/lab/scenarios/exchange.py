# SPDX-License-Identifier: GPL-2.0-or-later
"""Resets around a request and its response: who closed, and what was under way."""
import os
import signal

from lab import pause, scenario
from peers import GET, abort, answer, client_hello, in_background, receive, socket

# In the clear, and within TLS where the phases must be inferred.
VARIANTS = ((80, None), (443, {}))
# SO_LINGER 0 and unread data build the same packets. "unknown" is honest, never wrong.
WEAKER = {"cause": ["abortive-close", "unread-data", "unknown"]}
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
POST = b"POST /orders HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 8000\r\n\r\n"


def http(tls, **fields):
    """Fields that only plaintext shows."""
    return {} if tls is not None else fields


def weaker(tls, *origins):
    """Where TLS hides the message boundaries, neighbouring phases are honest answers too."""
    return WEAKER | ({"origin": list(origins)} if tls is not None and origins else {})


@scenario("unread-request", formats={"client": "nsec"})
def unread_request(lab):
    """The server closes a connection without having read the request that arrived: its kernel
    sends a RST instead of a FIN, though the program called a plain close()."""
    for port, tls in VARIANTS:
        link = lab.open(port, tls)
        link.c.sendall(GET)
        pause(0.1)
        link.s.close()
        pause(0.1)
        lab.reset(link, "server", "awaiting-response", "unread-data",
                  also=weaker(tls, "mid-request"), **http(tls, http_method="GET"))


@scenario("unread-request-no-timestamps", timestamps=False)
def unread_request_no_timestamps(lab):
    """As unread-request, without TCP timestamps."""
    unread_request(lab)


@scenario("unread-upload")
def unread_upload(lab):
    """The server reads the head of an upload and closes without reading the body; the client is
    still sending. Bare RSTs answer the segments that were under way."""
    for port, tls in VARIANTS:
        link = lab.open(port, tls)
        link.c.sendall(POST)
        receive(link.s)
        for _ in range(3):
            link.c.sendall(b"x" * 1000)
            pause(0.03)
        link.s.close()
        try:
            for _ in range(4):
                link.c.sendall(b"x" * 1000)
                pause(0.004)
        except OSError:
            pass
        pause(0.1)
        lab.reset(
            link, "server", "mid-request", "unread-data", late=True,
            also={"cause": ["abortive-close", "request-too-large", "unknown"]}
            | ({} if tls is None else {"origin": ["awaiting-response"]}),
            **http(tls, http_method="POST"))


@scenario("unread-pipelined-request")
def unread_pipelined(lab):
    """The client sends two requests; the server answers the first and closes without having
    read the second."""
    for port, tls in VARIANTS:
        link = lab.open(port, tls)
        link.c.sendall(GET)
        receive(link.s)
        link.s.sendall(answer(b"in stock"))
        receive(link.c, b"in stock")
        link.c.sendall(GET)
        pause(0.1)
        link.s.close()
        pause(0.1)
        lab.reset(link, "server", "awaiting-response", "unread-data",
                  also=weaker(tls, "mid-request"), **http(tls, http_method="GET"))


@scenario("abort-awaiting-response", formats={"server": "pcapng"})
def abort_awaiting_response(lab):
    """The server reads the request, then aborts the connection (SO_LINGER 0) instead of
    answering."""
    for port, tls in VARIANTS:
        link = lab.open(port, tls)
        link.c.sendall(GET)
        receive(link.s)
        pause(0.1)
        abort(link.s)
        pause(0.1)
        lab.reset(link, "server", "awaiting-response", "abortive-close",
                  also=weaker(tls, "mid-request"), **http(tls, http_method="GET"))


def send_part(link, tls, head, part):
    link.c.sendall(GET)
    receive(link.s)
    if tls is None:
        link.s.sendall(head + part)
        return
    # The client's small buffer (see its caller) stops the server in the middle of a TLS record.
    in_background(link.s.sendall, head + part * 8)
    pause(0.3)


def abort_mid_response(lab, head, part):
    for port, tls in VARIANTS:
        link = lab.open(port, tls)
        link.c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        send_part(link, tls, head, part)
        pause(0.1)
        abort(link.s)
        if tls is not None:
            link.s.shutdown(socket.SHUT_RD) if link.s.fileno() >= 0 else None
        pause(0.2)
        lab.reset(link, "server", "mid-response", "abortive-close",
                  also={"cause": ["unread-data", "unknown"]},
                  **http(tls, http_method="GET", http_status=200))


@scenario("abort-mid-response")
def abort_mid_response_length(lab):
    """The server aborts the connection (SO_LINGER 0) in the middle of a response with
    Content-Length; the TLS one ends inside a record."""
    abort_mid_response(lab, b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n", b"x" * 3000)


@scenario("abort-mid-response-chunked")
def abort_mid_response_chunked(lab):
    """The server aborts the connection (SO_LINGER 0) between two chunks of a chunked response."""
    for port, tls in VARIANTS:
        link = lab.open(port, tls)
        link.c.sendall(GET)
        receive(link.s)
        link.s.sendall(CHUNKED)
        for _ in range(3):
            link.s.sendall(b"400\r\n" + b"x" * 1024 + b"\r\n")
            pause(0.03)
        abort(link.s)
        pause(0.1)
        lab.reset(
            link, "server", "mid-response", "abortive-close",
            # Within TLS nothing but the size of the records hints at more to come.
            also={"cause": ["unread-data", "unknown"]}
            | ({} if tls is None else {"origin": ["after-response"]}),
            **http(tls, http_method="GET", http_status=200))


@scenario("abort-after-response")
def abort_after_response(lab):
    """A complete exchange, then a reset: by the server (SO_LINGER 0), by the client (a pool
    that throws its connection away)."""
    for port, tls in VARIANTS:
        for by in ("server", "client"):
            link = lab.open(port, tls)
            link.c.sendall(GET)
            receive(link.s)
            link.s.sendall(answer(b"in stock"))
            receive(link.c, b"in stock")
            pause(0.1)
            abort(link.s if by == "server" else link.c)
            pause(0.1)
            lab.reset(
                link, by, "after-response", "abortive-close",
                also={"cause": ["unknown"] + (["client-cancel"] if by == "client" else [])}
                | ({} if tls is None else {"origin": ["mid-response"]}),
                **http(tls, http_method="GET", http_status=200))


@scenario("abort-upload", formats={"router": "nsec"})
def abort_upload(lab):
    """The client aborts its own upload (SO_LINGER 0) half way."""
    for port, tls in VARIANTS:
        link = lab.open(port, tls)
        link.c.sendall(POST)
        receive(link.s)
        for _ in range(3):
            link.c.sendall(b"x" * 1000)
            receive(link.s, size=1000)
        abort(link.c)
        pause(0.1)
        lab.reset(
            link, "client", "mid-request", "abortive-close", late=True,
            also={"cause": ["client-cancel", "unknown"]}
            | ({} if tls is None else {"origin": ["awaiting-response"]}),
            **http(tls, http_method="POST"))


def cancel_download(lab, head, chunk):
    for port, tls in VARIANTS:
        listener = lab.listen(port)
        local = (42000 if lab.family == 4 else 47000) + port
        scheme = "http" if tls is None else "https"
        curl = lab.start(lab.client, "curl", "-s", "-o", "/dev/null", "--http1.1", "--cacert",
                         lab.certificates.ca, "--local-port", str(local), "--resolve",
                         f"shop.example:{port}:{lab.bracketed(lab.server_ip)}",
                         f"{scheme}://shop.example:{port}/movie")
        s = lab.keep(listener.accept()[0])
        s.settimeout(5)
        if tls is not None:
            s = lab.keep(lab.certificates.server_context().wrap_socket(s, server_side=True))
        receive(s)
        s.sendall(head)
        try:
            for number in range(60):
                s.sendall(chunk)
                pause(0.01)
                if number == 15:
                    curl.send_signal(signal.SIGSTOP)
                if number == 20:
                    curl.kill()
        except OSError:
            pass
        pause(0.1)
        lab.reset(
            lab.conn(local, port), "client", "mid-response", "client-cancel", late=True,
            also={"cause": ["abortive-close", "unread-data", "process-exit", "unknown"]}
            | ({} if tls is None else {"origin": ["after-response"]}),
            **http(tls, http_method="GET", http_status=200))


@scenario("client-cancel", "curl, Python server")
def client_cancel(lab):
    """curl is killed in the middle of a download (Content-Length), with part of it not yet
    read."""
    cancel_download(lab, b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n", b"x" * 500)


@scenario("client-cancel-chunked", "curl, Python server", formats={"client": "pcapng"})
def client_cancel_chunked(lab):
    """curl is killed in the middle of a chunked download, with part of it not yet read."""
    cancel_download(lab, CHUNKED, b"1f4\r\n" + b"x" * 500 + b"\r\n")


@scenario("early-413")
def early_413(lab):
    """The server answers the head of an upload with 413 at once and closes with the body
    unread."""
    for port, tls in VARIANTS:
        link = lab.open(port, tls)
        link.c.sendall(POST)
        receive(link.s)
        link.c.sendall(b"x" * 1000)
        pause(0.05)
        link.s.sendall(answer(b"too big", "413 Content Too Large"))
        link.s.close()
        try:
            for _ in range(4):
                link.c.sendall(b"x" * 1000)
                pause(0.01)
        except OSError:
            pass
        pause(0.1)
        lab.reset(
            link, "server", "mid-request", "request-too-large", late=True,
            also={"cause": ["unread-data", "abortive-close", "unknown"]}
            | ({} if tls is None else {"origin": ["after-response", "mid-response"]}),
            **http(tls, http_method="POST", http_status=413))


@scenario("kill-process", "Python server process, SIGKILL", formats={"server": "nsec"})
def kill_process(lab):
    """A server process is killed (SIGKILL) with 20 connections in different phases. The kernel
    resets those with unread data and sends a FIN on the others, all in the same instant."""
    server = lab.listen(80, backlog=64)
    tls_server = lab.listen(443, backlog=64)
    child_ready, ready = os.pipe()
    links = [lab.open(80) for _ in range(16)] + [lab.open(443) for _ in range(4)]
    hello = client_hello(lab.certificates.client_context())
    labels = []
    for number, link in enumerate(links):
        phase = number % 5
        if number >= 16:
            link.c.sendall(hello)
            labels.append((link, "tls-phase", {"tls_stage": "client-hello"}, {}))
        elif phase == 0:  # nothing unread: a FIN
            link.c.sendall(GET)
            receive(link.s)
            link.s.sendall(answer(b"in stock"))
            receive(link.c, b"in stock")
        elif phase == 1:
            link.c.sendall(GET)
            labels.append((link, "awaiting-response", {"http_method": "GET"}, {}))
        elif phase == 2:
            link.c.sendall(POST + b"x" * 500)
            labels.append((link, "mid-request", {"http_method": "POST"}, {}))
        elif phase == 3:
            link.c.sendall(GET)
            receive(link.s)
            link.s.sendall(CHUNKED + b"400\r\n" + b"x" * 1024 + b"\r\n")
            receive(link.c, size=1000)
            link.c.sendall(GET)  # the next request, which nobody reads
            labels.append((link, "mid-response", {"http_method": "GET", "http_status": 200}, {}))
        else:  # the server waits for a request: a FIN
            pass
    pause(0.1)
    pid = os.fork()
    if pid == 0:  # the process that will hold the only copy of the server's sockets
        os.write(ready, b"!")
        signal.pause()
    os.read(child_ready, 1)
    for link in links:
        link.s.close()
    server.close(), tls_server.close()
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    pause(0.2)
    for link, origin, fields, also in labels:
        lab.reset(link, "server", origin, "process-exit", late=True,
                  also={"cause": ["unread-data", "abortive-close", "unknown"]} | also, **fields)
