#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs into a folder of its own, builds a program against what is there, and runs both it and the
# tool: install_test.sh BUILD SOURCE
set -eu
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
cmake --install "$1" --prefix "$prefix" >/dev/null
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name whyrst.pc)")
export PKG_CONFIG_PATH
libraries=$(pkg-config --variable=libdir whyrst)
# shellcheck disable=SC2046
cc -Wall -Werror "$2/tests/install/embed.c" $(pkg-config --cflags --libs whyrst) -o "$prefix/embed"
capture=$2/samples/closed-port/server.pcap
expected="refused-handshake port-closed"
embedded=$(LD_LIBRARY_PATH=$libraries "$prefix/embed" "$capture" | sort -u)
[ "$embedded" = "$expected" ] || { echo "embedded: $embedded"; exit 1; }
"$prefix/bin/whyrst" "$capture" | grep -q "refused-handshake"
[ -s "$prefix/share/man/man1/whyrst.1" ]
echo "installed in a folder of its own: the library embeds, the tool runs"
