#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# test-plugin.sh BUILD [CTEST-OPTION...]: builds the plugin in the folder BUILD with the Wireshark of
# this system, and runs the plugin's tests, or those that the options choose. test-wireshark.sh runs it in chroots.
set -euo pipefail
build=$1
shift
cd "$(dirname "$0")/../.."
tshark --version 2>/dev/null | head -n 1
cmake -S . -B "$build" -G Ninja -DBUILD_TESTING=ON >/dev/null
cmake --build "$build" --target rst whyrst-cli
rm -f "$build/sample-fields.tsv"
[ $# -gt 0 ] || set -- -R '^(plugin\.|profile$|gui$)'
ctest --test-dir "$build" --output-on-failure --no-tests=error -j "$(nproc)" "$@"
