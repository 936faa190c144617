/*
 * kernel/x86/segments.h - segment selectors; also read by nasm through
 * build/offsets.inc.
 *
 * The user selectors are Linux's, because ring 3 sees them in signal frames.
 * Their order is what SYSRET wants (SDM 2B, SYSRET: SS is STAR[63:48]+8, CS
 * is STAR[63:48]+16).  There is no 32-bit user code segment and no LDT: ring 3
 * cannot leave 64-bit mode.
 */
#pragma once

#define KERNEL_CS 0x10
#define KERNEL_DS 0x18
#define USER32_CS 0x23 /* descriptor absent; base of SYSRET's pair */
#define USER_DS 0x2b
#define USER_CS 0x33
#define TSS_SELECTOR 0x40        /* two slots */
#define CPU_NUMBER_SELECTOR 0x7b /* its limit is the CPU's number, for LSL */
#define GDT_BYTES 0x80
