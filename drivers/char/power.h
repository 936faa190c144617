/*
 * drivers/char/power.h - leaving the machine, with a verdict under test.
 */
#pragma once

#include <kernel/lib/types.h>

/* What QEMU's isa-debug-exit is told; QEMU's status is 2 * value + 1. */
#define POWER_TEST_PASSED 0x10 /* 33 */
#define POWER_TEST_FAILED 0x11 /* 35 */
#define POWER_TEST_PANIC 0x12  /* 37 */

void power_init(void); /* needs the ACPI tables; before init starts */

/* Ends the machine with this verdict; without isa-debug-exit by switching it
 * off.  Context: any. */
void power_test_exit(int value) __noreturn;
