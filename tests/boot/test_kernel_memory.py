"""The kernel's own memory in its modes: limits of low memory, free pages
unmapped, top-level slots by fault, amounts of RAM; and what it costs."""
import re

import pytest

from machine import PASSED, Machine

SUITES = ("page,slab,kmalloc,vmalloc,vm_area,ioremap,memremap,set_memory,kmap,"
          "fixmap,tlb,stack,image,resource,fail_nth,debug_pagealloc,mm,free,"
          "gfp,contig,compact,bad,vm_purge,audit,ptdump,rmap,migrate")
MODES = ["lowmem=16M", "lowmem=48M", "lowmem=896M", "debug_pagealloc=on",
         "vmalloc_sync=lazy", "lowmem=32M vmalloc_sync=lazy debug_pagealloc=on"]


@pytest.mark.parametrize("cpu", ["max,-la57", "max"])
@pytest.mark.parametrize("mode", MODES)
def test_self_tests_in_every_mode(mode, cpu):
    with Machine(f"selftest={SUITES} {mode}", cpu=cpu) as m:
        m.finish_tests(400, least=31)


def test_free_pages_are_unmapped_on_every_cpu():
    with Machine("selftest=debug_pagealloc,page debug_pagealloc=on",
                 smp=2) as m:
        m.wait("ok .*debug_pagealloc.free_pages_are_gone_on_all_cpus")
        assert m.finish(400) == PASSED, m.tail()


WORDS = ["middle of a block", "the block has another order",
         "it is still mapped", "it is still a slab", "it is reserved",
         "free already, or was never allocated", "no logical address of a page",
         "larger than the largest block", "more than one zone",
         "not from HIGHMEM", "both movable and reclaimable", "NOFAIL for a"]


def test_senseless_requests_are_answered_in_words():
    """The log says what was wrong and who asked, and the kernel goes on."""
    with Machine("selftest=free,gfp", initrd=False) as m:
        assert m.finish() == PASSED, m.tail()
        for words in WORDS:
            assert re.search(words + ".*(by|asked by) (ktest_|run_test)",
                             m.log), words


@pytest.mark.parametrize("size,words", [
    ("0", "16 MiB, because it goes by 16 MiB"),
    ("17M", "16 MiB, because it goes by 16 MiB"),
    ("1G", "no RAM lies above"), ("much", "lowmem=much is not a size")])
def test_odd_limits_of_low_memory_are_answered_in_words(size, words):
    with Machine(f"selftest=kmap,page lowmem={size}") as m:
        m.wait(words)
        assert m.finish() == PASSED, m.tail()


def test_zones_and_types_in_linux_s_format():
    with Machine("tour=no") as m:
        m.shell()
        zones = m.command("cat /proc/zoneinfo").replace("\r", "")
        assert re.search(r"^Node 0, zone +DMA\n  per-node stats\n      nr_",
                         zones, re.M), zones
        assert len(re.findall(r"^        protection: \(\d+(?:, \d+){3}\)$",
                              zones, re.M)) == 4, zones
        assert re.search(r"^  pagesets\n    cpu: 0\n {14}count: \d+\n"
                         r" {14}high:  \d+\n {14}batch: \d+$",
                         zones, re.M), zones
        types = m.command("cat /proc/pagetypeinfo").replace("\r", "")
        for kind in ("Unmovable", "Movable", "Reclaimable", "Isolate"):
            assert re.search(r"^Node    0, zone    DMA32, type %12s( +\d+){11}"
                             % kind, types, re.M), types
        blocks = re.search(r"^Node 0, zone    DMA32( +\d+){5} *$",
                           types, re.M)
        assert blocks, types


def test_large_pages_are_made_of_small_ones():
    """Most memory in pieces: a program's large pages come by compaction."""
    with Machine("transparent_hugepage=madvise rdinit=/bin/runtests -- compact",
                 smp=2) as m:
        m.wait("ok 8 - large pages are made of small ones")
        m.wait("ok 9 - all small pages hold what they held")


