#!/usr/bin/env python3
"""The benchmark on both kernels: table, TSV, chart.

Figures are guest instructions (-icount shift=0, which repeats exactly), or
with --wall nanoseconds under plain TCG, the kernels taking turns.
"""
import argparse
import os
import pathlib
import re
import statistics
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import chart      # noqa: E402
import footprint  # noqa: E402
import machine    # noqa: E402

LINE = re.compile(r"^bench (\S+) (\S+) (.*)$")
APPEND = "console=ttyS0 quiet panic=-1 rdinit=/bin/bench"
ROUNDS = 5  # of --wall


def run_once(kernel, initrd, linux, groups, icount, cpus=1):
    append = APPEND
    if linux:
        append += " " + " ".join(machine.LINUX_TUNING)
    append += " -- " + " ".join(groups)
    lines, _ = machine.run(kernel, initrd, append, icount=icount)
    figures, notes = {}, []
    for line in lines:
        match = LINE.match(line)
        if match:
            figures[match[1], match[2]] = match[3]
        elif line.startswith(("calibration", "boot")):
            notes.append(line)
    if "bench done" not in lines:
        notes.append("the run did not finish; last line: "
                     + next((x for x in reversed(lines) if x.strip()), "none"))
    return figures, notes


def number(text):
    try:
        return float(text.split()[0])
    except (AttributeError, ValueError, IndexError):
        return None


def median_of(runs):
    """Figures of several runs -> median as text, spread in percent."""
    merged, spread = {}, {}
    for key in runs[0]:
        values = [number(r.get(key)) for r in runs]
        if None in values:
            merged[key] = next(r.get(key, "missing") for r in runs
                               if number(r.get(key)) is None)
            continue
        middle = statistics.median(values)
        merged[key] = "%.2f ns" % middle
        spread[key] = 100 * (max(values) - min(values)) / middle
    return merged, spread


def collect(args):
    kernels = {"linux": args.linux, "pagewalk": args.kernel}
    rounds = ROUNDS if args.wall else 1
    runs = {name: [] for name in kernels}
    for _ in range(rounds):
        for name, kernel in kernels.items():
            figures, notes = run_once(kernel, args.initrd, name == "linux",
                                      args.groups, not args.wall)
            runs[name].append(figures)
            for note in notes:
                print("# %s: %s" % (name, note))
    result, spread = {}, {}
    for name in kernels:
        result[name], spread[name] = (
            median_of(runs[name]) if args.wall else (runs[name][0], {}))
    return result, spread


def rows_of(result, spread):
    keys = list(result["linux"])
    keys += [k for k in result["pagewalk"] if k not in result["linux"]]
    rows = []
    for key in keys:
        ours = result["pagewalk"].get(key, "missing")
        theirs = result["linux"].get(key, "missing")
        a, b = number(ours), number(theirs)
        rows.append({
            "name": key[0], "param": key[1], "ours": ours, "theirs": theirs,
            "ratio": a / b if a is not None and b else None,
            "spread": max(spread["pagewalk"].get(key, 0),
                          spread["linux"].get(key, 0)),
        })
    return rows


def print_table(rows, wall):
    print("%-28s %-9s %16s %16s %7s" % ("operation", "param", "pagewalk",
                                        "linux", "ratio"))
    for row in rows:
        ratio = "-" if row["ratio"] is None else "%.2f" % row["ratio"]
        text = "%-28s %-9s %16s %16s %7s" % (
            row["name"], row["param"], row["ours"][:16], row["theirs"][:16],
            ratio)
        if wall:
            text += "  +-%.0f%%" % (row["spread"] / 2)
        print(text)
    known = [r["ratio"] for r in rows if r["ratio"] is not None]
    bad = [r for r in rows if re.match("wrong|crashed|missing", r["ours"])]
    print("# %d lines: %d at half of Linux or less, %d between, "
          "%d where Linux is ahead; %d wrong, crashed or missing"
          % (len(rows), sum(r <= 0.5 for r in known),
             sum(0.5 < r <= 1 for r in known), sum(r > 1 for r in known),
             len(bad)))
    return not bad


def write_tsv(rows, path, unit):
    with open(path, "w") as out:
        out.write("name\tparam\tpagewalk_%s\tlinux_%s\tratio\n" % (unit, unit))
        for row in rows:
            ratio = "" if row["ratio"] is None else "%.3f" % row["ratio"]
            out.write("\t".join([row["name"], row["param"], row["ours"],
                                 row["theirs"], ratio]) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--linux", required=True)
    parser.add_argument("--initrd", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--wall", action="store_true")
    parser.add_argument("groups", nargs="*")
    args = parser.parse_args()
    out = pathlib.Path(args.out)
    out.mkdir(parents=True, exist_ok=True)

    print("# Linux: %s; switched off for it:" % os.path.basename(args.linux))
    for word, what in machine.LINUX_TUNING.items():
        print("#   %-28s %s" % (word, what))
    boot = "boot" in args.groups
    if boot:
        args.groups.remove("boot")
    good = True
    if args.groups or not boot:
        rows = rows_of(*collect(args))
        good = print_table(rows, args.wall)
        stem = "bench-wall" if args.wall else "bench"
        write_tsv(rows, out / (stem + ".tsv"), "ns" if args.wall else "insn")
        chart.write(rows, out / (stem + ".svg"),
                    "nanoseconds" if args.wall else "guest instructions")
        print("# written: %s, %s" % (out / (stem + ".tsv"),
                                     out / (stem + ".svg")))
    if boot or not (args.groups or args.wall):
        footprint.report(args.kernel, args.linux, args.initrd, out)
    sys.exit(0 if good else 1)


main()
