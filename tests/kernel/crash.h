/*
 * tests/kernel/crash.h - the kernel's last words, on request.
 *
 * crash=KIND on the command line does what a bug would do, just before the
 * first program: overflow, null, write-text, exec-data, bug, gp, ud, stuck
 * (interrupts off for ever: the watchdog of another CPU has to notice).
 */
#pragma once

void crash_on_request(void);
