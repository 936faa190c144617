"""Amounts of RAM, from too little to 1 TiB."""
import pytest

from machine import PANIC, PASSED, PROMPT, Machine, cpio, ROOT

TIB = ["-object", "memory-backend-ram,id=m,size=1T,reserve=off"]


def small_initramfs(tmp_path):
    """One small static program as /init."""
    path = tmp_path / "small.cpio"
    init = (ROOT / "build/test/hello").read_bytes()
    path.write_bytes(cpio({"init": (0o100755, init)}))
    return path


@pytest.mark.parametrize("mem", ["6M", "8M", "16M", "64M", "3G", "5G"])
def test_shell(mem):
    with Machine("rdinit=/bin/sh", mem=mem) as m:
        m.shell()
        assert m.command("echo alive") == "alive"


@pytest.mark.parametrize("cpu", ["max,-la57,phys-bits=46",
                                 "EPYC,phys-bits=46"])
def test_one_tebibyte(cpu):
    with Machine("rdinit=/bin/sh", mem="1T", cpu=cpu,
                 machine="pc,memory-backend=m", extra=TIB) as m:
        m.shell()
        total = m.command("mount -t proc proc /proc; grep MemTotal /proc/meminfo")
        assert int(total.split()[1]) > 1000 << 20


def test_iso_by_bios_in_8_mib():
    with Machine("rdinit=/bin/sh", boot="iso", mem="8M") as m:
        m.wait(PROMPT)


@pytest.mark.parametrize("mem", ["2M", "4M"])
def test_too_little_for_this_initramfs(mem):
    with Machine(mem=mem) as m:
        m.wait("(?i)memory|initramfs")
        assert m.finish() == PANIC, m.tail()
