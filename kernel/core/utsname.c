/*
 * kernel/core/utsname.c - the names of this system.
 */
#include <kernel/core/utsname.h>

struct new_utsname utsname = {
    .sysname = "Linux",
    .nodename = "pagewalk",
    .release = "6.1.0-pagewalk",
    .version = "#1 SMP " __DATE__,
    .machine = "x86_64",
    .domainname = "(none)",
};
