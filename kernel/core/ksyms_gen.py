#!/usr/bin/env python3
"""Makes the kernel's symbol table: nm's listing on stdin, nasm on stdout.

Functions only, by address.  They are cut into blocks of 16; a block has an
entry in the index (address and position in the stream), each symbol stands
in the stream as

    distance from the symbol before it (ULEB128), length of the coded name
    (one byte), coded name

A coded name is a row of bytes: below 0x80 a character, else one of up to 128
pairs of such bytes, made by pairing what stands side by side most often.
kernel/core/ksyms.c reads it.
"""
import collections
import re
import sys

BLOCK = 16
PAIRS = 128
NAME_MAX = 63
KERNEL_BASE = 0xFFFFFFFF80000000
# Labels inside a routine of assembly; not what gcc splits off a function.
LOCAL = re.compile(r"^\.|\.(?!(cold|part|constprop|isra|lto_priv|[0-9]+)\b)")


def read_symbols(lines):
    by_addr = {}
    for line in lines:
        fields = line.split()
        if len(fields) != 3 or fields[1] not in "tTwW":
            continue
        addr, name = int(fields[0], 16), fields[2]
        if addr < KERNEL_BASE or not name.isascii() or LOCAL.search(name):
            continue
        if name.startswith("__") and re.search(r"_(start|end)$", name):
            continue
        known = by_addr.get(addr)
        if known is None or (known.startswith("_"), len(known), known) > (
            name.startswith("_"), len(name), name
        ):
            by_addr[addr] = name[:NAME_MAX]
    return sorted(by_addr.items())


def pair_up(names):
    """Codes the names; returns them and the list of pairs."""
    coded = [list(name.encode()) for name in names]
    counts = collections.Counter()
    where = collections.defaultdict(set)
    for i, name in enumerate(coded):
        for pair in zip(name, name[1:]):
            counts[pair] += 1
            where[pair].add(i)
    pairs = []
    while len(pairs) < PAIRS and counts:
        best = max(counts, key=lambda p: (counts[p], p))
        if counts[best] < 4:
            break
        token = 0x80 + len(pairs)
        pairs.append(best)
        for i in sorted(where[best]):
            old = coded[i]
            new, at = [], 0
            while at < len(old):
                if tuple(old[at:at + 2]) == best:
                    new.append(token)
                    at += 2
                else:
                    new.append(old[at])
                    at += 1
            counts.subtract(zip(old, old[1:]))
            counts.update(zip(new, new[1:]))
            for pair in zip(new, new[1:]):
                where[pair].add(i)
            coded[i] = new
        counts[best] = 0
    return coded, pairs


def uleb(value):
    out = []
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return out + [value]


def data(kind, values):
    for i in range(0, len(values), 12):
        print(f"    {kind} " + ", ".join(map(str, values[i:i + 12])))


def main():
    symbols = read_symbols(sys.stdin)
    coded, pairs = pair_up([name for _, name in symbols])
    stream, index = [], []
    last = 0
    for i, ((addr, _), code) in enumerate(zip(symbols, coded)):
        if i % BLOCK == 0:
            index += [addr - KERNEL_BASE, len(stream)]
            last = addr
        stream += uleb(addr - last) + [len(code)] + code
        last = addr
    print("; made by kernel/core/ksyms_gen.py")
    print("section .ksyms progbits alloc noexec nowrite align=8")
    print("global ksyms_count, ksyms_index, ksyms_pairs, ksyms_stream")
    print(f"ksyms_count: dd {len(symbols)}")
    print("ksyms_index:")
    data("dd", index)
    print("ksyms_pairs:")
    data("db", [byte for pair in pairs for byte in pair])
    print("ksyms_stream:")
    data("db", stream)
    print("    align 8, db 0")


main()
