# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads what tshark prints for -z: trees, and tables with a line of titles."""

import re


def tree_lines(text):
    """Label (indented), count and share of each line of the trees in `text`."""
    lines = re.findall(r"^( *\S.*?)  +(\d+) .* (\d+(?:\.\d+)?)% ", text, re.MULTILINE)
    return [(label, int(count), float(share)) for label, count, share in lines]


def tree_counts(text):
    """Counts of a tree's lines by their paths: tuples of labels."""
    counts, path = {}, []
    for label, count, _ in tree_lines(text):
        depth = len(label) - len(label.lstrip(" "))
        path = [*path[:depth], label[depth:]]
        counts[tuple(path)] = count
    return counts


def table_rows(text):
    """The rows of a table whose cells end with "|", as dictionaries by title."""
    rows = [[cell.strip() for cell in line.split("|")[:-1]] for line in text.splitlines()
            if line.endswith("|")]
    return [dict(zip(rows[0], row)) for row in rows[1:]]
