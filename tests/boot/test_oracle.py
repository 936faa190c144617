"""What experiments say of physical memory, against what QEMU sees there."""
import re

import pytest

from machine import Machine


@pytest.fixture(scope="module")
def shell():
    with Machine("tour=no") as m:
        m.shell()
        yield m


def test_magic_of_the_paging_off_store(shell):
    """Experiment 0.13: stored at a physical address before paging was on."""
    said = shell.command("exp run 0.13")
    seen = re.findall(r"phys=0x([0-9a-f]+) seen=0x([0-9a-f]+)", said)
    assert len(seen) >= 4
    for phys, magic in seen:
        there = int.from_bytes(shell.memory(int(phys, 16), 4), "little")
        assert there == int(magic, 16)


def test_reset_vector_and_bios_data(shell):
    """Experiment 0.18 shows what lies there; QEMU has the same bytes."""
    assert "VERDICT PASS" in shell.command("exp run 0.18")
    said = shell.command("dd if=/dev/mem bs=16 skip=65535 count=1 2>/dev/null"
                         " | od -An -tx1")
    assert bytes.fromhex(said.replace(" ", "")) == shell.memory(0xFFFF0, 16)


def test_every_frame_of_a_program_is_where_qemu_says(shell):
    """The leaf of experiment 0.14 through QEMU's own walk."""
    said = shell.command("exp run 0.14")
    match = re.search(r"cr3 phys=0x([0-9a-f]+)", said)
    top = shell.memory(int(match[1], 16), 4096)
    assert top[2048:] != bytes(2048)  # the kernel half, grafted
