#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Packet scripts: a TCP scenario as text, turned into a capture and what is expected of it.

The grammar is in tests/TESTING.md. The scripts are the source; captures are made from them at test
time, so that a reader of a failing test reads text.

    pkt2pcap.py SCRIPT.pkt OUT.pcap       writes the capture
    pkt2pcap.py --list SCRIPT.pkt         shows the frames with their numbers
"""
import argparse
import os
import re
import struct
import sys
from dataclasses import dataclass, field

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import packets
import payloads

FLAGS = {"F": packets.FIN, "S": packets.SYN, "R": packets.RST, "P": packets.PSH, "A": packets.ACK,
         "U": packets.URG, "E": packets.ECE, "C": packets.CWR}
PAYLOAD_WORDS = ("len", "text", "http", "hex", "tls")
FIELDS = ("seq", "ack", "win", "ttl", "id", "tos", "flow", "mac")
OTHER = {"c": "s", "s": "c"}
SYN_OPTIONS = "mss 1460,sackOK,wscale 7"


class ScriptError(Exception):
    pass


@dataclass
class Side:
    """One end of a connection, as the script has it so far. Numbers are relative to the ISN."""
    address: bytes
    port: int
    mac: bytes
    isn: int
    ttl: int
    ip_id: int
    next: int = 0
    received: list = field(default_factory=list)  # what it got of the other side: (from, to)
    messages: dict = field(default_factory=dict)  # payload words -> where the message began
    last: tuple = None                            # seq, flags and payload of its latest data
    tsval: int = 0

    def expects(self):
        """The next number it expects: the end of what came without a hole."""
        end = None
        for start, stop in sorted(self.received):
            if end is not None and start > end:
                break
            end = stop if end is None else max(end, stop)
        return end or 0


@dataclass
class Connection:
    sides: dict
    timestamps: bool = False


@dataclass
class Expectation:
    """One `expect` line. `frame` is a number; connections are expected by `stream`."""
    values: dict
    frame: int = 0
    stream: int = -1
    line: int = 0


class Script:
    """A script, read. After construction: frames, expectations, names (of frames), hellos."""

    def __init__(self, path):
        self.path = path
        self.frames, self.expectations, self.names, self.none = [], [], {}, False
        self.connections, self.maker = {}, payloads.Maker()
        self.time_ns, self.snaplen, self.mirror = 1_700_000_000 * 10**9, 0, None
        self.arguments = []  # for the CLI
        self.before_ja4 = []  # per frame: how many ClientHellos the script had made by then
        pending = []
        with open(path) as file:
            for number, line in enumerate(file, 1):
                text = self._strip(line)
                if not text:
                    continue
                try:
                    if text.startswith("expect"):
                        pending.append((number, text))
                    else:
                        self._line(text)
                except (ScriptError, payloads.BadPayload, ValueError, KeyError, IndexError) as error:
                    raise ScriptError(f"{path}:{number}: {text}: {error!r}") from error
        for number, text in pending:
            try:
                self._expect(text.split()[1:], number)
            except (ScriptError, ValueError, KeyError, IndexError) as error:
                raise ScriptError(f"{path}:{number}: {text}: {error!r}") from error

    @staticmethod
    def _strip(line):
        quoted = False
        for at, letter in enumerate(line):
            quoted ^= letter == '"'
            if letter == "#" and not quoted:
                return line[:at].strip()
        return line.strip()

    # Lines

    def _line(self, text):
        words = text.split()
        if text[0] in "+@-!":
            self._segment_line(text)
        elif hasattr(self, "_do_" + words[0]):
            getattr(self, "_do_" + words[0])(words[1:])
        else:
            raise ScriptError("neither a segment nor a directive")

    def _do_conn(self, words):
        label = words.pop(0) if len(words) == 3 else ""
        ends = {}
        for name, text, ttl, ip_id, isn in (("c", words[0], 64, 1000, 1000),
                                            ("s", words[1], 57, 20000, 500000)):
            host, port = text.rsplit(":", 1)
            mac = bytes([2, 0, 0, 0, 0, 1 if name == "c" else 2])
            ends[name] = Side(packets.address(host.strip("[]")), int(port), mac, isn, ttl, ip_id)
        self.connections[label] = Connection(ends)

    def _connection(self, label):
        if label == "" and not self.connections:
            self._do_conn(["10.0.0.5:40000", "192.0.2.1:80"])
        return self.connections[label]

    def _each(self, words):
        """`[LABEL] c VALUE s VALUE` as (side, value)."""
        label = words.pop(0) if len(words) % 2 else ""
        for name, value in zip(words[::2], words[1::2]):
            yield self._connection(label).sides[name], value

    def _do_isn(self, words):
        for side, value in self._each(words):
            side.isn, side.next, side.received, side.messages = int(value), 0, [], {}

    def _do_ttl(self, words):
        for side, value in self._each(words):
            side.ttl = int(value)

    def _do_timestamps(self, words):
        self._connection(words[0] if words else "").timestamps = True

    def _do_snaplen(self, words):
        self.snaplen = int(words[0])

    def _do_start(self, words):
        self.time_ns = int(float(words[0]) * 10**9)

    def _do_mirror(self, words):
        """Every packet from here on is captured twice, DELAY later; `routed`: one hop further."""
        self.mirror = None if words[0] == "off" else (_nanoseconds(words[0]), "routed" in words)

    def _do_arguments(self, words):
        self.arguments = words

    def _segment_line(self, text):
        match = re.match(r"([!-]?)\s*([+@]\S+)\s+(.*)", text)
        if not match:
            raise ScriptError("no time")
        mark, time, rest = match.groups()
        self._advance(time)
        name = re.search(r"\s+as\s+([\w-]+)$", rest)
        if name:
            rest = rest[:name.start()]
        words = rest.split()
        macro = getattr(self, "_macro_" + words[0].replace("-", "_"), None)
        if macro:
            macro(words[1:])
        else:
            self._segment(rest, injected=mark == "!", lost=mark == "-")
        if name:
            if mark == "-":
                raise ScriptError("a lost segment has no frame")
            self.names[name.group(1)] = len(self.frames) - (self.mirror is not None)

    def _advance(self, time):
        value = _nanoseconds(time[1:])
        self.time_ns = self.time_ns + value if time[0] == "+" else 1_700_000_000 * 10**9 + value

    # Macros: several segments in one word

    def _macro_handshake(self, words):
        """`handshake [LABEL]`: SYN, 20 ms later SYN-ACK, 0.1 ms later ACK."""
        prefix = words[0] + ":" if words else ""
        self._segment(f"{prefix}c>s S")
        self._advance("+0.020")
        self._segment(f"{prefix}s>c SA")
        self._advance("+0.0001")
        self._segment(f"{prefix}c>s A")

    def _macro_close(self, words):
        """`close [LABEL:]SIDE`: FIN, FIN, ACK; the named side begins."""
        prefix, first = _split_label(words[0])
        prefix = prefix + ":" if prefix else ""
        for way in (f"{first}>{OTHER[first]} FA", f"{OTHER[first]}>{first} FA",
                    f"{first}>{OTHER[first]} A"):
            self._segment(prefix + way)
            self._advance("+0.010")

    def _macro_again(self, words):
        """The latest frame once more, byte for byte (`ttl N`: but for its TTL)."""
        frame = self.frames[-1]
        data = bytearray(frame.data)
        if words:
            data[22 if data[14] >> 4 == 4 else 21] = int(words[1])
        self._add(bytes(data), frame.length)

    def _macro_rtx(self, words):
        """`rtx [LABEL:]SIDE`: that side's latest data once more, as a new IP packet."""
        label, name = _split_label(words[0])
        connection = self._connection(label)
        seq, flags, payload = connection.sides[name].last
        self._emit(connection, name, flags, seq, connection.sides[name].expects(), payload, {}, "")

    def _macro_quote(self, words):
        """`quote [TYPE CODE] [brief]`: an ICMP error from a router that quotes the latest frame, to its
        sender; time exceeded, unless said otherwise. brief: 8 bytes of TCP."""
        brief = words[-1:] == ["brief"]
        kind, code = (int(word) for word in words[:2]) if len(words) >= 2 else (11, 0)
        data = self.frames[-1].data
        ip = packets.ip_offset(self.frames[-1])
        inner = data[ip:]
        if inner[0] >> 4 != 4:
            raise ScriptError("quote: IPv4 only")
        icmp = struct.pack("!BBHI", kind, code, 0, 0) + inner[:28 if brief else len(inner)]
        packet = packets.ip_packet(packets.address("198.51.100.1"), inner[12:16], 255, icmp,
                                   protocol=packets.ICMP)
        self._add(packets.ethernet(data[6:12], bytes([2, 0, 0, 0, 0, 9]), packet))

    # One segment

    def _segment(self, text, injected=False, lost=False):
        options = re.search(r"<([^>]*)>", text.split('"')[0][text.index(">") + 1:])
        if options:
            text = text.replace(options.group(0), "", 1)
        words = payloads.split_words(text)
        label, way = _split_label(words.pop(0))
        connection, name = self._connection(label), way[0]
        sender, receiver = connection.sides[name], connection.sides[OTHER[name]]
        flags = sum(FLAGS[letter] for letter in words.pop(0))
        values = {}
        while words and words[0] in FIELDS:
            key = words.pop(0)
            values[key] = words.pop(0)
            if values[key] == "raw":
                values[key] = ("raw", words.pop(0))
        payload, base, offset = self._payload(words, sender)
        seq = _number(values.pop("seq", None), base + offset, sender.next)
        ack = _number(values.pop("ack", None), sender.expects() if flags & packets.ACK else None,
                      receiver.next)
        if not injected:
            self._account(connection, name, flags, seq, payload)
        if not lost:
            self._emit(connection, name, flags, seq, ack, payload, values,
                       options.group(1) if options else None)

    def _payload(self, words, sender):
        """The bytes of a payload, where its message began, and how far into it the bytes are."""
        if not words:
            return b"", sender.next, 0
        if words[0] not in PAYLOAD_WORDS:
            raise ScriptError(f"{words[0]}: neither a field nor a payload")
        part = None
        if len(words) > 2 and words[-2] in ("part", "bytes"):
            part = words[-2:]
            words = words[:-2]
        whole = self._make(words)
        if not part:
            return whole, sender.next, 0
        base = sender.messages.setdefault(" ".join(words), sender.next)
        if part[0] == "bytes":
            first, last = (int(value) for value in part[1].split("-"))
            return whole[first:last], base, first
        number, count = (int(value) for value in part[1].split("/"))
        size = -(-len(whole) // count)
        return whole[(number - 1) * size:number * size], base, (number - 1) * size

    def _make(self, words):
        """A message in parts is one ClientHello, however many of its parts appear."""
        count = len(self.maker.hellos)
        made = self.maker.make(words)
        key = " ".join(words)
        if key in (seen := self.__dict__.setdefault("_hello_keys", set())):
            del self.maker.hellos[count:]
        elif len(self.maker.hellos) > count:
            seen.add(key)
        return made

    @staticmethod
    def _account(connection, name, flags, seq, payload):
        sender, receiver = connection.sides[name], connection.sides[OTHER[name]]
        if flags & packets.RST or isinstance(seq, tuple):
            return
        end = seq + len(payload) + bool(flags & packets.SYN) + bool(flags & packets.FIN)
        if end > seq:
            receiver.received.append((seq, end))
        sender.next = max(sender.next, end)
        if payload:
            sender.last = seq, flags, payload

    def _emit(self, connection, name, flags, seq, ack, payload, values, options):
        sender, receiver = connection.sides[name], connection.sides[OTHER[name]]
        passive = flags & packets.RST and (not flags & packets.ACK or isinstance(seq, tuple))
        syn = flags & packets.SYN
        sender.tsval = 7000 + self.time_ns // 10**6 % 10**9
        if options is None:
            options = "" if passive else self._usual_options(connection, syn)
        window = int(values.get("win", 0 if passive else 65160 if syn else 502))
        header = packets.tcp_header(sender.port, receiver.port, _raw(seq, sender.isn),
                                    _raw(ack, receiver.isn) if ack is not None else 0, flags, window,
                                    _options(options, sender, receiver))
        if "id" in values:
            ident = int(values["id"])
        elif passive or flags & (packets.SYN | packets.ACK) == packets.SYN | packets.ACK:
            ident = 0  # as Linux does it
        else:
            sender.ip_id = ident = (sender.ip_id + 1) % 2**16
        packet = packets.ip_packet(sender.address, receiver.address, int(values.get("ttl", sender.ttl)),
                                   header + payload, ident=ident, tos=int(values.get("tos", 0)),
                                   flow=int(values.get("flow", 0)))
        mac = bytes.fromhex(values["mac"].replace(":", "")) if "mac" in values else sender.mac
        self._add(packets.ethernet(receiver.mac, mac, packet))

    @staticmethod
    def _usual_options(connection, syn):
        stamps = "ts" if connection.timestamps else ""
        return ",".join(filter(None, [SYN_OPTIONS if syn else "", stamps]))

    def _add(self, data, length=0):
        length = length or len(data)
        self._record(data, length)
        if self.mirror:
            delay, routed = self.mirror
            copy = bytearray(data)
            if routed:
                copy[22 if copy[14] >> 4 == 4 else 21] -= 1
                copy[0:12] = bytes([2, 0, 0, 0, 1, 1, 2, 0, 0, 0, 1, 2])
            self.time_ns += delay
            self._record(bytes(copy), length)

    def _record(self, data, length):
        self.frames.append(packets.Frame(self.time_ns, data[:self.snaplen or None], length,
                                         was=len(self.frames) + 1))
        self.before_ja4.append(len(self.maker.hellos))

    # Expectations

    def _expect(self, words, line):
        if words == ["none"]:
            self.none = True
            return
        subject = words.pop(0)
        found = Expectation({}, line=line)
        if subject == "stream":
            found.stream = int(words.pop(0))
        elif subject == "frame":
            found.frame = int(words.pop(0))
        else:
            found.frame = self.names[subject]
        for word in words:
            key, value = word.split("=", 1)
            found.values[key] = [self._value(key, text, found.frame) for text in value.split("|")]
        self.expectations.append(found)

    def _value(self, key, text, frame):
        if text == "computed":
            before = self.maker.hellos[:self.before_ja4[frame - 1]]
            return [hello for hello in before if hello.retry == (key == "ja4_retry")][-1].ja4()
        if (key.endswith("_frame") or key == "duplicate_of") and text in self.names:
            return str(self.names[text])
        return text


def _split_label(word):
    label, colon, rest = word.rpartition(":")
    return (label, rest) if colon else ("", word)


def _nanoseconds(text):
    whole, _, fraction = text.partition(".")
    return int(whole or 0) * 10**9 + int(fraction.ljust(9, "0")[:9] or 0)


def _number(given, default, next_number):
    """`N`, `next`, `next-1`, `next+N` or ("raw", N)."""
    if given is None:
        return default
    if isinstance(given, tuple):
        return given
    if given.startswith("next"):
        return next_number + int(given[4:] or 0)
    return int(given)


def _raw(number, isn):
    return int(number[1]) if isinstance(number, tuple) else (number + isn) % 2**32


def _options(text, sender, receiver):
    found = b""
    for option in filter(None, (part.strip() for part in text.split(","))):
        name, *rest = option.split()
        if name == "mss":
            found += struct.pack("!BBH", 2, 4, int(rest[0]))
        elif name == "wscale":
            found += bytes([3, 3, int(rest[0]), 1])
        elif name == "sackOK":
            found += bytes([4, 2, 1, 1])
        elif name == "sack":
            left, right = (_raw(int(value), receiver.isn) for value in rest[0].split("-"))
            found += bytes([1, 1, 5, 10]) + struct.pack("!II", left, right)
        elif name == "ts":
            value, echo = (int(rest[0]), int(rest[1])) if rest else (sender.tsval, receiver.tsval)
            found += bytes([1, 1, 8, 10]) + struct.pack("!II", value, echo)
        elif name == "hex":
            found += bytes.fromhex(rest[0])
        else:
            raise ScriptError(f"no option is called {name}")
    return found


def show(script):
    start = script.frames[0].time_ns if script.frames else 0
    names = {number: name for name, number in script.names.items()}
    for frame in script.frames:
        tcp = packets.tcp_of(frame)
        what = "not TCP"
        if tcp:
            letters = "".join(letter for letter, bit in FLAGS.items() if tcp.flags & bit)
            what = (f"{tcp.sport:>5} > {tcp.dport:<5} {letters:4} seq {tcp.seq} ack {tcp.ack} "
                    f"len {tcp.length}")
        print(f"{frame.was:3} {(frame.time_ns - start) / 1e9:12.6f} {what}"
              f"{'   ' + names[frame.was] if frame.was in names else ''}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="show the frames")
    parser.add_argument("script")
    parser.add_argument("pcap", nargs="?")
    options = parser.parse_args()
    try:
        script = Script(options.script)
    except ScriptError as error:
        sys.exit(str(error))
    if options.list or not options.pcap:
        show(script)
    if options.pcap:
        packets.write_pcap(options.pcap, script.frames, nanoseconds=True)


if __name__ == "__main__":
    main()
