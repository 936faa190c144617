/*
 * tests/kernel/exp/touch.c - faults on purpose, caught and counted.
 *
 * Structure  a handler in vector_handlers[#PF], which the dispatcher asks
 *            before anything else.  touch_resume is where the access that is
 *            being tried goes on; 0 between accesses.
 * Locking    experiments run one at a time; other tasks' faults, on whichever
 *            CPU, go their normal way.
 */
#include <tests/kernel/exp/touch.h>

#include <kernel/core/irq.h>
#include <kernel/core/percpu.h>
#include <kernel/lib/format.h>
#include <kernel/x86/cpu.h>
#include <kernel/x86/trap.h>

#define OPCODE_RET 0xc3

static struct {
    struct task_struct *task; /* whose faults are counted */
    u64 faults;
    vector_handler_t *before; /* who had the vector */
} watch;

static volatile u64 touch_resume, touch_drop; /* address; stack bytes to drop */
static volatile bool touch_faulted;
static volatile u32 touch_error;
static volatile u64 touch_cr2;

static bool on_page_fault(struct pt_regs *regs, unsigned int vector)
{
    if (!user_mode(regs) && this_cpu_read(current_task) == watch.task) {
        watch.faults++;
        if (touch_resume) {
            touch_faulted = true;
            touch_error = regs->orig_rax;
            touch_cr2 = read_cr2();
            regs->rsp += touch_drop;
            regs->rip = touch_resume;
            return true;
        }
    }
    return watch.before ? watch.before(regs, vector) : false;
}

void exp_watch_start(void)
{
    watch.task = this_cpu_read(current_task);
    watch.faults = 0;
    watch.before = vector_handlers[TRAP_PF];
    vector_handlers[TRAP_PF] = on_page_fault;
}

u64 exp_watch_faults(void)
{
    return watch.faults;
}

void exp_watch_stop(void)
{
    vector_handlers[TRAP_PF] = watch.before;
}

static __noinline u8 touch_read(const volatile void *addr)
{
    u64 value = 0;

    __asm__ volatile("lea 1f(%%rip), %%rax\n\t"
                     "mov %%rax, %1\n\t"
                     "movzbl (%2), %k0\n"
                     "1:"
                     : "+r"(value), "=m"(touch_resume)
                     : "r"(addr)
                     : "rax", "memory");
    return value;
}

static __noinline void touch_write(const volatile void *addr)
{
    __asm__ volatile("lea 1f(%%rip), %%rax\n\t"
                     "mov %%rax, %0\n\t"
                     "movb %2, (%1)\n"
                     "1:"
                     : "=m"(touch_resume)
                     : "r"(addr), "i"(OPCODE_RET)
                     : "rax", "memory");
}

/* A fault of the fetch comes with the return address pushed already. */
static __noinline void touch_exec(const volatile void *addr)
{
    touch_drop = 8;
    __asm__ volatile("lea 1f(%%rip), %%rax\n\t"
                     "mov %%rax, %0\n\t"
                     "call *%1\n"
                     "1:"
                     : "=m"(touch_resume)
                     : "r"(addr)
                     : "rax", "memory");
}

struct touch_result exp_touch(const volatile void *addr, enum touch how)
{
    u64 flags = local_irq_save();
    struct touch_result r = {0};

    touch_faulted = false;
    touch_drop = 0;
    if (how == TOUCH_READ)
        r.value = touch_read(addr);
    else if (how == TOUCH_WRITE)
        touch_write(addr);
    else
        touch_exec(addr);
    touch_resume = 0;
    r.faulted = touch_faulted;
    if (r.faulted) {
        r.error = touch_error;
        r.cr2 = touch_cr2;
    }
    local_irq_restore(flags);
    return r;
}

struct touch_result exp_touch_ac(const volatile void *addr, enum touch how)
{
    u64 flags = local_irq_save();
    struct touch_result r;

    __asm__ volatile("stac" ::: "memory");
    r = exp_touch(addr, how);
    __asm__ volatile("clac" ::: "memory");
    local_irq_restore(flags);
    return r;
}

const char *exp_touch_words(const struct touch_result *r, char *buf,
                            size_t size)
{
    if (r->faulted)
        scnprintf(buf, size, "#PF,err=%#x,cr2=%#llx", r->error,
                  (unsigned long long)r->cr2);
    else
        scnprintf(buf, size, "ok,value=%#x", r->value);
    return buf;
}
