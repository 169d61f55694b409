#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Some samples and every format under valgrind, which sees what the sanitizers do not: decisions on memory
# that nobody has set. scripts/soak.sh does it with all samples. Usage: valgrind.sh WHYRST SAMPLES
set -e
if ! command -v valgrind >/dev/null; then
    echo "no valgrind: skipped"
    exit 77
fi
captures=$(find "$2" -name '*.pcap' -size -60k | sort | awk 'NR % 12 == 0')
for options in "--format=ndjson --connections" "--format=csv" "--format=table" "--format=html" "--continue --format=ndjson"; do
    # shellcheck disable=SC2086 # lists of words
    G_SLICE=always-malloc valgrind --quiet --suppressions="$(dirname "$0")/valgrind.supp" --leak-check=full --show-leak-kinds=definite \
        --errors-for-leak-kinds=definite --error-exitcode=9 \
        "$1" --no-sandbox -j1 -o /dev/null $options $captures
done
