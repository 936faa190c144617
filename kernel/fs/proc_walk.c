/*
 * kernel/fs/proc_walk.c - /proc/pagewalk: page tables, shown to a program.
 *
 * Write "walk [PID] ADDRESS" and read how the CPU gets from there to memory,
 * level by level; write "what [PID] ADDRESS" or "what phys:ADDRESS" and read
 * what lies there and where else the frame is mapped; write "move [PID]
 * ADDRESS" and the page there goes to another frame, under everybody who uses
 * it, if nothing holds it where it is.  Without PID it is about
 * the asking program; addresses of the kernel half are looked up in the same
 * table.  For root only, as physical addresses are told.
 *
 * Cost       "what" asks the reverse map about a program's page; for another
 *            frame it looks at every leaf of every table: it is for people.
 */
#include <kernel/fs/query.h>
#include <kernel/fs/proc_walk.h>

#include <kernel/core/printk.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <kernel/task/task.h>
#include <kernel/uapi/errno.h>
#include <mm/alloc.h>
#include <mm/gup.h>
#include <mm/migrate.h>
#include <mm/what.h>

#define MAPPINGS_MAX 24 /* lines about one frame */

/* A frame, where it is mapped, and how many of that have been said. */
struct mappings {
    pfn_t pfn;
    struct what_place places[MAPPINGS_MAX];
    long known; /* of places[]; -ENOENT: tables must be looked through */
    size_t n;
    struct printer *out;
};

static void print_mappings_of(struct mappings *m, struct mm_struct *mm,
                              const char *whose)
{
    size_t room = m->n < MAPPINGS_MAX ? MAPPINGS_MAX - m->n : 0;

    if (m->known < 0) {
        down_read(&mm->mmap_lock);
        m->n += what_print_mappings(mm->root, 0, TASK_SIZE, m->pfn, whose, room,
                                    m->out);
        up_read(&mm->mmap_lock);
    }
    for (long i = 0; i < min(m->known, (long)MAPPINGS_MAX); i++) {
        if (m->places[i].mm != mm)
            continue;
        if (m->n++ < MAPPINGS_MAX)
            what_print_place(m->places[i].addr, whose, m->out);
    }
}

/* Everywhere else that the frame is mapped: kernel, then all programs. */
static void print_all_mappings(pfn_t pfn, struct printer *out)
{
    unsigned long kernel = -(pt_span(pgtable_levels - 1) * 256);
    struct mappings m = {.pfn = pfn, .out = out};
    struct task_struct *task;
    pid_t pid = 0;

    m.n = what_print_mappings(master_table, kernel, -PAGE_SIZE, pfn, "kernel, ",
                              MAPPINGS_MAX, out);
    m.known = what_find_places(pfn, m.places, MAPPINGS_MAX);

    while ((task = task_next_get(pid))) {
        struct mm_struct *mm = NULL;
        char whose[40];

        pid = task->pid;
        if (task->tgid == task->pid)
            mm = task_get_mm(task);
        if (mm) {
            scnprintf(whose, sizeof(whose), "%s[%d], ", task->comm, pid);
            print_mappings_of(&m, mm, whose);
            mm_put(mm);
        }
        put_task(task);
    }
    if (m.known > MAPPINGS_MAX) /* those that nobody noted */
        m.n += m.known - MAPPINGS_MAX;
    if (m.n > MAPPINGS_MAX)
        printer_printf(out, "and %zu more\n", m.n - MAPPINGS_MAX);
}

static void answer_walk(struct mm_struct *mm, unsigned long va,
                        struct printer *out)
{
    what_print_walk(mm->root, va, out);
}

static void answer_what(struct mm_struct *mm, unsigned long va,
                        struct printer *out)
{
    pfn_t pfn = what_print(mm, va, out);

    if (pfn != WHAT_NO_FRAME)
        print_all_mappings(pfn, out);
}

static void answer_move(struct mm_struct *mm, unsigned long va,
                        struct printer *out)
{
    struct page *page;
    pfn_t from, to;
    int err;
    long n;

    down_read(&mm->mmap_lock);
    n = get_user_pages(mm, va, 1, 0, &page);
    up_read(&mm->mmap_lock);
    if (n != 1) {
        printer_puts(out, "no page can be had there\n");
        return;
    }
    from = page_to_pfn(page);
    err = migrate_away(page, &to);
    if (!err)
        printer_printf(out, "moved      from frame %#lx to %#lx\n", from, to);
    else
        printer_printf(out, "stays      in frame %#lx: %s\n", from,
                       err == -ENOMEM
                           ? "no memory for another"
                           : "of a kind that cannot move, held, or busy");
    put_page(page);
}

static int ask_physical(const char *text, struct printer *out)
{
    phys_addr_t phys;

    if (!parse_u64(text, &text, &phys) || *text)
        return -EINVAL;
    printer_printf(out, "address    %pa\nclass      physical\n", &phys);
    what_print_frame(PFN_DOWN(phys), out);
    print_all_mappings(PFN_DOWN(phys), out);
    return 0;
}

/* "[PID] ADDRESS" */
static int ask_virtual(const char *text, struct printer *out,
                       void (*answer)(struct mm_struct *mm, unsigned long va,
                                      struct printer *out))
{
    struct task_struct *task;
    struct mm_struct *mm;
    u64 pid, va;

    if (!parse_u64(text, &text, &va))
        return -EINVAL;
    if (!*text) {
        answer(current->mm, va, out);
        return 0;
    }
    pid = va;
    if (*text != ' ' || !parse_u64(text + 1, &text, &va) || *text)
        return -EINVAL;
    task = task_find_get((pid_t)pid);
    if (!task)
        return -ESRCH;
    mm = task_get_mm(task);
    put_task(task);
    if (!mm)
        return -ESRCH;
    answer(mm, va, out);
    mm_put(mm);
    return 0;
}

static int ask(char *line, struct printer *out)
{
    if (!strncmp(line, "walk ", 5))
        return ask_virtual(line + 5, out, answer_walk);
    if (!strncmp(line, "what phys:", 10))
        return ask_physical(line + 10, out);
    if (!strncmp(line, "what ", 5))
        return ask_virtual(line + 5, out, answer_what);
    if (!strncmp(line, "move ", 5))
        return ask_virtual(line + 5, out, answer_move);
    return -EINVAL;
}

static const struct query_ops walk_query = {.text_max = 4096 - 128, .ask = ask};

void proc_walk_init(void)
{
    if (!query_create(proc_root, "pagewalk", 0600, &walk_query))
        pr_err("proc: no memory for /proc/pagewalk");
}
