"""Commands for gdb on a running Pagewalk, through QEMU's gdb stub.

    pw ADDR    walk of ADDR in the table that CR3 points to, level by level
    what ADDR  region of the address map, symbol, mapping behind ADDR, its
               frame, and all other mappings of that (by the reverse map);
               phys:ADDR for a physical address
    why-fault  the last page faults that /proc/faults has noted
    ps         tasks
    maps PID   mappings of a process
    prog NAME  load the symbols of a program of user/ or tests/user/

They read the kernel's structures by their debugging information and physical
memory by QEMU's monitor, so nothing runs in the guest.  When the machine
stops in ring 3, the symbols of the program that runs are loaded by its name.
"""
import os
import re

import gdb

BUILD = os.environ.get("PAGEWALK_TOP", "build")
PFN_MASK = 0x000FFFFFFFFFF000
BITS = [(0, "present"), (1, "write"), (2, "user"), (3, "pwt"), (4, "pcd"),
        (5, "accessed"), (6, "dirty"), (8, "global"), (9, "special"),
        (10, "soft-dirty"), (63, "nx")]
LEVEL_NAMES = ["PTE", "PMD", "PUD", "P4D", "PGD"]
STATES = "RSDTZX"
VM_READ, VM_WRITE, VM_EXEC, VM_SHARED = 1, 2, 4, 8


def number(text):
    return int(gdb.parse_and_eval(text)) & (1 << 64) - 1


def register(name):
    return int(gdb.parse_and_eval(f"(unsigned long)${name}")) & (1 << 64) - 1


def physical(address):
    """The 8 bytes at a physical address."""
    answer = gdb.execute(f"monitor xp /1gx {address:#x}", to_string=True)
    return int(re.search(r": (0x[0-9a-f]+)", answer)[1], 16)


def levels():
    return 5 if register("cr4") & 1 << 12 else 4


def walk(address, root=None):
    """Yields (level, physical address of the entry, entry) from the top."""
    table = (register("cr3") if root is None else root) & PFN_MASK
    for level in reversed(range(levels())):
        slot = table + 8 * (address >> 12 + 9 * level & 511)
        entry = physical(slot)
        yield level, slot, entry
        if not entry & 1 or level == 0 or (level < 3 and entry & 0x80):
            return
        table = entry & PFN_MASK


def translate(address, root=None):
    """(physical address, level of the leaf), or None."""
    for level, _, entry in walk(address, root):
        pass
    if not entry & 1:
        return None
    inside = (1 << 12 + 9 * level) - 1
    return entry & PFN_MASK & ~inside | address & inside, level


def canonical(address):
    top = address >> (56 if levels() == 5 else 47)
    return top == 0 or top == (0xFF if levels() == 5 else 0x1FFFF)


def words(entry, level):
    names = [name for bit, name in BITS if entry >> bit & 1]
    if level and entry & 0x80:
        names.append("huge")
    return " ".join(names) if entry & 1 else (
        "empty" if not entry else "not present")


def string(value):
    return value.string(errors="replace")


def list_each(head, kind, member):
    """Elements of one of kernel/lib/list.h's lists."""
    kind = gdb.lookup_type(kind)
    offset = next(f.bitpos for f in kind.fields() if f.name == member) // 8
    node = head["next"]
    while int(node) != int(head.address):
        yield gdb.Value(int(node) - offset).cast(kind.pointer())
        node = node["next"]


def tree_each(node, kind, member):
    """Elements of one of kernel/lib/rbtree.h's trees, in order."""
    kind = gdb.lookup_type(kind)
    offset = next(f.bitpos for f in kind.fields() if f.name == member) // 8
    waiting = []
    while waiting or int(node):
        while int(node):
            waiting.append(node)
            node = node["left"]
        node = waiting.pop()
        yield gdb.Value(int(node) - offset).cast(kind.pointer())
        node = node["right"]


def tasks():
    head = gdb.parse_and_eval("task_list")
    if int(head["next"]):
        yield from list_each(head, "struct task_struct", "all_link")


def current():
    task = gdb.parse_and_eval("current_task")
    return task if int(task) else None


def vmas(mm):
    return tree_each(mm["vmas"]["node"], "struct vm_area_struct", "node")


def path_of(file):
    names = []
    dentry = file["dentry"]
    while int(dentry) and int(dentry["parent"]) != int(dentry):
        names.append(string(dentry["name"]))
        dentry = dentry["parent"]
    return "/" + "/".join(reversed(names))


