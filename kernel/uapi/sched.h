/*
 * kernel/uapi/sched.h - CLONE_* and scheduling policies: Linux's.
 */
#pragma once

#include <kernel/lib/types.h>
#include <linux/sched.h>
