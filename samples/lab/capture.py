# SPDX-License-Identifier: GPL-2.0-or-later
"""tcpdump at one point of the lab, and the file formats the samples come in."""
import os
import signal
import subprocess
import time


class Capture:
    """`kind`: "pcap" (microseconds), "nsec" (nanosecond pcap) or "pcapng"."""
    def __init__(self, host, interface, folder, name, kind):
        self.kind, self.name = kind, name + (".pcapng" if kind == "pcapng" else ".pcap")
        self.path = os.path.join(folder, self.name)
        # The system's own copy of tcpdump may drop its rights and then not write here: -Z root.
        self.process = host.start(
            "tcpdump", "-n", "-U", "--immediate-mode", "-Z", "root", "-i", interface, "-w",
            self.path, "--time-stamp-precision=" + ("micro" if kind == "pcap" else "nano"),
            stderr=subprocess.PIPE)
        line = b""
        while b"listening on" not in line:
            line = self.process.stderr.readline()
            if not line:
                raise RuntimeError(f"tcpdump did not start on {interface}")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.communicate()
        if self.kind == "pcapng":
            plain = self.path + ".tmp"
            os.rename(self.path, plain)
            subprocess.run(["editcap", "-F", "pcapng", plain, self.path], check=True)
            os.remove(plain)
        return self.path


def settle(seconds=0.25):
    """Time for what is still under way to reach every capture."""
    time.sleep(seconds)
