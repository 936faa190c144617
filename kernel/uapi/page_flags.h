/*
 * kernel/uapi/page_flags.h - bits of /proc/kpageflags.
 */
#pragma once

#include <linux/kernel-page-flags.h>
