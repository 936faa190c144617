/*
 * tests/host/mm_shim.h - what kernel files of mm/ call and the host lacks.
 * Included by exactly one file of a test.
 */
#pragma once

#include "shim.h"
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/x86/cpu.h>
#include <mm/page.h>
#include <mm/pgtable.h>

u64 cpu_feature_bits = ~0ull;
unsigned long page_offset, vmemmap_base;

void panic(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    abort();
}

void printk(enum log_level level, const char *fmt, ...)
{
}

void warn_at(const char *file, int line, const char *what)
{
    panic("%s:%d: %s", file, line, what);
}
