/*
 * kernel/core/irq.c - device interrupts: numbers, vectors, handlers.
 *
 * Structure  a line is a vector with the IRQ number it serves and the chain
 *            of handlers that share it.  A GSI gets its line at the first
 *            irq_request; an MSI when it is allocated, and is numbered
 *            IRQ_MSI_BASE + vector.  Actions come from a fixed pool.
 * Locking    irq_lock (spin, irq-safe) covers lines, the pool, and the I/O
 *            APICs' index registers.  line->lock (spin) is held while the
 *            handlers of a line run and while its chain changes; it nests
 *            inside irq_lock.
 * Context    requests: process.  Handlers: see the header.
 */
#include <kernel/core/irq.h>
#include <kernel/core/panic.h>
#include <kernel/core/percpu.h>
#include <kernel/core/timer.h>
#include <kernel/lib/printer.h>
#include <kernel/sync/spinlock.h>
#include <kernel/uapi/errno.h>
#include <kernel/x86/apic.h>
#include <kernel/x86/trap.h>

#define IRQ_ACTIONS_MAX 48
#define IRQ_MSI_BASE 256
#define IRQ_ISA_COUNT 16
#define MSI_ADDRESS 0xfee00000 /* SDM 3A 10.11.1 */

struct irq_action {
    irq_handler_t *handler; /* NULL: free */
    void *arg;
    const char *name;
    struct irq_action *next; /* (line->lock) */
};

struct irq_line {
    spinlock_t lock;
    bool used;                  /* (irq_lock) */
    u32 irq;                    /* (irq_lock) */
    u32 flags;                  /* (irq_lock) IRQ_* of the first request */
    u64 count;                  /* (lock) */
    struct irq_action *actions; /* (lock) */
};

static DEFINE_SPINLOCK(irq_lock);
static struct irq_line lines[IRQ_LINES];
static struct irq_action pool[IRQ_ACTIONS_MAX];
static struct irq_hardware hw; /* (c) */

const struct irq_hardware *irq_hardware(void)
{
    return &hw;
}

static bool device_interrupt(struct pt_regs *regs __maybe_unused,
                             unsigned int vector)
{
    struct irq_line *line = &lines[vector - IRQ_FIRST_VECTOR];

    this_cpu_inc(irq_depth);
    spin_lock(&line->lock);
    line->count++;
    for (struct irq_action *action = line->actions; action;
         action = action->next)
        action->handler(line->irq, action->arg);
    spin_unlock(&line->lock);
    lapic_eoi();
    this_cpu_dec(irq_depth);
    return true;
}

/* The 8259s are masked, yet can still raise their spurious vectors. */
static bool ignore_interrupt(struct pt_regs *regs __maybe_unused,
                             unsigned int vector __maybe_unused)
{
    return true;
}

static bool stray_interrupt(struct pt_regs *regs __maybe_unused,
                            unsigned int vector)
{
    pr_warn("Interrupt on vector %#x, which nobody asked for", vector);
    lapic_eoi();
    return true;
}

void irq_init(const struct irq_hardware *hardware)
{
    hw = *hardware;
    if (hw.has_8259)
        pic_silence();
    for (unsigned int v = VECTOR_DEVICE_FIRST; v < NR_VECTORS; v++)
        vector_handlers[v] = v < IRQ_FIRST_VECTOR ? ignore_interrupt
                             : v < IRQ_FIRST_VECTOR + IRQ_LINES
                                 ? device_interrupt
                                 : stray_interrupt;
    vector_handlers[VECTOR_SPURIOUS] = ignore_interrupt;
    if (!lapic_init_cpu(hw.lapic, VECTOR_SPURIOUS))
        panic("this CPU has no local APIC; Pagewalk needs one for its timer");
    for (unsigned int i = 0; i < hw.nr_ioapics; i++)
        pr_info("I/O APIC %u at %#llx: interrupts %u-%u", hw.ioapic[i].id,
                (unsigned long long)hw.ioapic[i].phys, hw.ioapic[i].gsi_base,
                hw.ioapic[i].gsi_base + ioapic_inputs(hw.ioapic[i].regs) - 1);
    if (hw.nr_ioapics == 0)
        pr_warn("No I/O APIC: devices have no interrupts but MSI");
}

static struct irq_line *line_find_locked(unsigned int irq)
{
    for (int i = 0; i < IRQ_LINES; i++)
        if (lines[i].used && lines[i].irq == irq)
            return &lines[i];
    return NULL;
}

static struct irq_line *line_create_locked(void)
{
    for (int i = 0; i < IRQ_LINES; i++) {
        if (!lines[i].used) {
            lines[i] = (struct irq_line){.used = true};
            spin_lock_init(&lines[i].lock);
            return &lines[i];
        }
    }
    return NULL;
}

static u8 line_vector(const struct irq_line *line)
{
    return IRQ_FIRST_VECTOR + (line - lines);
}

static struct irq_action *action_find_free_locked(void)
{
    for (int i = 0; i < IRQ_ACTIONS_MAX; i++)
        if (!pool[i].handler)
            return &pool[i];
    return NULL;
}

/* The I/O APIC that serves a GSI and which of its inputs; NULL: none. */
static volatile void __iomem *find_ioapic(unsigned int gsi, unsigned int *input)
{
    for (unsigned int i = 0; i < hw.nr_ioapics; i++) {
        *input = gsi - hw.ioapic[i].gsi_base;
        if (gsi >= hw.ioapic[i].gsi_base &&
            *input < ioapic_inputs(hw.ioapic[i].regs))
            return hw.ioapic[i].regs;
    }
    return NULL;
}

/* ISA lines are edge and active high, others level and low, unless the MADT
 * says otherwise (ACPI 6.4, 5.2.12.5). */
