/*
 * mm/stack.c - kernel stacks: vmalloc areas, so an unmapped page follows each
 * and the one before it, and an overflow faults instead of writing.
 *
 * A few stacks that became free wait here, linked through their lowest word:
 * threads come and go, and a stack costs a flush on every CPU.
 */
#include <kernel/sync/spinlock.h>
#include <mm/memory.h>

#define CACHED_STACKS_MAX 8

static DEFINE_SPINLOCK(stack_lock);
static void *cached;           /* (stack_lock) */
static unsigned int nr_cached; /* (stack_lock) */

static void *take_cached(void)
{
    u64 flags = spin_lock_irqsave(&stack_lock);
    void *stack = cached;

    if (stack) {
        cached = *(void **)stack;
        nr_cached--;
    }
    spin_unlock_irqrestore(&stack_lock, flags);
    return stack;
}

void *kernel_stack_alloc(void)
{
    void *stack = take_cached();
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
    bool keep = nr_cached < CACHED_STACKS_MAX;

    if (keep) {
        *(void **)stack = cached;
        cached = stack;
        nr_cached++;
    }
    spin_unlock_irqrestore(&stack_lock, flags);
    if (!keep)
        vm_area_destroy(find_vm_area(stack));
}

void kernel_stack_shrink(void)
{
    void *stack;

    while ((stack = take_cached()))
        vm_area_destroy(find_vm_area(stack));
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
