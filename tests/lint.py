#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""House rules that a compiler does not check.

Layers (which folder may include which), licence lines, banned functions, lengths of files and
functions, no GLib type in public headers, and that lists agree: the causes with their files, their
samples and docs/CAUSES.md. Lengths have an allow-list, lint-allow.txt, that may only shrink.

    lint.py [ROOT]
"""
import collections
import glob
import os
import re
import sys

FILE_LINES, FUNCTION_LINES = 600, 80
ALLOW = "tests/lint-allow.txt"

# What each folder of libanalysis/ may include besides itself, bytes/, limits.h and include/whyrst.
# The engine (flow to verdict) needs neither capture/ nor decode/; conn/ feeds observe/.
LAYERS = {
    "bytes": (),
    "capture": (),
    "decode": ("capture",),
    "flow": (),
    "conn": ("flow", "observe"),
    "observe": ("flow",),
    "verdict": ("flow", "conn", "observe"),
    "diagnose": ("flow", "conn", "observe", "verdict"),
    "report": ("verdict", "diagnose"),
}
TO_ALL = ("bytes", "limits.h")
# Programs use the library as others do; the CLI also its writers.
PROGRAMS = {"cli": ("report",), "plugin": ()}

BANNED = {
    "strcpy": "g_strlcpy", "strncpy": "g_strlcpy", "strcat": "a strbuf", "strncat": "a strbuf",
    "sprintf": "snprintf", "vsprintf": "vsnprintf", "gets": "fgets", "strtok": "a cursor",
    "strtok_r": "a cursor", "atoi": "g_ascii_string_to_unsigned", "atol": "the same",
    "atoll": "the same", "atof": "integer arithmetic", "alloca": "g_malloc", "g_alloca": "g_malloc",
    "scanf": "a parser", "sscanf": "a parser", "fscanf": "a parser", "tmpnam": "g_mkstemp",
    "mktemp": "g_mkstemp", "system": "nothing", "popen": "g_spawn", "setjmp": "errors returned",
    "longjmp": "errors returned", "asctime": "strftime", "ctime": "strftime",
    "localtime": "gmtime_r", "gmtime": "gmtime_r",
}
GLIB_TYPE = re.compile(r"\b(?:g(?:boolean|pointer|constpointer|char|uchar|int(?:8|16|32|64)?|double|"
                       r"uint(?:8|16|32|64)?|s?size|long|ulong|short|float)|G[A-Z][A-Za-z]+)\b")
SOURCES = ("*.c", "*.h", "*.def", "*.py", "*.pkt", "*.sh", "*.cmake", "CMakeLists.txt", "*.lua", "*.js", "*.css",
           "*.html", "*.sql")
VENDORED = ("cli/page/uplot/",)
FOLDERS = ("cli", "include", "libanalysis", "plugin", "samples", "scripts", "tests")
SPDX = re.compile(r"SPDX-License-Identifier: GPL-2\.0-or-later")


class Lint:
    def __init__(self, root):
        self.root, self.problems, self.too_long = root, [], {}

    def say(self, path, line, text):
        self.problems.append(f"{path}:{line}: {text}" if line else f"{path}: {text}")

    def files(self, *patterns, folders=FOLDERS):
        found = set()
        for folder in folders:
            for pattern in patterns:
                found.update(glob.glob(os.path.join(self.root, folder, "**", pattern), recursive=True))
        return sorted(os.path.relpath(path, self.root) for path in found if os.path.isfile(path))

    def read(self, path):
        with open(os.path.join(self.root, path), errors="replace") as file:
            return file.read()


def without_comments(text):
    """C with comments and the contents of strings blanked, lines kept."""
    def blank(match):
        found = match.group(0)
        if found[0] in "\"'":
            return found[0] + " " * (len(found) - 2) + found[-1]
        return re.sub(r"[^\n]", " ", found)

    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text,
                  flags=re.DOTALL)


def check_licences(lint):
    for path in lint.files(*SOURCES):
        if not path.startswith(VENDORED) and not SPDX.search("\n".join(lint.read(path).splitlines()[:3])):
            lint.say(path, 0, "no SPDX-License-Identifier line within the first three")
    if os.path.exists(os.path.join(lint.root, "CMakeLists.txt")) \
            and not SPDX.search(lint.read("CMakeLists.txt")):
        lint.say("CMakeLists.txt", 0, "no SPDX-License-Identifier line")


def includes(text):
    return [(number, match.group(1)) for number, line in enumerate(text.splitlines(), 1)
            if (match := re.match(r'\s*#\s*include(?:_next)?\s+"([^"]+)"', line))]


def check_layers(lint):
    for path in lint.files("*.c", "*.h", "*.def", folders=("libanalysis", "include", *PROGRAMS)):
        parts = path.split("/")
        where = parts[1] if parts[0] == "libanalysis" and len(parts) > 2 else parts[0]
        if where in LAYERS:
            allowed = (where, *LAYERS[where], *TO_ALL)
        elif where in PROGRAMS:
            allowed = (where, *PROGRAMS[where])
        else:
            allowed = ()
        for line, name in includes(lint.read(path)):
            target = name.split("/")[0]
            beside = os.path.exists(os.path.join(lint.root, os.path.dirname(path), name))
            own = where in PROGRAMS and "/" not in name and beside
            if not own and target not in allowed and where != "libanalysis":
                lint.say(path, line, f"{where}/ may not include {name}")
            if where in LAYERS and target != "limits.h" and target not in LAYERS:
                lint.say(path, line, f'"{name}": name the folder, as in "{where}/{name}"')
            if where in PROGRAMS and name == "limits.h":
                lint.say(path, line, "limits.h is the library's own")


def check_banned(lint):
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
    for path in lint.files("*.c", "*.h", folders=("libanalysis", "include", *PROGRAMS)):
        for number, line in enumerate(without_comments(lint.read(path)).splitlines(), 1):
            for match in pattern.finditer(line):
                lint.say(path, number, f"{match.group(1)}() is banned: use {BANNED[match.group(1)]}")


def check_public_headers(lint):
    for path in lint.files("*.h", folders=("include",)):
        text = without_comments(lint.read(path))
        for number, line in enumerate(text.splitlines(), 1):
            if match := GLIB_TYPE.search(line):
                lint.say(path, number, f"GLib type {match.group(0)} in a public header")
            if re.match(r"\s*#\s*include\s+<(glib|gio|epan|wiretap|wsutil)", line):
                lint.say(path, number, "a public header includes GLib or Wireshark")


def functions(text):
    """(name, line, length) of each function: a column-0 name up to the brace that closes column 0."""
    lines = without_comments(text).splitlines()
    start, name = None, None
    for number, line in enumerate(lines, 1):
        if start is None and line == "{":
            start, name = number, _function_name(lines, number - 2)
        elif start is not None and line == "}":
            if name:
                yield name, start, number - start + 1
            start = None


def _function_name(lines, at):
    """The name in the declaration that ends at line index `at`; None for an initialiser."""
    text = lines[at]
    while at > 0 and not re.match(r"[A-Za-z_]", text):
        at -= 1
        text = lines[at] + " " + text
    match = re.search(r"(\w+)\s*\(", text)
    return match.group(1) if match and "=" not in text.split("(")[0] else None


def check_lengths(lint):
    for path in lint.files("*.c", "*.h", "*.py", "*.js"):
        if path.startswith(VENDORED):
            continue
        text = lint.read(path)
        count = len(text.splitlines())
        if count > FILE_LINES:
            lint.too_long[path] = (count, FILE_LINES, f"{path}: {count} lines, at most {FILE_LINES}")
        if path.endswith(".c"):
            for name, line, length in functions(text):
                if length > FUNCTION_LINES:
                    lint.too_long[f"{path}:{name}"] = (
                        length, FUNCTION_LINES,
                        f"{path}:{line}: {name}() has {length} lines, at most {FUNCTION_LINES}")


def apply_allow_list(lint):
    """`PATH[:FUNCTION] LINES reason`: as long as LINES now, and not a line longer."""
    allowed, path = {}, os.path.join(lint.root, ALLOW)
    for line in lint.read(ALLOW).splitlines() if os.path.exists(path) else ():
        words = line.split("#")[0].split(None, 2)
        if len(words) == 3:
            allowed[words[0]] = int(words[1])
        elif words:
            lint.say(ALLOW, 0, f"{words[0]}: a length and a reason are needed")
    for key, (count, _, text) in sorted(lint.too_long.items()):
        if count > allowed.get(key, 0):
            lint.problems.append(text)
    for key, limit in allowed.items():
        if key not in lint.too_long or lint.too_long[key][0] < limit:
            now = lint.too_long[key][0] if key in lint.too_long else "within bounds"
            lint.say(ALLOW, 0, f"{key} is allowed {limit} lines and is {now} now: shrink the list")


def cause_field(text, name):
    """A string of a cause's initialiser, with its pieces joined."""
    match = re.search(r"\." + name + r'\s*=\s*((?:"(?:\\.|[^"\\])*"\s*)+)', text)
    return "".join(re.findall(r'"((?:\\.|[^"\\])*)"', match.group(1))) if match else ""


