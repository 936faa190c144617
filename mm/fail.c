/*
 * mm/fail.c - failing the n-th allocation.
 *
 * One task at a time is watched; others allocate as ever, but slowly.
 */
#include <kernel/core/percpu.h>
#include <mm/fail.h>
#include <mm/memory.h>

bool fail_nth_armed;
static struct task_struct *watched;
static u64 to_come;

bool fail_nth_now(gfp_t gfp)
{
    if (this_cpu_read(current_task) != watched || gfp & __GFP_NOFAIL ||
        to_come == 0)
        return false;
    return --to_come == 0;
}

void fail_nth_arm(u64 n)
{
    watched = this_cpu_read(current_task);
    to_come = n;
    fail_nth_armed = true;
    page_fast_path(false);
    slab_fast_path_empty();
    pt_stock_shrink();
}

u64 fail_nth_disarm(void)
{
    fail_nth_armed = false;
    page_fast_path(true);
    return to_come;
}
