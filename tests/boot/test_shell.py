"""What a person does at the console, and what QEMU says of the same memory."""
import hashlib
import re
import time

import pytest

from machine import PROMPT, Machine


running = []


@pytest.fixture
def shell():
    """One machine for all tests that leave it at its prompt."""
    if not running:
        running.append(Machine("tour=no"))
        running[0].shell()
    yield running[0]
    if not re.search(PROMPT, running[0].log):
        running.pop().close()


@pytest.fixture(scope="module", autouse=True)
def close_shell():
    yield
    while running:
        running.pop().close()


def start(m, line):
    """Types a line and leaves the shell time to start it."""
    m.send(line + "\n")
    m.wait(re.escape(line) + "\n")
    time.sleep(0.3)


def test_line_editing(shell):
    shell.send("echo abx\x7fc\n")  # DEL takes the x away
    shell.wait(r"^abc$")
    shell.wait(PROMPT)


def test_end_of_file(shell):
    start(shell, "cat")
    shell.send("some words\n")
    shell.wait(r"some words\nsome words")
    shell.send("\x04")
    shell.wait(PROMPT)


def test_interrupt(shell):
    start(shell, "sleep 1000")
    shell.send("\x03")
    shell.wait(PROMPT)
    assert shell.command("echo $?") == "130"


def test_interrupt_of_a_pipeline(shell):
    start(shell, "sleep 1000 | cat")
    shell.send("\x03")
    shell.wait(PROMPT)


@pytest.mark.parametrize("command, pattern", [
    ("ls /", r"\bbin\b"),
    ("ls -l /dev/console", r"crw.* 5, +1"),
    ("ps", r"\b1\b.*init"),
    ("mount", r"proc on /proc type proc"),
    ("free", r"Mem: +\d+"),
    ("dmesg | head -3", r"\w"),
    ("uname -r", r"6\.1\.0-pagewalk"),
    ("cat /proc/self/maps", r"^00400000-"),
    ("cat /proc/meminfo", r"MemTotal: +\d+ kB"),
    ("cat /proc/iomem", r"System RAM"),
    ("cat /proc/cpuinfo", r"processor\s+: 0"),
    ("cat /proc/uptime", r"^\d+\.\d+ "),
    ("cat /proc/mounts", r" / "),
    ("cat /proc/self/status", r"VmRSS"),
    ("cat /proc/self/stat", r"^\d+ \(cat\) R"),
    ("cat /proc/self/cmdline; echo", r"cat./proc"),
    ("head -c 4 /dev/zero | od -x", r"0000 0000"),
    ("echo x > /dev/full", r"No space left"),
    ("head -c 16 /dev/urandom | wc -c", r"^16$"),
    ("date +%Y", r"^20\d\d$"),
    ("mount -t tmpfs none /tmp && echo yes > /tmp/f && cat /tmp/f", "yes"),
    ("grep -l 0x1234 /sys/bus/pci/devices/*/vendor", "vendor"),
    ("wc -c < /sys/bus/pci/devices/0000:00:04.0/resource0 || true", r"\d"),
    ("edu", "(?i)factorial"),
    ("exp list", r"0\.1 "),
])
def test_command(shell, command, pattern):
    said = shell.command(command)
    assert re.search(pattern, said, re.M), said



def test_bios_area_through_dev_mem(shell):
    """dd gives the bytes that QEMU itself sees (experiment 0.19)."""
    said = shell.command("dd if=/dev/mem bs=1k skip=768 count=256 2>/dev/null"
                         " | sha256sum")
    expected = hashlib.sha256(shell.memory(0xC0000, 0x40000)).hexdigest()
    assert said.split()[0] == expected


def test_ram_through_dev_mem_is_refused(shell):
    said = shell.command("dd if=/dev/mem bs=1M skip=16 count=1 2>&1 | "
                         "sha256sum; dd if=/dev/mem bs=1M skip=16 count=1 2>&1"
                         " >/dev/null")
    zeros = hashlib.sha256(bytes(1 << 20)).hexdigest()
    assert "not permitted" in said or zeros in said


def test_relaxed_dev_mem_shows_ram():
    with Machine("rdinit=/bin/sh devmem=relaxed") as m:
        m.shell()
        m.command("mount -t devtmpfs dev /dev")
        said = m.command("dd if=/dev/mem bs=1k skip=1024 count=64 2>/dev/null"
                         " | sha256sum")
        # the kernel's text: nothing changes it
        assert said.split()[0] == hashlib.sha256(
            m.memory(0x100000, 0x10000)).hexdigest()


def test_boot_times_are_told():
    with Machine("rdinit=/bin/sh") as m:
        m.wait("Ring 3: TSC [0-9]+ at the kernel's first instruction, [0-9]+")
        m.shell()
        m.command("mount -t proc proc /proc")
        said = m.command("cat /proc/boot")
        ticks = int(re.search(r"^ticks (\d+)", said, re.M)[1])
        assert 0 < ticks


def test_poweroff_of_busybox():
    with Machine("tour=no", debug_exit=False) as m:
        m.wait(PROMPT)
        m.send("poweroff\n")
        assert m.finish() == 0, m.tail()


def test_a_program_that_faults_gets_one_line():
    with Machine("tour=no") as m:
        m.shell()
        said = m.command("sh -c 'kill -SEGV $$'")
        assert "Segmentation fault" in said