static u32 default_flags(unsigned int gsi)
{
    for (unsigned int i = 0; i < hw.nr_overrides; i++)
        if (hw.override[i].gsi == gsi)
            return (hw.override[i].level ? IRQ_LEVEL : 0) |
                   (hw.override[i].active_low ? IRQ_ACTIVE_LOW : 0);
    return gsi < IRQ_ISA_COUNT ? 0 : IRQ_LEVEL | IRQ_ACTIVE_LOW;
}

static int route_gsi(struct irq_line *line, unsigned int gsi, u32 flags)
{
    unsigned int input;
    volatile void __iomem *regs = find_ioapic(gsi, &input);

    if (!regs)
        return -ENODEV;
    if (flags & IRQ_ISA_DEFAULT)
        flags = (flags & IRQ_SHARED) | default_flags(gsi);
    line->irq = gsi;
    line->flags = flags;
    ioapic_route(regs, input, line_vector(line), lapic_id(),
                 (flags & IRQ_LEVEL ? IOAPIC_LEVEL : 0) |
                     (flags & IRQ_ACTIVE_LOW ? IOAPIC_ACTIVE_LOW : 0));
    return 0;
}

static void line_add_action(struct irq_line *line, struct irq_action *action)
{
    spin_lock(&line->lock);
    action->next = line->actions;
    line->actions = action;
    spin_unlock(&line->lock);
}

static int request_locked(unsigned int irq, u32 flags,
                          struct irq_action *action)
{
    struct irq_line *line = line_find_locked(irq);
    int err;

    if (line) {
        if (line->actions && !(flags & line->flags & IRQ_SHARED))
            return -EBUSY;
        if (!line->actions)
            line->flags = flags;
        line_add_action(line, action);
        return 0;
    }
    if (irq >= IRQ_MSI_BASE)
        return -EINVAL;
    line = line_create_locked();
    if (!line)
        return -ENOSPC;
    line_add_action(line, action); /* before the first one can come */
    err = route_gsi(line, irq, flags);
    if (err)
        line->used = false;
    return err;
}

int irq_request(unsigned int irq, unsigned int flags, irq_handler_t *handler,
                void *arg, const char *name)
{
    struct irq_action *action;
    u64 saved;
    int err;

    if (!handler)
        return -EINVAL;
    saved = spin_lock_irqsave(&irq_lock);
    action = action_find_free_locked();
    if (action) {
        *action = (struct irq_action){handler, arg, name, NULL};
        err = request_locked(irq, flags, action);
        if (err)
            action->handler = NULL;
    } else {
        err = -ENOSPC;
    }
    spin_unlock_irqrestore(&irq_lock, saved);
    return err;
}

/* Taking line->lock waits for handlers that run on another CPU. */
static struct irq_action *line_take_action(struct irq_line *line, void *arg)
{
    struct irq_action **link = &line->actions, *action;

    spin_lock(&line->lock);
    while (*link && (*link)->arg != arg)
        link = &(*link)->next;
    action = *link;
    if (action)
        *link = action->next;
    spin_unlock(&line->lock);
    return action;
}

void irq_free(unsigned int irq, void *arg)
{
    u64 saved = spin_lock_irqsave(&irq_lock);
    struct irq_line *line = line_find_locked(irq);
    struct irq_action *action = line ? line_take_action(line, arg) : NULL;
    volatile void __iomem *regs;
    unsigned int input;

    if (action)
        action->handler = NULL;
    if (action && !line->actions && irq < IRQ_MSI_BASE) {
        regs = find_ioapic(irq, &input);
        ioapic_mask(regs, input);
        line->used = false;
    }
    spin_unlock_irqrestore(&irq_lock, saved);
    WARN_ON(!action);
}

int irq_alloc_msi(u64 *msi_addr, u32 *msi_data)
{
    u64 saved = spin_lock_irqsave(&irq_lock);
    struct irq_line *line = line_create_locked();
    int irq = -ENOSPC;

    if (line) {
        irq = IRQ_MSI_BASE + line_vector(line);
        line->irq = irq;
        *msi_addr = MSI_ADDRESS | lapic_id() << 12;
        *msi_data = line_vector(line);
    }
    spin_unlock_irqrestore(&irq_lock, saved);
    return irq;
}

void irq_free_msi(unsigned int irq)
{
    u64 saved = spin_lock_irqsave(&irq_lock);
    struct irq_line *line = line_find_locked(irq);

    if (!WARN_ON(!line || line->actions))
        line->used = false;
    spin_unlock_irqrestore(&irq_lock, saved);
}

unsigned int irq_isa_to_gsi(unsigned int isa)
{
    for (unsigned int i = 0; i < hw.nr_overrides; i++)
        if (hw.override[i].isa == isa)
            return hw.override[i].gsi;
    return isa;
}

u64 irq_total(void)
{
    u64 sum = timer_interrupts();

    for (int i = 0; i < IRQ_LINES; i++)
        sum += lines[i].count;
    return sum;
}

void irq_report(struct printer *out)
{
    for (int i = 0; i < IRQ_LINES; i++) {
        const struct irq_action *action = lines[i].actions;

        if (!lines[i].used || !action)
            continue;
        printer_printf(out, "%4u: %10llu  %s-%s  %s", lines[i].irq,
                       (unsigned long long)lines[i].count,
                       lines[i].irq >= IRQ_MSI_BASE ? "PCI-MSI" : "IO-APIC",
                       lines[i].flags & IRQ_LEVEL ? "level" : "edge",
                       action->name);
        while ((action = action->next))
            printer_printf(out, ", %s", action->name);
        printer_puts(out, "\n");
    }
    timer_report(out);
}
