/*
 * kernel/fs/proc_faults.c - /proc/faults: what page faults came, and what was
 * done about each.
 *
 * Write "on", "on PID" or "off"; read the last faults, oldest first: address,
 * the CPU's error code in words, the entry before and after, the decision that
 * shows in the difference, and the ticks that it took (instructions, where
 * QEMU counts them).
 *
 * Structure  while it is on, a handler stands before the usual one in
 *            vector_handlers and calls upcall_trap itself.  While it is off
 *            nothing of this is on the way of a fault.
 * Locking    a slot is taken with one atomic addition and written by whoever
 *            took it; a reader may see one that is being written.
 */
#include <kernel/fs/proc_faults.h>
#include <kernel/fs/query.h>

#include <kernel/core/irq.h>
#include <kernel/core/printk.h>
#include <kernel/core/time.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <kernel/sync/atomic.h>
#include <kernel/task/task.h>
#include <kernel/uapi/errno.h>
#include <kernel/x86/cpu.h>
#include <kernel/x86/trap.h>
#include <kernel/x86/upcall.h>
#include <mm/mm.h>
#include <mm/pgtable.h>
#include <mm/slab.h>

#define SLOTS 32
#define RFLAGS_IF BIT(9)

struct record {
    u64 address, rip, ticks;
    pte_t before, after;          /* where the walk ended */
    s8 level_before, level_after; /* of a leaf; -1: none */
    u32 error;
    pid_t pid;
    char comm[16];
};

/* Allocated when it is first switched on, and kept. */
static struct record *records;
static atomic_t taken; /* slots so far; the last SLOTS of them are there */
static pid_t only;     /* 0: every task */

static void look(u64 address, pte_t *entry, s8 *level)
{
    struct pt_walk walk;

    pt_walk_address(__va(read_cr3() & PTE_PFN_MASK), address, &walk);
    *level = walk.leaf_level;
    *entry = walk.levels > 0 ? walk.entry[walk.levels - 1] : (pte_t){0};
}

/* As trap_dispatch would have gone on. */
static void usual_way(struct pt_regs *regs, unsigned int vector, u64 address)
{
    if (!(regs->rflags & RFLAGS_IF)) {
        upcall_trap(regs, vector, address);
        return;
    }
    local_irq_enable();
    upcall_trap(regs, vector, address);
    local_irq_disable();
}

static bool on_fault(struct pt_regs *regs, unsigned int vector)
{
    u64 address = read_cr2(), start;
    struct record r;

    if (only && current->tgid != only)
        return false;
    r = (struct record){.address = address,
                        .rip = regs->rip,
                        .error = regs->orig_rax,
                        .pid = current->pid};
    strscpy(r.comm, current->comm, sizeof(r.comm));
    look(address, &r.before, &r.level_before);
    start = rdtsc();
    usual_way(regs, vector, address);
    r.ticks = rdtsc() - start;
    look(address, &r.after, &r.level_after);
    records[(atomic_add_return(&taken, 1) - 1) % SLOTS] = r;
    return true;
}

/* What the difference of the entries shows. */
static const char *decision(const struct record *r)
{
    bool was = r->before.val & PTE_PRESENT && r->level_before >= 0;
    bool is = r->after.val & PTE_PRESENT && r->level_after >= 0;

    if (!was && is)
        return r->error & FAULT_WRITE  ? "a page was mapped, for writing"
               : r->error & FAULT_EXEC ? "a page was mapped, for execution"
                                       : "a page was mapped, for reading";
    if (was && is && pte_pfn(r->before) != pte_pfn(r->after))
        return "the page was copied";
    if (was && is && !pte_write(r->before) && pte_write(r->after))
        return "the page was made writable: no one else has it";
    if (!is && !was)
        return "refused, or gone again";
    return "nothing changed: refused, or another was first";
}

static void print_entry(const char *name, pte_t entry, s8 level,
                        struct printer *out)
{
    if (level < 0)
        printer_printf(out, "  %-8s none\n", name);
    else
        printer_printf(out, "  %-8s %016llx frame %#lx %s %s\n", name,
                       (unsigned long long)entry.val, pte_pfn(entry),
                       pte_write(entry) ? "writable" : "read-only",
                       entry.val & PTE_NX ? "data" : "code");
}

static void print_record(const struct record *r, struct printer *out)
{
    char words[96];

    printer_printf(out, "%s[%d] %#llx at rip %#llx: %s\n", r->comm, r->pid,
                   (unsigned long long)r->address, (unsigned long long)r->rip,
                   trap_error_words(TRAP_PF, r->error, words, sizeof(words)));
    print_entry("before", r->before, r->level_before, out);
    print_entry("after", r->after, r->level_after, out);
    printer_printf(out, "  %s; %llu ticks\n", decision(r),
                   (unsigned long long)r->ticks);
}

static void print_all(struct printer *out)
{
    u32 end = atomic_read(&taken);
    u32 at = end > SLOTS ? end - SLOTS : 0;

    if (!records) {
        printer_puts(out, "no faults were noted: write \"on\" or \"on PID\"\n");
        return;
    }
    printer_printf(out, "%u faults since it was switched on, the last %u:\n",
                   end, end - at);
    for (; at < end; at++)
        print_record(&records[at % SLOTS], out);
}

static int switch_on(pid_t pid)
{
    if (!records) {
        struct record *fresh = kcalloc(SLOTS, sizeof(*fresh), GFP_KERNEL);

        if (!fresh)
            return -ENOMEM;
        records = fresh;
    }
    if (vector_handlers[TRAP_PF] && vector_handlers[TRAP_PF] != on_fault)
        return -EBUSY;
    atomic_set(&taken, 0);
    only = pid;
    vector_handlers[TRAP_PF] = on_fault;
    return 0;
}

static int ask(char *line, struct printer *out)
{
    const char *end;
    u64 pid;

    if (!strcmp(line, "on"))
        return switch_on(0);
    if (!strncmp(line, "on ", 3) && parse_u64(line + 3, &end, &pid) && !*end)
        return switch_on((pid_t)pid);
    if (strcmp(line, "off"))
        return -EINVAL;
    if (vector_handlers[TRAP_PF] == on_fault)
        vector_handlers[TRAP_PF] = NULL;
    print_all(out);
    return 0;
}

static const struct query_ops fault_query = {
    .text_max = 16 * KIB - 128, .ask = ask, .greet = print_all};

void proc_faults_init(void)
{
    if (!query_create(proc_root, "faults", 0600, &fault_query))
        pr_err("proc: no memory for /proc/faults");
}
