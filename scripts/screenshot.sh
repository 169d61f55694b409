#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes docs/images/wireshark.png: Wireshark with the plugin and the profile "TCP Resets", a sample open
# and a forged RST selected, on a screen of its own (Xvfb).
#
#     scripts/screenshot.sh [BUILD] [IMAGE]
#
# Needs a build with the plugin, and Debian's wireshark, xvfb, openbox, xdotool and imagemagick. Wireshark
# runs as an ordinary user: as root it loads no personal plugins.
set -euo pipefail
build=$(realpath "${1:-build}")
image=$(realpath -m "${2:-docs/images/wireshark.png}")
cd "$(dirname "$0")/.."
sample=samples/injected-sni/client.pcap
frame=59
display=:87

home=$(mktemp -d)
children=()
finish() {
    for child in "${children[@]}"; do
        kill "$child" 2>/dev/null || true
    done
    sleep 1
    rm -rf "$home"
}
trap finish EXIT

series=$(wireshark --version | sed -n '1s/.* \([0-9]*\.[0-9]*\)\..*/\1/p')
mkdir -p "$home/.local/lib/wireshark/plugins/$series/epan" "$home/.config/wireshark/profiles" "$home/run"
cp "$build/plugin/rst.so" "$home/.local/lib/wireshark/plugins/$series/epan/"
cp -r "profile/TCP Resets" "$home/.config/wireshark/profiles/"
cp "$sample" "$home/injected-sni.pcap"
cat >"$home/.config/wireshark/recent_common" <<'END'
gui.geometry_main_maximized: TRUE
privs.warn_if_elevated: FALSE
END
cat >>"$home/.config/wireshark/profiles/TCP Resets/preferences" <<'END'
gui.update.enabled: FALSE
gui.ask_unsaved: FALSE
END
chmod 700 "$home/run"
run=()
if [ "$(id -u)" = 0 ]; then
    chown -R nobody "$home"
    run=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
fi

Xvfb "$display" -screen 0 1500x940x24 -nolisten tcp >/dev/null 2>&1 &
children+=($!)
sleep 2
DISPLAY=$display openbox >/dev/null 2>&1 &
children+=($!)
"${run[@]}" env HOME="$home" XDG_RUNTIME_DIR="$home/run" DISPLAY=$display \
    wireshark -C "TCP Resets" -r "$home/injected-sni.pcap" -Y 'tcp.port == 38683' -g "$frame" >/dev/null 2>&1 &
children+=($!)

# Until the window with the capture is there; then the packet details, opened.
for _ in $(seq 60); do
    sleep 1
    if DISPLAY=$display xdotool search --name 'injected-sni.pcap' >/dev/null 2>&1; then
        break
    fi
done
sleep 6
window=$(DISPLAY=$display xdotool search --name 'injected-sni.pcap' | tail -n 1)
DISPLAY=$display xdotool windowfocus "$window"
sleep 1
# A click into the details, the last item, which is the analysis, and all of it opened (keys of the tree).
DISPLAY=$display xdotool mousemove 300 600 click 1
sleep 1
DISPLAY=$display xdotool key End
sleep 1
DISPLAY=$display xdotool key Shift+Right
sleep 2
DISPLAY=$display xdotool mousemove 1490 930
sleep 1

mkdir -p "$(dirname "$image")"
DISPLAY=$display import -window root "$home/screen.png"
convert "$home/screen.png" +dither -colors 96 -define png:compression-level=9 "PNG8:$image"
echo "$image: $(stat -c %s "$image") bytes"
