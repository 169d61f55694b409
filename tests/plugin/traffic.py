#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a command beside connections over the loopback of a network namespace, until it ends.

    unshare --net traffic.py COMMAND...

Each connection sends a request and is reset by its server instead of an answer. The command runs as
nobody with the right to capture; it must end by itself (tshark -a files:4). At most 50,000 connections
are made, and nothing for longer than four minutes.
"""

import fcntl
import socket
import struct
import subprocess
import sys
import threading
import time

NOBODY = 65534
REQUEST = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
CONNECTIONS, SECONDS = 50_000, 240
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: close() resets the connection


def loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def serve(listener):
    while True:
        connection, _ = listener.accept()
        connection.recv(1000)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
        connection.close()


def ask(port):
    """One request; returns when the reset has come."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(REQUEST)
        try:
            connection.recv(1000)
        except ConnectionResetError:
            pass


def main():
    loopback_up()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                   "--inh-caps=+net_raw", "--ambient-caps=+net_raw", *sys.argv[1:]]
        with subprocess.Popen(command) as program:
            end = time.monotonic() + SECONDS
            for _ in range(CONNECTIONS):
                if program.poll() is not None or time.monotonic() > end:
                    break
                ask(listener.getsockname()[1])
                time.sleep(0.001)
            program.terminate()
            sys.exit(program.wait())


if __name__ == "__main__":
    main()
