# SPDX-License-Identifier: GPL-2.0-or-later
"""Many clients and servers at once: the healthy traffic beside which a fault is a contrast.

A Service answers requests; `visit` is one connection of one client program, from SYN to close; a
crowd plays many of them within some seconds, each in a thread of its own."""
import concurrent.futures
import itertools
import random
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

import peers
from peers import GET, SNI, answer

BODY = b"in stock"
PATIENCE = 4  # seconds a client waits; longer than any answer of the lab takes
_ports = itertools.count(20000)  # for programs that are told theirs; below the kernel's own choices


class Service:
    """A web server on a host of the lab: reads a request, answers it, and so on until its client
    closes. `admit(socket)`: called first; False if it has ended the connection itself. `wait`:
    seconds an answer takes."""

    def __init__(self, lab, port, address=None, *, tls=None, admit=None, wait=0, host=None,
                 backlog=64):
        self.tls, self.admit, self.wait, self.accepted, self.open = tls, admit, wait, [], []
        self.socket = peers.listen(host or lab.server, address or lab.server_ip, port, backlog)
        self.socket.settimeout(None)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, address = self.socket.accept()
            except OSError:
                return  # closed: this service is over
            self.accepted.append(address[1])
            threading.Thread(target=self._serve, args=(sock, ), daemon=True).start()

    def _serve(self, sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self.admit and not self.admit(sock):
                return
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            self.open.append(sock)
            while peers.receive(sock):
                time.sleep(self.wait)
                sock.sendall(answer(BODY))
            sock.close()
        except OSError:
            pass  # the scenario knows why
        finally:
            if sock in self.open:
                self.open.remove(sock)

    def stop(self):
        """The listener goes; connections live on."""
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def tls_server(lab):
    """Without tickets, which would only make the captures larger."""
    context = lab.certificates.server_context()
    context.num_tickets = 0
    return context


@dataclass(frozen=True)
class Client:
    """What a client program is to those who look at its ClientHello."""

    name: str
    ciphers: str = None  # TLS 1.2's, OpenSSL's words
    alpn: tuple = ()
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    program: str = None  # "curl", "openssl": a program instead of Python's ssl

    def context(self, lab):
        context = lab.certificates.client_context(alpn=list(self.alpn))
        context.maximum_version = self.newest
        if self.ciphers:
            context.set_ciphers(self.ciphers)
        return context


SCRIPT = Client("script")  # Python as it comes: what bot filters dislike most
BROWSER = Client("browser", "ECDHE+AESGCM:ECDHE+CHACHA20:AESGCM", ("h2", "http/1.1"))
PHONE = Client("phone", "ECDHE+CHACHA20:ECDHE+AESGCM", ("http/1.1", ))
OLD = Client("old", "ECDHE+AES:AES", (), ssl.TLSVersion.TLSv1_2)
CURL = Client("curl", program="curl")
OPENSSL = Client("openssl", program="openssl")


@dataclass
class Visit:
    """`result`: "ok", "reset", "refused", "silent" (no answer in time), "closed" (by the other
    side, in order) or "unreachable"."""

    conn: object
    result: str = "ok"
    client: Client = None
    sni: str = None
    socket: object = None  # where it is still open


def outcome(error):
    for kind, result in ((ConnectionResetError, "reset"), (BrokenPipeError, "reset"),
                         (ConnectionRefusedError, "refused"), (TimeoutError, "silent"),
                         (ssl.SSLEOFError, "closed"), (EOFError, "closed")):
        if isinstance(error, kind):
            return result
    return "unreachable"


def visit(lab, port, client=None, *, client_ip=None, server_ip=None, sni=SNI, requests=1, think=0,
          slow=0, patience=PATIENCE):
    """One connection from SYN to close; `client`: None without TLS. `think`: seconds between
    requests, `slow`: before the first."""
    if client and client.program:
        return _program_visit(lab, port, client, client_ip, server_ip, sni)
    c = lab.keep(peers.client_socket(lab.client, client_ip or lab.client_ip))
    c.settimeout(patience)
    seen = Visit(lab.conn(c.getsockname()[1], port, client_ip, server_ip), client=client,
                 sni=client and sni)
    try:
        c.connect((server_ip or lab.server_ip, port))
        if client:
            c = lab.keep(client.context(lab).wrap_socket(c, server_hostname=sni))
        for number in range(requests):
            time.sleep(think if number else slow)
            c.sendall(GET)
            if BODY not in peers.receive(c, BODY):
                raise EOFError
        c.shutdown(socket.SHUT_WR)
        peers.drain(c)
        c.close()
    except (OSError, EOFError) as error:
        seen.result, seen.socket = outcome(error), c
    return seen


def _program_visit(lab, port, client, client_ip, server_ip, sni):
    local, address = next(_ports), server_ip or lab.server_ip
    source, target = client_ip or lab.client_ip, f"{lab.bracketed(address)}:{port}"
    command = {
        "curl": [
            "curl", "-s", "-m", str(PATIENCE), "--cacert", lab.certificates.ca, "--interface",
            source, "--local-port", str(local), "--connect-to", f"::{target}",
            f"https://{sni}:{port}/item/7"
        ],
        "openssl": [
            "openssl", "s_client", "-quiet", "-no_ign_eof", "-connect", target, "-bind",
            f"{lab.bracketed(source)}:{local}", "-servername", sni
        ],
    }[client.program]
    with lab.client:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL)
    seen = Visit(lab.conn(local, port, client_ip, server_ip), client=client, sni=sni)
    if client.program == "curl":
        text = process.communicate(timeout=10)[0]
    else:
        text = _dialogue(process)
    if BODY not in text:
        seen.result = "reset" if process.returncode != 28 else "silent"
    return seen


