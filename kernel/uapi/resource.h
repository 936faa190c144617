/*
 * kernel/uapi/resource.h - limits and usage of a process, as ring 3 has them.
 */
#pragma once

#include <kernel/lib/types.h>
#include <linux/resource.h>
