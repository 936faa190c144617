"""A QEMU that a test drives: serial port and QMP over sockets, no waiting
without a limit, and nothing left behind.

    with Machine(append="selftest") as m:
        m.wait("# Totals")
        assert m.finish() == PASSED

The serial port is a socket because QEMU itself may print to its standard
output; what came is kept in m.log and is part of every failure's text.
"""
import json
import os
import pathlib
import re
import select
import shutil
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = {"release": ROOT / "build", "debug": ROOT / "build" / "debug"}
OVMF = "/usr/share/ovmf/OVMF.fd"
QEMU = os.environ.get("QEMU") or "qemu-system-x86_64"

LIMIT = float(os.environ.get("LIMIT", 60))  # seconds, unless a test says more

PASSED, FAILED, PANIC = 33, 35, 37  # isa-debug-exit: value * 2 + 1
BANNER = "Pagewalk: "               # the kernel's first line in C
PROMPT = r"[#$] (\x1b\[6n)?\Z"       # busybox asks where the cursor is


class Stuck(AssertionError):
    """What was waited for did not come."""


def connect(path, process, limit=10):
    end = time.monotonic() + limit
    while True:
        link = socket.socket(socket.AF_UNIX)
        try:
            link.connect(str(path))
            return link
        except OSError:
            link.close()
            if process.poll() is not None or time.monotonic() > end:
                raise Stuck("QEMU did not start: " +
                            process.stderr.read().decode(errors="replace"))
            time.sleep(0.01)


def comma(text):
    """A value inside QEMU's option syntax."""
    return str(text).replace(",", ",,")