def test_blocks_of_2_mib_move_under_those_who_write_them():
    """The ring-3 test of moving, on a machine that has large pages."""
    with Machine("transparent_hugepage=madvise rdinit=/bin/runtests -- migrate",
                 smp=4, mem="256M") as m:
        m.wait("a block of 2 MiB: pages moved")
        m.wait("relatives, a block: pages moved")
        assert m.finish(120) == PASSED, m.tail()


@pytest.mark.parametrize("mode", MODES)
def test_a_shell_in_every_mode(mode):
    with Machine("rdinit=/bin/sh " + mode) as m:
        m.shell()
        assert m.command("echo $((6 * 7))") == "42"


@pytest.mark.parametrize("mem", ["3M", "4M", "5M", "17M", "4100M"])
def test_self_tests_of_memory_by_amount(mem):
    with Machine(f"selftest={SUITES}", mem=mem, initrd=False, devices=()) as m:
        m.finish_tests(400, least=31)


@pytest.mark.parametrize("cpu", ["max,-la57,-pdpe1gb", "max,-pge", "qemu64"])
def test_self_tests_of_memory_by_cpu(cpu):
    with Machine(f"selftest={SUITES}", cpu=cpu, initrd=False) as m:
        m.finish_tests(400, least=31)


# Experiments that need a boot option, with their broken variants.
NEEDS = [("lowmem=32M", ["0.4", "0.5", "3.3", "3.5", "2.11", "4.2"]),
         ("lowmem=64M", ["3.3", "2.11"]),
         ("lowmem=100M", ["3.3", "2.11"]),
         ("debug_pagealloc=on", ["0.12", "4.2"]),
         ("vmalloc_sync=lazy", ["1.5", "1.6", "4.2"])]


@pytest.mark.parametrize("option,numbers", NEEDS)
def test_experiments_that_need_an_option(option, numbers):
    with Machine("tour=no " + option) as m:
        m.shell()
        for number in numbers:
            said = m.command(f"exp run {number}")
            assert "VERDICT PASS" in said and "leak=0" in said, said
            said = m.command(f"exp run {number} --broken")
            assert "VERDICT FAIL" in said and "leak=0" in said, said


@pytest.mark.parametrize("mem,cpu", [("64M", "max,-la57"),
                                     ("16G", "max,-la57,phys-bits=46"),
                                     ("4T", "max,-la57,phys-bits=46"),
                                     ("4T", "max,phys-bits=46")])
def test_metadata_follows_what_is_used(mem, cpu):
    """Boot's bookkeeping is the same, whatever RAM is installed."""
    extra = ["-object", f"memory-backend-ram,id=m,size={mem},reserve=off"]
    with Machine("tour=no", mem=mem, cpu=cpu,
                 machine="pc,memory-backend=m", extra=extra) as m:
        m.shell()
        ledger = m.command("cat /proc/ledger")
        pages = {name: int(n) for name, n in
                 re.findall(r"^\s*(\w+)\s+(\d+) pages", ledger, re.M)}
        assert pages["memmap"] <= 3 * 64, ledger
        assert pages["pagetable"] <= 120, ledger
        owners = sum(n for name, n in pages.items() if name != "total")
        assert owners == pages["total"], ledger


# What each operation may cost, in instructions; tables in bytes.
LIMITS = {"alloc_page+free_page": 80, "order-9 block": 600,
          "kmalloc(64)+kfree": 80, "vmalloc+vfree, 10 areas": 2500,
          "vmalloc+vfree, 100k areas": 2500, "ioremap+iounmap": 3000,
          "bytes of 1-GiB direct map of 1 TiB": 64 << 10,
          "bytes of 2-MiB direct map of 1 TiB": 4.1 * 2**20}


def test_figures_are_within_their_limits():
    with Machine("bench=mm tour=no",
                 extra=["-icount", "shift=0,sleep=off"]) as m:
        m.shell()
        lines = re.findall(r"^bench (.*?)\s+(\d+)\r?$", m.log, re.M)
        figures = {name: int(n) for name, n in lines}
        for name, limit in LIMITS.items():
            assert 0 < figures[name] <= limit, figures
        assert figures["vmalloc+vfree, 100k areas"] <= \
            2 * figures["vmalloc+vfree, 10 areas"], figures
