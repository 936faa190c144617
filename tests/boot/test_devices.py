"""Devices on the machine, as the firmware and QEMU's options make it."""
import hashlib
import re
import time

import pytest

from machine import PASSED, PROMPT, Machine

BRIDGES = {
    "pc": ["pci-bridge,chassis_nr=1,id=bus1", "edu,bus=bus1,addr=3"],
    "q35": ["pcie-root-port,id=bus1", "edu,bus=bus1"],
}


def screen(machine):
    """What stands on the 80x25 text screen, a string a row."""
    cells = machine.memory(0xb8000, 4000)
    text = bytes(cells[0::2]).decode("latin-1")
    return [text[row * 80:row * 80 + 80].rstrip() for row in range(25)]


@pytest.mark.parametrize("machine", BRIDGES)
def test_edu_behind_a_bridge(machine):
    with Machine("rdinit=/bin/runtests -- edu", machine=machine,
                 devices=BRIDGES[machine]) as m:
        assert m.finish() == PASSED, m.tail()
        assert re.search(r"pci 0000:01:.*1234:11e8", m.log), m.tail()


@pytest.mark.parametrize("machine", BRIDGES)
def test_edu_by_its_interrupt_line(machine):
    with Machine("pci=nomsi rdinit=/bin/runtests -- edu",
                 machine=machine) as m:
        assert m.finish() == PASSED, m.tail()
        assert re.search(r"edu0: .* irq 1\d\n", m.log), m.tail()


def test_two_edu_devices():
    with Machine("tour=no", devices=["edu", "edu"]) as m:
        m.shell()
        assert m.command("ls /dev/edu*").split() == ["/dev/edu0", "/dev/edu1"]


def test_no_edu_device():
    with Machine("tour=no", devices=[]) as m:
        m.shell()
        assert "edu: not on this machine" in m.log
        assert "no edu device" in m.command("edu")
        assert "No such file" in m.command("ls /dev/edu0")


def test_a_driver_lets_go_and_takes_again():
    with Machine("tour=no") as m:
        m.shell()
        m.command("cd /sys/bus/pci/drivers/edu; dev=$(ls | grep :)")
        m.command("exec 5<>/dev/edu0")
        m.command("echo $dev > unbind")
        assert "No such file" in m.command("ls /dev/edu0")
        assert "No such device" in m.command("cat <&5")
        m.command("exec 5<&-; echo $dev > bind")
        assert "inverted" in m.command("edu")


@pytest.mark.parametrize("mode, answer", [("", "not permitted"),
                                          ("devmem=relaxed", "^8$")])
def test_ram_through_dev_mem(mode, answer):
    with Machine("tour=no " + mode) as m:
        m.shell()
        said = m.command("dd if=/dev/mem bs=8 skip=131072 count=1 | wc -c")
        assert re.search(answer, said, re.M), said


def test_dev_mem_relaxed_shows_what_qemu_sees():
    """The kernel's text, which does not change."""
    with Machine("tour=no devmem=relaxed") as m:
        m.shell()
        said = m.command("dd if=/dev/mem bs=4k skip=258 count=4 | sha256sum")
        want = m.memory(258 * 4096, 4 * 4096)
        assert hashlib.sha256(want).hexdigest() in said


def wait_screen(machine, text, limit=30):
    end = time.monotonic() + limit
    while not any(text in row for row in screen(machine)):
        assert time.monotonic() < end, "\n".join(screen(machine))
        machine.pump(0.1)


def test_text_screen_and_keyboard_as_console():
    """What is typed in QEMU's window."""
    with Machine("console=tty0", boot="iso", extra=["-vga", "std"]) as m:
        wait_screen(m, "built-in shell")
        for key in ["e", "c", "h", "o", "spc", "shift-a", "x", "backspace",
                    "minus", "k", "ret"]:
            m.monitor("sendkey " + key)
            time.sleep(0.15)  # QEMU holds a key for a tenth of a second
        wait_screen(m, "A-k")
        for key in ["s", "t", "t", "y", "spc", "s", "i", "z", "e", "ret"]:
            m.monitor("sendkey " + key)
            time.sleep(0.15)
        wait_screen(m, "25 80")


def test_text_screen_says_where_the_console_is():
    with Machine("tour=no", boot="iso", extra=["-vga", "std"]) as m:
        m.shell()
        assert "serial port" in screen(m)[0]


def test_a_long_paste_loses_nothing():
    lines = [f"echo {n:04} some words to make it longer >> /tmp/paste"
             for n in range(400)]
    with Machine("tour=no") as m:
        m.shell()
        m.command("stty -echo")
        m.send("\n".join(lines) + "\nwc -l < /tmp/paste; echo PASTED\n")
        m.wait(r"400\nPASTED", 60)


def test_second_serial_port():
    with Machine("tour=no", extra=["-serial", "null"]) as m:
        m.shell()
        assert m.command("echo text > /dev/ttyS1 && echo sent") == "sent"
        assert "9600" in m.command("stty -F /dev/ttyS1")


def test_poweroff_without_the_test_device():
    with Machine("tour=no", debug_exit=False) as m:
        m.shell()
        m.send("poweroff\n")
        assert m.finish() == 0, m.tail()


@pytest.mark.parametrize("machine", BRIDGES)
def test_reboot_starts_again(machine):
    with Machine("tour=no", machine=machine, debug_exit=False,
                 reboot=True) as m:
        m.shell()
        m.send("reboot\n")
        m.wait("Pagewalk: ")
        m.wait(PROMPT)


def test_clock_chip_and_wall_clock_agree():
    with Machine("tour=no", extra=["-rtc", "base=2033-05-18T03:33:20"]) as m:
        m.shell()
        assert m.command("date +%Y-%m-%d") == "2033-05-18"
        assert "May 18 03:3" in m.command("hwclock -u")
        m.command("date -s '2024-02-29 23:59:58'; hwclock -u -w; sleep 3")
        assert "Mar  1 00:00" in m.command("hwclock -u")


def test_a_machine_that_stays_on_is_halted_in_words():
    """Without ACPI QEMU does not obey; init must not hear of an error."""
    with Machine("rdinit=/bin/runtests -- hello", machine="pc,acpi=off",
                 debug_exit=False) as m:
        m.wait("reboot: power off")
        m.wait("the machine stays on; halted")
