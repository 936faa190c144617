/*
 * mm/stack.c - kernel stacks: vmalloc areas, so an unmapped page follows each
 * and the one before it, and an overflow faults instead of writing.
 *
 * Stacks that became free wait here, linked through their lowest word:
 * threads come and go.  A thread's stack is given back where the next one runs
 * already, with interrupts off; what exceeds a few is freed later, by who
 * gives one back in a context that allows it, or by the next thread to leave.
 */
#include <kernel/core/irq.h>
#include <kernel/sync/spinlock.h>
#include <mm/memory.h>

#define CACHED_STACKS_MAX 8

static DEFINE_SPINLOCK(stack_lock);
static void *cached;           /* (stack_lock) */
static unsigned int nr_cached; /* (stack_lock) */

static void *take_cached(unsigned int keep)
{
    u64 flags = spin_lock_irqsave(&stack_lock);
    void *stack = nr_cached > keep ? cached : NULL;

    if (stack) {
        cached = *(void **)stack;
        nr_cached--;
    }
    spin_unlock_irqrestore(&stack_lock, flags);
    return stack;
}

static void trim(unsigned int keep)
{
    void *stack;

    while ((stack = take_cached(keep)))
        free_vm_area(find_vm_area(stack));
}

void *kernel_stack_alloc(void)
{
    void *stack = take_cached(0);
    struct vm_struct *area;

    if (stack)
        return stack;
    area = vm_area_alloc(KERNEL_STACK_SIZE / PAGE_SIZE, VM_AREA_STACK,
                         OWNER_STACK, __builtin_return_address(0));
    return area ? (void *)area->addr : NULL;
}

void kernel_stack_free(void *stack)
{
    u64 flags = spin_lock_irqsave(&stack_lock);
    bool many = nr_cached >= CACHED_STACKS_MAX;

    *(void **)stack = cached;
    cached = stack;
    nr_cached++;
    spin_unlock_irqrestore(&stack_lock, flags);
    if (unlikely(many) && !irqs_disabled() && !this_cpu_read(atomic_depth))
        trim(CACHED_STACKS_MAX);
}

void kernel_stack_trim(void)
{
    if (unlikely(READ_ONCE(nr_cached) > CACHED_STACKS_MAX))
        trim(CACHED_STACKS_MAX);
}

void kernel_stack_shrink(void)
{
    trim(0);
}

bool kernel_stack_guard_hit(unsigned long addr)
{
    unsigned long above = (addr & PAGE_MASK) + PAGE_SIZE;
    struct vm_struct *area;

    if (above == (unsigned long)__data_start)
        return true; /* the boot stack comes first in .data */
    if (!is_vmalloc_addr((void *)above))
        return false;
    area = find_vm_area_nolock((void *)above);
    return area && area->flags & VM_AREA_STACK && area->addr == above;
}
