#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Sets up a Debian 12 machine, builds whyrst and shows it: the command-line tool on some samples, then
# tshark with the plugin on one of them. Nothing is installed outside this folder but Debian packages.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib/setup.sh
. scripts/lib/setup.sh

# shellcheck disable=SC2086
need_packages $BUILD_PACKAGES $RUN_PACKAGES

say "Building"
cmake -S . -B build -G Ninja -DBUILD_TESTING=OFF >/dev/null
cmake --build build

say "Who reset these connections? build/cli/whyrst samples/..."
build/cli/whyrst samples/tls-reset-after-hello/client.pcap* samples/stale-connection/client.pcap* \
    samples/closed-port/client.pcap* samples/injected-sni/client.pcap*

say "One record as JSON: whyrst --format=ndjson ... | jq"
build/cli/whyrst --format=ndjson samples/injected-sni/client.pcap* | jq -s 'map(select(.type == "rst"))[0]'

say "What a cause means: whyrst --explain no-socket"
build/cli/whyrst --explain no-socket

say "The same in tshark, with the plugin"
# tshark loads personal plugins only for ordinary users, so root borrows the user nobody.
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
series=$(tshark --version 2>/dev/null | sed -n '1s/.* \([0-9]*\.[0-9]*\)\..*/\1/p')
mkdir -p "$home/.local/lib/wireshark/plugins/$series/epan"
cp build/plugin/rst.so "$home/.local/lib/wireshark/plugins/$series/epan/"
cp samples/tls-reset-after-hello/client.pcap* "$home/sample"
run=()
if [ "$(id -u)" = 0 ]; then
    chown -R nobody "$home"
    run=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
fi
"${run[@]}" env HOME="$home" tshark -2 -n -r "$home/sample" -Y 'rst.origin == "tls-phase"' -T fields \
    -E header=y -e frame.number -e rst.origin -e rst.cause -e rst.sender -e rst.confidence -e rst.ja4 \
    -e rst.sni -e rst.time_since_client_hello
"${run[@]}" env HOME="$home" tshark -2 -n -r "$home/sample" -Y 'rst.origin == "tls-phase"' -V -c 200 |
    awk '/RST analysis:/ { shown = 1 } shown && lines < 40 { print; lines++ }'
