# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the command-line tool on captures and reads its records, as the test programs need them."""
import json
import subprocess

BATCH = 200  # captures per run: a process costs more than a small capture


class CliError(Exception):
    pass


def analyse(cli, paths, arguments=()):
    """{path: {"rst": [...], "connection": [...], "file": record}} of the tool's NDJSON."""
    paths, found = list(paths), {}
    for start in range(0, len(paths), BATCH):
        found |= _analyse(cli, paths[start:start + BATCH], arguments)
    return found


def _analyse(cli, paths, arguments):
    command = [cli, "--format=ndjson", "--connections", "--no-progress", *arguments, *paths]
    result = subprocess.run(command, capture_output=True)
    if result.returncode != 0:
        raise CliError(f"exit status {result.returncode}: {' '.join(command[:8])}...\n"
                       f"{result.stderr.decode(errors='replace')[-2000:]}")
    found = {path: {"rst": [], "connection": [], "file": None} for path in paths}
    for line in result.stdout.splitlines():
        record = json.loads(line)
        if record["type"] in ("endpoint", "ja4", "finding", "bounds"):
            continue  # of all captures together
        into = found[record["file"]]
        if record["type"] == "file":
            into["file"] = record
        else:
            into[record["type"]].append(record)
    for path, records in found.items():
        if records["file"] is None or records["file"].get("error"):
            raise CliError(f"{path}: {records['file']}")
    return found
