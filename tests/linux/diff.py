#!/usr/bin/env python3
"""Every ring-3 test and every ring-3 experiment on both kernels; the lines
that must agree are compared.

Compared are, per program, the TAP results ("ok"/"not ok" and their text),
per experiment its VERDICT, and how each program ended.  Lines that start with
"#", OBS lines and other output may differ.  tests/linux/known-differences
lists what may differ and why, a line each:

    PROGRAM | TEXT OF THE LINE ON PAGEWALK | TEXT ON LINUX | REASON

"-" stands for a line that is not there.  A listed difference that no longer
occurs is an error too.  What a test skips on one side ("# SKIP why") is not
compared.
"""
import argparse
import difflib
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import machine  # noqa: E402

APPEND = "console=ttyS0 quiet panic=-1 rdinit=/bin/runtests"
NUMBER = re.compile(r"^(not ok|ok) \d+ - ")


def results(lines):
    """{program: [comparable lines]}, and whether the run finished."""
    found, name, experiment, finished = {}, None, "", False
    for line in lines:
        line = line.rstrip()
        begin = re.match(r"TEST (\S+) begin$", line)
        end = re.match(r"TEST (\S+) (exit|signal) (\d+)$", line)
        if begin:
            name = begin[1]
            found[name] = []
        elif end and end[1] == name:
            found[name].append("%s %s" % (end[2], end[3]))
            name = None
        elif line.startswith("runtests:"):
            finished = True
        elif name and line.startswith("1..0 # SKIP"):
            found[name].append("ok - all # SKIP")
        elif name and NUMBER.match(line):
            line = NUMBER.sub(r"\1 - ", line)
            found[name].append(re.sub(r"/proc/\d+/", "/proc/PID/", line))
        elif name and line.startswith("EXP "):
            experiment = line[4:]  # number and question: a number can have
            # one side in the kernel and one in ring 3
        elif name and line.startswith("VERDICT ") and experiment:
            found[name].append("experiment %s => %s" % (experiment, line))
            experiment = ""
    return found, finished


def experiments_of(lines):
    return {x.split(" => ")[0] for x in lines
            if x.startswith("experiment ") and "SKIP" not in x}


def without_skipped(a, b):
    """What one side skipped ("# SKIP why") is not compared; a program that
    skips everything is not compared at all."""
    results_of = [[x for x in lines if x.startswith(("ok", "not ok"))]
                  for lines in (a, b)]
    if any(r and all("# SKIP" in x for x in r) for r in results_of):
        return [], []
    skipped = {x.split(" # SKIP")[0].split(" - ", 1)[1]
               for x in a + b if " # SKIP" in x}
    return ([x for x in lines if "# SKIP" not in x and
             x.split(" - ", 1)[-1] not in skipped] for lines in (a, b))


def compare(ours, theirs):
    """Differences as (program, our line, their line)."""
    out = []
    for name in sorted(set(ours) | set(theirs)):
        a, b = ours.get(name, []), theirs.get(name, [])
        if name == "exp":  # those inside our kernel exist only here
            both = experiments_of(a) & experiments_of(b)
            a, b = ([x for x in lines if x.split(" => ")[0] in both]
                    for lines in (a, b))
        a, b = without_skipped(a, b)
        for op, i, j, k, m in difflib.SequenceMatcher(
                None, a, b, autojunk=False).get_opcodes():
            if op == "equal":
                continue
            length = max(j - i, m - k)
            pairs = zip(a[i:j] + ["-"] * (length - (j - i)),
                        b[k:m] + ["-"] * (length - (m - k)))
            out += [(name, x, y) for x, y in pairs]
    return out


def known(path):
    table = {}
    for number, line in enumerate(open(path), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        fields = [x.strip() for x in line.split("|")]
        if len(fields) != 4 or not fields[3]:
            sys.exit("%s:%d: want PROGRAM | OURS | LINUX'S | REASON"
                     % (path, number))
        table[tuple(fields[:3])] = fields[3]
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--linux", required=True)
    parser.add_argument("--initrd", required=True)
    parser.add_argument("--known", required=True)
    parser.add_argument("tests", nargs="*")
    args = parser.parse_args()

    runs = {}
    for name, kernel in (("pagewalk", args.kernel), ("linux", args.linux)):
        lines, _ = machine.run(
            kernel, args.initrd, APPEND + " -- " + " ".join(args.tests),
            mem=256, icount=False, limit=600)
        runs[name], finished = results(lines)
        if not finished:
            print("\n".join(lines[-25:]))
            sys.exit("diff: the run on %s did not finish" % name)

    differences = compare(runs["pagewalk"], runs["linux"])
    allowed = known(args.known)
    new = [d for d in differences if d not in allowed]
    stale = [d for d in allowed
             if d not in differences and d[0] in runs["pagewalk"]]
    for name, ours, theirs in new:
        print("DIFFERENT %s\n  pagewalk: %s\n  linux:    %s"
              % (name, ours, theirs))
    for entry in stale:
        print("NO LONGER DIFFERENT (take it off the list): "
              + " | ".join(entry))
    lines = sum(len(x) for x in runs["pagewalk"].values())
    print("diff-linux: %d programs, %d lines compared, %d known differences, "
          "%d new, %d stale" % (len(runs["pagewalk"]), lines,
                                len(allowed) - len(stale), len(new),
                                len(stale)))
    sys.exit(1 if new or stale else 0)


main()
