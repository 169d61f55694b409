#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Sets up a Debian 12 machine and runs every test: an ordinary build with the plugin in tshark, a
# build with AddressSanitizer and UndefinedBehaviorSanitizer, a short run of each fuzz target, and the
# plugin in Wireshark 4.4 and 4.6 where their chroots can be made (test-wireshark.sh).
# Build directories are kept, so that a second run is quick. FUZZ_SECONDS: for each target (default 5).
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib/setup.sh
. scripts/lib/setup.sh

# shellcheck disable=SC2086
need_packages $BUILD_PACKAGES $RUN_PACKAGES $TEST_PACKAGES $GUI_PACKAGES
# shellcheck disable=SC2086
wish_for_packages $BROWSER_PACKAGES

say "Ordinary build"
cmake -S . -B build -G Ninja -DBUILD_TESTING=ON >build-cmake.log || { cat build-cmake.log; exit 1; }
rm -f build-cmake.log
cmake --build build
[ -f build/plugin/rst.so ] || { echo "The plugin was not built: Wireshark's CMake files are missing"; exit 1; }

say "Build with sanitizers"
CC=clang cmake -S . -B build-sanitize -G Ninja -DCMAKE_BUILD_TYPE=Debug -DWHYRST_PLUGIN=OFF \
    -DWHYRST_SANITIZE=address,undefined >/dev/null
cmake --build build-sanitize

say "Fuzz targets, ${FUZZ_SECONDS:=5} s each"
CC=clang cmake -S . -B build-fuzz -G Ninja -DCMAKE_BUILD_TYPE=Debug -DWHYRST_PLUGIN=OFF \
    -DWHYRST_FUZZ=ON -DWHYRST_SANITIZE=address,undefined >/dev/null
cmake --build build-fuzz
scripts/fuzz.sh build-fuzz "$FUZZ_SECONDS"

say "Tests under the sanitizers"
ctest --test-dir build-sanitize --output-on-failure -j "$(nproc)"

say "Tests"
ctest --test-dir build --output-on-failure -j "$(nproc)"

# The other versions of Wireshark: left out in plain words where there is no chroot, or no time for one.
skipped=""
for suite in trixie sid; do
    rm -f "build-$suite/sample-fields.tsv"
    status=0
    if [ "$SECONDS" -lt 2400 ]; then
        WHYRST_CHROOT_SECONDS=${WHYRST_CHROOT_SECONDS:-300} scripts/test-wireshark.sh --optional "$suite" ||
            status=$?
    else
        echo "No chroot of $suite: the tests have taken $((SECONDS / 60)) minutes already"
        status=77
    fi
    case $status in
    0) ;;
    77) skipped="$skipped $suite" ;;
    *) exit "$status" ;;
    esac
done

say "tshark -2 over the samples in each version"
fields=(build/sample-fields.tsv)
for suite in trixie sid; do
    [ ! -f "build-$suite/sample-fields.tsv" ] || fields+=("build-$suite/sample-fields.tsv")
done
[ "${#fields[@]}" -lt 2 ] || python3 -B tests/plugin/compare_versions.py "${fields[@]}"
[ -z "$skipped" ] || say "SKIPPED: the plugin was not tested in the Wireshark of:$skipped (the reason is above)"
