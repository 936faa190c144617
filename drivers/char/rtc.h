/*
 * drivers/char/rtc.h - the battery-backed clock.
 */
#pragma once

/* Starts the wall clock (ktime_set_real).  A machine without the chip starts
 * in 1970. */
void rtc_init(void);
