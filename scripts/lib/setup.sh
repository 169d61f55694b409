# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by the other scripts: installs what is missing, says what it does.

# What building needs, and what demo and tests run.
BUILD_PACKAGES="build-essential cmake ninja-build pkg-config libglib2.0-dev wireshark-dev libwireshark-dev libwiretap-dev libwsutil-dev libsqlite3-dev"
RUN_PACKAGES="tshark tcpdump jq python3"
TEST_PACKAGES="clang libclang-rt-14-dev wireshark-common util-linux zstd lz4 gzip valgrind debootstrap strace"
# Wireshark's window on a virtual screen, read through the accessibility bus; screenshots; packages.
GUI_PACKAGES="wireshark xvfb openbox dbus-daemon at-spi2-core python3-gi gir1.2-glib-2.0 util-linux"
SCREENSHOT_PACKAGES="xdotool imagemagick"
PACKAGING_PACKAGES="lintian dpkg-dev util-linux man-db"

# What some tests need and are skipped without.
BROWSER_PACKAGES="chromium chromium-driver"

say() {
    printf '\n== %s\n' "$*"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# Installs those of the named Debian packages that are missing; on another system it only says so.
need_packages() {
    missing=""
    if ! command -v dpkg-query >/dev/null; then
        echo "No Debian package manager here: make sure that you have the equivalents of: $*"
        return 0
    fi
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
            missing="$missing $package"
    done
    if [ -n "$missing" ]; then
        say "Installing:$missing"
        as_root apt-get update -qq
        # shellcheck disable=SC2086 # a list of names
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
    fi
}

# The same for packages that one can do without.
wish_for_packages() {
    need_packages "$@" || echo "Cannot be installed: $*. What needs it is skipped."
}
