# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares the plugin's statistics of findings, endpoints and JA4s with the tool's objects of these."""

import re

from statistics_text import table_rows, tree_counts

ARGUMENTS = [part for name in ("rst,findings", "rst,endpoints", "rst,ja4", "rst_findings,tree",
                               "rst_endpoints,tree", "rst_outcome,tree") for part in ("-z", name)]
# Titles of the tables' columns and the tool's fields.
FINDINGS = {
    "Rank": "rank", "Kind": "kind", "Confidence": "confidence", "Sender": "sender", "Connections": "resets",
    "Of": "connections", "Finding": "text", "Frames": "frames", "What to do": "advice",
}
ENDPOINTS = {
    "Endpoint": "name", "Attempts": "attempts", "Refused": "refused", "Unanswered": "unanswered",
    "Unreachable": "unreachable", "Aborted": "aborted", "Established": "connections", "FIN": "fins",
    "Resets": "resets", "Rate": "reset_rate", "From": "rate_low", "To": "rate_high",
    "Flagged": "flagged", "State": "state",
}
JA4S = {
    "JA4": "ja4", "Connections": "connections", "Handshakes": "handshakes", "TLS reset": "tls_phase",
    "Alert": "alerts", "Later reset": "reset_later", "FIN": "fins", "Open": "open",
    "TLS reset rate": "tls_phase_rate", "From": "rate_low", "To": "rate_high",
}
ORIGINS = ("tls_phase", "before_data", "mid_request", "awaiting_response", "mid_response",
           "after_response", "idle_timeout", "after_fin", "origin_unknown")
# Lines of the trees below an endpoint or a JA4, and the tool's fields.
ENDPOINT_LINES = {
    ("Attempts (SYN captured)",): "attempts", ("Refused (RST)",): "refused", ("Unanswered",): "unanswered",
    ("Unreachable (ICMP error)",): "unreachable", ("Handshake reset",): "aborted",
    ("Established",): "connections",
}
END_LINES = {("Closed by FIN",): "fins", **{("Reset, by origin", text): field for field, text in (
    ("tls_phase", "Reset in the TLS handshake"), ("mid_response", "Reset during an answer"),
    ("idle_timeout", "Reset while idle"), ("after_fin", "Reset after one side's FIN"))}}
PROXY_LINES = {
    ("As a proxy", "Led to the target"): "tunnels", ("As a proxy", "Failed by itself"): "proxy_failed",
    ("As a proxy", "The target failed"): "target_failed",
    ("As a proxy", "The one or the other failed"): "proxy_unclear",
}
JA4_LINES = {
    (): "connections", ("TLS handshake completed",): "handshakes",
    ("Reset in the TLS handshake",): "tls_phase", ("Alert in the TLS handshake",): "alerts",
    ("Reset later",): "reset_later", ("Closed by FIN",): "fins", ("Still open",): "open",
}


def sections(text):
    """The parts of the output of several -z by their titles, a tree's without its menu."""
    parts = re.split(r"^=+\n", text, flags=re.MULTILINE)
    return {re.match(r"(?:.*/ ?)?([^/.:]+)", part)[1]: part for part in parts if part.strip()}


def shown(text):
    """As Wireshark shows a text of packets: control characters escaped as in C."""
    letters = dict(zip("\a\b\t\n\v\f\r", "abtnvfr"))
    return re.sub(r"[\x00-\x1f\x7f]", lambda c: "\\" + letters.get(c[0], f"{ord(c[0]):03o}"), text)


def same(text, value):
    """A cell's text and the tool's value: shares are rounded differently."""
    if text.endswith(" %") and value is not None:
        return abs(float(text[:-2]) - 100 * float(value)) < 0.0501
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    return text == ("-" if value is None else shown(str(value)))


def compare_rows(rows, objects, titles):
    if len(rows) != len(objects):
        yield f"{len(rows)} rows, tool {len(objects)}"
    for row, expected in zip(rows, objects):
        for title, field in titles.items():
            if not same(row[title], expected.get(field)):
                yield f"{row}: {title} should be {expected.get(field)}"


def compare_lists(rows, endpoints):
    """The columns that list several fields: those that are not 0."""
    for row, endpoint in zip(rows, endpoints):
        for title, names in (("Resets of any side, by origin", ORIGINS), ("As a proxy", PROXY_LINES.values())):
            expected = ", ".join(f"{name} {endpoint[name]}" for name in names if endpoint.get(name))
            if row[title] != expected:
                yield f"{row}: {title} should be {expected}"


def compare_tree(counts, top, expected, lines):
    """The lines below `top` of one endpoint or JA4; those that are 0 are not there."""
    for path, field in lines.items():
        if counts.get((*top, *path), 0) != expected[field]:
            yield f"{(*top, *path)}: {counts.get((*top, *path), 0)}, tool {expected[field]}"


def endpoint_top(endpoint):
    """The labels of an endpoint's line and of its parent."""
    is_name = endpoint["kind"] == "sni"
    label = ("SNI " if is_name else "") + shown(endpoint["name"])
    label += f" [{endpoint['state']}]" if "state" in endpoint else ""
    label += " [above the alert rate]" if endpoint["flagged"] else ""
    return ("Server names" if is_name else "Servers", label)


def compare_findings(counts, findings):
    """The tree's lines of findings, by rank, with their evidence, a filter and what to do."""
    ranks = [path[1][:2] for path in counts if len(path) == 2]
    if ranks != sorted(ranks):
        yield f"findings in the order {ranks}"
    for finding in findings:
        label = f"{finding['rank']:02}. {finding['kind']} ({finding['confidence']}): {shown(finding['text'])}"
        lines = [f"Evidence: {shown(line)}" for line in finding.get("evidence", [])]
        lines.append(f"What to do: {finding['advice']}")
        if "frames" in finding:
            lines.append(f"Frames: frame.number in {{{', '.join(map(str, finding['frames']))}}}")
        top = ("Findings, and the connections that show them", label)
        for path in (top, *((*top, line) for line in lines)):
            if counts.get(path, 0) != finding["resets"]:
                yield f"{path}: {counts.get(path, 0)}, tool {finding['resets']}"


def differences(text, objects):
    """One line of text for each difference between what -z printed and the tool's objects."""
    parts = sections(text)
    findings = [o for o in objects if o["type"] == "finding"]
    endpoints = [o for o in objects if o["type"] == "endpoint"]
    ja4s = [o for o in objects if o["type"] == "ja4"]
    yield from compare_rows(table_rows(parts["Findings about TCP connections"]), findings, FINDINGS)
    yield from compare_findings(tree_counts(parts["Findings"]), findings)
    rows = table_rows(parts["Endpoints of TCP connections"])
    yield from compare_rows(rows, endpoints, ENDPOINTS)
    yield from compare_lists(rows, endpoints)
    yield from compare_rows(table_rows(parts["TCP connections by JA4 and outcome"]), ja4s, JA4S)
    counts = tree_counts(parts["Endpoint health"])
    for endpoint in endpoints:
        top = endpoint_top(endpoint)
        yield from compare_tree(counts, top, endpoint, ENDPOINT_LINES)
        if endpoint["kind"] == "proxy":
            yield from compare_tree(counts, top, endpoint, PROXY_LINES)
        if endpoint["connections"]:
            yield from compare_tree(counts, (*top, "Established"), endpoint, END_LINES)
    counts = tree_counts(parts["By JA4 and outcome"])
    for ja4 in ja4s:
        yield from compare_tree(counts, ("ClientHellos", ja4["ja4"]), ja4, JA4_LINES)
