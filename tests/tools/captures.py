# SPDX-License-Identifier: GPL-2.0-or-later
"""The captures of samples/ and the truth of each."""
import json
import os


def load(folder, names):
    """[(sample/capture, path, truth)]"""
    found = []
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name, "expected.json")
        if (names and name not in names) or not os.path.exists(path):
            continue
        with open(path) as file:
            captures = json.load(file)["captures"]
        for capture, truth in sorted(captures.items()):
            found.append((f"{name}/{capture}", os.path.join(folder, name, capture), truth))
    return found
