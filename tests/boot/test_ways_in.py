"""Every way into the kernel ends in a program in ring 3."""
import pytest

from machine import OVMF, PASSED, PROMPT, Machine, os

MACHINES = ["pc", "q35"]
CPUS = {"4-level": "max,-la57", "5-level": "max"}
uefi = pytest.mark.skipif(not os.path.exists(OVMF), reason="no OVMF here")


@pytest.mark.parametrize("levels", CPUS)
@pytest.mark.parametrize("machine", MACHINES)
def test_pvh_reaches_a_shell(machine, levels):
    with Machine("rdinit=/bin/sh", machine=machine, cpu=CPUS[levels]) as m:
        m.shell()
        assert "tty" in m.command("cat /proc/tty/drivers; tty")
        assert m.command("echo $((6 * 7))") == "42"


@pytest.mark.parametrize("levels", CPUS)
@pytest.mark.parametrize("machine", MACHINES)
def test_iso_by_bios_runs_the_tour(machine, levels):
    with Machine("tour=exit", boot="iso", machine=machine,
                 cpu=CPUS[levels]) as m:
        assert m.finish() == PASSED, m.tail()


@uefi
@pytest.mark.parametrize("levels", CPUS)
@pytest.mark.parametrize("machine", MACHINES)
def test_iso_by_uefi_runs_the_tour(machine, levels):
    with Machine("tour=exit", boot="iso", machine=machine, cpu=CPUS[levels],
                 firmware="uefi", mem="256M") as m:
        assert m.finish(120) == PASSED, m.tail()


def test_debug_build_runs_the_tour():
    with Machine("tour=exit", build="debug") as m:
        assert m.finish(120) == PASSED, m.tail()


def test_no5lvl_turns_five_levels_off():
    with Machine("rdinit=/bin/sh no5lvl", cpu="max") as m:
        m.wait("4-level page tables")
        m.wait(PROMPT)


def test_words_for_init():
    words = "rdinit=/bin/sh A_WORD=seven -- -c 'echo got=$A_WORD,$0' zero"
    with Machine(words.replace("'", '"')) as m:
        m.wait("got=seven,zero")
        m.wait("(?i)panic")  # init has ended


@pytest.mark.parametrize("word", [
    "pti=maybe", "vdso=x", "vmalloc_sync=no", "devmem=all",
    "debug_pagealloc=1"])
def test_a_word_with_a_wrong_value_is_told_of(word):
    with Machine(word + " rdinit=/bin/sh") as m:
        m.shell()
        assert m.log.count("cmdline: %s is neither" % word) == 1


def test_poweroff_and_reboot():
    for command in ("poweroff -f", "reboot -f"):
        with Machine("rdinit=/bin/sh", debug_exit=False) as m:
            m.wait(PROMPT)
            m.send(command + "\n")
            assert m.finish() == 0, m.tail()
