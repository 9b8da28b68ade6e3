"""here.py PROGRAM ARGUMENT…: whatever host it names, port 443 is port HERE_PORT of this machine."""
import os
import runpy
import socket
import sys

REAL = socket.getaddrinfo


def getaddrinfo(host, port, *more, **named):
    return REAL("127.0.0.1", os.environ["HERE_PORT"] if port == 443 else port, *more, **named)


socket.getaddrinfo = getaddrinfo
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
