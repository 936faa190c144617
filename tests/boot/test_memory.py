"""Amounts of RAM, from too little to 1 TiB."""
import pytest

from machine import PANIC, PROMPT, ROOT, Machine, cpio

TIB = ["-object", "memory-backend-ram,id=m,size=1T,reserve=off"]


def small_initramfs(tmp_path):
    """One small static program as /init."""
    path = tmp_path / "small.cpio"
    init = (ROOT / "build/user/hello").read_bytes()
    path.write_bytes(cpio({"dev": (0o040755, b""),
                           "dev/console": (0o020600, (5, 1)),
                           "init": (0o100755, init)}))
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


def test_initramfs_over_the_kernel(tmp_path):
    """QEMU puts a large initramfs over the kernel's end: said, not met."""
    path = tmp_path / "large"
    path.write_bytes(bytes(2600 << 10))
    with Machine(mem="4M", initrd=path) as m:
        m.wait("too little memory: the initramfs lies on top of the kernel")
        assert m.finish() == PANIC, m.tail()


def test_too_little_memory(tmp_path):
    with Machine(mem="2M", initrd=small_initramfs(tmp_path)) as m:
        m.wait("too little memory")  # in whichever sentence
        assert m.finish() == PANIC, m.tail()


def test_grub_without_room_for_the_initramfs():
    with Machine(boot="iso", mem="6M") as m:
        m.wait("(?i)out of memory|initramfs: the loader gave none")
        assert m.finish() == PANIC, m.tail()


def test_small_initramfs_in_3_mib(tmp_path):
    with Machine(mem="3M", devices=(), initrd=small_initramfs(tmp_path)) as m:
        m.wait("hello")


def test_the_root_file_system_has_a_limit():
    with Machine("tour=no", mem="64M") as m:
        m.shell()
        said = m.command("cat /dev/zero > /big; ls -l / | grep big")
        assert "No space left" in said, said
        assert int(said.split()[-5]) < 34 << 20, said
        assert m.command("rm /big; echo 1 > /small && cat /small") == "1"
