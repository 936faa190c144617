/*
 * kernel/x86/serial.h - COM1 before there are drivers: output only, polled.
 *
 * A machine without the chip is noticed (its registers read 0xff, or do not
 * keep what is written) and stays silent instead of hanging.
 */
#pragma once

#include <kernel/lib/types.h>

bool serial_early_init(void); /* 115200 8N1; whether there is a UART */
void serial_early_write(const char *text, size_t len); /* "\n" -> CR LF */
