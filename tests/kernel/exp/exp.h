/*
 * tests/kernel/exp/exp.h - experiments: a question about memory mapping, and
 * the kernel looking for the answer in itself.
 *
 *     static void run(struct exp *e)
 *     {
 *         ...
 *         exp_obs(e, "pte_before=%s pte_after=%s", before, after);
 *         exp_check(e, mapped, "the page is not mapped after the call");
 *         exp_answer(e, "at the call");
 *     }
 *     EXPERIMENT(ioremap_when) = {
 *         .id = "0.1", .question = "...", .claim = "...",
 *         .broken = "what the broken variant does wrongly", .run = run,
 *     };
 *
 * The broken variant (e->broken) does the operation wrongly in the
 * experiment's own code, and its checks must notice: that is how we know that
 * they can.  Nothing of this is on a path of the kernel proper.
 *
 * /proc/exp      read: a line per experiment, "ID TAB kinds TAB question";
 *                write "run ID [--broken]", then read: the report;
 *                write "do NAME ARGS": a helper of a ring-3 experiment.
 * Locking        one runs at a time (a mutex).
 */
#pragma once

#include <kernel/lib/printer.h>
#include <mm/pgtable.h>

struct exp {
    struct printer *out;
    bool broken;         /* do it wrongly */
    bool failed;         /* a check did not hold */
    const char *skipped; /* why this machine cannot show it, or NULL */
    char answer[96];     /* of the first failed check, or exp_answer */
};

struct experiment {
    const char *id;
    const char *question;
    const char *claim;
    const char *broken; /* what --broken does; NULL: no such variant */
    void (*run)(struct exp *e);
};

#define EXPERIMENT(name)                                                       \
    static const struct experiment exp_##name;                                 \
    static const struct experiment *const exp_ptr_##name __section(            \
        ".experiments") = &exp_##name;                                         \
    static const struct experiment exp_##name

/* One "OBS key=value ..." line. */
void exp_obs(struct exp *e, const char *fmt, ...) __printf(2, 3);
/* What must hold; the first that does not is the verdict.  Gives back `ok`. */
bool exp_check(struct exp *e, bool ok, const char *why, ...) __printf(3, 4);
/* The answer in words, printed with the verdict if every check held. */
void exp_answer(struct exp *e, const char *fmt, ...) __printf(2, 3);
void exp_skip(struct exp *e, const char *why);

/*
 * What a ring-3 experiment asks the kernel to do for it.  `args` is the text
 * after the name; the answer goes to out.  0 or -errno.
 */
struct exp_helper {
    const char *name;
    int (*fn)(const char *args, struct printer *out);
};

#define EXP_HELPER(name_, fn_)                                                 \
    static const struct exp_helper exp_helper_##name_ = {#name_, fn_};         \
    static const struct exp_helper *const exp_helper_ptr_##name_ __section(    \
        ".exp_helpers") = &exp_helper_##name_

/* "none", or the entry in words: "present pfn=0xfea00 W U NX UC G". */
struct pt_walk;
const char *exp_entry_words(const struct pt_walk *walk, char *buf, size_t size);
/* The walk of a kernel address through the table that CR3 points to. */
void exp_walk(const volatile void *va, struct pt_walk *walk);

/* 1.15 with pti=on: what ring 3's table of this pair shows of the kernel. */
void exp_hidden(struct exp *e, pte_t *root);

void exp_init(void); /* makes /proc/exp; after procfs */