def _dialogue(process):
    """s_client ends with its standard input, so that comes last."""
    try:
        process.stdin.write(GET)
        process.stdin.flush()
        text = b""
        while BODY not in text and (more := process.stdout.read1()):
            text += more
        process.stdin.close()
    except OSError:
        pass
    process.wait(10)
    return text


def crowd(lab, visits, seconds):
    """Plays the visits (functions) in some order, spread over the time; their results in the
    order given."""
    chance = random.Random(lab.family)
    starts = [seconds * (place + chance.random()) / len(visits) for place in range(len(visits))]
    chance.shuffle(starts)
    begin = time.monotonic()

    def play(start, function):
        time.sleep(max(0, begin + start - time.monotonic()))
        return function()

    with concurrent.futures.ThreadPoolExecutor(len(visits)) as pool:
        return list(pool.map(play, starts, visits))


def well(lab, visits):
    """These went well, and their connections were closed in order."""
    for seen in visits:
        if seen.result != "ok":
            raise RuntimeError(f"{seen} should have gone well")
        lab.closed(seen.conn)
    return visits


def ill(visits, *results):
    for seen in visits:
        if seen.result not in results:
            raise RuntimeError(f"{seen} should have ended otherwise: {results}")
    return visits


def more_clients(lab, count):
    """Addresses of further clients."""
    return _addresses(lab, lab.client, "c0", lab.client_net, count)


def more_servers(lab, count):
    """Addresses of further servers."""
    return _addresses(lab, lab.server, "s0", lab.server_net, count)


def _addresses(lab, host, interface, net, count):
    addresses = [f"{net}{50 + n}" for n in range(count)]
    for address in addresses:
        host.run("ip", "address", "add", address + ("/24" if lab.family == 4 else "/64"), "dev",
                 interface, *([] if lab.family == 4 else ["nodad", "preferred_lft", "0"]))
    return addresses


# ClientHellos, as those who dislike some of them read them


def fingerprint(hello):
    """What JA4 and its kin look at: cipher suites in order, extensions sorted. None: this is no
    (whole) ClientHello."""
    try:
        if hello[0] != 22 or hello[5] != 1:
            return None
        at = 5 + 4 + 2 + 32
        at += 1 + hello[at]
        size, = struct.unpack_from("!H", hello, at)
        ciphers = hello[at + 2:at + 2 + size]
        at += 2 + size
        at += 1 + hello[at]
        end, = struct.unpack_from("!H", hello, at)
        at, end, kinds = at + 2, at + 2 + end, []
        while at < end:
            kind, size = struct.unpack_from("!HH", hello, at)
            kinds.append(kind)
            at += 4 + size
        return ciphers, tuple(sorted(kinds))
    except (IndexError, struct.error):
        return None


def fingerprint_of(lab, client):
    return fingerprint(peers.client_hello(client.context(lab)))


def peeked_hello(sock):
    """The ClientHello that waits in a socket, unread."""
    sock.settimeout(PATIENCE)
    while True:
        waiting = sock.recv(4096, socket.MSG_PEEK)
        if not waiting or fingerprint(waiting):
            sock.settimeout(None)
            return waiting
        time.sleep(0.001)


class Worker:
    """A server in a process of its own, which can be killed. It answers requests, but after the
    first for /busy it reads no further: its workers are all taken."""

    def __init__(self, lab, port, address=None):
        self.lab, self.port, self.address = lab, port, address or lab.server_ip
        self.start()

    def start(self):
        self.process = self.lab.start(self.lab.server, sys.executable, "-B", __file__, self.address,
                                      str(self.port), stdout=subprocess.PIPE)
        self.process.stdout.readline()  # it listens

    def kill(self):
        self.process.kill()
        self.process.wait()


def work(address, port):
    with socket.create_server((address, port), family=peers.family_of(address)) as listener:
        print("ready", flush=True)
        while True:
            threading.Thread(target=_work_on, args=(listener.accept()[0], ), daemon=True).start()


def _work_on(sock):
    with sock:
        while request := peers.receive(sock):
            sock.sendall(answer(BODY))
            if b"/busy" in request:
                threading.Event().wait()


if __name__ == "__main__":
    work(sys.argv[1], int(sys.argv[2]))
