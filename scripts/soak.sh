#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A night's work for the parsers: damaged copies of the samples through the command-line tool and, when
# the plugin is there, through tshark. No crash, no hang, no sanitizer report; valid JSON always; tool
# and plugin agree on what both can read. Then the library in several threads under ThreadSanitizer, and
# the samples under valgrind.
#
#     scripts/soak.sh [-n COPIES] [-s SEED] [-b BUILD] [-p PLUGIN_BUILD] [-k DIR]
#
# COPIES: 1000; SEED: today's date; BUILD: whose tool to feed (default: build-sanitize, made here);
# PLUGIN_BUILD: whose plugin and tool to compare (default: build, if it has a plugin); DIR: where
# captures that failed are kept (default: build-soak/failures). SOAK_SKIP=threads,valgrind leaves these out.
set -euo pipefail
cd "$(dirname "$0")/.."

copies=1000
seed=$(date +%Y%m%d)
build=
plugin_build=build
keep="build-soak/failures"
while getopts n:s:b:p:k:h option; do
    case $option in
    n) copies=$OPTARG ;;
    s) seed=$OPTARG ;;
    b) build=$OPTARG ;;
    p) plugin_build=$OPTARG ;;
    k) keep=$OPTARG ;;
    *) sed -n '3,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 2 ;;
    esac
done

# make_build DIRECTORY SANITIZERS
make_build() {
    CC=${CC:-clang} cmake -S . -B "$1" -DCMAKE_BUILD_TYPE=Debug -DWHYRST_PLUGIN=OFF \
        -DWHYRST_SANITIZE="$2" >/dev/null
    cmake --build "$1" -j "$(nproc)" >/dev/null
}

skips() {
    case ",${SOAK_SKIP:-}," in *",$1,"*) return 0 ;; esac
    return 1
}

if [ -z "$build" ]; then
    build="build-sanitize"
    make_build "$build" address,undefined
fi
plugin=()
if [ -e "$plugin_build/plugin/rst.so" ] && [ -x "$plugin_build/cli/whyrst" ] &&
    command -v tshark >/dev/null; then
    plugin=(--plugin "$plugin_build/plugin/rst.so" --plugin-tool "$plugin_build/cli/whyrst")
else
    echo "No plugin in $plugin_build, or no tshark: the tool alone"
fi
python3 -B tests/hostile/soak.py --tool "$build/cli/whyrst" "${plugin[@]}" --copies "$copies" \
    --seed "$seed" --keep "$keep" samples

if ! skips threads; then
    make_build build-threads thread
    build-threads/tests/threads_test >/dev/null
    echo "Engines in several threads: nothing that ThreadSanitizer objects to"
fi
if ! skips valgrind && command -v valgrind >/dev/null && [ -x "$plugin_build/cli/whyrst" ]; then
    # shellcheck disable=SC2046
    G_SLICE=always-malloc valgrind -q --suppressions=tests/valgrind.supp --leak-check=full --show-leak-kinds=definite \
        --errors-for-leak-kinds=definite --error-exitcode=9 \
        "$plugin_build/cli/whyrst" --no-sandbox -j1 --format=ndjson --connections -o /dev/null \
        $(find samples -name '*.pcap' -size -100k | sort)
    echo "Samples under valgrind: clean"
fi
