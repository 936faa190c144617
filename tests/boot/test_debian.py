"""Debian's own dynamic programs, unmodified: copied from this machine with
the libraries they name, in an initramfs whose /init is a bash script."""
import os
import pathlib
import re
import shutil
import stat
import subprocess

import pytest

from machine import Machine, cpio

PROGRAMS = """bash cat cp cut date dd env head ls md5sum mkdir mount nproc od rm
    seq setarch setsid sleep sort stty tail timeout tr wc script
    free pmap ps slabtop top uptime vmstat xz memtester""".split()
TERMINFO = ["/lib/terminfo/l/linux", "/lib/terminfo/d/dumb"]

INIT = """#!/bin/bash
export PATH=/usr/bin TERM=linux
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
%s
echo ALL-DONE
"""


def libraries(path):
    """What the dynamic linker would load, itself included."""
    text = subprocess.run(["ldd", path], capture_output=True, text=True).stdout
    return re.findall(r"(/\S+) \(0x", text)


def copy(files, path, name):
    for parent in reversed(pathlib.PurePath(name).parents[:-1]):
        files.setdefault(str(parent), (stat.S_IFDIR | 0o755, b""))
    files[name] = (stat.S_IFREG | 0o755, pathlib.Path(path).read_bytes())


def initramfs(path, script):
    files = {name: (stat.S_IFDIR | 0o755, b"")
             for name in "bin dev etc proc sys tmp root".split()}
    for program in PROGRAMS:
        found = shutil.which(program)
        if not found:
            pytest.skip(f"{program} is not installed: make setup")
        copy(files, found, "usr/bin/" + program)
        for library in libraries(found):
            copy(files, library, library[1:])
    for path_name in filter(os.path.exists, TERMINFO):
        copy(files, path_name, path_name[1:])
    for shell in "bash", "sh":
        files["bin/" + shell] = (stat.S_IFLNK | 0o777, b"/usr/bin/bash")
    files["dev/console"] = (stat.S_IFCHR | 0o600, (5, 1))
    files["etc/passwd"] = (stat.S_IFREG | 0o644, b"root:x:0:0::/root:/bin/sh\n")
    files["etc/group"] = (stat.S_IFREG | 0o644, b"root:x:0:\n")
    files["init"] = (stat.S_IFREG | 0o755, (INIT % script).encode())
    path.write_bytes(cpio(files))
    return path


def run(tmp_path, script, limit=120, **machine):
    archive = initramfs(tmp_path / "debian.cpio", script)
    with Machine("quiet", initrd=archive, mem="512M", **machine) as m:
        m.wait("^ALL-DONE", limit)
        return m.log


def test_shell_and_coreutils(tmp_path):
    log = run(tmp_path, r"""
for i in 1 2 3; do echo $i; done | sort -r | tr '\n' ' '; echo
echo sum $((6*7)) $(seq 1 1000 | tail -n 1)
sleep 0.1 & wait; echo waited
(exit 3); echo status $?
trap "echo trapped" USR1; kill -USR1 $$
coproc cat; echo x >&${COPROC[1]}; read -u ${COPROC[0]} l; echo coproc $l
mkdir /tmp/d; cp /etc/passwd /tmp/d/p; ls -l /tmp/d; wc -c < /tmp/d/p
timeout 0.2 sleep 10; echo timeout $?
setsid -w bash -c 'echo leader $(( $$ == $(cut -d" " -f6 /proc/$$/stat) ))'
date +%Y; env -i A=b env; uptime
script -qc 'stty size < /dev/tty; echo on a terminal' /dev/null < /dev/null
""")
    for line in ("3 2 1", "sum 42 1000", "waited", "status 3", "trapped",
                 "coproc x", "timeout 124", "leader 1", "A=b",
                 "on a terminal"):
        assert re.search(rf"^{line}\s*$", log, re.M), f"{line}\n{log}"
    assert re.search(r"^-rw\S+ 1 root root \d+ .* p$", log, re.M), log
    assert "load average" in log, log


def test_procps(tmp_path):
    log = run(tmp_path, """
ps aux; free; vmstat; vmstat -s; slabtop -o | head -n 12
top -b -n 1 | head -n 12; pmap -x $$ | tail -n 6
""")
    assert re.search(r"^root +1 .*/bin/bash /init", log, re.M), log
    assert re.search(r"^Mem: +\d+ +\d+", log, re.M), log
    assert re.search(r"K total memory", log), log
    assert re.search(r"Active / Total Objects", log), log
    assert re.search(r"^top - .*load average", log, re.M), log
    assert re.search(r"\[ stack \]", log), log
    assert re.search(r"^total kB +\d+", log, re.M), log
    assert "Unable" not in log and "rror" not in log, log


@pytest.mark.parametrize("cpus", [1, 4])
def test_threads_of_xz(tmp_path, cpus):
    log = run(tmp_path, """
nproc
dd if=/dev/urandom of=/tmp/r bs=1M count=6 2>&-
xz -T4 -0 --block-size=1MiB -k /tmp/r; echo compressed $?
xz -dc -T4 /tmp/r.xz | md5sum; md5sum < /tmp/r
""", 240, smp=cpus)
    sums = re.findall(r"^([0-9a-f]{32})  -", log, re.M)
    assert "compressed 0" in log and len(sums) == 2, log
    assert sums[0] == sums[1], log


def test_memtester(tmp_path):
    log = run(tmp_path, "memtester 1M 1 > /tmp/out; echo tested $?; "
              "grep -c ok /tmp/out 2>&-; tail -n 1 /tmp/out", 300)
    assert "tested 0" in log and re.search("^Done.", log, re.M), log


def test_addresses_are_random_unless_told(tmp_path):
    log = run(tmp_path, r"""
for i in 1 2; do setarch -R cat /proc/self/maps | md5sum; done
for i in 1 2; do cat /proc/self/maps | md5sum; done
""")
    sums = re.findall(r"^([0-9a-f]{32})  -", log, re.M)
    assert sums[0] == sums[1] and sums[2] != sums[3], log
