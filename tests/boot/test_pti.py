"""pti=on: ring 3 runs on a table that hides the kernel."""
import re
import time

import pytest

from machine import PANIC, PASSED, Machine

ENTRY_TEXT = 0xFFFFFFFF80100000
ENTRY_AREA = 0xFFFFFE0000000000


def stop_in_ring_3(m):
    """The registers of CPU 0, which then stands still in a program."""
    for _ in range(200):
        m.qmp_call("stop")
        registers = m.monitor("info registers")
        if "CPL=3" in registers:
            return registers
        m.qmp_call("cont")
        time.sleep(0.01)
    raise AssertionError("never in ring 3: " + registers)


@pytest.mark.parametrize("cpu", ["max,-la57", "max"])
@pytest.mark.parametrize("pti", ["on", "off"])
def test_what_qemu_sees_while_ring_3_runs(cpu, pti):
    five = cpu == "max"
    kernel = [0xFF11000000000000 if five else 0xFFFF888000000000,
              0xFFD4000000000000 if five else 0xFFFFEA0000000000]
    kernel += range(ENTRY_TEXT + 0x8000, ENTRY_TEXT + 0x80000, 0x1000)
    with Machine(f"pti={pti} rdinit=/bin/sh", cpu=cpu) as m:
        m.shell()
        m.send("while :; do :; done\n")
        registers = stop_in_ring_3(m)
        program = int(re.search(r"RIP=([0-9a-f]+)", registers)[1], 16)
        cr3 = int(re.search(r"CR3=([0-9a-f]+)", registers)[1], 16)
        seen = [hex(va) for va in kernel if m.gva2gpa(va) is not None]
        assert m.gva2gpa(program) is not None
        assert m.gva2gpa(ENTRY_TEXT) == ENTRY_TEXT & 0x7FFFFFFF
        assert m.gva2gpa(ENTRY_AREA) is not None
        if pti == "on":
            assert cr3 & 0x1000 and not seen, (hex(cr3), seen)
        else:
            assert len(seen) == len(kernel)


@pytest.mark.parametrize("build, smp, cpu", [
    ("release", 1, "max,-la57"), ("release", 4, "max"), ("debug", 2, "max"),
])
def test_ring_3_tests(build, smp, cpu):
    words = "" if smp == 1 else (
        " -- entry selectors faults fpu signal sigframe threads cpus tlb mm"
        " mm_errno mm_random process")
    with Machine("pti=on rdinit=/bin/runtests" + words, build=build, smp=smp,
                 cpu=cpu) as m:
        m.finish_tests(600)


@pytest.mark.parametrize("build, smp", [("release", 2), ("debug", 1)])
def test_self_tests(build, smp):
    with Machine("pti=on selftest", build=build, smp=smp) as m:
        m.finish_tests(480)


def test_experiments():
    with Machine('pti=on tour=exp exp=all') as m:
        status = m.finish(600)
        verdicts = re.findall(r"^VERDICT (\w+)", m.log, re.M)
        assert "FAIL" not in verdicts and status == PASSED, m.tail()
        assert not re.search(r"leak=[1-9]", m.log), m.tail()
        slots = re.search(r"user_cr3_kernel_slots=(\d+)", m.log)
        assert slots and int(slots[1]) <= 2, m.tail()


def test_a_table_that_hides_nothing_is_noticed():
    with Machine('pti=on tour=exp exp="1.15 --broken"') as m:
        m.finish()
        assert "VERDICT FAIL" in m.log, m.tail()


@pytest.mark.parametrize("pti", ["on", "off"])
def test_nmis_at_any_moment(pti):
    """Also between an entry and its change of CR3, and on the way out."""
    with Machine(f"pti={pti} rdinit=/bin/runtests -- nmi", smp=2) as m:
        status = m.finish()
        came = re.search(r"(\d+) NMIs, (\d+) in ring 3, (\d+) in the entry",
                         m.log)
        assert status == PASSED and int(came[3]) > 0, m.tail()


@pytest.mark.parametrize("kind", ["overflow", "gp", "null"])
def test_panic(kind):
    with Machine(f"pti=on crash={kind}") as m:
        assert m.finish() == PANIC, m.tail()
        m.wait("Call trace:")
        m.wait("End of the kernel panic")
