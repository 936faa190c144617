#!/usr/bin/env python3
"""Writes the initramfs: a cpio archive in the newc format.

No privilege is needed (a device node is only a line in the archive) and the
same input gives the same bytes.  The data of a file of a page or more starts
on a page boundary of the archive, by padding its name with NULs as Linux
also accepts, so that a kernel can take the pages as they are.
"""
import argparse
import os
import pathlib
import stat
import subprocess
import tempfile

PAGE = 4096


class Archive:
    def __init__(self):
        self.data = bytearray()
        self.inode = 0
        self.names = set()

    def add(self, name, mode, content=b"", device=(0, 0)):
        if name in self.names:
            return
        self.names.add(name)
        self.inode += 1
        coded = name.encode() + b"\0"
        if len(content) >= PAGE:
            start = len(self.data) + 110 + len(coded)
            coded += b"\0" * (-start % PAGE)
        fields = [self.inode, mode, 0, 0, 1, 0, len(content), 0, 0,
                  device[0], device[1], len(coded), 0]
        self.data += b"070701" + b"".join(b"%08X" % f for f in fields)
        self.data += coded
        self.pad(4)
        self.data += content
        self.pad(4)

    def pad(self, to):
        self.data += b"\0" * (-len(self.data) % to)

    def directory(self, name, mode=0o755):
        self.add(name, stat.S_IFDIR | mode)

    def file(self, name, content, mode=0o755):
        self.add(name, stat.S_IFREG | mode, content)

    def link(self, name, target):
        self.add(name, stat.S_IFLNK | 0o777, target.encode())

    def finish(self):
        self.add("TRAILER!!!", 0)
        self.pad(512)
        return bytes(self.data)


def stripped(path, strip):
    with tempfile.NamedTemporaryFile() as copy:
        subprocess.run(strip.split() + ["-s", "-o", copy.name, path],
                       check=True)
        return pathlib.Path(copy.name).read_bytes()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", required=True)
    parser.add_argument("--strip", default="strip")
    parser.add_argument("--busybox")
    parser.add_argument("--root")
    parser.add_argument("--programs", nargs="*", default=[])
    parser.add_argument("--tests", help="one file for all tests")
    parser.add_argument("--test-names", nargs="*", default=[])
    args = parser.parse_args()

    archive = Archive()
    for name in "bin dev etc proc sys tmp test root".split():
        archive.directory(name, 0o1777 if name == "tmp" else 0o755)
    archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))

    for path in args.programs:
        name = os.path.basename(path)
        where = "init" if name == "init" else "bin/" + name
        archive.file(where, stripped(path, args.strip))
    if args.tests:
        archive.file("test/.tests", stripped(args.tests, args.strip))
        for name in args.test_names:
            archive.link("test/" + name, ".tests")
    if args.root:
        root = pathlib.Path(args.root)
        for path in sorted(root.rglob("*")):
            name = str(path.relative_to(root))
            if path.is_dir():
                archive.directory(name)
            else:
                archive.file(name, path.read_bytes(),
                             path.stat().st_mode & 0o755)
    if args.busybox:
        busybox = pathlib.Path(args.busybox)
        archive.file("bin/busybox", busybox.read_bytes())
        applets = subprocess.run([args.busybox, "--list"], check=True,
                                 capture_output=True, text=True).stdout
        for applet in sorted(applets.split()):
            archive.link("bin/" + applet, "busybox")

    temporary = args.output + ".tmp"
    pathlib.Path(temporary).write_bytes(archive.finish())
    os.replace(temporary, args.output)


main()