class Machine:
    def __init__(self, append="", boot="pvh", build="release", kernel=None,
                 initrd=None, iso=None, machine="pc", cpu="max,-la57",
                 mem="128M", smp=1, devices=("edu",), debug_exit=True,
                 firmware="bios", paused=False, gdb=False, reboot=False,
                 serial=True, extra=()):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="pagewalk-"))
        self.log = ""
        self.mark = 0  # wait() looks at what came after this
        out = BUILD[build]
        args = [QEMU, "-accel", "tcg", "-cpu", cpu, "-m", str(mem),
                "-smp", str(smp), "-display", "none", "-nic", "none",
                "-qmp", f"unix:{self.dir}/qmp,server=on,wait=off"]
        args += ["-machine", machine]
        if serial:
            path = f"{self.dir}/serial"
            args += ["-chardev", f"socket,id=ser,path={path},server=on",
                     "-serial", "chardev:ser"]
        else:
            args += ["-serial", "none"]
        if not reboot:
            args += ["-no-reboot"]
        if debug_exit:
            args += ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
        for device in devices:
            args += ["-device", device]
        if boot == "pvh":
            args += ["-vga", "none",
                     "-kernel", str(kernel or out / "pagewalk.elf"),
                     "-append", ("console=ttyS0 " + append).strip()]
            initrd = out / "initramfs.cpio" if initrd is None else initrd
            if initrd:
                args += ["-initrd", comma(initrd)]
        else:
            args += ["-cdrom", str(iso or out / "pagewalk.iso")]
            if append:
                args += ["-smbios", "type=11,value=" + comma(append)]
        if firmware == "uefi":
            args += ["-bios", OVMF]
        if paused:
            args += ["-S"]
        if gdb:
            args += ["-gdb", f"unix:{self.dir}/gdb,server=on,wait=off"]
        self.args = args + list(extra)
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            self.args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE)
        try:
            self.qmp = self.serial = None
            if serial:
                self.serial = connect(self.dir / "serial", self.process)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        for link in (getattr(self, "serial", None), getattr(self, "qmp", None)):
            if link:
                link.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    # ---- serial --------------------------------------------------------------
    def pump(self, limit):
        """Takes what the machine printed; False when it closed the port."""
        ready, _, _ = select.select([self.serial], [], [], max(limit, 0))
        if not ready:
            return True
        try:
            data = self.serial.recv(65536)
        except ConnectionResetError:
            data = b""
        self.log += data.decode(errors="replace").replace("\r", "")
        return bool(data)

    def wait(self, pattern, limit=LIMIT):
        """Waits for a regular expression after what was last waited for."""
        end = time.monotonic() + limit
        alive = True
        while True:
            match = re.compile(pattern, re.M).search(self.log, self.mark)
            if match:
                self.mark = match.end()
                return match
            if not alive or time.monotonic() > end:
                why = "the machine ended" if not alive else f"{limit} s passed"
                raise Stuck(f"no {pattern!r}: {why}. {self.tail()}")
            alive = self.pump(end - time.monotonic())

    def send(self, text):
        self.serial.sendall(text.encode())

    def shell(self, limit=LIMIT):
        """Waits for the shell; makes its lines long, so that none wraps."""
        self.wait(PROMPT, limit)
        self.command("stty cols 1000")

    def command(self, line, limit=LIMIT):
        """Types a line at the shell; returns what it printed."""
        self.send(line + "\n")
        self.wait(r"\n", limit)  # the echo of the line
        start = self.mark
        self.wait(PROMPT, limit)
        return self.log[start:self.mark].rsplit("\n", 1)[0]

    def tail(self, size=6000):
        return (f"\nQEMU: {' '.join(self.args)}\n--- serial ---\n"
                f"{self.log[-size:]}\n--- end ---")

    def finish(self, limit=LIMIT):
        """Reads until the machine ends by itself; returns QEMU's status."""
        end = time.monotonic() + limit
        while self.serial and self.pump(end - time.monotonic()):
            if time.monotonic() > end:
                raise Stuck(f"still running after {limit} s. {self.tail()}")
        try:
            return self.process.wait(max(end - time.monotonic(), 5))
        except subprocess.TimeoutExpired:
            raise Stuck(f"serial closed, QEMU still there. {self.tail()}")

    def finish_tests(self, limit=LIMIT, least=1):
        """Reads until the tests inside are through: all of them passed, at
        least so many, and nobody complained about locks."""
        status = self.finish(limit)
        failed = re.findall(r"^\s*not ok .*|^TEST \S+ exit [1-9].*"
                            r"|^TEST \S+ signal .*|.*LOCKDEP.*",
                            self.log, re.M)
        assert not failed, "\n".join(failed + [self.tail()])
        passed = re.findall(r"^\s*ok \d+", self.log, re.M)
        assert len(passed) >= least, self.tail()
        assert status == PASSED, self.tail()

    # ---- QMP -----------------------------------------------------------------
    def qmp_call(self, execute, **arguments):
        if not self.qmp:
            self.qmp = connect(self.dir / "qmp", self.process)
            self.qmp_file = self.qmp.makefile("r")
            self.qmp_file.readline()  # the greeting
            self.qmp_call("qmp_capabilities")
        self.qmp.sendall(json.dumps(
            {"execute": execute, "arguments": arguments}).encode() + b"\n")
        for line in self.qmp_file:
            answer = json.loads(line)
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise AssertionError(f"{execute}: {answer['error']}")
        raise Stuck(f"QMP closed during {execute}. {self.tail()}")

    def monitor(self, line):
        return self.qmp_call("human-monitor-command", **{"command-line": line})

    def gva2gpa(self, address):
        """QEMU's own translation; None where nothing is mapped."""
        match = re.search(r"gpa: (0x[0-9a-f]+|0)",
                          self.monitor(f"gva2gpa {address:#x}"))
        return int(match[1], 16) if match else None

    def memory(self, address, size):
        """Physical memory as QEMU sees it."""
        path = self.dir / "memory"
        self.qmp_call("pmemsave", val=address, size=size, filename=str(path))
        return path.read_bytes()


def cpio(files):
    """A small initramfs: {name: (mode, bytes, or a device's numbers)}."""
    out = bytearray()
    entries = list(files.items()) + [("TRAILER!!!", (0, b""))]
    for inode, (name, (mode, data)) in enumerate(entries, 1):
        coded = name.encode() + b"\0"
        device, data = ((0, 0), data) if isinstance(data, bytes) else (data, b"")
        fields = [inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device,
                  len(coded), 0]
        out += b"070701" + b"".join(b"%08X" % f for f in fields) + coded
        out += b"\0" * (-len(out) % 4) + data
        out += b"\0" * (-len(out) % 4)
    return bytes(out)
