#!/usr/bin/env python3
"""Turns kernel/sys/syscall.tbl into C, at build time.

    cc -E -dM asm/unistd_64.h | gen_syscalls.py syscall.tbl OUTDIR

Standard input holds Linux's own numbers: they check ours, and they name the
calls that the table does not have.  Written are

    OUTDIR/syscalls_gen.h       a prototype for each call
    OUTDIR/syscalls_gen.c       syscall_table[]; names and argument kinds
"""

import os
import re
import sys

C_TYPES = {
    "fd": "int ",
    "int": "int ",
    "uint": "unsigned int ",
    "long": "long ",
    "ulong": "unsigned long ",
    "size": "size_t ",
    "off": "loff_t ",
    "flags": "int ",
    "hex": "unsigned int ",
    "addr": "unsigned long ",
    "mode": "mode_t ",
    "pid": "pid_t ",
    "uid": "uid_t ",
    "sig": "int ",
    "path": "const char __user *",
    "in": "const void __user *",
    "out": "void __user *",
}
LETTERS = {
    "fd": "f", "int": "d", "uint": "u", "long": "l", "ulong": "U",
    "size": "U", "off": "l", "flags": "x", "hex": "x", "addr": "p",
    "mode": "o", "pid": "d", "uid": "d", "sig": "s", "path": "S",
    "in": "p", "out": "p",
}
OWN = range(600, 700)  # Linux has none there
LINE = re.compile(r"^(\d+)\s+(\w+)\s*\(([^)]*)\)\s*$")
NOTE = "Made by kernel/sys/gen_syscalls.py from kernel/sys/syscall.tbl."


def linux_numbers(text):
    found = re.findall(r"^#define __NR_(\w+)\s+(\d+)$", text, re.M)
    return {int(number): name for name, number in found}


def parse(path, linux):
    calls = {}
    for lineno, line in enumerate(open(path), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        match = LINE.match(line)
        if not match:
            sys.exit(f"{path}:{lineno}: not NUMBER NAME (ARGUMENTS)")
        number, name = int(match[1]), match[2]
        if number not in OWN and linux.get(number) != name:
            sys.exit(f"{path}:{lineno}: {number} is {linux.get(number)} on "
                     f"Linux, not {name}; calls of one's own are {OWN[0]} to "
                     f"{OWN[-1]}")
        if number in calls:
            sys.exit(f"{path}:{lineno}: {number} is there twice")
        args = [arg.split() for arg in match[3].split(",") if arg.strip()]
        for arg in args:
            if len(arg) != 2 or arg[0] not in C_TYPES:
                sys.exit(f"{path}:{lineno}: bad argument {' '.join(arg)}")
        calls[number] = (name, args)
    return calls


def prototypes(calls):
    yield f"/* {NOTE} */\n#pragma once\n\n#include <kernel/lib/types.h>\n"
    yield f"#define NR_SYSCALLS {max(calls) + 1}\n"
    for name, args in calls.values():
        text = ", ".join(C_TYPES[kind] + arg for kind, arg in args) or "void"
        yield f"long sys_{name}({text});"


def table(calls):
    """A body that is not linked resolves, weakly, to sys_ni_syscall."""
    yield '__asm__(".text\\n"\n        "syscall_absent: jmp sys_ni_syscall\\n"'
    for name, _ in calls.values():
        yield f'        ".weak sys_{name}; .set sys_{name}, syscall_absent\\n"'
    yield '        ".section .rodata\\n.balign 64\\n"'
    yield '        ".globl syscall_table\\nsyscall_table:\\n"'
    for number in range(max(calls) + 1):
        call = calls.get(number)
        yield f'        ".quad {"sys_" + call[0] if call else "syscall_absent"}\\n"'
    yield '        ".text\\n");'


def names(calls, linux):
    yield f"/* {NOTE} */\n#include <kernel/sys/syscall.h>\n"
    yield "/* NAME, NUL, a letter per argument (strace.c) */"
    yield "const struct syscall_name syscall_names[] = {"
    for number in sorted(linux):
        name, args = calls.get(number, (linux[number], None))
        kinds = "?" if args is None else "".join(LETTERS[k] for k, _ in args)
        yield f'    {{{number}, "{name}", "{kinds}"}},'
    yield "};"
    yield f"const unsigned int nr_syscall_names = {len(linux)};"


def write(path, lines):
    text = "\n".join(lines) + "\n"
    if not os.path.exists(path) or open(path).read() != text:
        with open(path, "w") as out:
            out.write(text)


def main():
    table_path, out = sys.argv[1:]
    linux = linux_numbers(sys.stdin.read())
    calls = parse(table_path, linux)
    os.makedirs(out, exist_ok=True)
    write(f"{out}/syscalls_gen.h", prototypes(calls))
    write(f"{out}/syscalls_gen.c", [*names(calls, linux), *table(calls)])


main()
