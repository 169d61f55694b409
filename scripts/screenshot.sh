#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes the pictures of docs/images: Wireshark with the plugin and the profile "TCP Resets", on a screen
# of its own (Xvfb), as an ordinary user, in a light and a dark theme.
#
#     scripts/screenshot.sh [BUILD [PICTURE...]]      such as: scripts/screenshot.sh build wireshark
#
# Needs a build with the plugin.
set -euo pipefail
build=$(realpath "${1:-build}")
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib/setup.sh
. scripts/lib/setup.sh
# shellcheck disable=SC2086 # lists of names
need_packages $GUI_PACKAGES $SCREENSHOT_PACKAGES
[ $# -gt 1 ] || set -- "$build" wireshark wireshark-dark colours colours-dark statistics
shift
python3 -B tests/gui/run.py --plugin "$build/plugin/rst.so" --screenshots docs/images "$@"
