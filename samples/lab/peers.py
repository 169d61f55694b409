# SPDX-License-Identifier: GPL-2.0-or-later
"""Sockets, TLS and HTTP as the scenarios need them. All blocking, all with a time limit: a
scenario that goes wrong must fail, not hang."""
import os
import socket
import ssl
import struct
import subprocess
import threading
from dataclasses import dataclass

TIMEOUT = 15
SNI = "shop.example"
OTHER_SNI = "games.example"  # served by the same server
GET = b"GET /item/7 HTTP/1.1\r\nHost: shop.example\r\n\r\n"


@dataclass(frozen=True)
class Conn:
    """How a capture shows a connection. A client port of None: any (programs choose their own)."""

    client: str
    client_port: int
    server: str
    server_port: int


@dataclass
class Link:
    """A connection of which we hold both ends: client socket, server socket."""

    conn: Conn
    c: socket.socket
    s: socket.socket
    sni: str = None


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def listen(host, address, port, backlog=16):
    with host:
        sock = socket.socket(family_of(address), socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.settimeout(TIMEOUT)
    sock.bind((address, port))
    sock.listen(backlog)
    return sock


def client_socket(host, address, port=0):
    with host:
        sock = socket.socket(family_of(address), socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.settimeout(TIMEOUT)
    sock.bind((address, port))
    return sock


def abort(sock):
    """close() that resets: SO_LINGER with a time of 0."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def receive(sock, until=b"\r\n\r\n", size=None):
    """Reads up to an end mark, or so many bytes."""
    data = b""
    while (len(data) < size) if size else (until not in data):
        more = sock.recv(65536 if not size else size - len(data))
        if not more:
            break
        data += more
    return data


def drain(sock):
    """Reads to the end of the stream, as a polite peer does before it closes."""
    data = b""
    try:
        while more := sock.recv(65536):
            data += more
    except (ConnectionError, ssl.SSLError):
        pass
    return data


def answer(body=b"", status="200 OK", headers=()):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def in_background(function, *args):
    """Starts a party of its own; returns a function that waits for its result (or exception)."""
    box = {}

    def work():
        try:
            box["result"] = function(*args)
        except Exception as error:  # a reset peer is what the scenario wants
            box["result"] = error

    thread = threading.Thread(target=work, daemon=True)
    thread.start()

    def wait():
        thread.join(TIMEOUT)
        if thread.is_alive():
            raise RuntimeError(f"{function} does not end")
        return box["result"]

    return wait


class Certificates:
    """A certificate authority, the server's certificate, and a client's from another authority."""
    def __init__(self, folder):
        self.ca, self.cert, self.key = (os.path.join(folder, n)
                                        for n in ("ca.pem", "cert.pem", "key.pem"))
        self.stranger, self.stranger_key = (os.path.join(folder, n)
                                            for n in ("other.pem", "other-key.pem"))
        ca_key = os.path.join(folder, "ca-key.pem")
        # EC keys keep the captures small.
        new = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "3650"
        ]
        for extra in (["-keyout", ca_key, "-out", self.ca, "-subj", "/CN=Lab CA"], [
                "-keyout", self.stranger_key, "-out", self.stranger, "-subj", "/CN=stranger"
        ], [
                "-keyout", self.key, "-out", self.cert, "-subj", f"/CN={SNI}", "-CA", self.ca,
                "-CAkey", ca_key, "-addext", f"subjectAltName=DNS:{SNI},DNS:{OTHER_SNI}"
        ]):
            subprocess.run(new + extra, check=True, capture_output=True)

    def server_context(self, version=None, curve=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, self.key)
        if curve:
            context.set_ecdh_curve(curve)
        return _limit(context, version)

    def client_context(self, version=None, alpn=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.ca)
        if alpn:
            context.set_alpn_protocols(alpn)
        return _limit(context, version)


def _limit(context, version):
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def handshake(link, client_context, server_context, session=None):
    """TLS on both ends of a link; its sockets are TLS sockets afterwards."""
    server = in_background(lambda: server_context.wrap_socket(link.s, server_side=True))
    link.c = client_context.wrap_socket(link.c, server_hostname=SNI, session=session)
    link.s, link.sni = server(), SNI
    if isinstance(link.s, Exception):
        raise link.s
    return link


def client_hello(client_context):
    """The bytes of a ClientHello, for those who send it in pieces."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client_context.wrap_bio(incoming, outgoing, server_hostname=SNI)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def server_flight(server_context, hello):
    """What a TLS server answers to a ClientHello."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    incoming.write(hello)
    try:
        server_context.wrap_bio(incoming, outgoing, server_side=True).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()
