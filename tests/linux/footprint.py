"""Boot and memory, side by side: instructions and time to init's first line,
RAM that is gone before init starts, the least RAM that boots, image size."""
import os
import re
import subprocess

import machine

APPEND = "console=ttyS0 quiet panic=-1 rdinit=/bin/bench"
MEMORY = (64, 128, 512, 2048)  # MiB


def _append(linux, words=""):
    tuning = " " + " ".join(machine.LINUX_TUNING) if linux else ""
    return APPEND + tuning + " -- " + words


def _find(lines, pattern):
    for line in lines:
        match = re.match(pattern, line)
        if match:
            return int(match[1])
    return None


def boots(kernel, initrd, linux, mem, limit):
    lines, _ = machine.run(kernel, initrd, _append(linux, "memory"),
                           mem=mem, icount=False, limit=limit,
                           until=rb"memory free_kib \d+\r?\n")
    return _find(lines, r"memory free_kib (\d+)")


def least_ram(kernel, initrd, linux, low, high, limit):
    """MiB; the kernel boots at the answer and does not one below."""
    while low < high:
        middle = (low + high) // 2
        if boots(kernel, initrd, linux, "%dM" % middle, limit) is None:
            low = middle + 1
        else:
            high = middle
    return low


def image_size(image, scratch):
    """Bytes, without the debug data that an ELF file may hold."""
    if open(image, "rb").read(4) != b"\x7fELF":
        return os.path.getsize(image)
    subprocess.run(["strip", "-o", scratch, image], check=True)
    return os.path.getsize(scratch)


def report(kernel, linux, initrd, out):
    rows = []
    small = str(out / "small.cpio")
    write_small(initrd, small)
    for name, image, is_linux in (("pagewalk", kernel, False),
                                  ("linux", linux, True)):
        lines, _ = machine.run(image, small, _append(is_linux, "memory"))
        rows.append((name, "instructions from reset to init", "-",
                     _find(lines, r"boot tsc (\d+)")))
        times = []
        for _ in range(5):
            _, seconds = machine.run(image, small,
                                     _append(is_linux, "memory"),
                                     icount=False, until=rb"boot tsc \d+\r?\n")
            if seconds:
                times.append(seconds)
        rows.append((name, "milliseconds to init", "median of 5",
                     round(1000 * sorted(times)[len(times) // 2])
                     if times else None))
        for mem in MEMORY:
            free = boots(image, small, is_linux, "%dM" % mem, 30)
            rows.append((name, "KiB of RAM gone before init", "%dM" % mem,
                         None if free is None else mem * 1024 - free))
        rows.append((name, "least MiB of RAM that boots", "-",
                     least_ram(image, small, is_linux, 2, 128,
                               20 if is_linux else 5)))
        rows.append((name, "KiB of kernel image, no debug data", "-",
                     image_size(image, str(out / "stripped")) // 1024))
    print("# boot and memory (an initramfs with only the benchmark in it)")
    with open(out / "boot.tsv", "w") as tsv:
        tsv.write("kernel\twhat\tat\tvalue\n")
        for row in rows:
            text = tuple("does not boot" if x is None else str(x)
                         for x in row)
            tsv.write("\t".join(text) + "\n")
            print("%-10s %-34s %-12s %s" % text)


def write_small(initrd, path):
    """An initramfs with /bin/bench and a console, taken from `initrd`."""
    archive = open(initrd, "rb").read()
    keep, at = [], 0
    while archive[at:at + 6] == b"070701":
        field = [int(archive[at + 6 + 8 * i:at + 14 + 8 * i], 16)
                 for i in range(13)]
        name_end = at + 110 + field[11]
        data = (name_end + 3) & ~3
        end = (data + field[6] + 3) & ~3
        name = archive[at + 110:name_end].split(b"\0")[0]
        if name in (b"bin", b"dev", b"proc", b"sys", b"dev/console",
                    b"bin/bench", b"TRAILER!!!"):
            keep.append(archive[at:end])
        at = end
    with open(path, "wb") as out:
        out.write(b"".join(keep))
