# SPDX-License-Identifier: GPL-2.0-or-later
"""From what a scenario declares to expected.json.

The labels are the scenario's: it knows what it did. tshark only finds the frame numbers. A RST
that no label claims, or a label without its RST, is an error: then the scenario did not do what
it says."""
import os
import subprocess
from dataclasses import dataclass, field

FIN, SYN, RST, ACK = 1, 2, 4, 16
COLUMNS = [
    "frame.number", "frame.time_epoch", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport",
    "tcp.dstport", "tcp.flags", "tcp.seq_raw", "tcp.ack_raw", "tcp.len", "tls.handshake.type",
    "tls.handshake.extensions_server_name", "ip.ttl", "ipv6.hlim"
]
# A mirror port delivers both copies of a packet within this time.
MIRROR_GAP = 0.004


@dataclass
class Reset:
    """A label. `times`: how many RSTs of this connection and direction it speaks of, "any" =
    the rest. `seen`: the capture points that hold it. `at`: other answers at one point. `also`:
    answers that are honest but weaker where the packets cannot decide. `fin_race`: the peer's
    FIN may cross the RST, so that it comes first at some points. `late`: follows another RST,
    which has decided how the connection ended."""

    conn: object
    by: str
    values: dict
    seen: tuple
    times: object = 1
    at: dict = field(default_factory=dict)
    also: dict = field(default_factory=dict)
    trigger: str = None
    idle: tuple = None
    ttl: int = None
    what: str = ""
    fin_race: bool = False
    late: bool = False


@dataclass
class Frame:
    number: int
    time: float
    src: str
    dst: str
    sport: int
    dport: int
    flags: int
    seq: int
    ack: int
    length: int
    handshake: str
    sni: str
    ttl: int
    ja4: str
    copy_of: "Frame" = None

    @property
    def end(self):
        return (self.seq + self.length + bool(self.flags & SYN) + bool(self.flags & FIN)) % 2**32

    def sent_by(self, conn):
        """ "client", "server", or None if the frame is not this connection's."""
        wanted = conn.client, conn.client_port, conn.server, conn.server_port
        for side, ends in (("client", (self.src, self.sport, self.dst, self.dport)),
                           ("server", (self.dst, self.dport, self.src, self.sport))):
            if all(w is None or w == e for w, e in zip(wanted, ends)):
                return side
        return None


class Tshark:
    """LAB_TSHARK may name another tshark; from 4.2 on it computes JA4, an opinion independent of
    ours. It reads standard input only, so that it may live in a container."""
    def __init__(self):
        self.program = os.environ.get("LAB_TSHARK", "tshark")
        known = subprocess.run([self.program, "-G", "fields"], capture_output=True,
                               text=True).stdout
        self.columns = COLUMNS + (["tls.handshake.ja4"] if "\ttls.handshake.ja4\t" in known else [])

    def frames(self, path):
        command = [
            self.program, "-n", "-r", "-", "-Y", "tcp and not icmp and not icmpv6", "-T", "fields",
            "-E", "separator=/t", "-E", "occurrence=f"
        ]
        for column in self.columns:
            command += ["-e", column]
        with open(path, "rb") as file:
            lines = subprocess.run(command, stdin=file, capture_output=True, text=True).stdout
        return [self._frame(line.split("\t")) for line in lines.splitlines()]

    @staticmethod
    def _frame(cells):
        (number, time, src4, dst4, src6, dst6, sport, dport, flags, seq, ack, length, handshake,
         sni, ttl, hops, *ja4) = cells
        return Frame(int(number), float(time), src4 or src6, dst4 or dst6, int(sport), int(dport),
                     int(flags, 16), int(seq), int(ack or 0), int(length), handshake, sni,
                     int(ttl or hops), ja4[0] if ja4 else "")


def mark_copies(frames):
    """Second copies of a packet, as mirror ports and `tcpdump -i any` deliver them."""
    last = {}
    for frame in frames:
        key = (frame.src, frame.dst, frame.sport, frame.dport, frame.flags, frame.seq, frame.ack,
               frame.length)
        before = last.get(key)
        if (before and frame.time - before.time < MIRROR_GAP and not before.copy_of and
                frame.ttl == before.ttl - 1):
            frame.copy_of = before
        else:
            last[key] = frame


@dataclass
class Finding:
    """What the connections together say, of one subject. Values that are a Conn become the JA4 of
    its ClientHello. `sure`: must be found; else it may be."""

    values: dict
    seen: tuple
    sure: bool = True

    def at(self, frames):
        found = {
            key: _ja4(frames, value) if hasattr(value, "client_port") else value
            for key, value in self.values.items()
        }
        return {key: value for key, value in found.items() if value != ""}


def _ja4(frames, conn):
    return next(f.ja4 for f in frames if f.handshake == "1" and f.sent_by(conn) == "client")


def expected(point, name, frames, resets, closed, findings=None):
    """The entry of one capture in expected.json."""
    mark_copies(frames)
    wanted = [reset for reset in resets if point in reset.seen]
    left = {id(reset): reset.times for reset in wanted}
    rsts, found = [f for f in frames if f.flags & RST], []
    for index, rst in enumerate(rsts):
        if rst.copy_of:
            entry = dict(next(e for e in found if e["match"]["frame"] == rst.copy_of.number))
            entry |= {
                "match": {"index": index, "frame": rst.number}, "duplicate_of": rst.copy_of.number
            }
            entry.pop("trigger_frame", None)
        else:
            label = _claim(rst, wanted, left, f"{name} at {point}")
            entry = _entry(point, label, rst, index, frames, found)
        found.append(entry)
    for reset in wanted:
        if left[id(reset)] not in (0, "any"):
            raise RuntimeError(
                f"{point}: no RST for the label {reset.what or reset.values} {reset.conn}")
    closes = [_close_frame(frames, conn) for conn, points in closed if point in points]
    entry = {
        "resets": found,
        "closes": [{"frame": number, "close_type": "fin"} for number in sorted(closes)]
    }
    if findings is not None:
        for key, sure in (("findings", True), ("acceptable_findings", False)):
            entry[key] = [f.at(frames) for f in findings if f.sure == sure and point in f.seen]
    return entry


