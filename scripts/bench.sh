#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes captures with known contents and measures whyrst on them beside tcpdump's RST filter and
# tshark: CPU time in interleaved runs, memory, instructions per packet; then what the plugin adds to
# tshark's instructions. Options: scripts/bench.sh -h
#
# BENCH_BUILD: an optimised build (default: build-bench, made here); BENCH_DIR: where the captures
# go (default: inside of it; up to 7 GB, kept for the next run). Wants tcpdump and python3; leaves
# out what tshark and valgrind would measure when they are missing.
set -euo pipefail
cd "$(dirname "$0")/.."

: "${BENCH_BUILD:=$PWD/build-bench}"
: "${BENCH_DIR:=$BENCH_BUILD/captures}"
mkdir -p "$BENCH_BUILD" "$BENCH_DIR"
cmake -S . -B "$BENCH_BUILD" -DCMAKE_BUILD_TYPE=Release >"$BENCH_BUILD/bench.log"
cmake --build "$BENCH_BUILD" >>"$BENCH_BUILD/bench.log" || {
    tail "$BENCH_BUILD/bench.log" >&2
    exit 1
}
python3 tests/tools/bench.py --build "$BENCH_BUILD" --captures "$BENCH_DIR" "$@"

# What the plugin adds to tshark, in instructions.
case " $* " in
*" --no-tshark "* | *" -h "* | *" --help "*) exit ;;
esac
if command -v tshark >/dev/null && command -v valgrind >/dev/null && [ -f "$BENCH_BUILD/plugin/rst.so" ]; then
    echo
    python3 -B tests/tools/plugin_cost.py --generator "$BENCH_BUILD/tests/whyrst-generate" \
        --plugin "$BENCH_BUILD/plugin/rst.so" --jobs "$(nproc)"
fi
