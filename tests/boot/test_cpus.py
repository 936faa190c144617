"""CPUs that lack something: used without it, or refused in a sentence."""
import pytest

from machine import PANIC, Machine


@pytest.mark.parametrize("cpu, sentence", [
    ("max,-la57,-nx", "cannot forbid execution of data"),
    ("max,-la57,-lm", "no 64-bit"),
    ("qemu32", "no 64-bit"),
    ("pentium", "no 64-bit"),
])
def test_refused_in_a_sentence(cpu, sentence):
    with Machine(cpu=cpu) as m:
        m.wait("Pagewalk cannot start: .*" + sentence)
        assert m.finish() == PANIC


def test_refused_on_the_text_screen_too():
    with Machine(cpu="max,-nx", extra=["-vga", "std"], debug_exit=False) as m:
        m.wait("cannot start: .*NX")
        screen = m.memory(0xB8000, 80 * 25 * 2)[::2].decode()
        assert "Pagewalk cannot start:" in screen and "NX" in screen


@pytest.mark.parametrize("off", [
    "smep", "smap", "smep,-smap,-umip", "pdpe1gb", "pge", "fsgsbase",
    "xsave", "pcid,-invpcid", "erms", "rdrand",
])
def test_works_without(off):
    with Machine("rdinit=/bin/sh", cpu="max,-la57,-" + off) as m:
        m.shell()
        assert m.command("echo alive") == "alive"


def test_smallest_64_bit_cpu():
    with Machine("rdinit=/bin/sh", cpu="qemu64") as m:
        m.shell()
        assert m.command("echo alive") == "alive"


def test_64_cpus():
    """As many as a mask of CPUs has bits: all start, all run programs, and
    the shootdowns between them reach whom they should."""
    with Machine("rdinit=/bin/sh", smp=64, mem="256M") as m:
        m.shell(120)
        assert m.command("nproc") == "64"
        m.command("mount -t proc proc /proc")
        assert m.command("grep -c ^processor /proc/cpuinfo") == "64"
        last = "taskset 8000000000000000 cut -d' ' -f39 /proc/self/stat"
        assert m.command(last) == "63"
        assert "0 failed" in m.command("runtests tlb", 120)
        flushes = m.command("grep -w nr_tlb_remote_flush /proc/vmstat")
        assert int(flushes.split()[1]) > 0
