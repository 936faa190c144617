/*
 * kernel/lib/types.h - the words every file speaks: integers, alignment,
 * containers, and the annotations that keep the kinds of address apart.
 *
 * Pure; also compiled for the host.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#ifdef PAGEWALK_KERNEL
typedef s64 ssize_t;
typedef s64 loff_t; /* a position in a file, bytes */
typedef s32 pid_t;
typedef u32 uid_t;
typedef u32 gid_t;
typedef u32 mode_t;
typedef u64 dev_t; /* Linux's user-visible encoding, see fs.h MKDEV */
typedef u64 ino_t;
#else
#include <sys/types.h>
#endif

/* The five kinds of address (DESIGN: address types are C types). */
typedef u64 phys_addr_t; /* what the CPU puts on the bus */
typedef u64 dma_addr_t;  /* what a device must use for it */

#ifdef __CHECKER__ /* sparse keeps these from mixing with plain pointers */
#define __user __attribute__((noderef, address_space(1)))
#define __iomem __attribute__((noderef, address_space(2)))
#define __force __attribute__((force))
#else
#define __user
#define __iomem
#define __force
#endif

#define __must_check __attribute__((warn_unused_result))
#define __packed __attribute__((packed))
#define __aligned(n) __attribute__((aligned(n)))
#define __noreturn __attribute__((noreturn))
#define __printf(fmt, args) __attribute__((format(printf, fmt, args)))
#define __maybe_unused __attribute__((unused))
#define __noinline __attribute__((noinline))
#undef __always_inline /* the host's libc has one too */
#define __always_inline inline __attribute__((always_inline))
#define __section(name) __attribute__((section(name), used))
#define __init __attribute__((section(".init.text"))) /* freed after boot */
#define __initdata __attribute__((section(".init.data")))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define KIB (1ul << 10)
#define MIB (1ul << 20)
#define GIB (1ul << 30)
#define TIB (1ul << 40)

#define BIT(n) (1ul << (n))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* `to` is a power of two, bytes. */
#define ALIGN_DOWN(x, to) ((x) & ~((__typeof__(x))(to)-1))
#define ALIGN_UP(x, to) ALIGN_DOWN((x) + ((__typeof__(x))(to)-1), to)
#define IS_ALIGNED(x, to) (((x) & ((__typeof__(x))(to)-1)) == 0)
#define DIV_ROUND_UP(n, d) (((n) + (d)-1) / (d))

#define min(a, b)                                                              \
    ({                                                                         \
        __typeof__(a) min_a_ = (a);                                            \
        __typeof__(b) min_b_ = (b);                                            \
        min_a_ < min_b_ ? min_a_ : min_b_;                                     \
    })
#define max(a, b)                                                              \
    ({                                                                         \
        __typeof__(a) max_a_ = (a);                                            \
        __typeof__(b) max_b_ = (b);                                            \
        max_a_ > max_b_ ? max_a_ : max_b_;                                     \
    })

#define container_of(ptr, type, member)                                        \
    ((type *)((char *)(ptr)-offsetof(type, member)))

/* One load or store, not torn, not repeated, not invented by the compiler. */
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#define barrier() __asm__ volatile("" ::: "memory")