def check_causes(lint):
    """One line in causes.def and one file for each cause; its sample exists; its docs do, too."""
    folder, listing = "libanalysis/verdict/causes", "libanalysis/verdict/causes.def"
    if not os.path.exists(os.path.join(lint.root, listing)):
        return
    listed = re.findall(r"^CAUSE\(\w+,\s*(\w+)\)", lint.read(listing), re.MULTILINE)
    names = []
    for name, count in collections.Counter(listed).items():
        if count > 1:
            lint.say(listing, 0, f"{name} is listed twice")
    for name in listed:
        path = f"{folder}/{name}.c"
        if not os.path.exists(os.path.join(lint.root, path)):
            lint.say(listing, 0, f"{name} has no file {path}")
            continue
        text = lint.read(path)
        names.append(cause_field(text, "name"))
        for field in ("name", "meaning", "shown_by", "advice", "references"):
            if not cause_field(text, field):
                lint.say(path, 0, f"no {field}")
        sample = cause_field(text, "sample")
        if sample and not os.path.isdir(os.path.join(lint.root, "samples", sample)):
            lint.say(path, 0, f"its sample samples/{sample} does not exist")
    for path in lint.files("*.c", folders=(folder,)):
        name = os.path.basename(path)[:-2]
        if f"cause_{name} =" in lint.read(path) and name not in listed:
            lint.say(path, 0, "is not listed in causes.def")
    check_cause_docs(lint, [*names, "unknown"])


def check_cause_docs(lint, names):
    path = "docs/CAUSES.md"
    if not os.path.exists(os.path.join(lint.root, path)):
        return
    headings = re.findall(r"^#+\s+`?([a-z0-9-]+)`?\s*$", lint.read(path), re.MULTILINE)
    for name in names:
        if name not in headings:
            lint.say(path, 0, f"says nothing of {name}")
    for name in headings:
        if name not in names:
            lint.say(path, 0, f"describes {name}, which is no cause")
    known = [name for name in headings if name in names]
    if len(known) != len(set(known)):
        lint.say(path, 0, "describes a cause twice")
    if known != [name for name in names if name in known]:
        lint.say(path, 0, "has the causes in another order than causes.def")


CHECKS = (check_licences, check_layers, check_banned, check_public_headers, check_lengths,
          apply_allow_list, check_causes)


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..")
    lint = Lint(os.path.abspath(root))
    for check in CHECKS:
        check(lint)
    for line in lint.problems:
        print(line)
    print(f"{len(lint.problems)} problems")
    sys.exit(bool(lint.problems))


if __name__ == "__main__":
    main()
