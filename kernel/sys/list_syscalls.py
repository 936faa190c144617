#!/usr/bin/env python3
"""README's table of the system calls there are, from syscall.tbl and the files
that have their bodies.

    list_syscalls.py           writes it into README.md
    list_syscalls.py --check   says whether README.md has it as it is now
"""
import pathlib
import re
import sys

BEGIN, END = "<!-- system calls: make syscalls -->\n", "<!-- end -->\n"
readme = pathlib.Path("README.md")


def table():
    lines = pathlib.Path("kernel/sys/syscall.tbl").read_text().splitlines()
    names = [line.split()[1] for line in lines if re.match(r"\d", line)]
    rows = []
    for path in sorted(pathlib.Path("kernel").rglob("*.c")):
        text = path.read_text()
        here = [n for n in re.findall(r"^long sys_(\w+)\(", text, re.M)
                if n in names]
        if here:
            rows.append((path, sorted(here, key=names.index)))
    missing = set(names) - {name for _, here in rows for name in here}
    text = "| body in | calls |\n|---|---|\n"
    for path, here in rows:
        text += f"| `{path}` | {' '.join(here)} |\n"
    if missing:
        text += f"| elsewhere | {' '.join(sorted(missing))} |\n"
    return text


def main():
    text = readme.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    new = before + BEGIN + table() + END + after
    if "--check" in sys.argv:
        if new != text:
            sys.exit("README.md: the table of system calls is old: "
                     "make syscalls")
    elif new != text:
        readme.write_text(new)


main()
