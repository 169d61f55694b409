#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The examples of the documentation: what it shows of a command is what the command prints.

An example is an indented line that begins with "$ ", the lines that continue it, and its output; "..." at
the end stands for more. The rows of docs/COMPARISON.md that name a sample's frame are compared, too.

    doc_examples.py WHYRST [RST.SO]
"""
import fcntl
import glob
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(HERE, "plugin"))
from tshark import Tshark  # noqa: E402

PAGES = ["README.md", "samples/README.md", *sorted(glob.glob("docs/*.md", root_dir=ROOT))]
COLUMNS = 90  # of the terminal that the examples were typed in
# What cannot be repeated: a tree that is changed step by step, programs that need root.
NOT_TRIED = re.compile(r"\$ (sudo|ctest|build/cli/whyrst --explain health-check)|\[\.frame,\.cause,\.confidence\]'$")
ROW = re.compile(r"\| \[([\w-]+)\]\([^)]*\), (\d+) \| [^|]+ \| ([\w-]+), (\w+) \((\w+)\) \| (\w+) \| (\w+) \|")


def goes_on(command):
    return command.endswith(("|", "\\")) or command.count("'") % 2 or command.count('"') % 2


def examples(text):
    """Pairs of a command and the output shown, "" where none is."""
    block = None
    for line in text.split("\n") + [""]:
        if line.startswith("    $ "):
            if block:
                yield block
            block = [line[4:], ""]
        elif block and not block[1] and goes_on(block[0]):
            block[0] += "\n" + line[4:]
        elif block and (line.startswith("    ") or not line):
            block[1] += line[4:] + "\n"
        elif block:
            yield block
            block = None
    if block:
        yield block


def through_pipe(command, folder, path):
    return subprocess.run(["bash", "-c", command], capture_output=True, cwd=folder, text=True, check=False,
                          env={**os.environ, "PATH": path, "LC_ALL": "C.UTF-8"}).stdout


def on_terminal(command, folder, path):
    """What a terminal would show of it, standard error left out."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    tool = subprocess.Popen(["bash", "-c", command], stdout=slave, stderr=subprocess.DEVNULL, cwd=folder,
                            env={**os.environ, "PATH": path, "NO_COLOR": "1", "LC_ALL": "C.UTF-8"})
    os.close(slave)
    out = b""
    try:
        while block := os.read(master, 65536):
            out += block
    except OSError:  # how Linux says that the other side is closed
        pass
    tool.wait()
    os.close(master)
    return out.decode().replace("\r\n", "\n")


def matches(shown, got, command):
    shown, got = (re.sub(" +$", "", text, flags=re.MULTILINE).strip("\n") for text in (shown, got))
    if shown.endswith("\n..."):
        return got.startswith(shown[:-3])
    if not shown:  # it says something, which the page leaves to the reader
        return bool(got) or re.search(r"-o \S", command)
    return shown == got


def missing_tool(command):
    return next((tool for tool in ("tshark", "jq", "tcpdump", "sqlite3")
                 if re.search(rf"\b{tool}\b", command) and not shutil.which(tool)), None)


def wrong_examples(folder, path, tshark):
    for page in PAGES:
        with open(os.path.join(ROOT, page), encoding="utf-8") as file:
            found = list(examples(file.read()))
        for command, shown in found:
            if NOT_TRIED.search(command):
                continue
            command = command.removeprefix("$ ")
            with_plugin = "tshark" in command
            if missing_tool(command) or (with_plugin and not tshark):
                print(f"{page}: not tried, for lack of a tool: {command.splitlines()[0]}")
                continue
            if with_plugin:
                got = [tshark.run("-c", command, program=["bash"]).stdout]
            else:
                got = [through_pipe(command, folder, path), on_terminal(command, folder, path)]
            if not any(matches(shown, text, command) for text in got):
                yield f"{page}: {command}\n--- shown\n{shown}--- printed\n{got[0]}"
            else:
                print(f"{page}: {command.splitlines()[0]}")


def wrong_rows(whyrst):
    with open(os.path.join(ROOT, "docs/COMPARISON.md"), encoding="utf-8") as file:
        rows = ROW.findall(file.read())
    if not rows:
        yield "docs/COMPARISON.md: no row found"
    for sample, frame, *shown in rows:
        capture = glob.glob(os.path.join(ROOT, "samples", sample, "client.pcap*"))[0]
        out = subprocess.run([whyrst, "--format=ndjson", capture], capture_output=True, check=True).stdout
        verdict = next(o for o in map(json.loads, out.splitlines())
                       if o["type"] == "rst" and o["frame"] == int(frame))
        got = [verdict[key] for key in ("cause", "sender", "confidence", "conn_state", "rst_src")]
        if got != shown:
            yield f"docs/COMPARISON.md: {sample}, {frame}: {', '.join(got)}, not {', '.join(shown)}"


def main():
    whyrst, plugin = os.path.abspath(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory(prefix="whyrst-docs-") as folder:
        os.makedirs(os.path.join(folder, "build/cli"))
        shutil.copy(whyrst, os.path.join(folder, "build/cli/whyrst"))
        os.symlink(os.path.join(ROOT, "samples"), os.path.join(folder, "samples"))
        path = f"{folder}/build/cli:{os.environ['PATH']}"
        wrong = list(wrong_rows(whyrst))
        if plugin and shutil.which("tshark"):
            with Tshark(plugin) as tshark:
                shutil.copytree(os.path.join(ROOT, "samples"), tshark.home / "samples")
                wrong += wrong_examples(folder, path, tshark)
        else:
            wrong += wrong_examples(folder, path, None)
    for problem in wrong:
        print(problem)
    print(f"{len(wrong)} wrong")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
