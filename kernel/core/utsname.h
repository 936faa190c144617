/*
 * kernel/core/utsname.h - the names of this system, uname(2).
 */
#pragma once

#include <kernel/lib/types.h>

#include <linux/utsname.h>

/* nodename and domainname change; readers may see a change half done. */
extern struct new_utsname utsname;
