/*
 * kernel/uapi/rtc.h - struct rtc_time and the clock's ioctls.
 */
#pragma once

#include <linux/rtc.h>
