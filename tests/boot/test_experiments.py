"""What experiments say about tables and memory, against QEMU's own view of
the same machine (the Q of EXPERIMENTS: gva2gpa, pmemsave, info pci)."""
import re
import zlib

import pytest

from machine import PASSED, Machine


@pytest.fixture(scope="module", params=["max,-la57", "max"])
def shell(request):
    with Machine("tour=no", cpu=request.param) as m:
        m.shell()
        yield m


def run(m, number, options=""):
    """The OBS values of an experiment that passed: {key: [values]}."""
    said = m.command(f"exp run {number} {options}")
    assert "VERDICT PASS" in said and "FAIL" not in said, said
    values = {}
    for line in re.findall(r"^OBS (.*)", said, re.M):
        for key, value in re.findall(r"([\w.]+)=(\S+)", line):
            values.setdefault(key, []).append(value)
    return values


def number(text):
    return int(text, 16)


def test_ioremap_maps_the_bar_that_qemu_decodes(shell):
    seen = run(shell, "0.1")
    pfn = number(re.search(r"pfn=(0x[0-9a-f]+)", shell.log[-3000:])[1])
    bars = re.findall(r"1234:11e8.*?BAR0: 32 bit memory at (0x[0-9a-f]+)",
                      shell.monitor("info pci"), re.S)
    assert [pfn << 12] == [number(bar) for bar in bars], seen
    assert shell.gva2gpa(number(seen["va"][0])) is None  # unmapped again


def test_logical_addresses(shell):
    seen = run(shell, "0.6")
    va, phys = number(seen["va"][0]), number(seen["by_walk"][0])
    assert shell.gva2gpa(va) == phys == number(seen["by_subtraction"][0])


def test_the_boot_magic_lies_where_it_was_written(shell):
    seen = run(shell, "0.13")
    magic = number(seen["seen"][0])
    for phys in seen["phys"]:
        data = shell.memory(number(phys), 4)
        assert int.from_bytes(data, "little") == magic
    for address in seen["direct_map"] + seen["image"]:
        assert shell.gva2gpa(number(address)) == number(seen["phys"][0])


def test_descriptor_tables_are_virtual(shell):
    seen = run(shell, "0.15")
    assert shell.gva2gpa(number(seen["idtr"][0])) == number(seen["phys"][1])
    registers = shell.monitor("info registers")
    idt = re.search(r"IDT= *([0-9a-f]+)", registers)[1]
    assert int(idt, 16) == number(seen["idtr"][0])


def test_bios_area(shell):
    seen = run(shell, "0.18")
    assert seen["ptes"] == ["16"]
    vector = shell.memory(0xFFFF0, 16)
    assert seen["reset_vector"][0] == vector[:5].hex()
    assert seen["date"][0] == vector[5:13].decode()
    assert seen["bda_com1"] == ["0x3f8"]


def test_dev_mem_is_what_qemu_sees(shell):
    seen = run(shell, "0.19")
    area = shell.memory(0xC0000, 0x40000)
    assert number(seen["crc32"][0]) == zlib.crc32(area)
    assert number(seen["by_pread"][0]) == zlib.crc32(area)


def test_walks_of_kernel_addresses(shell):
    said = shell.command("exp run 3.6")
    lines = re.findall(r"^OBS (text|large|kernel) va=(\S+) .*? phys=(\S+)",
                       said, re.M)
    assert len(lines) == 3, said
    for kind, va, phys in lines:
        assert shell.gva2gpa(number(va)) == number(phys), kind


def test_unknown_ones_and_broken_ones_have_a_status(shell):
    assert shell.command("exp run 99.99 2>/dev/null; echo $?") == "1"
    said = shell.command("exp run 0.7 --broken; echo status $?")
    assert "VERDICT FAIL" in said and "status 1" in said
    said = shell.command("exp run 0.7; echo status $?")
    assert "VERDICT PASS" in said and "status 0" in said


@pytest.mark.parametrize("words", ["lowmem=64M", "vmalloc_sync=lazy",
                                   "debug_pagealloc=on", "maxcpus=2"])
def test_all_of_them_under(words):
    with Machine(f"{words} tour=exp exp=all", smp=2) as m:
        status = m.finish(120)
        assert "VERDICT FAIL" not in m.log and status == PASSED, m.tail()
    with Machine(f'{words} tour=exp exp="all --broken"', smp=2) as m:
        m.finish(120)
        assert "VERDICT FAIL" in m.log, m.tail()
        assert "VERDICT PASS" not in m.log, m.tail()


def test_what_tells_kind_holder_and_all_mappings(shell):
    said = shell.command("what 0x400000")
    assert "user virtual" in said and "/bin/what" in said
    assert re.search(r"mapped at +0x0*400000 what\[\d+\]", said), said
    assert re.search(r"mapped at +0xff\w+ kernel, direct map", said), said
    said = shell.command("what phys:0x100000")
    assert "image" in said and "kernel image" in said
    said = shell.command("what 0x8000000000000000; what nonsense; echo $?")
    assert "non-canonical" in said and said.endswith("1")
    assert "level" not in said, said  # the CPU walks no table for that


# Addresses where there is nothing, or nothing ordinary, and a word about each.
ODD = {"0": "PMD.* none", "0x7fffffffffff": "behind the last page",
       "0xffff800000000000": "no region is there",
       "0xffffc90000001000": "guard page behind .* ioremap",
       "0xffffffff80100000": "PTE.* ro kernel x ",
       "0xffffffffff5fe000": "window +early_ioremap",
       "0xffffffffff500000": r"window +kmap_local_page of CPU \d",
       "phys:0xfec00000": "no RAM, IOAPIC", "phys:0xa0000": "no RAM, nobody's"}


def test_what_of_odd_addresses(shell):
    if "P4D" in shell.command("what 0"):
        pytest.skip("these are addresses of 4 levels")
    for address, words in ODD.items():
        said = shell.command("what " + address)
        assert re.search(words, said), said
    said = shell.command("what 0x400000").replace("\r", "")
    assert re.search(r"level +PGD\[ *0\] \w{16} table rw user\n.*PUD.*\n.*PMD"
                     r".*\nlevel +PTE\[ *0\] \w{16} 4 KiB page ro user", said)


def test_why_fault_shows_decisions(shell):
    said = shell.command("why-fault vm")
    for words in ("a page was mapped, for writing", "for execution",
                  "the page was copied", "no one else has it"):
        assert words in said, said
    assert re.search(r"^vm\[\d+\] 0x\w+ at rip 0x\w+: write from ring 3, a page "
                     "that is not present", said, re.M), said
    assert re.search(r"no one else has it; \d+ ticks", said), said
