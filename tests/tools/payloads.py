# SPDX-License-Identifier: GPL-2.0-or-later
"""Payloads of packet scripts: small TLS and HTTP bytes from words a person can read.

JA4 is computed here a second time, from FoxIO's text and not from the library's source, so that
the two implementations check each other.
"""
import hashlib
import shlex
import struct

RANDOM = bytes(range(32))
HRR_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
CIPHERS = [0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F]
SIGNATURES = [0x0403, 0x0804, 0x0401]
ALERTS = {"close_notify": 0, "handshake_failure": 40, "bad_certificate": 42, "unknown_ca": 48,
          "decode_error": 50, "protocol_version": 70, "unrecognized_name": 112}
VERSION_NAMES = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10"}


class BadPayload(Exception):
    pass


def record(kind, body, version=0x0303):
    return struct.pack("!BHH", kind, version, len(body)) + body


def handshake(kind, body):
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def vector(size, body):
    return len(body).to_bytes(size, "big") + body


def extension(kind, body):
    return struct.pack("!H", kind) + vector(2, body)


class ClientHello:
    """The bytes of one ClientHello and the JA4 that belongs to it."""

    def __init__(self, sni="", alpn="", size=0, version="1.3", retry=False):
        newest = {"1.3": 0x0304, "1.2": 0x0303, "1.1": 0x0302, "1.0": 0x0301}[version]
        self.retry = retry
        self.alpn = alpn.split(",") if alpn else []
        self.legacy, self.newest, self.sni = min(newest, 0x0303), newest, sni
        self.extensions = self._extensions(retry)
        if size:
            spare = size - len(self.record())
            if spare < 4:
                raise BadPayload(f"the ClientHello has {size - spare} bytes, size={size} cannot be")
            self.extensions.append((21, bytes(spare - 4)))

    def _extensions(self, retry):
        found = []
        if self.sni:
            found.append((0, vector(2, b"\0" + vector(2, self.sni.encode()))))
        found += [(10, vector(2, bytes.fromhex("001d0017"))),
                  (13, vector(2, b"".join(struct.pack("!H", value) for value in SIGNATURES)))]
        if self.alpn:
            found.append((16, vector(2, b"".join(vector(1, name.encode()) for name in self.alpn))))
        if self.newest == 0x0304:
            group = "0017" if retry else "001d"
            found += [(43, vector(1, bytes.fromhex("03040303"))),
                      (51, vector(2, bytes.fromhex(group) + vector(2, RANDOM)))]
        if retry:
            found.append((44, vector(2, b"cookie")))
        return found

    def record(self):
        body = struct.pack("!H", self.legacy) + RANDOM + vector(1, RANDOM)
        body += vector(2, b"".join(struct.pack("!H", cipher) for cipher in CIPHERS)) + b"\x01\x00"
        body += vector(2, b"".join(extension(kind, data) for kind, data in self.extensions))
        return record(22, handshake(1, body), 0x0301)

    def ja4(self):
        kinds = sorted(f"{kind:04x}" for kind, _ in self.extensions if kind not in (0, 16))
        first = self.alpn[0] if self.alpn else ""
        letters = first[0] + first[-1] if first else "00"
        start = (f"t{VERSION_NAMES[self.newest]}{'d' if self.sni else 'i'}{len(CIPHERS):02d}"
                 f"{len(self.extensions):02d}{letters}")
        ciphers = ",".join(sorted(f"{cipher:04x}" for cipher in CIPHERS))
        rest = ",".join(kinds) + "_" + ",".join(f"{value:04x}" for value in SIGNATURES)
        return "_".join([start, *(hashlib.sha256(text.encode()).hexdigest()[:12]
                                  for text in (ciphers, rest))])


def _server_hello(version13=False, retry=False):
    body = b"\x03\x03" + (HRR_RANDOM if retry else RANDOM) + vector(1, RANDOM)
    body += bytes.fromhex("1301" if version13 or retry else "c02f") + b"\0"
    extensions = b""
    if version13 or retry:
        extensions = extension(43, b"\x03\x04")
        extensions += extension(51, bytes.fromhex("0017") if retry
                                else bytes.fromhex("001d") + vector(2, RANDOM))
    return record(22, handshake(2, body + vector(2, extensions)))


def _alert(words):
    if words == ["encrypted"]:
        return record(21, bytes(26))
    level, name = words
    return record(21, bytes([{"warning": 1, "fatal": 2}[level], ALERTS[name]]))


class Maker:
    """Turns payload words into bytes, remembering the ClientHellos for `ja4=computed`."""

    def __init__(self):
        self.hellos = []

    def make(self, words):
        """`words`: the rest of a script's line, split like a shell does it. Parts join with +."""
        pieces, piece = [], []
        for word in words:
            if word == "+":
                pieces.append(piece)
                piece = []
            else:
                piece.append(word)
        return b"".join(self._piece(part) for part in [*pieces, piece])

    def _piece(self, words):
        kind, rest = words[0], words[1:]
        if kind == "len":
            return b"x" * int(rest[0])
        if kind == "hex":
            return bytes.fromhex("".join(rest))
        if kind in ("text", "http"):
            return rest[0].encode().decode("unicode_escape").encode("latin-1")
        if kind == "tls":
            return self._tls(rest[0], rest[1:])
        raise BadPayload(f"no payload is called {kind}")

    def _tls(self, kind, rest):
        if kind == "hello":
            flags = [word for word in rest if "=" not in word]
            values = dict(word.split("=", 1) for word in rest if "=" in word)
            hello = ClientHello(values.get("sni", ""), values.get("alpn", ""),
                                int(values.get("size", 0)), values.get("version", "1.3"),
                                "retry" in flags)
            if "records" in values:
                return self._in_records(hello, int(values["records"]))
            self.hellos.append(hello)
            return hello.record()
        simple = {"serverhello12": lambda: _server_hello(), "hrr": lambda: _server_hello(retry=True),
                  "serverhello13": lambda: _server_hello(True),
                  "ccs": lambda: record(20, b"\x01"), "alert": lambda: _alert(rest),
                  "done": lambda: record(22, handshake(14, b"")),
                  # encrypted Finished: of TLS 1.2 with AES-GCM, of TLS 1.3 with SHA-256
                  "finished12": lambda: record(22, bytes([0x5A]) * 40),
                  "finished13": lambda: record(23, bytes([0x5A]) * 53),
                  "hs": lambda: record(22, handshake(int(rest[0]), bytes(int(rest[1])))),
                  "app": lambda: record(23, bytes([0x5A]) * int(rest[0]))}
        if kind not in simple:
            raise BadPayload(f"no TLS payload is called {kind}")
        return simple[kind]()

    def _in_records(self, hello, count):
        """RFC 8446 section 5.1: a handshake message may be spread over several records."""
        self.hellos.append(hello)
        message = hello.record()[5:]
        size = -(-len(message) // count)
        return b"".join(record(22, message[at:at + size], 0x0301)
                        for at in range(0, len(message), size))


def split_words(text):
    """Words of a script's line; double quotes keep spaces, backslashes stay for the payload."""
    lexer = shlex.shlex(text, posix=True)
    lexer.whitespace_split, lexer.escape, lexer.commenters, lexer.quotes = True, "", "#", '"'
    return list(lexer)
