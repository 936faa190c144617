"""gdb on the machine: `make debug` is the same commands on a terminal."""
import re
import subprocess
import time

import pytest

from machine import PROMPT, ROOT, Machine

START = ["set pagination off", "set confirm off",
         "set architecture i386:x86-64", "source tests/gdb/pagewalk.py"]


def gdb(m, commands, elf="build/pagewalk.elf"):
    args = ["gdb", "-q", "-batch", "-nx", elf]
    for line in START + [f"target remote {m.dir}/gdb"] + commands:
        args += ["-ex", line]
    done = subprocess.run(args, cwd=ROOT, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=60)
    return done.stdout + done.stderr


@pytest.mark.parametrize("build", ["release", "debug"])
def test_breakpoint_at_kmain(build):
    elf = "build/pagewalk.elf" if build == "release" \
        else "build/debug/pagewalk.elf"
    with Machine(build=build, paused=True, gdb=True) as m:
        said = gdb(m, ["hbreak kmain", "continue", "bt 1", "pw $rip",
                       "what $rip"], elf)
    assert "Breakpoint 1, kmain (magic=" in said
    assert "PMD" in said and "huge" in said
    assert "kernel image" in said and "kmain in section .text" in said


@pytest.mark.parametrize("cpu", ["max,-la57", "max"])
def test_commands_at_a_shell(cpu):
    with Machine("rdinit=/bin/sh", gdb=True, cpu=cpu) as m:
        m.wait(PROMPT)
        said = gdb(m, ["ps", "maps 1", "pw &task_list", "what 0x400000"])
    assert "sh" in said and "/bin/busybox" in said and "[stack]" in said
    assert "page of" in said
    assert "user, user virtual" in said and "kernel, direct map" in said, said
    assert said.count("PTE [") == 2, said  # of pw and of what


def test_what_shows_every_mapping_of_a_frame():
    with Machine("rdinit=/bin/sh", gdb=True) as m:
        m.wait(PROMPT)
        m.send("cat\n")  # another busybox, while the shell waits
        m.wait("cat")
        time.sleep(1)
        said = gdb(m, ["what 0x400000"])
    assert re.search(r"mapped at 0x0*400000 by sh\[1\]", said), said
    assert re.search(r"mapped at 0x0*400000 by cat\[\d+\]", said), said
    counts = re.findall(r"pagecache, \d+ references, (\d+) mappings", said)
    assert said.count("mapped at 0x0000000000400000 by ") == int(counts[0])


@pytest.mark.parametrize("pti", ["on", "off"])
def test_breakpoint_in_a_program(pti):
    with Machine(f"pti={pti} rdinit=/bin/edu", paused=True, gdb=True) as m:
        said = gdb(m, ["prog edu", "hbreak main", "continue", "bt 1",
                       "info symbol $rip", "pw $rip", "ps"])
    assert "main (" in said and "user" in said
    assert "PID  TGID" in said and "annot access" not in said


def test_noted_faults_and_vmalloc_areas():
    with Machine("tour=no", gdb=True) as m:
        m.shell()
        m.command("why-fault echo")
        line = m.command("grep ioremap /proc/vmallocinfo | head -n 1")
        start = line.split("-")[0].strip()
        said = gdb(m, ["why-fault", f"what {start}", "what phys:0x100000"])
    assert re.search(r"^(echo|why-fault)\[\d+\] 0x", said, re.M), said
    assert "a page was mapped" in said, said
    assert f"area {int(start, 16):#x}, " in said and "ioremap, by" in said, said
    assert "physical 0x100000, " in said, said
