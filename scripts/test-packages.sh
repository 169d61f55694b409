#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds the Debian packages, installs them on this machine, looks at what they brought, and removes
# them again. Needs root (or sudo). The packages stay in build-packages/.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib/setup.sh
. scripts/lib/setup.sh
build=${BUILD:-$PWD/build-packages}

# shellcheck disable=SC2086
need_packages $BUILD_PACKAGES $RUN_PACKAGES lintian dpkg-dev util-linux

say "Building the packages"
cmake -S . -B "$build" -G Ninja -DCMAKE_INSTALL_PREFIX=/usr -DBUILD_TESTING=OFF >/dev/null
cmake --build "$build"
rm -f "$build"/*.deb
(cd "$build" && cpack -G DEB)

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

debs=("$build"/*.deb)
names=()
for deb in "${debs[@]}"; do
    names+=("$(dpkg-deb -f "$deb" Package)")
done
[ "${names[*]}" = "libwhyrst-dev libwhyrst0 whyrst-wireshark whyrst" ] || fail "packages: ${names[*]}"
for name in "${names[@]}"; do
    ! dpkg-query -W "$name" >/dev/null 2>&1 || fail "$name is installed already"
done

say "lintian (errors are fatal)"
work=$(mktemp -d)
chmod 755 "$work"
cp "${debs[@]}" "$work"
if [ "$(id -u)" = 0 ]; then
    chown -R nobody "$work"
    unprivileged=(setpriv --reuid=nobody --regid=nogroup --clear-groups env HOME="$work")
else
    unprivileged=(env HOME="$work")
fi
"${unprivileged[@]}" lintian --fail-on error "$work"/*.deb

say "Installing ${names[*]}"
remove() {
    as_root dpkg -P "${names[@]}" >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap remove EXIT
as_root dpkg -i "${debs[@]}"
files=$(dpkg -L "${names[@]}" | sort -u | while read -r path; do [ -d "$path" ] || echo "$path"; done)

say "What they brought"
dpkg-deb -f "$build"/whyrst-wireshark_*.deb Depends | tee "$work/depends"
grep -q 'libwireshark[0-9]' "$work/depends" || fail "the plugin's package is not tied to a series of Wireshark"
whyrst --version
whyrst samples/closed-port/client.pcap* | grep -q refused-handshake || fail "whyrst says nothing"
"${unprivileged[@]}" tshark -G plugins | grep rst || fail "tshark does not list the plugin"
cp samples/tls-reset-after-hello/client.pcap* "$work/sample"
"${unprivileged[@]}" tshark -C "TCP Resets" -2 -n -r "$work/sample" -Y rst.origin 2>"$work/warnings" |
    tee "$work/lines"
grep -q ' tls-phase .* server t13d.* rst TCP ' "$work/lines" || fail "the profile's columns are missing"
[ ! -s "$work/warnings" ] || fail "tshark warns: $(cat "$work/warnings")"
man -w whyrst >/dev/null 2>&1 || [ -e /usr/share/man/man1/whyrst.1.gz ] || fail "no manual page"
cat >"$work/try.c" <<'C'
#include <stdio.h>
#include <whyrst/types.h>
int main(void)
{
    return puts(whyrst_origin_name(WHYRST_ORIGIN_TLS_PHASE)) < 0;
}
C
# shellcheck disable=SC2046 # a list of options
cc "$work/try.c" -o "$work/try" $(pkg-config --cflags --libs whyrst)
[ "$("$work/try")" = tls-phase ] || fail "a program against the library does not run"

say "Removing them"
as_root dpkg -P "${names[@]}"
for name in "${names[@]}"; do
    ! dpkg-query -W "$name" >/dev/null 2>&1 || fail "dpkg still knows $name"
done
while read -r path; do
    [ ! -e "$path" ] || fail "$path was left behind"
done <<<"$files"
[ ! -e "/usr/share/wireshark/profiles/TCP Resets" ] || fail "the profile's folder was left behind"
! "${unprivileged[@]}" tshark -G plugins | grep rst || fail "tshark still lists the plugin"
say "Packages: good"
