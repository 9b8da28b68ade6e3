# SPDX-License-Identifier: Apache-2.0
"""here.py PROGRAM ARGUMENT…: runs the program so that port 443 of every host leads to port HERE_PORT of this machine. If
CAIS_TEST_CLOCK_FILE is set, the program does not sleep; it moves the clock of the server forward instead.
"""
import os
import runpy
import socket
import sys
import time

REAL = socket.getaddrinfo


def getaddrinfo(host, port, *more, **named):
    return REAL("127.0.0.1", os.environ["HERE_PORT"] if port == 443 else port, *more, **named)


def sleep(seconds):
    path = os.environ["CAIS_TEST_CLOCK_FILE"]
    with open(path, encoding="ascii") as f:
        now_ms = int(f.read().removeprefix("="))
    with open(path + ".new", "w", encoding="ascii") as f:
        f.write(f"={now_ms + round(seconds * 1000)}")
    os.rename(path + ".new", path)


socket.getaddrinfo = getaddrinfo
if "CAIS_TEST_CLOCK_FILE" in os.environ:
    time.sleep = sleep
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
