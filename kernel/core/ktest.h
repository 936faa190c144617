/*
 * kernel/core/ktest.h - self-tests inside the booted kernel.
 *
 *     KTEST(vmalloc, guard_page_is_unmapped)
 *     {
 *         char *p = vmalloc(PAGE_SIZE);
 *
 *         KTEST_REQUIRE(p);
 *         KTEST_EXPECT(access_faults(p + PAGE_SIZE));
 *         vfree(p);
 *     }
 *
 * `selftest` or `selftest=GLOB` ("vmalloc.*") on the command line runs them
 * before init, in KTAP on the serial console, and ends the machine with the
 * passed or failed status.  Before and after each test the runner compares
 * the page ledger: a difference is a failure that names the leaked pages.
 */
#pragma once

#include <kernel/lib/types.h>

struct ktest {
    const char *suite;
    const char *name;
    void (*run)(void);
};

#define KTEST(suite_, name_)                                                   \
    static void ktest_##suite_##_##name_(void);                                \
    static const struct ktest ktest_entry_##suite_##_##name_ __section(        \
        ".ktests") __aligned(8) = {#suite_, #name_, ktest_##suite_##_##name_}; \
    static void ktest_##suite_##_##name_(void)

/* Notes the failure and goes on; gives back whether it held. */
bool ktest_check(bool ok, const char *file, int line, const char *what);
void ktest_skip(const char *why); /* the current test, then return from it */
void ktest_note(const char *fmt, ...) __printf(1, 2); /* "# ..." line */

#define KTEST_EXPECT(cond) ktest_check(!!(cond), __FILE__, __LINE__, #cond)
#define KTEST_REQUIRE(cond)                                                    \
    do {                                                                       \
        if (!KTEST_EXPECT(cond))                                               \
            return;                                                            \
    } while (0)

/* Runs what `glob` selects ("" is all, "vm*,page" two patterns).  Returns the
 * number of failures. */
int ktest_run(const char *glob);

/* Random numbers that seed= on the command line repeats. */
u64 ktest_random(void);