def vma_line(vma, mm):
    flags = int(vma["vm_flags"])
    rights = "".join([
        "r" if flags & VM_READ else "-", "w" if flags & VM_WRITE else "-",
        "x" if flags & VM_EXEC else "-", "s" if flags & VM_SHARED else "p"])
    start, end = int(vma["vm_start"]), int(vma["vm_end"])
    name = ""
    if int(vma["vm_file"]):
        name = path_of(vma["vm_file"])
    elif start <= int(mm["start_stack"]) < end:
        name = "[stack]"
    elif start < int(mm["brk"]) and end > int(mm["start_brk"]):
        name = "[heap]"
    offset = int(vma["vm_pgoff"]) << 12 if int(vma["vm_file"]) else 0
    return f"{start:012x}-{end:012x} {rights} {offset:08x} {name}"


def page_of(frame):
    """Its struct page, or None where there is none."""
    kind = gdb.lookup_type("struct page")
    address = number("(unsigned long)vmemmap_base") + kind.sizeof * frame
    if not translate(address):
        return None
    return gdb.Value(address).cast(kind.pointer())


def flag(page, name):
    return int(page["flags"]) >> number("(unsigned long)" + name) & 1


def frame_line(page):
    head = page["head"] if flag(page, "PG_tail") else page
    name = gdb.parse_and_eval(f"page_owner_names[{int(head['owner'])}]")
    return (f"{string(name)}, {int(head['refs']['v'])} references, "
            f"{int(page['mapcount']['v'])} mappings")


def mappings(page, frame):
    """(vma, address) of every entry that shows a program's page."""
    head = page["head"] if flag(page, "PG_tail") else page
    index = int(head["index"]) + int(page) // 64 - int(head) // 64
    if int(head["owner"]) == number("(unsigned long)OWNER_ANON"):
        if not int(head["mapcount"]["v"]) + int(page["mapcount"]["v"]):
            return
        tree, node = head["anon_vma"]["vmas"], "anon_node"
    elif flag(page, "PG_cache"):
        tree, node = page["mapping"]["vmas"], "map_node"
    else:
        return
    for vma in tree_each(tree["node"], "struct vm_area_struct", node):
        pages = index - int(vma["vm_pgoff"])
        address = int(vma["vm_start"]) + (pages << 12)
        if pages < 0 or address >= int(vma["vm_end"]):
            continue
        root = int(vma["vm_mm"]["root"]) - number("(unsigned long)page_offset")
        found = translate(address, root)
        if found and found[0] >> 12 == frame:
            yield vma, address


def users(mm):
    """Who runs in it, for people."""
    names = [f"{string(task['comm'])}[{int(task['pid'])}]" for task in tasks()
             if int(task["mm"]) == int(mm)]
    return " ".join(names) or "nobody"


def regions():
    five = levels() == 5
    return [
        ("user", 0, 1 << (56 if five else 47)),
        ("direct map",
         0xFF11000000000000 if five else 0xFFFF888000000000,
         1 << (55 if five else 46)),
        ("vmalloc and ioremap",
         0xFFA0000000000000 if five else 0xFFFFC90000000000,
         0x32000000000000 if five else 1 << 45),
        ("struct page array",
         0xFFD4000000000000 if five else 0xFFFFEA0000000000,
         1 << (49 if five else 40)),
        ("CPU entry area", 0xFFFFFE0000000000, 1 << 39),
        ("kernel image", 0xFFFFFFFF80000000, 0x20000000),
        ("modules", 0xFFFFFFFFA0000000, 0x5F000000),
        ("fixmap", 0xFFFFFFFFFF000000, 0x600000),
    ]


def set_cr3(value):
    """By QEMU's number of the register: gdb does not assign to it."""
    packet = f"maintenance packet P1d={value.to_bytes(8, 'little').hex()}"
    gdb.execute(packet, to_string=True)
    gdb.execute("maintenance flush register-cache", to_string=True)
    gdb.execute("maintenance flush dcache", to_string=True)


class KernelTable:
    """In between, addresses are the kernel's also where the machine stands in
    ring 3 with pti=on: CR3 then names the table behind the kernel's."""

    def __enter__(self):
        self.cr3 = register("cr3")
        self.hidden = False
        try:
            number("(int)pti_on")
        except gdb.MemoryError:
            self.hidden = bool(self.cr3 & 0x1000)
        if self.hidden:
            set_cr3(self.cr3 & ~0x1000)

    def __exit__(self, *_):
        if self.hidden:
            set_cr3(self.cr3)


