"""The kernel's page walks against QEMU's, on all regions of the address map."""
import re

import pytest

from machine import Machine

GIB = 1 << 30


def ranges(five, mem):
    """Where something may be mapped, by mm/layout.h."""
    direct = 0xFF11000000000000 if five else 0xFFFF888000000000
    vmalloc = 0xFFA0000000000000 if five else 0xFFFFC90000000000
    vmemmap = 0xFFD4000000000000 if five else 0xFFFFEA0000000000
    return [
        (direct, direct + mem), (direct + mem - (16 << 20), direct + mem + GIB),
        (vmalloc, vmalloc + (64 << 10)), (vmalloc, vmalloc + (4 << 20)),
        (vmemmap, vmemmap + mem // 64), (vmemmap, vmemmap + (64 << 10)),
        (0xFFFFFE0000000000, 0xFFFFFE0000010000),
        (0xFFFFFFFF80000000, 0xFFFFFFFF80200000),
        (0xFFFFFFFF80100000, 0xFFFFFFFF80180000),
        (0xFFFFFFFFFF400000, 0xFFFFFFFFFF600000),
    ]


@pytest.mark.parametrize("cpu, mem", [
    ("max,-la57", 128 << 20), ("max", 128 << 20),
    ("max,-la57,-pdpe1gb", 3 << 30), ("max,-la57", 5 << 30),
])
def test_walks_agree_with_qemu(cpu, mem):
    five = cpu == "max"
    words = " ".join(f"{start:x} {end:x}" for start, end in ranges(five, mem))
    with Machine("rdinit=/bin/sh", cpu=cpu, mem=f"{mem >> 20}M") as m:
        m.shell()
        m.command("mount -t proc proc /proc")
        m.send(f"/test/walks dump {words}\n")
        m.wait("^W (end|error)", 120)
        m.qmp_call("stop")
        lines = re.findall(r"^W ([0-9a-f]+) (\S+)", m.log, re.M)
        assert len(lines) >= 1000
        wrong = []
        for va, said in lines:
            qemu = m.gva2gpa(int(va, 16))
            kernel = None if said == "none" else int(said, 16)
            if qemu != kernel:
                wrong.append((va, said, qemu and hex(qemu)))
        assert not wrong, f"{len(wrong)} of {len(lines)}: {wrong[:10]}"
        mapped = sum(said != "none" for _, said in lines)
        assert mapped >= 500
