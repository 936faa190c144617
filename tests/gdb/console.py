#!/usr/bin/env python3
"""A terminal on the serial port of `make debug`: console.py SOCKET
(Ctrl-A X leaves)."""
import os
import select
import socket
import sys
import termios
import tty


def main():
    link = socket.socket(socket.AF_UNIX)
    link.connect(sys.argv[1])
    log = os.path.join(os.path.dirname(sys.argv[1]), "log")
    if os.path.exists(log):
        os.write(1, open(log, "rb").read())
    before = termios.tcgetattr(0)
    tty.setraw(0)
    escape = False
    try:
        while True:
            ready, _, _ = select.select([0, link], [], [])
            if link in ready:
                data = link.recv(65536)
                if not data:
                    return
                os.write(1, data)
            if 0 in ready:
                data = os.read(0, 4096)
                if escape and data in (b"x", b"X"):
                    return
                escape = data == b"\x01"
                if not escape:
                    link.sendall(data)
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)


main()
