"""The kernel's last words: what broke, where, and how QEMU ends."""
import time

import pytest

from machine import PANIC, PASSED, PROMPT, Machine

KINDS = {
    "overflow": "kernel stack overflow: [0-9a-f]{16} is in the guard page",
    "null": "at 0x8: write from ring 0, a page that is not present",
    "write-text": "write from ring 0, a present page",
    "exec-data": "execution from ring 0, a present page",
    "bug": r"BUG at tests/kernel/crash\.c:\d+",
    "gp": "#GP general protection fault",
    "ud": "#UD invalid opcode",
}


@pytest.mark.parametrize("kind", KINDS)
def test_panic(kind):
    with Machine(f"crash={kind}") as m:
        assert m.finish() == PANIC, m.tail()
        m.wait(KINDS[kind])
        m.wait("Call trace:")
        m.wait(r"(crash_|overflow|kmain)[._a-z0-9]*\+0")
        m.wait("End of the kernel panic")


def test_walk_of_the_faulting_address():
    with Machine("crash=null") as m:
        m.finish()
        m.wait("0000000000000008 is not mapped")


def test_no_apic_is_said():
    with Machine(cpu="qemu64,-apic", devices=()) as m:
        m.wait("this CPU has no local APIC")
        assert m.finish() == PANIC, m.tail()


def test_nmi_says_where_the_cpu_is():
    with Machine("rdinit=/bin/sh") as m:
        m.wait(PROMPT)
        m.qmp_call("inject-nmi")
        m.wait(r"NMI: CPU 0 was here")
        m.wait(r"RIP [0-9a-f]{16}")
        m.send("echo still $((40 + 2)) there\n")
        m.wait("still 42 there")


def test_nmis_in_a_row_leave_the_console_usable():
    """Those that come right after one has been told are let pass."""
    with Machine("rdinit=/bin/sh") as m:
        m.wait(PROMPT)
        start = time.monotonic()
        for i in range(60):
            m.qmp_call("inject-nmi")
            while time.monotonic() < start + i * 0.02:
                m.pump(0.01)
        m.send("echo still $((40 + 2)) there\n")
        m.wait("still 42 there")
        told = m.log.count("NMI: CPU 0 was here")
        assert 1 <= told <= 2 + (time.monotonic() - start) / 0.1


def test_panic_shows_all_cpus():
    with Machine("maxcpus=4 crash=bug", smp=4) as m:
        assert m.finish() == PANIC, m.tail()
        for cpu in (1, 2, 3):
            m.wait(f"CPU {cpu} was stopped")
        m.wait("End of the kernel panic")


@pytest.mark.parametrize("options", [
    {"machine": "pc"}, {"machine": "q35"}, {"cpu": "max"}, {"cpu": "qemu64"}])
def test_other_cpus_start(options):
    with Machine("maxcpus=64 selftest=smp", smp=3, **options) as m:
        m.wait("CPU 1 runs: APIC 1, began in real mode at 0800:0000")
        m.wait("CPU 2 runs")
        assert m.finish() == PASSED, m.tail()


def test_stuck_cpu_is_noticed():
    with Machine("maxcpus=2 watchdog_thresh=1 crash=stuck", smp=2) as m:
        assert m.finish() == PANIC, m.tail()
        m.wait("CPUs 0x1 have not answered a call for 2 s")
        m.wait("CPU 0 was stopped at")
        m.wait("crash_stuck")
