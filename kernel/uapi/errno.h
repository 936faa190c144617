/*
 * kernel/uapi/errno.h - errno values, and the ones that never reach ring 3.
 */
#pragma once

#include <asm/errno.h>

/* An interrupted call: what the signal code makes of it depends on the
 * handler's SA_RESTART. */
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513
#define ERESTARTNOHAND 514
#define ERESTART_RESTARTBLOCK 516
#define ENOIOCTLCMD 515
