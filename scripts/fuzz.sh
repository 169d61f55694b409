#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs the fuzz targets of a build made with -DWHYRST_FUZZ=ON, each for SECONDS, or minimises what they
# have found into the committed corpora.
#
#     scripts/fuzz.sh BUILD SECONDS [TARGET...]
#     scripts/fuzz.sh BUILD merge [TARGET...]
#
# Runs start from the committed corpora; what they find new stays in BUILD/corpus/, a crash in BUILD/, and
# BUILD/fuzz-cpu.log sums up the processor time that each target has had.
set -euo pipefail
build=$(realpath "$1")
what=$2
shift 2
tests=$(realpath "$(dirname "$0")/../tests")
cd "$build"

export LSAN_OPTIONS="print_suppressions=0:suppressions=$tests/fuzz/lsan.supp"
if [ $# = 0 ]; then
    for target in tests/*_fuzz; do
        set -- "$@" "$(basename "$target" _fuzz)"
    done
fi

# options_of NAME
options_of() {
    [ ! -e "$tests/fuzz/dict/$1.dict" ] || echo "-dict=$tests/fuzz/dict/$1.dict"
    [ "$1" != arguments ] || echo -close_fd_mask=3 # usage errors are printed
}

# fuzz NAME; libwiretap has no frame pointers, by which its leaks could be told from ours
fuzz() {
    local TIMEFORMAT='%U %S' cpu status=0
    # shellcheck disable=SC2046
    cpu=$({ time ASAN_OPTIONS=fast_unwind_on_malloc=$([ "$1" = wiretap ]; echo $?) \
        "tests/$1_fuzz" -max_total_time="$what" -timeout=20 -rss_limit_mb=2048 $(options_of "$1") \
        "corpus/$1" "$tests/fuzz/corpus/$1" >"$1.log" 2>&1; } 2>&1) || status=$?
    echo "$1 $cpu" >>fuzz-cpu.log
    if [ $status != 0 ]; then
        tail -n 40 "$1.log"
        return $status
    fi
    grep -E 'DONE|Done' "$1.log" | tail -n 1
    awk -v name="$1" '$1 == name { sum += $2 + $3 } END { printf "%d s of processor time so far\n", sum }' fuzz-cpu.log
}

# merge NAME: one input for each edge of the code that any of them reaches
merge() {
    rm -rf "merged/$1"
    mkdir -p "merged/$1"
    "tests/$1_fuzz" -merge=1 -use_counters=0 -max_len=4096 "merged/$1" "$tests/fuzz/corpus/$1" "corpus/$1" \
        >"$1-merge.log" 2>&1 || { tail -n 20 "$1-merge.log"; return 1; }
    # Those made by hand have names; the others are named by their SHA-1.
    find "$tests/fuzz/corpus/$1" -type f -name '????????????????????????????????????????' -delete
    find "$tests/fuzz/corpus/$1" -type f -exec sha1sum {} + | while read -r hash _; do
        rm -f "merged/$1/$hash"
    done
    cp -n "merged/$1"/* "$tests/fuzz/corpus/$1/"
    echo "$(find "$tests/fuzz/corpus/$1" -type f | wc -l) inputs, $(cat "$tests/fuzz/corpus/$1"/* | wc -c) bytes"
}

for name in "$@"; do
    mkdir -p "corpus/$name" "$tests/fuzz/corpus/$name"
    echo "== $name"
    if [ "$what" = merge ]; then
        merge "$name"
    else
        fuzz "$name"
    fi
done
