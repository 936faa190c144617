/*
 * kernel/x86/percpu.h - variables of which each CPU has its own copy, by GS.
 *
 * The instructions only; kernel/core/percpu.h has the theory and the
 * variables that every layer shares.
 */
#pragma once

#include <kernel/lib/types.h>

#define DEFINE_PER_CPU(type, name) __section(".data.percpu") type name
#define DECLARE_PER_CPU(type, name) extern type name

/* Scalars of 1, 2, 4 or 8 bytes: one %gs: instruction. */
#define this_cpu_read(var)                                                     \
    ({                                                                         \
        __typeof__(var) this_cpu_v_;                                           \
        __asm__ volatile("mov %%gs:%1, %0" : "=r"(this_cpu_v_) : "m"(var));    \
        this_cpu_v_;                                                           \
    })
#define this_cpu_write(var, val)                                               \
    __asm__ volatile("mov %1, %%gs:%0"                                         \
                     : "=m"(var)                                               \
                     : "r"((__typeof__(var))(val)))
#define this_cpu_add_sized_(suffix, var, val)                                  \
    __asm__ volatile("add" suffix " %1, %%gs:%0"                               \
                     : "+m"(var)                                               \
                     : "er"((__typeof__(var))(val))                            \
                     : "cc")
#define this_cpu_add(var, val)                                                 \
    do {                                                                       \
        _Static_assert(sizeof(var) == 4 || sizeof(var) == 8, "u32 or u64");    \
        if (sizeof(var) == 4)                                                  \
            this_cpu_add_sized_("l", var, val);                                \
        else                                                                   \
            this_cpu_add_sized_("q", var, val);                                \
    } while (0)
#define this_cpu_inc(var) this_cpu_add(var, 1)
#define this_cpu_dec(var) this_cpu_add(var, -1)

/* Distance from the image's copy to this CPU's: what GS.base holds. */
DECLARE_PER_CPU(u64, percpu_offset);
DECLARE_PER_CPU(u32, cpu_number); /* 0 is the boot CPU */
