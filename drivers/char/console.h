/*
 * drivers/char/console.h - which device is the console.
 *
 * As on Linux every console=NAME[,OPTIONS] word makes the log appear on NAME,
 * and the last one is what /dev/console opens.  Without any, the log goes to
 * the serial port and to the text screen, and /dev/console is the serial port
 * if there is one.
 */
#pragma once

#include <kernel/lib/types.h>

/* Whether the log should appear on NAME ("ttyS0", "tty0"). */
bool console_wanted(const char *name);

/* Whether /dev/console is NAME because the last console= says so. */
bool console_preferred(const char *name);

/* Serial ports as log consoles; needs ports and the command line only. */
void uart_console_init(void);