class Command(gdb.Command):
    """A command that says what is wrong in one line."""

    def __init__(self, name):
        super().__init__(name, gdb.COMMAND_USER)
        self.name = name

    def invoke(self, argument, from_tty):
        if not argument and self.wants:
            print(f"usage: {self.name} {self.wants}")
            return
        try:
            with KernelTable():
                self.run(argument)
        except gdb.error as error:
            print(f"{self.name}: {error}")


def print_levels(address):
    for level, slot, entry in walk(address):
        name = "PGD" if level == levels() - 1 else LEVEL_NAMES[level]
        print(f"  {name} [{address >> 12 + 9 * level & 511:3}]"
              f" at {slot:#x}: {entry:#018x}  {words(entry, level)}")


class PageWalk(Command):
    """pw ADDR: the page-table walk of ADDR, level by level."""
    wants = "ADDR"

    def run(self, argument):
        address = number(argument)
        if not canonical(address):
            print(f"{address:#018x} is not canonical: #GP, no walk")
            return
        print(f"{address:#018x}  CR3 {register('cr3'):#x}, {levels()} levels")
        print_levels(address)
        found = translate(address)
        if found:
            size = ["4 KiB", "2 MiB", "1 GiB"][found[1]]
            print(f"  physical {found[0]:#x} (page of {size})")
        else:
            print("  not mapped")


AREA_KINDS = ["vmalloc", "ioremap", "vmap", "kernel stack", "on demand"]
AREA_RETIRED = 1 << 5


def area_line(address):
    """The area of the vmalloc region that an address lies in, or None."""
    for areas in "areas", "lazy_areas":
        tree = gdb.parse_and_eval(f"'mm/vmregion.c'::{areas}")["tree"]
        for area in tree_each(tree["node"], "struct vm_struct", "node"):
            start, size = int(area["addr"]), int(area["size"])
            if start <= address < start + size + 4096:
                break
        else:
            continue
        flags = int(area["flags"])
        if flags & AREA_RETIRED:
            return f"area {start:#x}, freed, waits for a flush"
        kind = next((name for bit, name in enumerate(AREA_KINDS)
                     if flags & 1 << bit), "reserved")
        caller = gdb.execute(f"info symbol {int(area['caller']):#x}",
                             to_string=True).split(" in section")[0].strip()
        place = "guard page of " if address >= start + size else ""
        return f"{place}area {start:#x}, {size >> 10} KiB, {kind}, by {caller}"
    return None


def describe_frame(phys):
    frame = phys >> 12
    page = page_of(frame)
    print(f"  physical {phys:#x}, " +
          (frame_line(page) if page else "no RAM in use"))
    for name, base in (("direct map", number("page_offset")),
                       ("kernel image", 0xFFFFFFFF80000000)):
        place = base + phys & (1 << 64) - 1
        if translate(place) and translate(place)[0] == phys:
            print(f"  mapped at {place:#018x} kernel, {name}")
    for vma, place in mappings(page, frame) if page else ():
        print(f"  mapped at {place:#018x} by {users(vma['vm_mm'])}")


def address_class(region):
    """Which of the kernel's kinds of address."""
    if region == "user":
        return "user virtual"
    return "kernel logical" if region == "direct map" else "kernel virtual"


class What(Command):
    """what ADDR: region, symbol, mapping, levels and frame of an address."""
    wants = "ADDR"

    def run(self, argument):
        if argument.startswith("phys:"):
            describe_frame(number(argument[5:]))
            return
        address = number(argument)
        if not canonical(address):
            print(f"{address:#018x}: not canonical")
            return
        for name, start, size in regions():
            if start <= address < start + size:
                print(f"{address:#018x}: {name}, {address_class(name)}")
                break
        else:
            print(f"{address:#018x}: no region")
        symbol = gdb.execute(f"info symbol {address:#x}", to_string=True)
        if not symbol.startswith("No symbol"):
            print("  " + symbol.strip())
        task = current()
        if address < 1 << 63 and task and int(task["mm"]):
            for vma in vmas(task["mm"]):
                if int(vma["vm_start"]) <= address < int(vma["vm_end"]):
                    print("  " + vma_line(vma, task["mm"]))
                    break
            else:
                print("  in no mapping of " + string(task["comm"]))
        if number("vmalloc_start") <= address < number("vmalloc_end"):
            print("  " + (area_line(address) or "no area is reserved there"))
        print_levels(address)
        found = translate(address)
        if not found:
            print("  not mapped")
            return
        describe_frame(found[0])


