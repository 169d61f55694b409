# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs tshark with the plugin under test, as an ordinary user with a home of its own.

Wireshark's programs silently ignore a user's plugins when they run as root, so root drops to
"nobody" here. Captures are copied into that home: nobody may not reach the checkout.
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

NOBODY = 65534


class Tshark:
    """A tshark with one plugin. Use it as a context manager: its home is temporary."""

    def __init__(self, plugin, tshark="tshark", preload=None):
        self.program, self.plugin, self.preload = tshark, Path(plugin), preload
        self.series = self._series()

    def _series(self):
        text = subprocess.run([self.program, "--version"], capture_output=True, text=True,
                              check=True).stdout
        return re.search(r"(\d+\.\d+)\.\d+", text).group(1)

    def __enter__(self):
        self.home = Path(tempfile.mkdtemp(prefix="whyrst-tshark-"))
        folder = self.home / ".local/lib/wireshark/plugins" / self.series / "epan"
        folder.mkdir(parents=True)
        shutil.copy(self.plugin, folder / "rst.so")
        self._open_to_all()
        self._check_loaded(folder)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.home)

    def _check_loaded(self, folder):
        """An installed copy of the plugin would be tested instead of ours."""
        loaded = [line for line in self.run("-G", "plugins").stdout.splitlines()
                  if line.startswith("rst.so")]
        if len(loaded) != 1 or str(folder) not in loaded[0]:
            self.__exit__()
            raise RuntimeError(f"{self.plugin} was not loaded, but: {loaded}")

    def _open_to_all(self):
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", self.home], check=True)

    def place(self, source, folder=None):
        """Copies a file to where tshark can read it; returns the copy's path."""
        folder = folder or self.home
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        target = folder / Path(source).name
        shutil.copyfile(source, target)
        target.chmod(0o644)
        return target

    def run(self, *arguments, program=None, check=True, home=None, as_root=False, timeout=300,
            **options):
        """Runs tshark (or another program or command line) and returns the finished process."""
        program = program or self.program
        command = [*([program] if isinstance(program, str) else program), *map(str, arguments)]
        if os.geteuid() == 0 and not as_root:
            command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                       *command]
        # No external capture programs: tshark -G asks each, and hangs under a sanitizer when it does.
        environment = {"PATH": os.environ["PATH"], "HOME": str(home or self.home), "TZ": "UTC",
                       "LC_ALL": "C.UTF-8", "WIRESHARK_EXTCAP_DIR": str(self.home / "extcap")}
        if self.preload:  # a sanitizer's runtime must come before everything else
            environment |= {"LD_PRELOAD": self.preload, "ASAN_OPTIONS": "detect_leaks=0"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment,
                              cwd=self.home, timeout=timeout, check=False, **options)
        if check and done.returncode != 0:
            raise AssertionError(f"{command}: status {done.returncode}\n{done.stderr}")
        return done

    def field_text(self, capture, names, *arguments, two_pass=True, only="rst", check=True):
        """What tshark prints of the fields: a line for each frame that matches the filter `only`.

        With `check` False a capture may be cut short or damaged: its readable part counts.
        """
        columns = [option for name in names for option in ("-e", name)]
        passes = ["-2"] if two_pass else []
        return self.run(*passes, "-n", "-r", capture, "-Y", only, "-T", "fields", "-E",
                        "separator=/t", *columns, *arguments, check=check).stdout

    def fields(self, capture, names, *arguments, **options):
        """One dictionary per frame; absent values are "". See field_text()."""
        return rows_of(self.field_text(capture, names, *arguments, **options), names)


def rows_of(text, names):
    """The lines of field_text() as dictionaries."""
    rows = [line.split("\t") for line in text.split("\n") if line]
    return [dict(zip(names, row)) for row in rows]
