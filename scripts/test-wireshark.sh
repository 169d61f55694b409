#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds the plugin for the Wireshark of another Debian suite and tests it there, in a chroot that is
# kept between runs: scripts/test-wireshark.sh [--optional] SUITE [CTEST-OPTION...]
#
# SUITE: bookworm (Wireshark 4.0), trixie (4.4), sid (4.6 and later); on a machine that runs that suite
# no chroot is needed. Wants root, debootstrap and unshare. --optional: exit with 77, not 1, when the
# chroot cannot be made. WHYRST_CHROOT: the chroot's folder (default: in ${XDG_CACHE_HOME:-~/.cache}).
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib/setup.sh
. scripts/lib/setup.sh

MIRROR=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
PACKAGES="gcc libc6-dev make cmake pkgconf libglib2.0-dev libwireshark-dev libwiretap-dev libwsutil-dev
    tshark wireshark-common python3 util-linux"
# A snapshot of sid may be older than its Release file promises to be.
APT="-o Acquire::Check-Valid-Until=false -o APT::Install-Recommends=false"

no_chroot=1
if [ "${1:-}" = --optional ]; then
    no_chroot=77
    shift
fi
suite=${1:-}
case $suite in
bookworm | trixie | sid) shift ;;
*)
    sed -n '3,8s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
options=("$@")

give_up() {
    echo "No chroot of $suite: $*" >&2
    exit "$no_chroot"
}

# What runs in the chroot (or here): a build of its own, then the plugin's tests.
build_and_test() {
    local source=$1 build=$2
    shift 2
    tshark --version 2>/dev/null | head -n 1
    cmake -S "$source" -B "$build" >/dev/null
    cmake --build "$build" --parallel "$(nproc)" --target rst whyrst-cli
    ctest --test-dir "$build" --output-on-failure --no-tests=error -R '^plugin\.' "$@"
}

make_chroot() {
    [ "$(id -u)" = 0 ] || give_up "only root can make and enter one"
    unshare -m true || give_up "no mount namespace to be had"
    if [ ! -e "$root/usr/bin/apt-get" ]; then
        command -v debootstrap >/dev/null || give_up "debootstrap is not installed"
        say "Making a chroot of $suite in $root"
        mkdir -p "$(dirname "$root")"
        rm -rf "$root.partial"
        debootstrap --variant=minbase "$suite" "$root.partial" "$MIRROR" >"$root.log" 2>&1 ||
            give_up "debootstrap failed, see $root.log"
        mv "$root.partial" "$root"
    fi
    # shellcheck disable=SC2086 # lists of names and options
    enter sh -c 'dpkg-query -W -f="\${Status}\n" $1 2>&1 | grep -qv "ok installed" || exit 0
        apt-get $2 -qq update && DEBIAN_FRONTEND=noninteractive apt-get $2 -qq -y install $1' \
        sh "$PACKAGES" "$APT" >"$root.log" 2>&1 || give_up "its packages cannot be installed, see $root.log"
}

# Runs a command in the chroot, with the sources at /src. The mounts vanish with the namespace.
enter() {
    # shellcheck disable=SC2016 # expanded by the inner shell
    unshare -m --propagation private sh -c '
        root=$1 source=$2
        shift 2
        mkdir -p "$root/src" && mount --bind "$root" "$root" && mount --bind "$source" "$root/src" &&
            mount -o remount,bind,ro "$root/src" && mount -t proc proc "$root/proc" &&
            mount --rbind /dev "$root/dev" || exit
        [ ! -e /etc/resolv.conf ] || cp -L /etc/resolv.conf "$root/etc/resolv.conf"
        exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 TZ=UTC \
            http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" chroot "$root" "$@"
    ' sh "$root" "$PWD" "$@"
}

if [ "$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)" = "$suite" ] && [ -z "${WHYRST_CHROOT:-}" ]; then
    build_and_test "$PWD" "$PWD/build-$suite" "${options[@]}"
    exit
fi
root=${WHYRST_CHROOT:-${XDG_CACHE_HOME:-$HOME/.cache}/whyrst/$suite}
make_chroot
say "Wireshark of $suite"
enter bash -euc "say() { :; }; $(declare -f build_and_test); build_and_test \"\$@\"" bash \
    /src /var/tmp/whyrst-build "${options[@]}"
