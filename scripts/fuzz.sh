#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs every fuzz target of a build made with -DWHYRST_FUZZ=ON: scripts/fuzz.sh BUILD SECONDS
# Starts from the committed corpora; what it finds new stays in BUILD/corpus/, a crash in BUILD/.
set -euo pipefail
build=$(realpath "$1")
seconds=$2
corpora=$(realpath "$(dirname "$0")/../tests/fuzz/corpus")
cd "$build"
for target in tests/*_fuzz; do
    name=$(basename "$target" _fuzz)
    mkdir -p "corpus/$name"
    echo "$name"
    "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=0 \
        "corpus/$name" "$corpora/$name" >"$name.log" 2>&1 || { tail -n 40 "$name.log"; exit 1; }
    grep -E 'DONE|Done' "$name.log" | tail -n 1
done
