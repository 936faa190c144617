/*
 * tests/kernel/said.h - what the log has said since some moment.
 */
#pragma once

#include <kernel/core/printk.h>
#include <kernel/lib/string.h>

/* Whether a line since `seq` has the words and names a test as the caller. */
static inline bool said_since(u64 seq, const char *words)
{
    char line[512];
    size_t n;

    while ((n = log_read(&seq, line, sizeof(line) - 1, false))) {
        line[n] = '\0';
        if (strstr(line, words) && strstr(line, "ktest_"))
            return true;
    }
    return false;
}

/* Runs the statement: it must say the words, once or more. */
#define EXPECT_SAYS(words, statement)                                          \
    do {                                                                       \
        u64 said_from_ = log_next_seq();                                       \
                                                                               \
        statement;                                                             \
        KTEST_EXPECT(said_since(said_from_, words));                           \
    } while (0)
