#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds the plugin for the Wireshark of another Debian suite and tests it there, its window
# included, in a chroot that is kept between runs:
#     scripts/test-wireshark.sh [--optional] [--packages] SUITE [CTEST-OPTION...]
#
# SUITE: bookworm (Wireshark 4.0), trixie (4.4), sid (4.6 and later); on a machine that runs that suite
# no chroot is needed. Wants root, debootstrap and unshare. What tshark -2 says of every sample is left
# in build-SUITE/sample-fields.tsv. --packages: builds, installs, uses and removes the .debs as well.
# --optional: exit with 77, not 1, when the chroot cannot be made. WHYRST_CHROOT: the chroot's folder
# (default: in ${XDG_CACHE_HOME:-~/.cache}); WHYRST_CHROOT_SECONDS: patience with each of debootstrap
# and apt-get (default 600).
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib/setup.sh
. scripts/lib/setup.sh
# shellcheck source=scripts/lib/chroot.sh
. scripts/lib/chroot.sh

no_chroot=1
packages=
while [[ ${1:-} = --* ]]; do
    case $1 in
    --optional) no_chroot=77 ;;
    --packages) packages=yes ;;
    *) break ;;
    esac
    shift
done
suite=${1:-}
case $suite in
bookworm | trixie | sid) shift ;;
*)
    sed -n '3,13s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
kept=$PWD/build-$suite

if [ "$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)" = "$suite" ] && [ -z "${WHYRST_CHROOT:-}" ]; then
    scripts/lib/test-plugin.sh "$kept" "$@"
    [ -z "$packages" ] || BUILD=$kept/packages scripts/test-packages.sh
    exit
fi

root=${WHYRST_CHROOT:-${XDG_CACHE_HOME:-$HOME/.cache}/whyrst/$suite}
# shellcheck disable=SC2086 # lists of names
chroot_ready $BUILD_PACKAGES $RUN_PACKAGES $GUI_PACKAGES ${packages:+$PACKAGING_PACKAGES}
say "Wireshark of $suite"
chroot_enter "$PWD" bash /src/scripts/lib/test-plugin.sh /var/tmp/whyrst-build "$@"
mkdir -p "$kept"
rm -f "$kept/sample-fields.tsv"
[ ! -f "$root/var/tmp/whyrst-build/sample-fields.tsv" ] ||
    cp "$root/var/tmp/whyrst-build/sample-fields.tsv" "$kept/"
if [ "$packages" ]; then
    say "Packages of $suite"
    chroot_enter "$PWD" env BUILD=/var/tmp/whyrst-packages bash /src/scripts/test-packages.sh
fi
