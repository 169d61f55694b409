#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The documentation's generated parts, its links and its names.

docs/CAUSES.md and the field tables of README.md and docs/FINDINGS.md come from the library (tools/print_docs.c), the table of
docs/TIMERS.md has every timer of timers.c, relative links lead somewhere, samples exist.

    docs.py WHYRST-DOCS [--write]
"""
import os
import re
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
PAGES = ["README.md", "SECURITY.md", "CHANGELOG.md", "samples/README.md", "samples/lab/README.md",
         "tests/TESTING.md"]
BEGIN, END = "<!-- generated: {} -->", "<!-- end of {} -->"
CAUSES_HEAD = """\
<!-- SPDX-License-Identifier: GPL-2.0-or-later -->
<!-- Generated from libanalysis/verdict/causes/ by "cmake --build build --target docs"; do not edit. -->
# Causes

What `rst.cause` (in Wireshark) and `cause` (in NDJSON and CSV) may say of a RST: the mechanism that
produced it, inferred from its bytes and from what came before and after it. `whyrst --explain NAME`
prints the same. [ADDING-A-CAUSE.md](ADDING-A-CAUSE.md) tells how the list grows.
"""


def path_of(name):
    return os.path.join(ROOT, name)


def read(name):
    if not os.path.exists(path_of(name)):
        return ""
    with open(path_of(name), encoding="utf-8") as file:
        return file.read()


def printed(program, what):
    return subprocess.run([program, what], check=True, capture_output=True, text=True).stdout


def with_part(text, name, part):
    """`text` with what stands between the markers of `name` replaced; None without markers."""
    begin, end = BEGIN.format(name), END.format(name)
    if text.count(begin) != 1 or text.count(end) != 1:
        return None
    before, rest = text.split(begin)
    return f"{before}{begin}\n{part.strip()}\n{end}{rest.split(end)[1]}"


def timers():
    found = re.findall(r'^\s*\{(\d+), "([^"]+)"\},', read("libanalysis/verdict/timers.c"), re.MULTILINE)
    return [(int(seconds), name) for seconds, name in found]


def timer_problems():
    rows = re.findall(r"^\| (\d+) \| [^|]* \| ([^|]+) \|", read("docs/TIMERS.md"), re.MULTILINE)
    documented = [(int(seconds), name.strip()) for seconds, name in rows]
    wanted = timers()
    if not wanted:
        return ["timers.c: no timer found"]
    return ([f"docs/TIMERS.md: no row '| {s} | ... | {n} |'" for s, n in wanted if (s, n) not in documented]
            + [f"docs/TIMERS.md: {s} s, {n}: not in timers.c" for s, n in documented if (s, n) not in wanted])


def link_problems():
    pages = PAGES + [f"docs/{name}" for name in sorted(os.listdir(path_of("docs"))) if name.endswith(".md")]
    for page in pages:
        text = re.sub(r"^( {4}|```).*$", "", read(page), flags=re.MULTILINE)
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            if "://" not in target and not os.path.exists(
                    os.path.join(ROOT, os.path.dirname(page), target)):
                yield f"{page}: {target} does not exist"
        if not text:
            yield f"{page}: missing"


def main():
    program, write = sys.argv[1], "--write" in sys.argv[2:]
    problems = []
    wanted = {"docs/CAUSES.md": CAUSES_HEAD + printed(program, "causes"),
              "README.md": with_part(read("README.md"), "fields", printed(program, "fields")),
              "docs/FINDINGS.md": read("docs/FINDINGS.md")}
    for part in ("kinds", "findings", "endpoints", "ja4s"):
        wanted["docs/FINDINGS.md"] = with_part(wanted["docs/FINDINGS.md"] or "", part,
                                               printed(program, part))
    for name, text in wanted.items():
        if text is None:
            problems.append(f"{name}: the markers of its generated part are missing")
        elif write:
            with open(path_of(name), "w", encoding="utf-8") as file:
                file.write(text)
        elif text != read(name):
            problems.append(f"{name}: out of date (cmake --build BUILD --target docs)")
    problems += [*timer_problems(), *link_problems()]
    for line in problems:
        print(line)
    print(f"{len(problems)} problems")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
