#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the tests here, or takes screenshots, in sessions of their own: temporary home, D-Bus, no root.

Ends with status 77 where something that it needs is not installed. The profile is found where a
package would install it, the plugin in the user's folder.

    run.py --plugin rst.so [--screenshots FOLDER [PICTURE...] | unittest options]
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NOBODY = 65534
SKIP = 77
TESTS = ("gui_test.py", "revised_test.py", "capturing_test.py")
PICTURES = ("wireshark", "wireshark-dark", "colours", "colours-dark", "statistics",
            "endpoint-health")
PYTHON = "/usr/bin/python3"  # the system's own, for which the bindings are packaged
LAUNCHERS = ("/usr/libexec/at-spi-bus-launcher", "/usr/lib/at-spi2-core/at-spi-bus-launcher")
SAMPLES = {
    "tls": "tls-reset-after-hello", "injected": "injected-sni", "refused": "closed-port",
    "idle": "stale-connection", "response": "abort-mid-response",
}
ALONE = {"block": "block-ja4-server"}  # these are in no picture of several
KDEGLOBALS = """[General]
ColorScheme=Dark
[Colors:Window]
BackgroundNormal=42,46,50
ForegroundNormal=252,252,252
[Colors:View]
BackgroundNormal=27,30,32
BackgroundAlternate=35,38,41
ForegroundNormal=252,252,252
ForegroundLink=88,166,255
[Colors:Button]
BackgroundNormal=49,54,59
ForegroundNormal=252,252,252
[Colors:Selection]
BackgroundNormal=61,110,160
ForegroundNormal=252,252,252
[Colors:Tooltip]
BackgroundNormal=49,54,59
ForegroundNormal=252,252,252
"""


def missing(screenshots):
    """What this machine lacks."""
    programs = ["wireshark", "tshark", "mergecap", "Xvfb", "openbox", "dbus-run-session", "setpriv"]
    lacking = [name for name in programs + (["import", "convert", "xdotool"] if screenshots else [])
               if not shutil.which(name)]
    if not any(Path(path).exists() for path in LAUNCHERS):
        lacking.append("at-spi2-core")
    check = subprocess.run([PYTHON, "-c", "from gi.repository import Gio"], capture_output=True,
                           check=False)
    if check.returncode != 0:
        lacking.append("python3-gi")
    return lacking


def series():
    text = subprocess.run(["wireshark", "--version"], capture_output=True, text=True, check=True,
                          env=os.environ | {"QT_QPA_PLATFORM": "offscreen"}).stdout
    return re.search(r"(\d+\.\d+)\.\d+", text).group(1)


def data_folder(home):
    """Wireshark's shared files with this project's profile among the global ones."""
    folder = home / "share"
    folder.mkdir()
    for path in Path("/usr/share/wireshark").iterdir():
        if path.name != "profiles":
            (folder / path.name).symlink_to(path)
    shutil.copytree(ROOT / "profile/TCP Resets", folder / "profiles/TCP Resets")
    return folder


def make_home(home, plugin):
    for name in ("run", "tests", "extcap", "pictures", ".config/wireshark", "samples"):
        (home / name).mkdir(parents=True)
    (home / "run").chmod(0o700)
    folder = home / f".local/lib/wireshark/plugins/{series()}/epan"
    folder.mkdir(parents=True)
    shutil.copy(plugin, folder / "rst.so")
    for path in (*HERE.glob("*.py"), ROOT / "tests/plugin/frames.py"):
        shutil.copy(path, home / "tests")
    for name, sample in (SAMPLES | ALONE).items():
        source = next((ROOT / "samples" / sample).glob("client.pcap*"))
        shutil.copyfile(source, home / f"samples/{name}.pcapng")
    samples = [home / f"samples/{name}.pcapng" for name in sorted(SAMPLES)]
    subprocess.run(["mergecap", "-w", home / "samples/mixed.pcapng", *samples], check=True)
    (home / ".config/kdeglobals").write_text(KDEGLOBALS)
    (home / ".config/wireshark/preferences").write_text(
        "gui.update.enabled: FALSE\ngui.ask_unsaved: FALSE\n")
    (home / ".config/wireshark/recent_common").write_text(
        "gui.geometry_main_maximized: TRUE\nprivs.warn_if_elevated: FALSE\n")
    return data_folder(home)


def environment(home, data):
    return {
        "PATH": os.environ["PATH"], "HOME": str(home), "TZ": "UTC", "LC_ALL": "C.UTF-8",
        "XDG_RUNTIME_DIR": str(home / "run"), "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1",
        "QT_SCALE_FACTOR": "1", "WIRESHARK_DATA_DIR": str(data),
        "WIRESHARK_EXTCAP_DIR": str(home / "extcap"), "PYTHONWARNINGS": "ignore",
        **{name: os.environ[name] for name in ("GUI_PATIENCE",) if name in os.environ},
    }


def session(options, program, *arguments):
    """Runs a program of this folder in a fresh home and D-Bus session; returns its status."""
    home = Path(tempfile.mkdtemp(prefix="whyrst-gui-"))
    try:
        data = make_home(home, options.plugin)
        command = ["dbus-run-session", "--", PYTHON, "-B", str(home / "tests" / program), *arguments]
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", home], check=True)
            command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                       *command]
        status = subprocess.run(command, env=environment(home, data), cwd=home,
                                check=False).returncode
        for picture in (home / "pictures").glob("*.png"):
            shutil.copyfile(picture, options.screenshots / picture.name)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return status


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plugin", required=True, type=Path)
    parser.add_argument("--screenshots", type=Path, metavar="FOLDER")
    options, rest = parser.parse_known_args()
    if lacking := missing(options.screenshots):
        print("skipped: this machine lacks", ", ".join(lacking))
        return SKIP
    if not options.screenshots:
        return max(session(options, program, *rest) for program in TESTS)
    options.screenshots.mkdir(parents=True, exist_ok=True)
    return max(session(options, "screenshots.py", f"{name}.png") for name in rest or PICTURES)


if __name__ == "__main__":
    sys.exit(main())