FAULT_BITS = [(1, "write"), (2, "user"), (3, "reserved bit"), (4, "fetch"),
              (5, "protection key")]


def decision(record):
    """What the difference of the entries shows, as /proc/faults says it."""
    before, after = int(record["before"]["val"]), int(record["after"]["val"])
    was = before & 1 and int(record["level_before"]) >= 0
    now = after & 1 and int(record["level_after"]) >= 0
    if now and not was:
        return "a page was mapped"
    if was and now and (before ^ after) & PFN_MASK:
        return "the page was copied"
    if was and now and after & ~before & 2:
        return "the page was made writable: no one else has it"
    if not was and not now:
        return "refused, or gone again"
    return "nothing changed: refused, or another was first"


class WhyFault(Command):
    """why-fault: the last page faults noted, oldest first."""
    wants = ""

    def run(self, argument):
        here = "'kernel/fs/proc_faults.c'::"
        records = gdb.parse_and_eval(here + "records")
        taken = int(gdb.parse_and_eval(here + "taken")["v"])
        if not int(records):
            print('why-fault: none are noted; in the guest "why-fault '
                  'COMMAND", or write "on" to /proc/faults')
            return
        for at in range(max(0, taken - 32), taken):
            r = records[at % 32]
            error = int(r["error"])
            kind = "not allowed" if error & 1 else "not present"
            kind += "".join(", " + name for bit, name in FAULT_BITS
                            if error & 1 << bit)
            print(f"{string(r['comm'])}[{int(r['pid'])}] "
                  f"{int(r['address']):#x} at rip {int(r['rip']):#x}: {kind}")
            print(f"  before {int(r['before']['val']):#018x}  "
                  f"after {int(r['after']['val']):#018x}")
            print(f"  {decision(r)}; {int(r['ticks'])} ticks")


class Ps(Command):
    """ps: the tasks; * marks the one that runs."""
    wants = ""

    def run(self, argument):
        print("   PID  TGID S NAME             TABLE (CR3)")
        mine = current()
        for task in tasks():
            mark = "*" if mine and int(task) == int(mine) else " "
            state = STATES[min(int(task["state"]), len(STATES) - 1)]
            table = "-"
            if int(task["mm"]):
                root = int(task["mm"]["root"]) & (1 << 64) - 1
                table = f"{root - number('page_offset'):#x}"
            print(f"{mark}{int(task['pid']):5} {int(task['tgid']):5} {state} "
                  f"{string(task['comm']):16} {table}")


class Maps(Command):
    """maps PID: the mappings of a process, as /proc/PID/maps has them."""
    wants = "PID"

    def run(self, argument):
        pid = number(argument)
        for task in tasks():
            if int(task["pid"]) == pid:
                break
        else:
            print(f"maps: no task {pid}")
            return
        if not int(task["mm"]):
            print(f"maps: {pid} is a kernel thread")
            return
        for vma in vmas(task["mm"]):
            print(vma_line(vma, task["mm"]))


class Program:
    """Symbols of the ring-3 program that runs, one at a time: all are linked
    at the same address."""

    def __init__(self):
        self.loaded = None

    def load(self, name):
        path = os.path.join(BUILD, "user", name)
        if not os.path.exists(path):
            if not os.path.exists(os.path.join(BUILD, "test", name + ".o")):
                return False
            path = os.path.join(BUILD, "test", "tests")  # all in one file
        if path != self.loaded:
            self.unload()
            gdb.execute(f"add-symbol-file {path}", to_string=True)
            self.loaded = path
        return True

    def unload(self):
        if self.loaded:
            gdb.execute(f"remove-symbol-file {self.loaded}", to_string=True)
            self.loaded = None

    def stopped(self, event):
        try:
            if register("cs") & 3 == 3 and current():
                name = string(current()["comm"])
                if not self.load(name):
                    self.unload()
        except (gdb.error, ValueError):
            pass


program = Program()


class Prog(Command):
    """prog NAME: load the symbols of a program of user/ or tests/user/."""
    wants = "NAME"

    def run(self, argument):
        if program.load(argument):
            print("symbols of " + program.loaded)
        else:
            print(f"prog: {argument} is neither in user/ nor in tests/user/")


for command, name in ((PageWalk, "pw"), (What, "what"), (Ps, "ps"),
                      (Maps, "maps"), (Prog, "prog"), (WhyFault, "why-fault")):
    command(name)
gdb.events.stop.connect(program.stopped)
