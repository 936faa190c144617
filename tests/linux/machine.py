"""The one QEMU that both kernels run in, when they are compared."""
import os
import re
import select
import subprocess
import tempfile
import time

QEMU = os.environ.get("QEMU", "qemu-system-x86_64")

# Linux at its best: what costs it instructions and has no counterpart here.
LINUX_TUNING = {
    "mitigations=off": "CPU bug mitigations",
    "pti=off": "page-table isolation",
    "randomize_kstack_offset=off": "random stack offset per system call",
    "init_on_alloc=0": "clearing of every allocation",
    "audit=0": "auditing",
    "cgroup_disable=memory,cpu": "memory and CPU accounting by cgroup",
    "nokaslr": "address randomisation of the kernel",
    "preempt=none": "preemption inside the kernel",
}


def command(kernel, initrd, append, mem=2048, icount=True, extra=()):
    args = [QEMU, "-accel", "tcg", "-cpu", "max,-erms,-la57", "-m", str(mem),
            "-display", "none", "-nic", "none", "-no-reboot", "-seed", "1",
            "-rtc", "base=2024-01-01,clock=vm", "-device", "edu",
            "-kernel", kernel, "-initrd", initrd, "-append", append]
    if icount:
        args += ["-icount", "shift=0,sleep=off"]
    return args + list(extra)


def run(kernel, initrd, append, limit=300, until=None, **options):
    """Boots and returns (serial lines, seconds until the line that `until`
    matches, or until the end)."""
    with tempfile.TemporaryDirectory() as work:
        pipe = os.path.join(work, "serial")
        os.mkfifo(pipe)
        args = command(kernel, initrd, append, **options)
        start = time.monotonic()
        qemu = subprocess.Popen(
            args + ["-serial", "file:" + pipe], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        try:
            return _collect(qemu, reader, start, limit, until)
        finally:
            os.close(reader)
            if qemu.poll() is None:
                qemu.kill()
            qemu.wait()


def _collect(qemu, reader, start, limit, until):
    text, seen = b"", None
    while time.monotonic() - start < limit:
        ended = qemu.poll() is not None
        ready, _, _ = select.select([reader], [], [], 0.05)
        data = b""
        if ready:
            try:
                data = os.read(reader, 65536)
            except BlockingIOError:
                pass
            text += data
        if until and seen is None and re.search(until, text):
            seen = time.monotonic() - start
            break
        if ended and not data:
            break
    lines = text.decode(errors="replace").replace("\r", "").split("\n")
    return lines, seen if until else time.monotonic() - start
