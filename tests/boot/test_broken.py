"""What can be wrong outside the kernel: a sentence each, nothing hung."""
from machine import PANIC, PASSED, ROOT, Machine, cpio


def refused(sentence, **options):
    with Machine(**options) as m:
        m.wait(sentence)
        assert m.finish() == PANIC, m.tail()


def image(tmp_path, files):
    path = tmp_path / "test.cpio"
    path.write_bytes(cpio(files))
    return path


def test_no_initramfs():
    refused("initramfs: the loader gave none", initrd=False)


def test_initramfs_of_rubbish(tmp_path):
    path = tmp_path / "rubbish"
    path.write_bytes(b"this is not an archive" * 1000)
    refused("(?i)initramfs", initrd=path)


def test_initramfs_cut_short(tmp_path):
    whole = (ROOT / "build/initramfs.cpio").read_bytes()
    path = tmp_path / "cut"
    path.write_bytes(whole[:len(whole) // 3])
    with Machine("tour=exit", initrd=path) as m:
        m.wait("(?i)initramfs.*(cut|short|end|damaged)")
        m.finish()  # with what there is of it


def test_initramfs_without_init(tmp_path):
    refused("(?i)/init", initrd=image(tmp_path, {"etc": (0o040755, b"")}))


def test_corrupt_elf(tmp_path):
    program = bytearray((ROOT / "build/user/init").read_bytes())
    program[0x18:0x20] = b"\xff" * 8
    program[0x20:0x28] = b"\xff" * 8
    refused("(?i)/init", initrd=image(
        tmp_path, {"init": (0o100755, bytes(program))}))


def test_script_of_nothing(tmp_path):
    refused("(?i)/init", initrd=image(
        tmp_path, {"init": (0o100755, b"\x7fELF")}))


def test_no_edu_device():
    with Machine("tour=exit", devices=()) as m:
        m.wait("(?i)edu")
        m.finish()


def test_init_exits(tmp_path):
    with Machine("rdinit=/bin/true") as m:
        m.wait("(?i)panic.*init")
        assert m.finish() == PANIC


def test_no_uart():
    """Without a serial port the machine still comes to its end."""
    with Machine("tour=exit", serial=False) as m:
        assert m.finish() == PASSED


def test_unknown_rdinit():
    refused("(?i)/no/such/program", append="rdinit=/no/such/program")
