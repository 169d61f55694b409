# shellcheck shell=bash disable=SC2154 # suite, root and no_chroot are the sourcing script's
# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by test-wireshark.sh: chroots of other Debian suites, kept between runs. Wants root,
# debootstrap and unshare.

MIRROR=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
# A snapshot of sid may be older than its Release file promises to be.
CHROOT_APT="-qq -o Acquire::Check-Valid-Until=false -o APT::Install-Recommends=false -o Acquire::Retries=2"

# Says why there is no chroot, and ends the script with the status that $no_chroot holds.
give_up() {
    echo "No chroot of $suite: $*" >&2
    exit "$no_chroot"
}

# Each step that may wait for a mirror gets this many seconds.
bounded() {
    timeout --kill-after=10 "${WHYRST_CHROOT_SECONDS:-600}" "$@"
}

# chroot_enter SOURCE COMMAND...: runs a command in the chroot $root, with the folder SOURCE, read-only,
# at /src. Its mounts and what it leaves running vanish with its namespaces.
chroot_enter() {
    # shellcheck disable=SC2016 # expanded by the inner shell
    unshare --mount --pid --fork --kill-child --propagation private sh -c '
        root=$1 source=$2
        shift 2
        mkdir -p "$root/src" && mount --bind "$root" "$root" && mount --bind "$source" "$root/src" &&
            mount -o remount,bind,ro "$root/src" && mount -t proc proc "$root/proc" &&
            mount --rbind /dev "$root/dev" || exit
        [ ! -e /etc/resolv.conf ] || cp -L /etc/resolv.conf "$root/etc/resolv.conf"
        exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 TZ=UTC \
            http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" chroot "$root" "$@"
    ' sh "$root" "$@"
}

# Makes $root, a minimal Debian of the suite $suite, unless it is there.
chroot_make() {
    [ ! -e "$root/usr/bin/apt-get" ] || return 0
    command -v debootstrap >/dev/null || give_up "debootstrap is not installed"
    say "Making a chroot of $suite in $root"
    mkdir -p "$(dirname "$root")"
    rm -rf "$root.partial"
    # Its mounts of proc and sys vanish with it, also when it is stopped halfway.
    bounded unshare --mount --pid --fork --kill-child --mount-proc --propagation private \
        debootstrap --variant=minbase "$suite" "$root.partial" "$MIRROR" >"$root.log" 2>&1 ||
        give_up "debootstrap failed or took too long, see $root.log"
    # No package may start a service in there.
    printf '#!/bin/sh\nexit 101\n' >"$root.partial/usr/sbin/policy-rc.d"
    chmod 755 "$root.partial/usr/sbin/policy-rc.d"
    mv "$root.partial" "$root"
}

# chroot_install PACKAGE...: installs those that are missing. What an interrupted run left half
# configured is finished first.
chroot_install() {
    # shellcheck disable=SC2016
    bounded bash -c '
        . "$1"
        root=$2
        shift 2
        chroot_enter "$PWD" sh -c "$@"
    ' bash scripts/lib/chroot.sh "$root" '
        options=$1
        shift
        dpkg-query -W -f="\${Status}\n" "$@" 2>&1 | grep -qv "ok installed" || exit 0
        dpkg --configure -a && apt-get $options update && apt-get $options clean &&
            DEBIAN_FRONTEND=noninteractive apt-get $options -y install "$@" && apt-get clean
    ' sh "$CHROOT_APT" "$@" >"$root.log" 2>&1 ||
        give_up "its packages cannot be installed, or not in time, see $root.log"
}

# chroot_ready PACKAGE...: the chroot $root of $suite, with the packages.
chroot_ready() {
    [ "$(id -u)" = 0 ] || give_up "only root can make and enter one"
    unshare --mount --pid --fork --mount-proc true 2>/dev/null || give_up "no namespaces to be had"
    chroot_make
    chroot_install "$@"
}