def _claim(rst, wanted, left, where):
    for reset in wanted:
        if rst.sent_by(reset.conn) == reset.by and left[id(reset)] and reset.ttl in (None, rst.ttl):
            if left[id(reset)] != "any":
                left[id(reset)] -= 1
            return reset
    raise RuntimeError(f"{where}: nothing explains the RST in frame {rst.number}: "
                       f"{rst.src}:{rst.sport} -> {rst.dst}:{rst.dport} ttl {rst.ttl}")


def _entry(point, label, rst, index, frames, found):
    here = label.at.get(point, {})
    entry = {"match": {"index": index, "frame": rst.number}}
    if label.what:
        entry["what"] = label.what
    entry["rst_src"] = label.by
    entry |= label.values | {k: v for k, v in here.items() if k not in ("also", "trigger", "idle")}
    entry = {k: v for k, v in entry.items() if v is not None}  # `at` may take a field away
    also = {
        k: [answer for answer in v if answer != entry.get(k)]
        for k, v in here.get("also", label.also).items()
    }
    if also := {k: v for k, v in also.items() if v}:
        entry["acceptable"] = also
    before = [
        f for f in frames if f.number < rst.number and not f.copy_of and (
            (f.src, f.sport, f.dst, f.dport) == (rst.src, rst.sport, rst.dst, rst.dport) or
            (f.dst, f.dport, f.src, f.sport) == (rst.src, rst.sport, rst.dst, rst.dport))
    ]
    syns = [f for f in before if f.flags & (SYN | ACK) == SYN]
    if syns:
        # A SYN after a RST begins anew, even with the same number.
        ends = [f.number for f in before if f.flags & RST and f.number < syns[-1].number]
        start = next(f for f in syns if f.seq == syns[-1].seq and f.number > max(ends, default=0))
        entry["syn_frame"] = start.number
        before = [f for f in before if f.number >= start.number]
    if label.late:
        first = next(f.number for f in before if f.flags & RST)
        entry["close_type"] = next(e["close_type"] for e in found if e["match"]["frame"] == first)
    if label.fin_race and any(f.flags & FIN for f in before):
        entry |= {"origin": "after-fin", "close_type": "fin-then-rst"}
    hellos = [f for f in before if f.handshake == "1"]
    if hellos:
        entry["client_hello_frame"] = hellos[0].number
        start = [f for f in before if f.length and f.number <= hellos[0].number]
        if start[0] is not hellos[0] and all(f.src == start[0].src for f in start):
            # In several segments, with nothing before it: any of them may be called its frame.
            entry.setdefault("acceptable",
                             {})["client_hello_frame"] = [f.number for f in start[:-1]]
        if hellos[0].sni:
            entry["sni"] = hellos[0].sni
        if hellos[0].ja4:
            entry["ja4"] = hellos[0].ja4
        retries = [f for f in hellos if f.ja4 and f.seq != hellos[0].seq]
        if retries:
            entry["ja4_retry"] = retries[0].ja4
    if (entry.get("tls_stage") == "client-hello" and len(hellos) == 1 and
            any(f.handshake == "2" for f in before)):
        entry["tls_stage"] = "server-hello"  # here the server was faster
    trigger = None
    if here.get("trigger", label.trigger):
        trigger = _trigger(rst, before, here.get("trigger", label.trigger))
        entry["trigger_frame"] = trigger.number
    if idle := here.get("idle", label.idle):
        moment = trigger or rst
        spoke = [f.time for f in before if f.length > 1 and f.number < moment.number]
        if spoke:
            gap = moment.time - spoke[-1]
            if not idle[0] <= gap <= idle[1]:
                raise RuntimeError(f"{point}: idle for {gap} s, expected {idle}")
            entry["idle_time"] = [round(gap - 0.001, 6), round(gap + 0.001, 6)]
    return entry


def _trigger(rst, before, kind):
    """The segment the RST answers: "syn", "ack" or "data" says what the scenario sent."""
    for frame in reversed(before):
        if (frame.src, frame.sport) == (rst.src, rst.sport):
            continue
        answered = frame.end == rst.ack if rst.flags & ACK else frame.ack == rst.seq
        fits = {"syn": frame.flags & SYN, "data": frame.length, "ack": not frame.length}[kind]
        if answered and fits:
            return frame
    raise RuntimeError(f"no {kind} segment that frame {rst.number} answers")


def _close_frame(frames, conn):
    """The frame that completes an orderly close: both FINs are acknowledged."""
    fins, acked = {}, set()
    for frame in frames:
        side = frame.sent_by(conn)
        if not side or frame.copy_of:
            continue
        other = "server" if side == "client" else "client"
        if other in fins and frame.flags & ACK and frame.ack == fins[other]:
            acked.add(other)
        if frame.flags & FIN:
            fins[side] = frame.end
        if len(acked) == 2:
            return frame.number
    raise RuntimeError(f"{conn} is not closed by two acknowledged FINs")
